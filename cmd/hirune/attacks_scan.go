package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/hint"
	"hirune/internal/core/report"
	"hirune/internal/edge/accesslog"
)

// scanned is what the logs amount to.
type scanned struct {
	tally     *attack.Tally
	around    *attack.Around
	logs      []report.AttackLog
	forgeable bool
}

// counting is the sink of one worker. It tells the progress how far it is now
// and then.
type counting struct {
	tally  *attack.Tally
	around attack.Around
	n      int64
	lines  *atomic.Int64
}

// tellEvery is how many requests a worker counts between two words about it.
const tellEvery = 1 << 12

// Add implements accesslog.Sink.
func (c *counting) Add(h *attack.Hit) {
	c.tally.Add(h)
	c.around.Add(h)
	if c.n++; c.n%tellEvery == 0 {
		c.lines.Add(tellEvery)
	}
}

var errInterrupted = errors.New("interrupted before all logs were read")

// readLogs reads all logs into one tally.
func (a *app) readLogs(ctx context.Context, q *siege) (scanned, error) {
	var lines atomic.Int64
	p := a.reading(len(q.logs), &lines)
	in := accesslog.ScanIn{
		Logs: q.logs, Stdin: os.Stdin, Loc: time.Local, Own: q.own, Progress: p.tell,
		NewSink: func() accesslog.Sink {
			return &counting{tally: attack.NewTally(q.options), around: attack.Around{Since: q.options.Since, Until: q.options.Until}, lines: &lines}
		},
		Until: time.Unix(q.options.Until, 0),
	}
	if q.options.Since > 0 {
		in.Since = time.Unix(q.options.Since, 0)
	}
	got := accesslog.Scan(ctx, in)
	p.done()
	if got.Cut || ctx.Err() != nil {
		return scanned{}, hint.Wrap(errInterrupted, "interrupted", "for an answer in less time: hirune attacks --since 1d")
	}
	out := scanned{tally: attack.NewTally(q.options), around: &attack.Around{}}
	for i, s := range got.Sinks {
		c, ok := s.(*counting)
		switch {
		case !ok:
		case i == 0:
			out.tally, out.around = c.tally, &c.around
		default:
			out.tally.Merge(c.tally)
			out.around.Merge(&c.around)
		}
	}
	q.told(&out, got)
	return out, nil
}

// told turns what the reader says of its files into what is reported.
func (q *siege) told(out *scanned, got accesslog.ScanOut) {
	q.failed = append(q.failed, got.Failed...)
	for _, l := range got.Logs {
		out.forgeable = out.forgeable || l.ForwardedOnly
		x := report.AttackLog{
			Path: l.Path, Format: l.Format, Lines: l.Lines, Rejected: l.Rejected, Long: l.Long, Outside: l.Outside,
			From: l.From, To: l.To, Samples: l.Samples,
		}
		if err := q.useless(l); err != nil {
			q.failed = append(q.failed, err)
			x.Fault, x.Hint = err.Error(), hint.Of(err)
		}
		out.logs = append(out.logs, x)
	}
	for _, err := range q.failed {
		if !slices.ContainsFunc(out.logs, func(l report.AttackLog) bool { return l.Fault == err.Error() }) {
			out.logs = q.fault(out.logs, err)
		}
	}
	slices.SortStableFunc(out.logs, func(a, b report.AttackLog) int { return cmp.Compare(filepath.Dir(a.Path), filepath.Dir(b.Path)) })
}

// fault puts an error to the file that it is about, or on a line of its own.
func (q *siege) fault(logs []report.AttackLog, err error) []report.AttackLog {
	text := err.Error()
	if i := slices.IndexFunc(logs, func(l report.AttackLog) bool { return l.Fault == "" && strings.Contains(text, l.Path+":") }); i >= 0 {
		logs[i].Fault, logs[i].Hint = text, hint.Of(err)
		return logs
	}
	path, rest := "", strings.TrimPrefix(text, "read the log ")
	if rest != text {
		path, _, _ = strings.Cut(rest, ": ")
	}
	return append(logs, report.AttackLog{Path: path, Fault: text, Hint: hint.Of(err)})
}

// useless says why nothing of a file could be used, or nil.
func (q *siege) useless(l accesslog.ScannedLog) error {
	fail := func(why, code, advice string) error {
		return hint.Wrap(fmt.Errorf("read the log %s: %s", shown(l.Path), why), code, advice)
	}
	switch {
	case l.Lines == 0 && l.Path == "-":
		return fail("nothing came", "log-empty", "send a log to it: zcat -f access.log* | hirune attacks --log -")
	case l.Lines == 0:
		return nil
	case l.Rejected == l.Lines && q.flags.format != "":
		return fail("no line has the format that --format gives", "log-format", "leave --format out, or copy it from the web server's configuration")
	case l.Rejected == l.Lines:
		return fail("no line is a request in a known format; it is no access log, or has a format of its own", "log-format", "is it an error log? else give its format as the web server has it: --format 'LogFormat'")
	case l.Outside == l.Lines-l.Rejected && l.Outside > 0 && q.options.Since == 0:
		return fail("all of its requests lie in the future", "log-outside", "is the clock of this machine right? see: date")
	case l.Outside == l.Lines-l.Rejected && l.Outside > 0 && q.away:
		return fail("all of its requests lie outside the time asked for", "log-outside", "leave --since out")
	}
	return nil
}

// shown is the name of a file as a person says it.
func shown(path string) string {
	if path == "-" {
		return "from standard input"
	}
	return path
}
