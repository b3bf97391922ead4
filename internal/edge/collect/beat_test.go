package collect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// fake is a collector that does what its function says.
type fake struct {
	name string
	do   func(ctx context.Context, b *Beat) error
}

func (f fake) Name() string                               { return f.name }
func (f fake) Collect(ctx context.Context, b *Beat) error { return f.do(ctx, b) }

// every emits a service fact under its name at each call.
func ticks(name string) fake {
	return fake{name, func(_ context.Context, b *Beat) error {
		b.Emit(evidence.ServiceUse{Service: name})
		return nil
	}}
}

// shelf is a sink that can be told to fail.
type shelf struct {
	mu      sync.Mutex
	records []evidence.Record
	commits []time.Time
	err     error
	slow    time.Duration
}

func (s *shelf) Append(r []evidence.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r...)
	return nil
}

func (s *shelf) Commit(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(s.slow)
	s.commits = append(s.commits, now)
	return s.err
}

func count[T evidence.Fact](rs []evidence.Record, ok func(T) bool) (n int) {
	for _, r := range rs {
		if f, is := r.Fact.(T); is && (ok == nil || ok(f)) {
			n++
		}
	}
	return n
}

func of(name string) func(evidence.ServiceUse) bool {
	return func(f evidence.ServiceUse) bool { return f.Service == name }
}

// runFor keeps the beat for d of the bubble's time.
func runFor(t *testing.T, d time.Duration, sink Sink, opt Options, cs ...Timed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := Run(ctx, cs, sink, opt); err != nil {
		t.Fatalf("the run ended with %v", err)
	}
}

func TestEachCollectorKeepsItsCadence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		runFor(t, 120*time.Second+500*time.Millisecond, &s, Options{},
			Timed{Collector: ticks("1"), Every: time.Second},
			Timed{Collector: ticks("5"), Every: 5 * time.Second},
			Timed{Collector: ticks("60"), Every: time.Minute})
		for name, want := range map[string]int{"1": 121, "5": 25, "60": 3} {
			if got := count(s.records, of(name)); got != want {
				t.Errorf("collector %s: got %d calls, want %d", name, got, want)
			}
		}
		if got := count[evidence.SelfCost](s.records, nil); got != 12 {
			t.Errorf("got %d facts about the recorder's own cost, want 12", got)
		}
		if got := len(s.commits); got != 31 {
			t.Errorf("got %d commits, want 30 and the last one", got)
		}
	})
}

func TestASlowCollectorHoldsNobodyUpAndNeverRunsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		var inside, most atomic.Int32
		slow := fake{"slow", func(_ context.Context, b *Beat) error {
			most.Store(max(most.Load(), inside.Add(1)))
			defer inside.Add(-1)
			time.Sleep(3500 * time.Millisecond)
			b.Emit(evidence.ServiceUse{Service: "slow"})
			return nil
		}}
		runFor(t, 20*time.Second+500*time.Millisecond, &s, Options{},
			Timed{Collector: slow, Every: time.Second}, Timed{Collector: ticks("1"), Every: time.Second})
		if got := count(s.records, of("1")); got != 21 {
			t.Errorf("beside a slow collector: got %d calls of the other, want 21", got)
		}
		if got := count(s.records, of("slow")); got < 4 || got > 6 || most.Load() != 1 {
			t.Errorf("slow collector: got %d results, %d at once; want about 5, 1", got, most.Load())
		}
	})
}

func TestACollectorIsCalledWithinItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		hang := fake{"hang", func(ctx context.Context, _ *Beat) error {
			<-ctx.Done()
			return fmt.Errorf("read it: %w", ctx.Err())
		}}
		runFor(t, 9500*time.Millisecond, &s, Options{}, Timed{Collector: hang, Every: time.Second, Timeout: 300 * time.Millisecond})
		if got := count(s.records, func(f evidence.Unseen) bool { return f.Code == "timeout" }); got != 1 {
			t.Errorf("got %d facts about the time-out, want 1", got)
		}
	})
}

func TestWhatCannotBeReadIsNotedOnChangeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		n := 0
		c := fake{"db", func(context.Context, *Beat) error {
			switch n++; {
			case n <= 3:
				return hint.Wrap(fmt.Errorf("connect: %w", evidence.ErrAbsent), "access-denied", "GRANT PROCESS")
			case n <= 6:
				return fmt.Errorf("connect: %w", evidence.ErrAbsent)
			case n == 8:
				panic("boom")
			}
			return nil
		}}
		runFor(t, 9500*time.Millisecond, &s, Options{}, Timed{Collector: c, Every: time.Second}, Timed{Collector: ticks("1"), Every: time.Second})
		var got []string
		for _, r := range s.records {
			if u, ok := r.Fact.(evidence.Unseen); ok {
				got = append(got, fmt.Sprintf("%s seen=%t hint=%t", u.Code, u.Seen, u.Hint != ""))
			}
		}
		want := []string{"access-denied seen=false hint=true", "access-denied seen=true hint=false", "absent seen=false hint=false",
			"absent seen=true hint=false", "collector-failed seen=false hint=true", "collector-failed seen=true hint=false"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if n := count(s.records, of("1")); n != 10 {
			t.Errorf("beside a collector that panics: got %d calls of the other, want 10", n)
		}
	})
}

