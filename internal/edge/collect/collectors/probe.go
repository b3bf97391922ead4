package collectors

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/probe"
)

const (
	probeEvery = 5 * time.Second
	probesMost = 10 // sites
)

// Probes asks each site for its front page now and then. A request runs on a
// goroutine of its own, one at a time for a site, so that a beat never waits:
// it takes the answers that have come and sends what is due. Close ends and
// awaits what is under way.
type Probes struct {
	Every   time.Duration // from request to request of one site
	Timeout time.Duration // until a visitor is taken to have left

	found   func() discover.Found
	targets []probe.Target
	lookAt  time.Time
	sent    map[probe.Target]time.Time
	running map[probe.Target]context.CancelFunc
	answers chan probeAnswer
	asked   sync.WaitGroup
}

type probeAnswer struct {
	target probe.Target
	at     time.Time // when the request was sent
	fact   evidence.Probe
}

// NewProbes returns the collector of the sites that found names.
func NewProbes(found func() discover.Found) *Probes {
	return &Probes{
		Every: probeEvery, Timeout: probe.Timeout, found: found, sent: map[probe.Target]time.Time{},
		running: map[probe.Target]context.CancelFunc{}, answers: make(chan probeAnswer, 4*probesMost),
	}
}

// Name implements collect.Collector.
func (c *Probes) Name() string { return "probe" }

// Blinds implements collect.Blinder.
func (*Probes) Blinds() string {
	return "what a visitor of the site gets"
}

// Collect implements collect.Collector. It does not wait for any answer; a
// fact is told at the moment at which its request was sent.
func (c *Probes) Collect(_ context.Context, b *collect.Beat) error {
	c.take(b)
	c.look(b.Now)
	if len(c.targets) == 0 {
		return fmt.Errorf("ask the sites as a visitor: %w: no site with a known address was found", evidence.ErrAbsent)
	}
	for _, t := range c.targets {
		if c.running[t] == nil && probeSince(c.sent[t], b.Now) >= c.Every {
			c.send(t, b.Now)
		}
	}
	return nil
}

// probeSince is the time since then; a clock that was set back makes it due.
func probeSince(then, now time.Time) time.Duration {
	if then.IsZero() || now.Before(then) {
		return 1 << 62
	}
	return now.Sub(then)
}

// take emits the answers that have come.
func (c *Probes) take(b *collect.Beat) {
	for {
		select {
		case a := <-c.answers:
			c.running[a.target]()
			delete(c.running, a.target)
			b.EmitAt(a.at, a.fact)
		default:
			return
		}
	}
}

func (c *Probes) send(t probe.Target, now time.Time) {
	ctx, cancel := context.WithCancel(context.Background())
	c.running[t], c.sent[t] = cancel, now
	timeout := c.Timeout
	c.asked.Go(func() {
		c.answers <- probeAnswer{target: t, at: now, fact: probe.Once(ctx, t, timeout)}
	})
}

// Close ends the requests under way and returns when all have ended.
func (c *Probes) Close() error {
	for _, cancel := range c.running {
		cancel()
	}
	c.asked.Wait()
	return nil
}

// look takes up the sites that there are now. Of a site that answers with and
// without TLS the former is asked: the latter mostly only sends one there.
func (c *Probes) look(now time.Time) {
	if now.Before(c.lookAt) && len(c.targets) > 0 {
		return
	}
	c.lookAt = now.Add(logsLookAgain)
	c.targets = nil
	f := c.found()
	for _, r := range f.Roots {
		name := r.Host
		if name == "" {
			name = r.Dir
		}
		c.want(probe.Target{Site: name, Host: r.Host, Listen: r.Listen, TLS: r.TLS})
	}
	if len(c.targets) > 0 {
		return
	}
	for _, w := range f.WebServers {
		for _, d := range w.DocRoots {
			c.want(probe.Target{Site: d.Site, Host: d.Site, Listen: d.Listen, TLS: d.TLS})
		}
	}
}

func (c *Probes) want(t probe.Target) {
	if t.Listen == "" {
		return
	}
	for i, old := range c.targets {
		if old.Site == t.Site {
			if t.TLS && !old.TLS {
				c.targets[i] = t
			}
			return
		}
	}
	if len(c.targets) < probesMost {
		c.targets = append(c.targets, t)
	}
}
