package rules

import (
	"cmp"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	jamLeast   = 5 * time.Second // of all waiters together: below, nobody notices
	jamWaiters = 2               // one who waits is one slow page
	jamGuessed = 0.85            // the most where the server did not name the holder and nothing else did
	jamShare   = 0.5             // of the workers' time, from which the queue is what they are busy with
)

// DDLBehindLongRead is a statement that wants a table for itself, an ALTER most of
// all, and waits for a reader or an open transaction: everybody else who needs the
// table queues behind it, readers too.
func DDLBehindLongRead() diagnose.Rule {
	return diagnose.Rule{
		ID:     "ddl-behind-long-read",
		Title:  "a statement that wants a table for itself waits for a long read or an open transaction, and all others wait behind it",
		Source: "measured on MariaDB 10.11, 11.8 and MySQL 9.7: an ALTER that waits for a metadata lock stops every later SELECT; public reports of ALTERs by a plugin that take all connections",
		Needs:  map[string]string{evidence.DBStatus{}.Kind(): "missing-locks"},
		Match:  matchDDLBehindLongRead,
	}
}

func matchDDLBehindLongRead(c *diagnose.Case) []diagnose.Finding {
	jams := c.Jams(c.Scope())
	for _, j := range jams {
		// 1. A statement that wants the table waits, and others wait behind it.
		if j.Gate == nil || !diagnose.WantsAll(diagnose.Verb(j.Gate.Digest)) || !burdens(c, j) {
			continue
		}
		// 2. Whom it waits for reads, or keeps a transaction open. Who has the table
		// locked, or rebuilds it, would stop the others without it.
		h, ok := readerOf(c, j)
		if !ok || lockedAnyway(jams, j) {
			continue
		}
		return []diagnose.Finding{ddlFinding(c, j, h)}
	}
	return nil
}

// burdens reports whether a queue is long enough to hurt, began before visitors
// suffered, and lasts for a good part of it.
func burdens(c *diagnose.Case, j diagnose.Jam) bool {
	if j.Waited < jamLeast || j.Waiters < jamWaiters || !explains(c, j.Active) {
		return false
	}
	if !c.Outage.Zero() && 3*j.Active.Duration() < c.Outage.Duration() {
		return false
	}
	// Where the CPU is scarce everything takes long, locks among it: then the queue
	// must be most of what the workers do.
	return !c.Starved(j.Active) || j.Share >= jamShare
}

// reader is the session that an ALTER waits for.
type reader struct {
	digest  string // empty: it sleeps
	since   time.Time
	running time.Duration
	trx     bool // its transaction was seen
}

// readerOf says what the holder does. A session that sleeps without a transaction
// has the table locked in another way.
func readerOf(c *diagnose.Case, j diagnose.Jam) (reader, bool) {
	near := diagnose.Span{From: j.Active.From.Add(-time.Minute), To: j.Active.To}
	var h reader
	if r, ok := c.RunOf(j.DB, j.Holder, near); ok && j.Holder != 0 && 2*j.Sleeps < j.Samples {
		if diagnose.WantsAll(r.Verb) {
			return h, false
		}
		h = reader{digest: r.Digest, since: r.Active.From, running: r.Running}
	}
	for at, t := range recording.All[evidence.Transaction](c.In(near)) {
		if t.ConnID != j.Holder || t.DB != j.DB || j.Holder == 0 {
			continue
		}
		if began := at.Add(-time.Duration(t.AgeMs) * time.Millisecond); !h.trx && (h.digest == "" || began.Before(h.since)) {
			h.since = began
		}
		h.trx = true
	}
	return h, h.digest != "" || h.trx
}

// lockedAnyway reports whether as many wait for the same holder without the ALTER.
func lockedAnyway(jams []diagnose.Jam, j diagnose.Jam) bool {
	for _, o := range jams {
		if o.DB == j.DB && o.Holder == j.Holder && o.Gate == nil && o.Lock == j.Lock && 2*o.Waited > j.Waited && !o.Active.From.After(j.Active.From.Add(orderSlack)) {
			return true
		}
	}
	return false
}

func ddlFinding(c *diagnose.Case, j diagnose.Jam, h reader) diagnose.Finding {
	verb := diagnose.Verb(j.Gate.Digest)
	f := diagnose.Finding{
		Steady: true, About: diagnose.Subject{Schema: j.Schema, Table: j.Table, Session: j.Holder},
		Origin: diagnose.Origin{User: j.User},
		Share:  diagnose.Share{DatabaseTime: waitingShare(c, j), CPU: -1, WorkerTime: j.Share}, Active: j.Active,
		Claim:      diagnose.Say("ddl-behind-long-read", "verb", verb, "table", j.Table, "session", sessionOf(j), "waiters", diagnose.Count(j.Waiters)),
		Proof:      []diagnose.Sentence{diagnose.Say("proof-gate", "verb", verb, "digest", j.Gate.Digest, "session", diagnose.Count(j.Gate.Conn), "user", j.Gate.User, "waited", j.Gate.Waited)},
		Confidence: 0.7, Remedies: []string{"free-queue", "end-session", "ddl-calm"},
	}
	// 3. Who holds the table, since when, and what it does.
	if h.digest == "" {
		f.Proof = append(f.Proof, diagnose.Say("proof-holder-sleeps", "session", diagnose.Count(j.Holder), "user", j.User, "idle", j.Idle, "at", h.since))
	} else {
		f.Remedies = []string{"free-queue", "ddl-calm"} // the read itself is wanted by somebody
		f.Proof = append(f.Proof, diagnose.Say("proof-holder-reads", "session", diagnose.Count(j.Holder), "user", j.User, "digest", h.digest, "running", h.running, "at", h.since))
	}
	f.Proof = append(f.Proof, diagnose.Say("proof-waiters", "waiters", diagnose.Count(j.Waiters), "table", j.Table, "longest", j.Longest))
	before := !h.since.IsZero() && !h.since.After(j.Active.From.Add(2*time.Second)) // whole seconds on some servers
	f = jamConfidence(c, j, f, before)
	return jamOrigin(c, j, f, j.Gate.User)
}

