package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// How a service ended.
const (
	endedUnknown = "service-stopped"          // nothing tells
	endedOrderly = "link-service-told"        // somebody or something told it to
	endedCrashed = "link-service-crashed"     // it broke down, or was killed
	endedLoop    = "link-service-restarts"    // it starts and ends again and again
	endedUnborn  = "link-service-never-ready" // it was started and gave up
)

// Kinds of line that say how a service ended.
var (
	orderlyLines = []string{"db-stopping", "db-stop", "fpm-stop", "apache-stop", "nginx-stop", "systemd-stopping"}
	crashLines   = []string{"db-signal", "db-assertion", "db-out-of-memory", "db-corrupt", "kernel-segfault", "systemd-killed", "apache-child-signal", "fpm-child-signal"}
	unbornLines  = []string{"db-start-failed", "fpm-start-failed", "apache-start-failed", "nginx-start-failed", "systemd-start-failed", "systemd-gave-up"}
	startLines   = []string{"db-start", "fpm-start", "apache-start", "systemd-restart"}
	oomLines     = []string{"kernel-oom", "kernel-oom-cgroup"}
	// It was not shut down the last time, it says when it is back.
	recoveryLines = []string{"db-crash-recovery"}
	// What a service says all day long tells nothing of its end.
	idleLines = []string{"db-start", "fpm-start", "apache-start", "db-aborted", "db-access-denied"}
)

// loopLeast is how many starts within one trouble make a loop.
const loopLeast = 3

// ending is how and why a service ended.
type ending struct {
	how    string
	starts int
	lines  []diagnose.Lines // that say why, the most telling first
	oom    bool
	full   bool // for want of room on a disk
}

// endingOf reads how a stop came about from what the service, systemd and the
// kernel wrote, and from how often it came back.
func endingOf(c *diagnose.Case, s stop) ending {
	near := diagnose.Span{From: s.span.From.Add(-time.Minute), To: s.span.From.Add(15 * time.Second)}
	all := c.Lines(diagnose.Span{From: near.From, To: s.span.To}, func(l evidence.ErrorLine) bool {
		return l.Service == s.Service || l.Service == "kernel"
	})
	of := func(ids []string, last time.Time) []diagnose.Lines {
		return slices.DeleteFunc(slices.Clone(all), func(l diagnose.Lines) bool {
			return !slices.Contains(ids, l.ID) || l.First.After(last) || l.ID == "kernel-segfault" && !killed(l, s, false)
		})
	}
	e := ending{how: endedUnknown, starts: s.starts}
	for _, l := range of(startLines, s.span.To) {
		e.starts = max(e.starts, int(l.Count))
	}
	oom, crash, unborn, orderly := of(oomLines, near.To), of(crashLines, near.To), of(unbornLines, s.span.To), of(orderlyLines, near.To)
	atOnce := diagnose.Span{From: s.span.From.Add(-orderSlack), To: near.To}
	inGroup := oomNear(c, atOnce)
	oom = slices.DeleteFunc(oom, func(l diagnose.Lines) bool { return l.Last.Before(atOnce.From) || !killed(l, s, inGroup) })
	e.oom = len(oom) > 0 || inGroup
	e.full = slices.ContainsFunc(all, func(l diagnose.Lines) bool { return l.Service == s.Service && strings.HasSuffix(l.ID, "-disk-full") })
	switch {
	case e.starts >= loopLeast:
		e.how, e.lines = endedLoop, slices.Concat(unborn, crash, oom, of(recoveryLines, s.span.To))
	case len(oom) > 0:
		e.how, e.lines = endedCrashed, oom
	case len(crash) > 0:
		e.how, e.lines = endedCrashed, slices.Concat(crash, oom)
	case len(unborn) > 0:
		e.how, e.lines = endedUnborn, slices.Concat(unborn, orderly)
	case len(orderly) > 0:
		e.how, e.lines = endedOrderly, orderly
	case e.oom:
		e.how = endedCrashed
	}
	return e
}

