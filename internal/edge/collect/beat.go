package collect

import (
	"context"
	"errors"
	"time"

	"hirune/internal/core/evidence"
)

// Sink receives what was seen. tape.Writer is one.
type Sink interface {
	// Append takes records over without waiting for a disk.
	Append(records []evidence.Record) error
	// Commit makes them last; it may wait. After an error the next call tries again.
	Commit(now time.Time) error
}

// Blinder is a collector that says what cannot be judged without it.
type Blinder interface {
	// Blinds is a clause in English, e.g. "what the database runs".
	Blinds() string
}

// Clock tells the time twice: the wall clock, which may be set, and the time
// that has passed since some moment, which cannot.
type Clock func() (wall time.Time, passed time.Duration)

// Options are the choices of a run. The zero value is usable.
type Options struct {
	Interval time.Duration // of the beat; 0: one second
	Commit   time.Duration // between commits; 0: four seconds
	Version  string        // of hirune, noted with the recorder's own cost
	Clock    Clock         // nil: the system's
	// Capped reports whether a beat's records say that the machine's CPU is
	// capped; nil: CPUCapped.
	Capped func([]evidence.Record) bool
	// Warn is told when the sink fails, and with nil when it works again; nil: nobody is.
	Warn func(error)
}

const (
	// patience is how long the others wait for a slow collector, as a part of
	// the interval. It then goes on by itself and the beat without it.
	patience = 5
	// partingTime is how long the end of a run waits for calls under way.
	partingTime = 3 * time.Second
	// selfEvery is the cadence of SelfCost.
	selfEvery = 10 * time.Second
	// stepFrom is the smallest change of the wall clock that is noted; clock
	// discipline stays far below it.
	stepFrom = 500 * time.Millisecond
)

func (o Options) filled() Options {
	if o.Interval <= 0 {
		o.Interval = time.Second
	}
	if o.Commit <= 0 {
		o.Commit = 4 * time.Second
	}
	if o.Clock == nil {
		start := time.Now()
		o.Clock = func() (time.Time, time.Duration) {
			now := time.Now()
			return now.Round(0), now.Sub(start)
		}
	}
	if o.Capped == nil {
		o.Capped = CPUCapped
	}
	return o
}

// Run keeps the beat until ctx ends and returns nil then, after the last commit.
// Its error is that of the last commit. Collectors run one after the other on
// one goroutine; one that overruns goes on alone and is left out until it is
// back, so that a collector never runs twice at once.
func Run(ctx context.Context, collectors []Timed, sink Sink, opt Options) error {
	// However the run ends, its collectors see a cancellation: a deadline that
	// passes is a source that is too slow.
	within, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	ctx = within
	r := newRunner(collectors, sink, opt.filled())
	tick := time.NewTicker(r.opt.Interval)
	defer tick.Stop()
	for {
		r.beat(ctx)
		select {
		case <-ctx.Done():
			return r.stop()
		case <-tick.C:
		}
	}
}

// runner is the state of a run; only the goroutine of Run touches it.
type runner struct {
	opt    Options
	sink   Sink
	slots  []*slot
	tape   *slot // the commit is a slow call like any other
	hands  *worker
	back   chan report // from calls that overran
	away   int         // how many of those are under way
	pace   pace
	self   selfCost
	clock  clockWatch
	failed bool // the sink, the last time
	err    error
}

// slot is one collector with what the beat knows of it.
type slot struct {
	Timed
	due  time.Duration
	busy bool
	code string // why it cannot be read; empty if it can
}

// call is one thing to do; report is what came of it.
type call struct {
	slot *slot
	do   func() ([]evidence.Record, error)
}

type report struct {
	slot    *slot
	at      time.Time
	records []evidence.Record
	err     error
}

func newRunner(collectors []Timed, sink Sink, opt Options) *runner {
	r := &runner{opt: opt, sink: sink, tape: &slot{}, back: make(chan report, len(collectors)+1), self: newSelfCost()}
	for _, c := range collectors {
		r.slots = append(r.slots, &slot{Timed: c})
	}
	_, passed := opt.Clock()
	r.tape.due = passed + opt.Commit
	r.self.due = passed + selfEvery
	return r
}

// beat asks all collectors that are due.
func (r *runner) beat(ctx context.Context) {
	wall, passed := r.opt.Clock()
	var records []evidence.Record
	if step := r.clock.step(wall, passed); step != 0 {
		records = append(records, evidence.Record{At: wall, Source: "clock", Fact: evidence.ClockStep{StepMs: step.Milliseconds()}})
	}
	late := r.pace.late(passed, r.opt.Interval)
	for _, s := range r.slots {
		if ctx.Err() != nil {
			break
		}
		if s.busy || passed+r.early() < s.due {
			continue
		}
		s.due = nextDue(s.due, passed, r.every(s))
		records = append(records, r.ask(ctx, s, wall)...)
	}
	records = append(records, r.returned(wall)...)
	r.pace.judge(passed, late, r.opt.Interval, r.opt.Capped(records))
	if rec, ok := r.self.fact(wall, passed, r.opt, r.pace); ok {
		records = append(records, rec)
		r.pace.maxLate = 0
	}
	r.keep(wall, passed, records)
}