// sessionOf is the holder as sentences name it; -1 unknown.
func sessionOf(j diagnose.Jam) diagnose.Count {
	if j.Holder == 0 {
		return -1
	}
	return diagnose.Count(j.Holder)
}

// jamConfidence weighs what all queues have in common; order says that the holder
// had the lock before the others came.
func jamConfidence(c *diagnose.Case, j diagnose.Jam, f diagnose.Finding, order bool) diagnose.Finding {
	for _, has := range []struct {
		ok   bool
		much float64
	}{{!j.Guessed || j.Seen, 0.1}, {order, 0.06}, {max(j.Share, f.Share.DatabaseTime) >= jamShare, 0.06}} {
		if has.ok {
			f.Confidence += has.much
		}
	}
	if busy := c.BusyShare(j.Active); busy >= 0 && busy < 0.5 {
		f.Confidence += 0.04
		f.Proof = append(f.Proof, diagnose.Say("proof-cpu-idle", "busy", diagnose.Share01(busy)))
	}
	if j.Guessed {
		f.Missing = append(f.Missing, diagnose.Say("missing-lock-holder"))
		if !j.Seen || !order {
			f.Confidence = min(f.Confidence, jamGuessed)
		}
	}
	if j.Share >= 0 && j.Share < jamShare/2 {
		f.Confidence = min(f.Confidence, 0.75) // the workers are busy with something else as well
	}
	return f
}

// waitingShare is the share of the waiters in the time that all statements took.
func waitingShare(c *diagnose.Case, j diagnose.Jam) float64 {
	_, all := c.DatabaseTime(j.Active, func(diagnose.Run) bool { return true })
	if all <= 0 {
		return -1
	}
	return min(float64(j.Waited)/float64(all), 1)
}

// jamOrigin adds whose it is and why it came now: the job of the host or the hook
// of the site that was due, the plugin whose table it is, what was changed.
func jamOrigin(c *diagnose.Case, j diagnose.Jam, f diagnose.Finding, user string) diagnose.Finding {
	f.Origin.User = cmp.Or(f.Origin.User, user)
	if o, ok := c.Owner(j.Schema, j.Table); ok && j.Table != "" {
		// Only what comes by the site's own account is of one of its plugins.
		if site := siteUser(c, j); site == "" || site == user {
			f.Origin.Plugin, f.Origin.Version, f.Origin.Site = o.Plugin, o.Version, o.Site
		}
		id := "proof-plugin-prefix"
		if o.How == "source" {
			id = "proof-plugin-table"
		}
		f.Proof = append(f.Proof, diagnose.Say(id, "plugin", o.Plugin, "table", j.Table))
	}
	began := lockedSince(c, j)
	if e, ok := c.EventFor(j.Schema, j.Table, began); ok && e.Matches && j.Table != "" {
		f.Origin.Hook, f.Origin.Schedule = e.Hook, e.Schedule
		f.Proof = append(f.Proof, diagnose.Say("proof-cron-match", "hook", e.Hook, "due", e.Due, "started", began))
		return f
	}
	if s, due, ok := c.TiedJobAt(began); ok {
		f.Origin.Schedule, f.Origin.File = s.Spec, s.Origin
		f.Confidence += 0.03
		f.Proof = append(f.Proof, diagnose.Say("proof-schedule-match", "job", s.Command, "spec", s.Spec, "due", due, "started", began))
		return f
	}
	for _, job := range c.Jobs(diagnose.Span{From: began.Add(-orderSlack), To: j.Active.To}) {
		if s, ok := c.ScheduleOf(job); ok && s.Named && job.Active.From.Sub(began).Abs() < time.Minute {
			f.Origin.Schedule, f.Origin.File = s.Spec, s.Schedule.Origin
			f.Proof = append(f.Proof, diagnose.Say("proof-job-schedule", "spec", s.Spec, "job", s.Command, "due", s.Due, "started", job.Active.From))
			return f
		}
	}
	return f
}

// siteUser is the account of most of those who wait: the site's own; empty unknown.
func siteUser(c *diagnose.Case, j diagnose.Jam) string {
	by, most := map[string]int{}, ""
	for _, r := range c.Runs(j.Active) {
		if r.ConnID == j.Holder || j.Gate != nil && r.ConnID == j.Gate.Conn || r.DB != j.DB {
			continue
		}
		if by[r.User]++; by[r.User] > by[most] || by[r.User] == by[most] && r.User < most {
			most = r.User
		}
	}
	return most
}

// lockedSince is when the holder asked for its lock, as far as that was seen; else
// when the first began to wait for it.
func lockedSince(c *diagnose.Case, j diagnose.Jam) time.Time {
	if r, ok := c.RunOf(j.DB, j.Holder, diagnose.Span{From: j.Active.From.Add(-time.Minute), To: j.Active.From}); ok && j.Holder != 0 && diagnose.WantsAll(r.Verb) {
		return r.Active.From
	}
	return j.Active.From
}