// programs of the services, as the kernel names them.
var programsOf = map[string][]string{
	evidence.ServiceDatabase: {"mariadbd", "mysqld"}, evidence.ServicePHP: {"php-fpm"},
	evidence.ServiceApache: {"apache2", "httpd"}, evidence.ServiceNginx: {"nginx"},
}

// killed reports whether a line of the kernel is about the process that is gone:
// it names its program and its PID. In a container the kernel knows another PID;
// where the site's own group lost a process, the program is enough.
func killed(l diagnose.Lines, s stop, inGroup bool) bool {
	return slices.ContainsFunc(l.Texts, func(t string) bool {
		if !slices.ContainsFunc(programsOf[s.Service], func(p string) bool { return strings.Contains(t, p) }) {
			return false
		}
		pid := strconv.Itoa(s.pid)
		return inGroup || strings.Contains(t, "process "+pid+" ") || strings.Contains(t, "["+pid+"]")
	})
}

// oomNear reports whether the kernel killed something for want of memory.
func oomNear(c *diagnose.Case, s diagnose.Span) bool {
	kills := int64(0)
	for _, h := range recording.All[evidence.Host](c.In(s)) {
		kills += h.OOMKills
	}
	for _, g := range recording.All[evidence.Cgroup](c.In(s)) {
		kills += g.OOMKills
	}
	return kills > 0
}

// claim says how it ended.
func (e ending) claim(s stop) diagnose.Sentence {
	if e.how == endedLoop {
		return diagnose.Say(e.how, "service", s.Service, "times", diagnose.Count(e.starts), "during", s.span.Duration())
	}
	return diagnose.Say(e.how, "service", s.Service, "at", s.span.From)
}

// proofs quote what was written, and say what changed just before.
func (e ending) proofs(c *diagnose.Case, s stop) []diagnose.Sentence {
	var out []diagnose.Sentence
	for _, l := range e.lines[:min(len(e.lines), 3)] {
		out = append(out, diagnose.Say("proof-log-line", "service", l.Service, "message", l.Message, "at", l.First))
	}
	if len(out) == 0 {
		out = lastWords(c, s)
	}
	if e.oom && !slices.ContainsFunc(e.lines, func(l diagnose.Lines) bool { return slices.Contains(oomLines, l.ID) }) {
		out = append(out, diagnose.Say("proof-out-of-memory", "service", s.Service))
	}
	// The database says good-bye when it is told to stop. Silence is another end.
	if e.how == endedUnknown && s.Service == evidence.ServiceDatabase && s.pid > 0 && wroteBefore(c, s) {
		out = append(out, diagnose.Say("proof-no-farewell", "service", s.Service))
	}
	for at, ch := range recording.Ever[evidence.Change](c.W) {
		// What was changed before it started did not end it.
		if ch.Service == s.Service && at.After(s.since.Add(startSlack)) && !at.Before(s.span.From.Add(-changedBefore)) && !at.After(s.span.From.Add(orderSlack)) {
			out = append(out, diagnose.Say("proof-service-changed", "name", ch.Name, "at", at))
		}
	}
	return out
}

// changedBefore is how long before a stop a change may have been made to be
// worth a word: an upgrade stops a service minutes after it began.
const changedBefore = 10 * time.Minute

// startSlack is how long a start takes, and how coarse its time is known: who sets
// a service up writes its configuration just before.
const startSlack = 5 * time.Second

// wroteBefore reports whether the service's log can be read at all.
func wroteBefore(c *diagnose.Case, s stop) bool {
	for _, l := range recording.Ever[evidence.ErrorLine](c.W) {
		if l.Service == s.Service {
			return true
		}
	}
	return false
}

// missing says what would tell why.
func (e ending) missing(s stop) []diagnose.Sentence {
	if len(e.lines) > 0 {
		return nil
	}
	return []diagnose.Sentence{diagnose.Say("missing-last-words", "service", s.Service)}
}