// every is the cadence of a collector at the present pace.
func (r *runner) every(s *slot) time.Duration {
	if s.Steady {
		return s.Every
	}
	return s.Every * time.Duration(r.pace.factor())
}

// nextDue keeps to the grid that the first call began, so that a cadence does
// not drift; what was missed is not made up for.
func nextDue(due, passed, every time.Duration) time.Duration {
	if every <= 0 {
		return passed
	}
	next := due + every
	if next+every/10 <= passed {
		next = passed - (passed-due)%every + every
	}
	return next
}

// early is how much before its time a collector may be asked: a beat that
// comes a little early is as good as the next.
func (r *runner) early() time.Duration { return r.opt.Interval / 10 }

// ask lets a collector read its source and returns what it saw, or nothing if
// it takes longer than the others can wait.
func (r *runner) ask(ctx context.Context, s *slot, wall time.Time) []evidence.Record {
	rep, done := r.run(call{s, func() ([]evidence.Record, error) { return collect(ctx, s.Timed, wall) }})
	if !done {
		return nil
	}
	rep.at = wall
	return append(rep.records, s.turned(rep)...)
}

// run does a call on the worker, and parts from the worker if that is too slow.
func (r *runner) run(c call) (report, bool) {
	if r.hands == nil {
		r.hands = newWorker()
	}
	r.hands.calls <- c
	wait := time.NewTimer(r.opt.Interval / patience)
	defer wait.Stop()
	select {
	case rep := <-r.hands.done:
		return rep, true
	case <-wait.C:
		c.slot.busy = true
		r.away++
		go r.hands.seeOff(r.back)
		r.hands = nil
		return report{}, false
	}
}

// returned takes in what slow calls have brought meanwhile.
func (r *runner) returned(wall time.Time) []evidence.Record {
	var out []evidence.Record
	for r.away > 0 {
		select {
		case rep := <-r.back:
			out = append(out, r.takeIn(rep, wall)...)
		default:
			return out
		}
	}
	return out
}

func (r *runner) takeIn(rep report, wall time.Time) []evidence.Record {
	r.away--
	rep.slot.busy = false
	if rep.slot == r.tape {
		r.sinkSaid(rep.err)
		return nil
	}
	rep.at = wall
	return append(rep.records, rep.slot.turned(rep)...)
}

// keep hands the records to the sink and commits when it is time to.
func (r *runner) keep(wall time.Time, passed time.Duration, records []evidence.Record) {
	if len(records) > 0 {
		if err := r.sink.Append(records); err != nil {
			r.sinkSaid(err)
		}
	}
	if r.tape.busy || passed+r.early() < r.tape.due {
		return
	}
	r.tape.due = passed + r.opt.Commit
	if rep, done := r.run(call{r.tape, func() ([]evidence.Record, error) { return nil, r.sink.Commit(wall) }}); done {
		r.sinkSaid(rep.err)
	}
}

// sinkSaid notes that the sink began to fail or works again: on the sink
// itself, for later, and to the user now.
func (r *runner) sinkSaid(err error) {
	r.err = err
	if (err != nil) == r.failed {
		return
	}
	r.failed = err != nil
	if r.opt.Warn != nil {
		r.opt.Warn(err)
	}
	wall, _ := r.opt.Clock()
	f := unseen("tape", "the time that could not be written", err)
	if err == nil {
		f = evidence.Unseen{Source: "tape", Code: r.tape.code, What: "the time that could not be written", Seen: true}
	}
	r.tape.code = f.Code
	if aerr := r.sink.Append([]evidence.Record{{At: wall, Source: "tape", Fact: f}}); aerr != nil {
		r.err = errors.Join(err, aerr)
	}
}

// stop waits for what is under way, within bounds, and commits for the last time.
func (r *runner) stop() error {
	end := time.NewTimer(partingTime)
	defer end.Stop()
	wall, _ := r.opt.Clock()
	for r.away > 0 {
		select {
		case rep := <-r.back:
			if err := r.sink.Append(r.takeIn(rep, wall)); err != nil {
				r.sinkSaid(err)
			}
			continue
		case <-end.C:
		}
		break
	}
	if r.hands != nil {
		close(r.hands.calls)
		<-r.hands.ended
	}
	if r.tape.busy {
		return errors.Join(r.err, errors.New("the last commit has not come back"))
	}
	return r.sink.Commit(wall)
}
