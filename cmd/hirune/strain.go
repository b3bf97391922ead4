package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hirune/internal/core/evidence"
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

// startPace looks how the server does without us and goes on looking while the
// plans of a schema are carried out.
func (h *hands) startPace(ctx context.Context, schema string) error {
	var more []collect.Timed
	if schema != "" {
		s, err := h.strainOn(ctx, schema)
		if err != nil {
			return err
		}
		more = append(more, collect.Timed{Collector: s, Every: everyBeat, Steady: true, Timeout: 5 * time.Second})
		p, err := h.a.watchPace(ctx, h.eyes, h.state, more...)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.lag, p.pace.Ours = s.lag, h.own.has
		p.mu.Unlock()
		h.pace = p
		return nil
	}
	p, err := h.a.watchPace(ctx, h.eyes, h.state)
	h.pace = p
	return err
}
