package main

import (
	"fmt"
	"sync"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/report"
)

// Between two lines of progress: on a terminal the line is written over.
const (
	tellLive  = 200 * time.Millisecond
	tellPlain = 10 * time.Second
)

// teller tells on stderr how far a step is. A Doer may call it from more than
// one goroutine.
type teller struct {
	a    *app
	lang string
	live bool

	mu   sync.Mutex
	at   time.Time // of the last line
	step string
	wait string
	from time.Time // when the step began
	open bool      // a line on the terminal has no end yet
}

func (a *app) teller(lang string) *teller {
	a.telling = &teller{a: a, lang: lang, live: isTerminal(a.err)}
	return a.telling
}

// tell shows progress unless it did just now; a change of the step or of why it
// waits is shown at once.
func (t *teller) tell(p apply.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, every := t.a.now(), tellPlain
	if t.live {
		every = tellLive
	}
	step := p.Step + p.Kind + p.Doing
	if step != t.step {
		t.endLine()
		t.from = now
	} else if p.Wait == t.wait && now.Sub(t.at) < every || now.Sub(t.at) < tellLive {
		return
	}
	t.at, t.step, t.wait = now, step, p.Wait
	o := t.a.look(t.lang, false)
	line := report.ProgressLine(report.ProgressView{Kind: p.Kind, Doing: p.Doing, Wait: p.Wait, Fact: p.Fact,
		Done: p.Done, Total: p.Total, Rows: p.Rows, PerSec: p.PerSec, ETA: t.left(p, now)}, o)
	if !t.live {
		fmt.Fprintln(t.a.err, line)
		return
	}
	fmt.Fprintf(t.a.err, "\r%s\x1b[K", line)
	t.open = true
}

// left is how long the step will take at its pace so far; 0 unknown.
func (t *teller) left(p apply.Progress, now time.Time) time.Duration {
	past := now.Sub(t.from)
	if p.Done <= 0 || p.Total <= p.Done || past < 2*time.Second {
		return 0
	}
	return time.Duration(float64(past) * float64(p.Total-p.Done) / float64(p.Done))
}

// end ends the line that is written over. A nil teller has none.
func (t *teller) end() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endLine()
}

func (t *teller) endLine() {
	if t.open {
		fmt.Fprintln(t.a.err)
		t.open = false
	}
}
