package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/recording"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/survey"
)

// own are the sessions that carry the plan out, by what the server calls them.
type own struct {
	mu    sync.Mutex
	hands []*mysql.Hand
}

func (o *own) add(h *mysql.Hand) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hands = append(o.hands, h)
}

// ids of all that were opened. One that is closed is nobody's any more.
func (o *own) ids() []uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]uint64, len(o.hands))
	for i, h := range o.hands {
		out[i] = h.ID()
	}
	return out
}

func (o *own) has(id uint64) bool { return slices.Contains(o.ids(), id) }

// strain is a collector of what our work does to others in the database: who
// waits for us, what InnoDB has left to purge, how far replicas on this host are behind.
type strain struct {
	hand     *mysql.Hand
	replicas []*mysql.Hand
	own      *own
	behind   atomic.Int64 // ns
}

var _ collect.Collector = (*strain)(nil)

// strainOn opens a connection of its own to the server of a schema, and one to
// each other server of this host that replicates from it.
func (h *hands) strainOn(ctx context.Context, schema string) (*strain, error) {
	t, err := h.target(schema)
	if err != nil {
		return nil, err
	}
	hand, err := mysql.OpenHand(ctx, t, h.accounts, survey.AnswerLimit, survey.SetUp()...)
	if err != nil {
		return nil, err
	}
	s := &strain{hand: hand, own: &h.own}
	for _, d := range h.eyes.found().Databases {
		if d.Instance == t.Instance {
			continue
		}
		other, err := mysql.OpenHand(ctx, mysql.Target{Instance: d.Instance, Flavour: d.Flavour, Socket: d.Socket, Address: d.Address}, h.accounts, survey.AnswerLimit, survey.SetUp()...)
		if err != nil {
			continue // it may be another site's, which is none of our business
		}
		sources, err := survey.Sources(ctx, other)
		if err != nil || !slices.ContainsFunc(sources, func(s survey.Source) bool { return s.On(t.Address) }) {
			_ = other.Close()
			continue
		}
		s.replicas = append(s.replicas, other)
	}
	h.closers = append(h.closers, s.close)
	return s, nil
}

func (s *strain) close() error {
	errs := []error{s.hand.Close()}
	for _, r := range s.replicas {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// lag is how far the slowest replica on this host is behind.
func (s *strain) lag() time.Duration { return time.Duration(s.behind.Load()) }

// Name implements collect.Collector.
func (*strain) Name() string { return "strain" }

// Collect implements collect.Collector.
func (s *strain) Collect(ctx context.Context, b *collect.Beat) error {
	if err := s.hand.Reopen(ctx); err != nil {
		return err
	}
	p, err := survey.Pressure(ctx, s.hand, s.own.ids()...)
	if err != nil {
		return err
	}
	b.Emit(evidence.DBStatus{HistoryLength: p.History})
	if p.Waiters > 0 {
		b.Emit(evidence.LockWait{Lock: evidence.LockRow, Waiter: p.Waiter, Blocker: s.own.ids()[0], WaitMs: p.Longest.Milliseconds(), BlockerGuessed: p.Guessed})
	}
	worst := time.Duration(0)
	for _, r := range s.replicas {
		if r.Reopen(ctx) != nil {
			continue
		}
		behind, replicates, err := survey.Lag(ctx, r)
		if err == nil && replicates {
			worst = max(worst, behind) // one that has stopped is not waited for
		}
	}
	s.behind.Store(int64(worst))
	return nil
}

// startPace begins to watch how the server does, and goes on while the plans of
// a schema are carried out.
func (h *hands) startPace(ctx context.Context, schema string) error {
	var more []collect.Timed
	var s *strain
	if schema != "" {
		var err error
		if s, err = h.strainOn(ctx, schema); err != nil {
			return err
		}
		more = append(more, collect.Timed{Collector: s, Every: everyBeat, Steady: true, Timeout: 5 * time.Second})
	}
	before, err := h.without(ctx)
	if err != nil {
		return err
	}
	p := h.a.newPacing(h.state, before)
	if s != nil {
		p.lag, p.pace.Ours = s.lag, h.own.has
	}
	pages := pageEvery
	if p.pace.Rationed() {
		pages = pageRarely
	}
	p.watch(ctx, append(paceCollectors(h.eyes, pages), more...))
	h.pace = p
	return nil
}

// without is how the site does without us: what the look for the plan has seen,
// or another look where that is a while ago, as when somebody had to be asked.
func (h *hands) without(ctx context.Context) ([]evidence.Record, error) {
	var seen []evidence.Record
	for at, f := range recording.All[evidence.Host](h.now) {
		seen = append(seen, evidence.Record{At: at, Fact: f})
	}
	for at, f := range recording.All[evidence.Cgroup](h.now) {
		seen = append(seen, evidence.Record{At: at, Fact: f})
	}
	for at, f := range recording.All[evidence.Probe](h.now) {
		seen = append(seen, evidence.Record{At: at, Fact: f})
	}
	if recording.Count[evidence.Probe](h.now) > 0 && h.a.now().Sub(h.now.To) < baseOld {
		return seen, nil
	}
	line := h.a.start("looking how the site does without us", baseFor)
	seen, err := collect.Sample(ctx, paceCollectors(h.eyes, reachBeat), baseFor, collect.Options{Interval: reachBeat})
	line.done()
	if err != nil {
		return nil, hint.Wrap(errors.Join(apply.ErrStopped, err), "interrupted", "nothing was changed")
	}
	return seen, nil
}
