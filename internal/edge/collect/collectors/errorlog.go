package collectors

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/errorlog"
	"hirune/internal/edge/tail"
)

const (
	errorBytes    = 1 << 20  // of one log in one beat
	errorPast     = 2 << 20  // of one log, read at the start
	errorOld      = 48 << 20 // of one log with its rotated files, where they are wanted
	errorPastMost = 2000     // facts of one log's past; the youngest are kept
	kernelMost    = 2000     // messages of the kernel in one beat
	journalEvery  = time.Minute
)

// ErrorLogs follows the error logs of the services and of the kernel for the
// lines that matter. What they held before is told at the start, each line at
// its own time.
type ErrorLogs struct {
	Kernel  []string // files that may hold the kernel's messages; the first that exists is followed
	Kmsg    string   // read where no such file exists
	Journal []string // command that asks the journal; empty: there is none
	// Since is how far back the files that a log was rotated to are read at the
	// start, too; zero: not at all.
	Since time.Time
	// Marks keeps how far the logs were read; nil: nobody. It excludes Since.
	Marks *Marks

	found   func() discover.Found
	logs    []*errorFile
	kmsg    *errorlog.Kmsg
	journal *errorlog.Journal
	askedAt time.Time
	lookAt  time.Time
	booted  time.Time
	faults  logFaults
}

// errorFile is one log that is followed.
type errorFile struct {
	tail      *tail.Tailer
	in        errorlog.Log
	instance  string
	told      bool // its past
	optional  bool // it may well not exist
	lastStamp time.Time
}

// NewErrorLogs returns the collector of the logs that found names and of the
// kernel's messages.
func NewErrorLogs(found func() discover.Found) *ErrorLogs {
	c := &ErrorLogs{
		Kernel: []string{"/var/log/kern.log", "/var/log/syslog", "/var/log/messages"}, Kmsg: "/dev/kmsg", found: found, faults: logFaults{},
	}
	if _, err := os.Stat("/run/systemd/journal"); err == nil {
		c.Journal = []string{"journalctl"}
	}
	return c
}

// Name implements collect.Collector.
func (c *ErrorLogs) Name() string { return "errorlog" }

// Blinds implements collect.Blinder.
func (*ErrorLogs) Blinds() string {
	return "what the services' error logs say"
}

// Collect implements collect.Collector. It reads at most 1 MB of a log. A log
// that cannot be read is told as evidence.Unseen; the others are read all the same.
func (c *ErrorLogs) Collect(ctx context.Context, b *collect.Beat) error {
	c.look(b.Now)
	for _, l := range c.logs {
		if ctx.Err() != nil {
			break // what is left is read in the next beat
		}
		err := l.read(ctx, b, c)
		if l.optional && errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		c.faults.tell(b, c.Name(), l.tail.Path(), err)
	}
	if c.kmsg != nil {
		c.faults.tell(b, c.Name(), c.Kmsg, c.kernel(b))
	}
	if c.journal != nil && (b.Now.Sub(c.askedAt) >= journalEvery || b.Now.Before(c.askedAt)) {
		first := c.askedAt.IsZero()
		c.askedAt = b.Now
		err := c.ask(ctx, b, first)
		if first && err == nil && c.kmsg != nil && !c.Since.IsZero() {
			err = c.earlierBoots(ctx, b)
		}
		c.faults.tell(b, c.Name(), "journal", err)
	}
	if len(c.logs) == 0 && c.kmsg == nil && c.journal == nil {
		return fmt.Errorf("read the error logs: %w: none was found", evidence.ErrAbsent)
	}
	return nil
}

// Close lets the logs go.
func (c *ErrorLogs) Close() error {
	var errs []error
	for _, l := range c.logs {
		errs = append(errs, l.tail.Close())
	}
	if c.kmsg != nil {
		errs = append(errs, c.kmsg.Close())
	}
	return errors.Join(errs...)
}

// look takes up the logs that were found since.
func (c *ErrorLogs) look(now time.Time) {
	if now.Before(c.lookAt) {
		return
	}
	first := c.lookAt.IsZero()
	c.lookAt = now.Add(logsLookAgain)
	f := c.found()
	for _, w := range f.WebServers {
		in := errorlog.Apache
		if w.Service == evidence.ServiceNginx {
			in = errorlog.Nginx
		}
		for _, p := range w.ErrorLogs {
			c.add(p, in, w.Instance)
		}
	}
	for _, p := range f.Pools {
		c.add(p.ErrorLog, errorlog.FPM, p.Instance)
		c.add(p.PHPErrorLog, errorlog.PHP, p.Instance)
		c.add(p.SlowLog, errorlog.FPMSlow, p.Instance)
	}
	for _, r := range f.Roots {
		if r.WPConfig != "" {
			c.add(filepath.Join(r.Dir, "wp-content", "debug.log"), errorlog.PHP, r.Host)
		}
	}
	if first {
		c.addKernel(now)
		if len(c.Journal) > 0 { // where systemd says how units ended
			c.journal = &errorlog.Journal{Command: c.Journal, Match: []string{"_PID=1"}, Since: c.Since}
		}
	}
	c.databases(f.Databases)
}

// databases follows the servers' error logs; a server without one that runs
// under systemd writes to the journal.
func (c *ErrorLogs) databases(found []discover.Database) {
	for _, d := range found {
		if d.ErrorLog != "" {
			c.add(d.ErrorLog, errorlog.Database, d.Instance)
		} else if c.journal != nil {
			c.journal.Names = []string{"mariadbd", "mysqld"}
		}
	}
}

