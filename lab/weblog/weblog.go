// Package weblog writes an access log of a WordPress site as it would come to
// be: visitors in sessions, search engines, monitors, staff at work, the site's
// own schedule, and attacks of which it says afterwards how large each was.
//
// Nothing is repeated: each line is an event of somebody's, all of them in one
// queue of time. Lines come in the order in which requests end, stamped with
// when they began, as servers write them. The same options give the same log.
package weblog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// Options say what log to write.
type Options struct {
	Lines   int64
	Seed    uint64
	Clients int           // visitors to draw from; 0: one for 60 lines
	Format  string        // one of Formats; "": combined
	From    time.Time     // zero: 16 November 2026, 00:00 in Tokyo
	Span    time.Duration // that the lines are spread over; 0: 7 days
	IPv6    float64       // share of the visitors; below 0: none; 0: 0.2
	Attacks string        // names of Truth.Attacks, with commas; "": all; "none"
}

// Formats are the names of formats with what servers call them.
var Formats = map[string]string{
	"combined":       `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`,
	"timed":          `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D`,
	"vhost_combined": `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	"nginx-timed":    `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time`,
}

const (
	host      = "shop.example"
	home      = "https://" + host
	linesEach = 60 // of a visitor, where nothing is said
	attempts  = 4096
)

var errOptions = errors.New("what log to write is not clear")

func (o Options) complete() (Options, error) {
	if o.Format == "" {
		o.Format = "combined"
	}
	if _, ok := Formats[o.Format]; !ok {
		return o, fmt.Errorf("%w: format %q", errOptions, o.Format)
	}
	if o.Lines <= 0 || o.Clients < 0 || o.Clients > 1<<28 || o.IPv6 > 1 || o.Span < 0 {
		return o, fmt.Errorf("%w: %d lines, %d clients, share of IPv6 %g, span %v", errOptions, o.Lines, o.Clients, o.IPv6, o.Span)
	}
	if o.Clients == 0 {
		o.Clients = int(max(10, o.Lines/linesEach))
	}
	if o.From.IsZero() {
		o.From = time.Date(2026, 11, 16, 0, 0, 0, 0, time.FixedZone("JST", 9*3600))
	}
	if o.Span == 0 {
		o.Span = 7 * 24 * time.Hour
	}
	switch {
	case o.IPv6 == 0:
		o.IPv6 = 0.2
	case o.IPv6 < 0:
		o.IPv6 = 0
	}
	return o, nil
}

// wants reports whether an attack is asked for.
func (o Options) wants(id string) bool {
	return o.Attacks == "" || strings.Contains(","+o.Attacks+",", ","+id+",")
}

// Write writes a log and returns what it holds.
func Write(ctx context.Context, to io.Writer, o Options) (Truth, error) {
	o, err := o.complete()
	if err != nil {
		return Truth{}, err
	}
	w := bufio.NewWriterSize(to, 1<<20)
	g := newGenerator(o, w)
	g.populate()
	for n := 0; g.truth.Lines < o.Lines; n++ {
		if n%attempts == 0 && ctx.Err() != nil {
			return Truth{}, ctx.Err()
		}
		g.step()
		if g.err != nil {
			return Truth{}, fmt.Errorf("write the log: %w", g.err)
		}
	}
	if err := w.Flush(); err != nil {
		return Truth{}, fmt.Errorf("write the log: %w", err)
	}
	return g.result(), nil
}

// actor is somebody who sends requests one after the other.
type actor interface {
	// act sends the next request and says how long it is to the one after it; more
	// is false after the last.
	act(g *generator) (wait time.Duration, more bool)
}

// generator keeps all who are busy in the order of when they act next.
type generator struct {
	opt   Options
	w     *bufio.Writer
	rnd   *rand.Rand
	now   int64 // microseconds since opt.From
	span  int64
	queue []event
	site  site
	pool  pool
	stamp stamper
	line  []byte
	truth Truth
	err   error
}

type event struct {
	at int64
	a  actor
}

func newGenerator(o Options, w *bufio.Writer) *generator {
	rnd := rand.New(rand.NewPCG(o.Seed, 0x68697275))
	g := &generator{opt: o, w: w, rnd: rnd, span: o.Span.Microseconds()}
	g.site = newSite(rnd)
	g.pool = newPool(o)
	g.stamp = stamper{from: o.From}
	return g
}

// step lets the next one act.
func (g *generator) step() {
	e := g.queue[0]
	g.now = e.at
	wait, more := e.a.act(g)
	if !more {
		last := len(g.queue) - 1
		g.queue[0] = g.queue[last]
		g.queue[last] = event{}
		g.queue = g.queue[:last]
	} else {
		g.queue[0].at = e.at + max(1, wait.Microseconds())
	}
	g.sink(0)
}

// join has somebody act at a time, in microseconds since the beginning.
func (g *generator) join(at int64, a actor) {
	g.queue = append(g.queue, event{at: at, a: a})
	for i := len(g.queue) - 1; i > 0; {
		up := (i - 1) / 2
		if g.queue[up].at <= g.queue[i].at {
			return
		}
		g.queue[up], g.queue[i] = g.queue[i], g.queue[up]
		i = up
	}
}

func (g *generator) sink(i int) {
	q := g.queue
	for {
		least := i
		for _, k := range [2]int{2*i + 1, 2*i + 2} {
			if k < len(q) && q[k].at < q[least].at {
				least = k
			}
		}
		if least == i {
			return
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}

// wait draws the time to the next of events that come by chance.
func (g *generator) wait(mean time.Duration) time.Duration {
	return time.Duration(g.rnd.ExpFloat64() * float64(mean))
}

// share is that part of all lines, at least one.
func (g *generator) share(of float64) int64 { return max(1, int64(of*float64(g.opt.Lines))) }

// at is the moment after that part of the whole span.
func (g *generator) at(of float64) int64 { return int64(of * float64(g.span)) }

// populate has everybody begin. Visitors take the room that the others leave.
func (g *generator) populate() {
	g.machines()
	g.attackers()
	taken := 0.0
	for _, e := range g.queue {
		if s, ok := e.a.(*steady); ok {
			n := float64(g.opt.Span) / float64(s.mean)
			if s.left > 0 {
				n = float64(s.left)
			}
			taken += n
		}
	}
	g.open(max(g.opt.Lines/10, g.opt.Lines-int64(taken)))
}
