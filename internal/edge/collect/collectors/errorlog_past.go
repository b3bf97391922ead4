package collectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/errorlog"
)

// before tells what was written before the log is followed from end on: since it
// was last read, where a mark says so, else what it held.
func (l *errorFile) before(ctx context.Context, b *collect.Beat, c *ErrorLogs, end int64) {
	k, marked := c.Marks.of(c.Name(), l.tail.Path())
	if !marked {
		l.past(b, c.Since, func(take func([]byte)) error {
			if c.Since.IsZero() {
				return l.tail.Before(errorPast, take)
			}
			// What is not read now is not lost: the log itself is followed from its end.
			return accesslog.Past(ctx, l.tail.Path(), c.Since, errorOld, take)
		})
		return
	}
	gap := accesslog.NewGap(l.tail.Path(), k.Mark, end)
	defer gap.Close()
	lost := false
	l.lastStamp = k.At // of lines without a time
	l.past(b, time.Time{}, func(take func([]byte)) error {
		done, err := gap.Step(ctx, errorOld, take)
		if lost = errors.Is(err, accesslog.ErrMarkLost); !done && err == nil {
			err = fmt.Errorf("it is longer than could be read at once")
		}
		return err
	})
	if lost { // what it holds of the time since counts
		l.past(b, k.At, func(take func([]byte)) error { return l.tail.Before(errorPast, take) })
	}
}

// past tells what read hands out, each line at its time; what is older than since
// is left out. A line without a time has that of the line before it; if there is
// none it is left out: it would be told at a wrong moment.
func (l *errorFile) past(b *collect.Beat, since time.Time, read func(take func([]byte)) error) {
	var facts []evidence.Record
	err := read(func(line []byte) {
		at, rest, ok := errorlog.Stamp(line, time.Local, b.Now)
		if ok {
			l.lastStamp = at
		}
		p := matchKernelAware(l.in, line)
		if p == nil || l.lastStamp.IsZero() || l.lastStamp.After(b.Now) || l.lastStamp.Before(since) {
			return
		}
		facts = append(facts, evidence.Record{At: l.lastStamp, Fact: evidence.ErrorLine{
			Service: p.Service, Instance: l.instance, ID: p.ID, Count: 1, Message: errorlog.Message(rest), FromHist: true, File: fileOf(p, rest),
		}})
		if len(facts) >= 4*errorPastMost {
			facts = fold(facts)
			facts = facts[max(0, len(facts)-errorPastMost):]
		}
	})
	if err != nil {
		b.Emit(unreadBefore("errorlog", "the errors before recording began", l.tail.Path(), err))
	}
	facts = fold(slices.Clip(facts))
	for _, r := range facts[max(0, len(facts)-errorPastMost):] {
		b.EmitAt(r.At, r.Fact)
	}
}

// unreadBefore says that some of what a log got before it was followed is not told.
func unreadBefore(source, what, path string, err error) evidence.Unseen {
	f := evidence.Unseen{Source: source, Code: "history-unreadable", What: what, Detail: fmt.Sprintf("read %s: %v", path, err)}
	if errors.Is(err, accesslog.ErrMarkLost) {
		f.Code = "log-mark-lost"
		f.Hint = "let the rotation of logs keep one file at least (rotate 1), and hirune read it: some lines may be gone that were written while nobody recorded"
	}
	return f
}

// earlierBoots tells what the journal has of the kernel's errors before the machine
// was last started, where no file has them: its own buffer begins anew. What is less
// than an error can be many lines of a firewall.
func (c *ErrorLogs) earlierBoots(ctx context.Context, b *collect.Beat) error {
	j := &errorlog.Journal{Command: c.Journal, Since: c.Since, Match: []string{"_TRANSPORT=kernel", "PRIORITY=0", "PRIORITY=1", "PRIORITY=2", "PRIORITY=3"}, All: true}
	return j.Read(ctx, func(l errorlog.JournalLine) {
		if p := errorlog.Match(errorlog.Kernel, l.Message); p != nil && l.At.Before(c.booted) && !l.At.Before(c.Since) {
			b.EmitAt(l.At, evidence.ErrorLine{Service: p.Service, ID: p.ID, Count: 1, Message: errorlog.Message(l.Message), FromHist: true})
		}
	})
}
