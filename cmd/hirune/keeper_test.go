package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/edge/firewall"
)

// shelf is a book in memory: files and their locks wait for the real clock.
type shelf struct {
	mu      sync.Mutex
	entries []block.Entry
}

func (s *shelf) Read() ([]block.Entry, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries), 0, nil
}

func (s *shelf) Append(_ time.Time, entries ...block.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, entries...)
	return nil
}

// wall is a layer that can be torn down, and that may refuse.
type wall struct {
	mu    sync.Mutex
	holds []block.Piece
	asked int
	err   error
}

func (*wall) Name() string { return block.LayerFirewall }

func (w *wall) Apply(_ context.Context, cover []block.Piece, _ time.Time) (firewall.Healed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.err != nil {
		return firewall.Healed{}, w.err
	}
	h := firewall.Healed{Added: max(len(cover)-len(w.holds), 0), Removed: max(len(w.holds)-len(cover), 0)}
	w.holds = cover
	return h, nil
}

func (*wall) Check(context.Context, []block.Piece, time.Time) (firewall.Gap, error) {
	return firewall.Gap{}, nil
}

// keeping runs a Keeper until the test's bubble ends it.
func keeping(t *testing.T, s *shelf, w *wall, web ...bool) (said *[]string) {
	said = &[]string{}
	k := Keeper{Book: s, Now: time.Now, Say: func(text string) { *said = append(*said, text) },
		Fail: func(err error) {
			if err == nil {
				*said = append(*said, "again")
			} else {
				*said = append(*said, err.Error())
			}
		},
		Hands: func() firewall.Hands {
			return firewall.Hands{Book: s, Layer: w, Now: time.Now, Protected: func(context.Context) ([]block.Protected, error) { return nil, nil }}
		}}
	k.Web = len(web) > 0
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { k.Run(ctx) })
	t.Cleanup(func() { cancel(); ended.Wait() })
	return said
}

func aBan(length time.Duration) block.Entry {
	now := time.Now()
	return block.Entry{At: now, Event: block.Banned, Ban: &block.Ban{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Layer: block.LayerFirewall, Since: now, Until: now.Add(length)}}
}

func TestTheKeeperHealsWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := &shelf{}, &wall{}
		said := keeping(t, s, w)
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(5 * time.Minute)
		if w.asked != 0 {
			t.Fatalf("a server where nobody is banned was touched %d times", w.asked)
		}
		_ = s.Append(time.Now(), aBan(10*time.Minute))
		pass(keepEvery + time.Second)
		if len(w.holds) != 1 || !slices.Equal(*said, []string{"1 put in"}) {
			t.Fatalf("holds %v, said %v", w.holds, *said)
		}
		w.holds = nil // a flush
		pass(time.Minute)
		if len(w.holds) != 1 || len(*said) != 2 {
			t.Errorf("a minute after a flush: holds %v, said %v", w.holds, *said)
		}
		pass(9 * time.Minute) // it ends
		entries, _, _ := s.Read()
		if len(w.holds) != 0 || entries[len(entries)-1].Event != block.Expired {
			t.Errorf("after its end: holds %v, book %+v", w.holds, entries)
		}
		asked, lines := w.asked, len(entries)
		pass(5 * time.Minute)
		entries, _, _ = s.Read()
		if w.asked != asked || len(entries) != lines {
			t.Errorf("it goes on: asked %d more times, %d more lines", w.asked-asked, len(entries)-lines)
		}
	})
}

func TestTheKeeperTellsAFailureOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := &shelf{}, &wall{err: errors.New("no nf_tables")}
		_ = s.Append(time.Now(), aBan(time.Hour))
		said := keeping(t, s, w)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		w.mu.Lock()
		w.err = nil
		w.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"keep the bans in force: no nf_tables", "1 put in", "again"}; !slices.Equal(*said, want) {
			t.Errorf("said %q, want %q", *said, want)
		}
	})
}

// A web server that is too slow to prove a list is not reloaded over and over.
func TestTheKeeperLeavesAWebServerAloneAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := &shelf{}, &wall{err: errors.New("the page takes too long")}
		_ = s.Append(time.Now(), aBan(time.Hour))
		said := keeping(t, s, w, true)
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(keepWebRest - time.Minute)
		if w.asked != 1 {
			t.Errorf("it was tried %d times within nine minutes", w.asked)
		}
		w.mu.Lock()
		w.err = nil
		w.mu.Unlock()
		pass(2 * time.Minute)
		if len(w.holds) != 1 || len(*said) != 3 {
			t.Errorf("after the pause: holds %v, said %q", w.holds, *said)
		}
	})
}
