package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// progress tells on stderr that long work goes on: a line that is written over
// on a terminal, one plain line otherwise. Who starts it ends it with done.
type progress struct {
	a     *app
	text  string
	total time.Duration
	live  bool
	stop  chan struct{}
	ended sync.WaitGroup
}

// start begins to tell of work that takes about total.
func (a *app) start(text string, total time.Duration) *progress {
	p := &progress{a: a, text: text, total: total, live: isTerminal(a.err), stop: make(chan struct{})}
	if !p.live {
		fmt.Fprintf(a.err, "%s (about %d s)\n", text, int(total.Seconds()))
		return p
	}
	p.ended.Go(p.draw)
	return p
}

// done ends the line.
func (p *progress) done() {
	close(p.stop)
	p.ended.Wait()
	if p.live {
		fmt.Fprint(p.a.err, "\r\x1b[K")
	}
}

func (p *progress) draw() {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	began := p.a.now()
	for {
		fmt.Fprintf(p.a.err, "\r%s %s", p.text, bar(p.a.now().Sub(began), p.total))
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
	}
}

// bar draws how much of total is over; it stays just short of full, because the
// end is not the clock's to say.
func bar(past, total time.Duration) string {
	const width = 20
	full := min(int(width*past/max(total, 1)), width-1)
	left := max(int((total-past).Seconds()+0.5), 0)
	return fmt.Sprintf("%s%s %2d s", strings.Repeat("━", max(full, 0)), strings.Repeat("─", width-max(full, 0)), left)
}
