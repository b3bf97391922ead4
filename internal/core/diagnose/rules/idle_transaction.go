package rules

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Below these a pause between two statements of one transaction is ordinary.
const (
	idleLeast   = 3 * time.Second
	waitedLeast = 5 * time.Second
)

// IdleTransaction is a session that holds row locks in an open transaction and
// runs nothing: everybody who needs the rows waits, and the CPU is idle.
func IdleTransaction() diagnose.Rule {
	return diagnose.Rule{
		ID:     "idle-transaction",
		Title:  "a session that runs nothing holds locks in an open transaction, and others wait for them",
		Source: "the lab: a transaction left open stops every log-in within 12 s at 0 % CPU",
		Needs:  map[string]string{evidence.DBStatus{}.Kind(): "missing-locks"},
		Match:  matchIdleTransaction,
	}
}

func matchIdleTransaction(c *diagnose.Case) []diagnose.Finding {
	var out []diagnose.Finding
	for _, w := range c.Waits(c.Scope()) {
		// 1. The root of the waiting was asleep, in most samples and for long.
		if w.Sleeps*2 < w.Samples || w.Idle < idleLeast || w.Waited < waitedLeast || w.Lock != evidence.LockRow {
			continue
		}
		if !explains(c, w.Active) || !c.Outage.Zero() && w.Active.Duration()*3 < c.Outage.Duration() {
			continue
		}
		trx, held := heldBy(c, w)
		waiting := c.DatabaseShare(w.Active, func(r diagnose.Run) bool { return r.Table == w.Table })
		f := diagnose.Finding{
			About:  diagnose.Subject{Schema: w.Schema, Table: w.Table, Session: w.Blocker},
			Origin: diagnose.Origin{User: w.User},
			Share:  diagnose.Share{DatabaseTime: waiting, CPU: -1, WorkerTime: workersWaiting(c, w)},
			Active: w.Active,
			Claim:  diagnose.Say("idle-transaction", "table", w.Table, "session", diagnose.Count(w.Blocker), "idle", w.Idle, "waiters", diagnose.Count(w.Waiters)),
			Proof: []diagnose.Sentence{
				diagnose.Say("proof-session-sleeps", "session", diagnose.Count(w.Blocker), "idle", w.Idle),
				diagnose.Say("proof-waiters", "waiters", diagnose.Count(w.Waiters), "table", w.Table, "longest", w.Longest),
			},
			Confidence: 0.75,
			Remedies:   []string{"end-session"},
		}
		// 2. The server itself names it as the holder.
		if w.Guessed {
			f.Confidence = 0.6
			f.Missing = append(f.Missing, diagnose.Say("missing-locks"))
		} else {
			f.Confidence += 0.1
		}
		// 3. Its transaction was seen, with the locks that it holds.
		if held {
			f.Confidence += 0.1
			f.Active.From = w.Active.From
			f.Proof = append(f.Proof, diagnose.Say("proof-lock-holder", "session", diagnose.Count(w.Blocker), "user", w.User, "table", w.Table, "rows", diagnose.Count(trx.RowsLocked)))
		}
		// 4. Nothing else is scarce: the machine has time to spare.
		if busy := c.BusyShare(w.Active); busy >= 0 && busy < 0.5 {
			f.Confidence += 0.03
			f.Proof = append(f.Proof, diagnose.Say("proof-cpu-idle", "busy", diagnose.Share01(busy)))
		}
		out = append(out, f)
	}
	return out
}

// heldBy returns the transaction of the session that the others wait for.
func heldBy(c *diagnose.Case, w diagnose.Waits) (evidence.Transaction, bool) {
	t, _, ok := recording.Last(c.In(w.Active), func(t evidence.Transaction) bool { return t.ConnID == w.Blocker && t.DB == w.DB })
	return t, ok
}

// workersWaiting is the share of the workers' time that the waiters took: each
// holds one worker.
func workersWaiting(c *diagnose.Case, w diagnose.Waits) float64 {
	busy := 0.0
	beats := 0.0
	for _, p := range recording.All[evidence.WorkerPool](c.In(w.Active)) {
		if p.Service == evidence.ServicePHP && p.Busy > 0 {
			busy += float64(p.Busy)
			beats++
		}
	}
	if busy == 0 || w.Active.Duration() <= 0 {
		return -1
	}
	return min(w.Waited.Seconds()/(busy/beats*w.Active.Duration().Seconds()), 1)
}