func TestTheEndOfARunSaysNothingAboutSources(t *testing.T) {
	for name, ends := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(5*time.Second, cancel)
			return ctx, cancel
		},
		"time is up": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var s shelf
			waits := fake{"waits", func(ctx context.Context, _ *Beat) error { <-ctx.Done(); return ctx.Err() }}
			ctx, cancel := ends(t.Context())
			defer cancel()
			if err := Run(ctx, []Timed{{Collector: waits, Every: time.Second, Timeout: time.Minute}}, &s, Options{}); err != nil {
				t.Fatal(err)
			}
			if got := count[evidence.Unseen](s.records, nil); got != 0 {
				t.Errorf("%s: got %d facts about what cannot be read, want none", name, got)
			}
		})
	}
}

func TestASetClockIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		start := time.Now()
		clock := func() (time.Time, time.Duration) {
			passed := time.Since(start)
			wall := start.Add(passed)
			if passed > 5*time.Second {
				wall = wall.Add(-time.Hour)
			}
			return wall.Round(0), passed
		}
		runFor(t, 9500*time.Millisecond, &s, Options{Clock: clock}, Timed{Collector: ticks("1"), Every: time.Second})
		if n := count(s.records, func(c evidence.ClockStep) bool { return c.StepMs == -3600_000 }); n != 1 || count[evidence.ClockStep](s.records, nil) != 1 {
			t.Errorf("got %d facts about the clock set back by an hour, want 1", n)
		}
	})
}

func TestTheRateFallsUnderACapAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		start := time.Now()
		host := fake{"host", func(_ context.Context, b *Beat) error {
			h := evidence.Host{OverMs: 1000, CPUs: 2}
			if d := b.Now.Sub(start); d >= 20*time.Second && d < 60*time.Second {
				h.StealMs = 1800
			}
			b.Emit(h)
			return nil
		}}
		runFor(t, 200*time.Second+500*time.Millisecond, &s, Options{},
			Timed{Collector: host, Every: time.Second, Steady: true}, Timed{Collector: ticks("processes"), Every: time.Second})
		in := func(from, to int) (n int) {
			for _, r := range s.records {
				d := r.At.Sub(start)
				if r.Source == "processes" && d >= time.Duration(from)*time.Second && d < time.Duration(to)*time.Second {
					n++
				}
			}
			return n
		}
		if a, b, c := in(0, 20), in(30, 110), in(140, 200); a != 20 || b != 16 || c != 60 {
			t.Errorf("calls before, under and after the cap: got %d, %d, %d; want 20, 16, 60", a, b, c)
		}
		if got := count[evidence.Host](s.records, nil); got != 201 {
			t.Errorf("steady collector: got %d calls, want 201", got)
		}
		if got := count(s.records, func(f evidence.SelfCost) bool { return f.IntervalMs == 5000 }); got == 0 {
			t.Error("the slower beat is not in the recorder's own facts")
		}
	})
}

func TestASinkThatFailsIsToldOnceAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shelf{err: hint.Wrap(errors.New("disk full"), "disk-full", "df -h")}
		time.AfterFunc(30*time.Second, func() { s.mu.Lock(); s.err = nil; s.mu.Unlock() })
		var warned []error
		runFor(t, 59500*time.Millisecond, &s, Options{Warn: func(err error) { warned = append(warned, err) }}, Timed{Collector: ticks("1"), Every: time.Second})
		if len(warned) != 2 || warned[0] == nil || warned[1] != nil {
			t.Errorf("got warnings %v, want the error and then nil", warned)
		}
		down := count(s.records, func(f evidence.Unseen) bool { return f.Source == "tape" && f.Code == "disk-full" && !f.Seen })
		up := count(s.records, func(f evidence.Unseen) bool { return f.Source == "tape" && f.Code == "disk-full" && f.Seen })
		if down != 1 || up != 1 {
			t.Errorf("got %d facts that the tape fails, %d that it works again; want 1, 1", down, up)
		}
	})
}

func TestASlowDiskDoesNotStopTheBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slowShelf{slow: 2500 * time.Millisecond}
		runFor(t, 30*time.Second+500*time.Millisecond, &s, Options{}, Timed{Collector: ticks("1"), Every: time.Second})
		if got := count(s.records, of("1")); got != 31 {
			t.Errorf("got %d calls beside slow commits, want 31", got)
		}
	})
}

// slowShelf takes records while it commits.
type slowShelf struct {
	memory
	slow time.Duration
}

func (s *slowShelf) Commit(time.Time) error { time.Sleep(s.slow); return nil }

func TestSampleReturnsWhatOneBeatAfterTheOtherSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := Sample(t.Context(), []Timed{{Collector: ticks("1"), Every: time.Second}}, 19500*time.Millisecond, Options{})
		if n := count(got, of("1")); err != nil || n != 20 {
			t.Errorf("got %d facts, err %v; want 20", n, err)
		}
	})
}
