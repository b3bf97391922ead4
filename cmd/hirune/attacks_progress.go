package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

// reading tells on stderr how far the reading of logs is: on a terminal a line
// that is written over, otherwise a plain one now and then.
type reading struct {
	a     *app
	files int
	live  bool
	lines *atomic.Int64
	began time.Time
	last  time.Time
	wrote bool
}

func (a *app) reading(files int, lines *atomic.Int64) *reading {
	now := a.now()
	return &reading{a: a, files: files, live: isTerminal(a.err), lines: lines, began: now, last: now}
}

// tell says how many bytes are read; total is -1 where nobody knows. It is
// never called twice at a time.
func (r *reading) tell(done, total int64) {
	now, every := r.a.now(), tellPlain
	if r.live {
		every = tellLive
	}
	if now.Sub(r.last) < every {
		return
	}
	r.last, r.wrote = now, true
	line := readingLine(done, total, r.lines.Load(), now.Sub(r.began))
	if r.live {
		fmt.Fprintf(r.a.err, "\r%s\x1b[K", line)
		return
	}
	fmt.Fprintln(r.a.err, line)
}

// readingLine is how far the reading is, in a line.
func readingLine(done, total, lines int64, past time.Duration) string {
	out := "reading logs: " + size(done)
	if total > 0 {
		out += " of " + size(total) + fmt.Sprintf(" (%d %%)", min(100*done/total, 100))
	}
	if s := past.Seconds(); s >= 0.5 && lines > 0 {
		out += fmt.Sprintf(", %s lines/s", roundRate(float64(lines)/s))
	}
	if total > done && done > 0 && past >= time.Second {
		left := time.Duration(float64(past) * float64(total-done) / float64(done))
		out += ", " + long(left.Round(time.Second)) + " left"
	}
	return out
}

// roundRate shows a rate with two or three figures.
func roundRate(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%.1f M", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.0f k", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}

// done ends the line that is written over.
func (r *reading) done() {
	if r.live && r.wrote {
		fmt.Fprint(r.a.err, "\r\x1b[K")
	}
}
