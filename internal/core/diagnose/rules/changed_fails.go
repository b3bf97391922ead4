package rules

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// fatal is a line in which PHP says that it gave up, with its moment.
type fatal struct {
	evidence.ErrorLine
	at time.Time
}

// fatalLines are the lines in which PHP ends a request, but for its limit of time.
var fatalLines = []string{"php-fatal", "php-memory"}

// fatalsOf returns the lines in which PHP gave up in a file; those that the logs
// held before are among them.
func fatalsOf(c *diagnose.Case, in diagnose.Span) []fatal {
	var out []fatal
	for at, l := range recording.Ever[evidence.ErrorLine](c.W) {
		if slices.Contains(fatalLines, l.ID) && l.File != "" && in.Contains(at) {
			out = append(out, fatal{l, at})
		}
	}
	return out
}

// lineSlack is how much earlier a line may be than the change: logs are written to
// the second.
const lineSlack = 2 * time.Second

// workedAfter is how long pages work at most with new code that breaks them: PHP
// looks for changed files more often.
const workedAfter = 15 * time.Second

// failsSince makes the argument for code that does not run: since the change PHP
// gives up in a file that belongs to what was changed, which it did not before.
func failsSince(c *diagnose.Case, ch diagnose.Changed) (diagnose.Finding, bool) {
	// 1. PHP gives up in its files, soon after the change, and did not before.
	its := func(l fatal) bool { return ch.Names(l.File) }
	php := ch.What == evidence.ChangePackage && ch.Service == evidence.ServicePHP
	if php {
		its = func(fatal) bool { return true } // another PHP breaks whatever is too old for it
	}
	var lines []fatal
	for _, l := range fatalsOf(c, diagnose.Span{From: ch.At.Add(-14 * 24 * time.Hour), To: c.Outage.To}) {
		if its(l) {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 || lines[0].at.Before(ch.At.Add(-lineSlack)) || lines[0].at.After(ch.At.Add(diagnose.ChangeReach)) {
		return diagnose.Finding{}, false
	}
	if !ch.Watched && c.Quiet.From.Before(c.Outage.From) && c.Quiet.To.Sub(ch.At) > workedAfter && lines[0].at.Sub(ch.At) > workedAfter {
		return diagnose.Finding{}, false // pages were well after it, for long enough
	}
	// 2. Visitors get that error, and as long as it is written.
	count, now := int64(0), int64(0)
	for _, l := range lines {
		count += l.Count
		if !l.at.Before(c.Outage.From.Add(-orderSlack)) {
			now += l.Count
		}
	}
	status, failing := internalErrors(c)
	if now < changeFew || failing < failLeast || !begins(c, lines[0].at) || needsGone(c) {
		return diagnose.Finding{}, false
	}
	f := changeFinding(c, ch)
	first := lines[0]
	f.Origin.File = cmp.Or(f.Origin.File, first.File)
	f.Share.WorkerTime = failing
	f.Proof = append(f.Proof,
		diagnose.Say("proof-fails-in", "count", diagnose.Count(count), "file", first.File, "message", first.Message),
		diagnose.Say("proof-first-sign", "after", max(first.at.Sub(ch.At), 0), "at", ch.At))
	if status > 0 {
		f.Proof = append(f.Proof, diagnose.Say("proof-answers", "status", diagnose.Count(status), "share", diagnose.Share01(failing)))
	}
	// 3. That there was none before is known: somebody watched, or the log goes back further.
	f.Confidence += 0.12
	if !php {
		f.Confidence += 0.08
	}
	if ch.Watched || loggedBefore(c, ch.At) {
		f.Confidence += 0.1
	} else {
		f.Missing = append(f.Missing, diagnose.Say("missing-before-change", "at", ch.At))
	}
	if ch.Watched && failing >= 0.5 && !php {
		f.Confidence += 0.02
	}
	return f, true
}

// internalErrors is how large a share of the answers in the outage were errors of
// the site's own code, and the status that they have where hirune asked itself.
func internalErrors(c *diagnose.Case) (status int, share float64) {
	all, internal := 0, 0
	for _, p := range recording.All[evidence.Probe](c.In(c.Outage)) {
		all++
		if p.Status == 500 {
			internal++
		}
	}
	if all > 0 {
		return 500 * min(internal, 1), float64(internal) / float64(all)
	}
	return 0, c.Failing(c.Outage) // the log does not tell one error from another
}

// begins reports whether visitors began to suffer when the lines did, as far as
// that was watched.
func begins(c *diagnose.Case, first time.Time) bool {
	if c.Outage.From.Sub(c.W.From) <= orderSlack {
		return !first.After(c.Outage.From.Add(orderSlack)) // it was so when we came
	}
	return c.Outage.From.Sub(first).Abs() <= time.Minute
}

// loggedBefore reports whether the logs of the site reach back before a moment.
func loggedBefore(c *diagnose.Case, at time.Time) bool {
	for t, l := range recording.Ever[evidence.ErrorLine](c.W) {
		if l.Service == evidence.ServicePHP && t.Before(at.Add(-lineSlack)) {
			return true
		}
	}
	return false
}

// needsGone reports whether the database was gone or refused connections in the
// outage, or a disk was full: any code fails then.
func needsGone(c *diagnose.Case) bool {
	in := c.In(diagnose.Span{From: c.Outage.From.Add(-orderSlack), To: c.Outage.To})
	for _, s := range recording.All[evidence.ServiceState](in) {
		if !s.Up && s.Service == evidence.ServiceDatabase {
			return true
		}
	}
	for _, s := range recording.All[evidence.DBStatus](in) {
		if s.RefusedMax > 0 || s.Restarted {
			return true
		}
	}
	for _, f := range recording.All[evidence.Filesystem](in) {
		if f.SizeKB > 0 && f.FreeKB*100 < f.SizeKB || f.Inodes > 0 && f.InodesFree*100 < f.Inodes {
			return true
		}
	}
	gone := []string{"php-db-gone", "php-db-connections", "php-db-connect", "db-disk-full", "nginx-disk-full"}
	for _, l := range recording.All[evidence.ErrorLine](in) {
		if slices.Contains(gone, l.ID) && !l.FromHist {
			return true
		}
	}
	return false
}