func (c *ErrorLogs) addKernel(now time.Time) {
	for _, p := range c.Kernel {
		if _, err := os.Stat(p); err == nil {
			c.add(p, errorlog.Kernel, "")
			return
		}
	}
	if c.Kmsg != "" {
		c.kmsg = errorlog.NewKmsg(c.Kmsg)
		c.booted = bootTime(now)
	}
}

// add follows a file, once. Where several services write to one file, it is
// searched for the lines of all of them.
func (c *ErrorLogs) add(path string, in errorlog.Log, instance string) {
	if path == "" || !filepath.IsAbs(path) || strings.HasPrefix(path, "/dev/") {
		return
	}
	if i := slices.IndexFunc(c.logs, func(l *errorFile) bool { return l.tail.Path() == path }); i >= 0 {
		c.logs[i].in |= in
		return
	}
	c.logs = append(c.logs, &errorFile{tail: tail.New(path), in: in, instance: instance, optional: in == errorlog.PHP || in == errorlog.FPMSlow})
}

// read tells the lines of a beat, equal kinds as one fact.
func (l *errorFile) read(ctx context.Context, b *collect.Beat, c *ErrorLogs) error {
	if !l.told {
		end, err := l.tail.Open()
		if err != nil {
			return err
		}
		l.told = true
		l.before(ctx, b, c, end)
	}
	read := l.traces
	if l.in&errorlog.FPMSlow == 0 {
		read = l.lines
	}
	err := read(b)
	c.Marks.set(c.Name(), l.tail, b.Now)
	return err
}

func (l *errorFile) lines(b *collect.Beat) error {
	n := newErrorTally(l.instance)
	_, err := l.tail.Read(errorBytes, func(line []byte) { n.line(l.in, line, b.Now) })
	n.emit(b.Emit)
	return err
}

// fold joins neighbours of one kind within a second.
func fold(in []evidence.Record) []evidence.Record {
	var out []evidence.Record
	for _, r := range in {
		f := r.Fact.(evidence.ErrorLine)
		if n := len(out) - 1; n >= 0 {
			if last := out[n].Fact.(evidence.ErrorLine); last.ID == f.ID && last.File == f.File && r.At.Sub(out[n].At).Abs() < time.Second {
				last.Count++
				out[n].Fact = last
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// matchKernelAware keeps what other programs wrote to a common log from being
// taken for the kernel's word.
func matchKernelAware(in errorlog.Log, line []byte) *errorlog.Pattern {
	if in&errorlog.Kernel != 0 && !strings.Contains(string(line[:min(len(line), 120)]), "kernel:") {
		in &^= errorlog.Kernel
	}
	if in == 0 {
		return nil
	}
	return errorlog.Match(in, line)
}

// errorTally counts the lines of one beat by kind.
type errorTally struct {
	instance string
	facts    []evidence.ErrorLine
}

func newErrorTally(instance string) *errorTally { return &errorTally{instance: instance} }

func (t *errorTally) line(in errorlog.Log, line []byte, now time.Time) {
	p := matchKernelAware(in, line)
	if p == nil {
		return
	}
	file := fileOf(p, line)
	for i := range t.facts {
		if f := &t.facts[i]; f.ID == p.ID && (f.File == file || len(t.facts) >= errorKinds) {
			f.Count++
			return
		}
	}
	_, rest, _ := errorlog.Stamp(line, time.Local, now)
	t.facts = append(t.facts, evidence.ErrorLine{Service: p.Service, Instance: t.instance, ID: p.ID, Count: 1, Message: errorlog.Message(rest), File: file})
}

// errorKinds is how many facts of one log and beat are told apart by the file, too.
const errorKinds = 40

// fileOf is the PHP file that a line of PHP names.
func fileOf(p *errorlog.Pattern, line []byte) string {
	if p.Service != evidence.ServicePHP || !strings.HasPrefix(p.ID, "php-") {
		return ""
	}
	return errorlog.File(line)
}

func (t *errorTally) emit(emit func(evidence.Fact)) {
	for _, f := range t.facts {
		emit(f)
	}
}

// kernel tells the kernel's messages; those from before this beat's second are
// told at their own time.
func (c *ErrorLogs) kernel(b *collect.Beat) error {
	return c.kmsg.Read(kernelMost, func(sinceBoot time.Duration, msg []byte) {
		p := errorlog.Match(errorlog.Kernel, msg)
		if p == nil {
			return
		}
		at := c.booted.Add(sinceBoot)
		f := evidence.ErrorLine{Service: p.Service, ID: p.ID, Count: 1, Message: errorlog.Message(msg)}
		if f.FromHist = at.Before(b.Now.Add(-time.Minute)); !f.FromHist || at.After(b.Now) {
			at = b.Now
		}
		b.EmitAt(at, f)
	})
}

// bootTime is when the machine started, by the clock as it is set now.
func bootTime(now time.Time) time.Time {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return now
	}
	var s float64
	if _, err := fmt.Sscan(string(text), &s); err != nil {
		return now
	}
	return now.Add(-time.Duration(s * float64(time.Second)))
}

func (c *ErrorLogs) ask(ctx context.Context, b *collect.Beat, first bool) error {
	return c.journal.Read(ctx, func(l errorlog.JournalLine) {
		in, service := errorlog.Database, evidence.ServiceDatabase
		if l.Process == "systemd" {
			in, service = errorlog.Systemd, errorlog.UnitService(string(l.Message))
		}
		p := errorlog.Match(in, l.Message)
		if p == nil || service == "" {
			return
		}
		_, rest, _ := errorlog.Stamp(l.Message, time.Local, b.Now)
		b.EmitAt(l.At, evidence.ErrorLine{Service: service, ID: p.ID, Count: 1, Message: errorlog.Message(rest), FromHist: first})
	})
}
