package rules

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// TableLocked is a lock of a whole table, of all tables or of a name that a program
// takes for itself and keeps: LOCK TABLES and FLUSH TABLES WITH READ LOCK by a
// backup, a long statement on a MyISAM table, a rebuild, GET_LOCK.
func TableLocked() diagnose.Rule {
	return diagnose.Rule{
		ID:     "table-locked",
		Title:  "somebody keeps a whole table, all tables or a named lock for itself, and others wait for it",
		Source: "measured on MariaDB 10.11, 11.8 and MySQL 9.7: which state each waiter shows for which lock; without performance_schema or METADATA_LOCK_INFO no server names the holder",
		Needs:  map[string]string{evidence.DBStatus{}.Kind(): "missing-locks"},
		Match:  matchTableLocked,
	}
}

func matchTableLocked(c *diagnose.Case) []diagnose.Finding {
	jams := c.Jams(c.Scope())
	for _, j := range jams {
		// 1. Several wait for one and the same lock, and visitors suffer with them.
		if !burdens(c, j) {
			continue
		}
		// 2. Not because of a statement in between: then who is in the way does no harm.
		if _, reads := readerOf(c, j); j.Gate != nil && diagnose.WantsAll(diagnose.Verb(j.Gate.Digest)) && !lockedAnyway(jams, j) &&
			(reads || j.Sleeps > 0 && !c.W.Has(evidence.Transaction{}.Kind())) { // a sleeper may have a transaction that nobody saw
			continue
		}
		if f, ok := lockFinding(c, j); ok {
			return []diagnose.Finding{f}
		}
	}
	return nil
}

// lockFinding says which kind of lock it is, by what the waiters wait for and what
// the holder does.
func lockFinding(c *diagnose.Case, j diagnose.Jam) (diagnose.Finding, bool) {
	f := diagnose.Finding{
		Steady: true, About: diagnose.Subject{Schema: j.Schema, Table: j.Table, Session: j.Holder},
		Origin: diagnose.Origin{User: j.User},
		Share:  diagnose.Share{DatabaseTime: waitingShare(c, j), CPU: -1, WorkerTime: j.Share}, Active: j.Active, Confidence: 0.7,
	}
	session, waiters := sessionOf(j), diagnose.Count(j.Waiters)
	run, runs := c.RunOf(j.DB, j.Holder, j.Active)
	works := runs && 2*j.Sleeps < j.Samples && j.Holder != 0
	order := works && !run.Active.From.After(j.Active.From.Add(2*time.Second)) || j.Sleeps > 0 && j.Idle+2*time.Second >= j.Longest
	switch {
	case j.Lock == evidence.LockUser:
		f.Claim = diagnose.Say("link-user-lock", "session", session, "waiters", waiters, "longest", j.Longest)
		f.Remedies = []string{"end-blocker", "user-lock"}
	case j.Lock == evidence.LockGlobal:
		f.Claim = diagnose.Say("link-all-tables-locked", "session", session, "waiters", waiters, "longest", j.Longest)
		f.Remedies = []string{"end-blocker", "backup-lockless"}
	case works && diagnose.WantsAll(run.Verb) && run.Verb != "LOCK" && run.Verb != "FLUSH":
		if changedTable(c, j) {
			return f, false // the change tells more
		}
		f.Claim = diagnose.Say("link-table-rebuilt", "verb", run.Verb, "table", j.Table, "running", run.Running, "waiters", waiters)
		f.Remedies = []string{"ddl-calm"}
	case j.Lock == evidence.LockTable && works:
		f.Claim = diagnose.Say("link-myisam-locked", "table", j.Table, "verb", run.Verb, "running", run.Running, "waiters", waiters)
		f.Remedies = []string{"end-blocker", "convert-innodb"}
	default:
		f.Claim = diagnose.Say("table-locked", "table", j.Table, "session", session, "waiters", waiters, "longest", j.Longest)
		f.Remedies = []string{"end-blocker", "backup-lockless"}
	}
	f.Proof = append(f.Proof, lockProofs(c, j, run, works)...)
	f = jamConfidence(c, j, f, order)
	return jamOrigin(c, j, f, j.User), true
}

// lockProofs say who holds the lock, who waits, and what kind of table it is.
func lockProofs(c *diagnose.Case, j diagnose.Jam, run diagnose.Run, works bool) []diagnose.Sentence {
	out := []diagnose.Sentence{diagnose.Say("proof-lock-waiters", "waiters", diagnose.Count(j.Waiters), "lock", j.Lock, "longest", j.Longest)}
	switch {
	case j.Holder == 0:
	case works:
		out = append(out, diagnose.Say("proof-holder-works", "session", diagnose.Count(j.Holder), "user", j.User, "digest", run.Digest, "running", run.Running))
	default:
		out = append(out, diagnose.Say("proof-holder-idle", "session", diagnose.Count(j.Holder), "user", j.User, "idle", j.Idle))
	}
	for _, r := range c.Runs(diagnose.Span{From: j.Active.From.Add(-5 * time.Minute), To: j.Active.To}) {
		if r.ConnID == j.Holder && r.DB == j.DB && j.Holder != 0 && (r.Verb == "LOCK" || r.Verb == "FLUSH" || r.Verb == "BACKUP") {
			out = append(out, diagnose.Say("proof-asked-lock", "session", diagnose.Count(j.Holder), "digest", r.Digest, "at", r.Active.From))
			break
		}
	}
	if t, ok := c.Table(j.Schema, j.Table); ok && j.Lock == evidence.LockTable && t.Engine != "" {
		out = append(out, diagnose.Say("proof-engine", "table", j.Table, "engine", t.Engine))
	}
	return out
}

// changedTable reports whether something whose table it is was changed not long
// before.
func changedTable(c *diagnose.Case, j diagnose.Jam) bool {
	for _, ch := range c.ChangedBefore(j.Active.From, diagnose.ChangeReach) {
		if c.Owns(ch, j.Schema, j.Table) {
			return true
		}
	}
	return false
}
