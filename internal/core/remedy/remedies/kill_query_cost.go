package remedies

import (
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// Rollback speeds, rows a second. Measured: 18,000 at worst, 61,000 to 71,000 with
// room in the buffer pool; where row locks fill half of the pool it crawls.
const (
	rollbackRows    = 20_000
	rollbackCrawls  = 10
	lockBytesPerRow = 21
	// patience is how much longer than the rollback finishing may take before a kill
	// is better: what is finished has not to be done again.
	patience = 2
	// nearlyDone is what nobody kills a statement for.
	nearlyDone = 10 * time.Second
	// longRollback is the rollback that the user has to accept by name.
	longRollback = 5 * time.Minute
)

// killing is what ending a session costs, against letting it be.
type killing struct {
	remedy.Session
	rollback time.Duration
	finish   time.Duration // -1 unknown
	waiters  int
	blind    bool // it can never finish: its locks do not fit into memory
}

func cost(s remedy.Session, f diagnose.Finding, w remedy.World) killing {
	k := killing{Session: s, finish: -1, waiters: waiters(w.Server, s.ID), blind: f.Rule == "purge-never-finishes"}
	k.rollback = time.Duration(float64(max(s.RowsModified, 0)) / rollbackRows * float64(time.Second))
	if pool := w.Server.BufferPool; pool > 0 && s.RowsLocked*lockBytesPerRow > pool/2 {
		k.rollback *= rollbackCrawls
	}
	k.rollback = k.rollback.Round(time.Second)
	if t := w.Table; t != nil && !sleeping(s) && strings.EqualFold(s.Table, t.Name) && s.RowsRead > 0 && !k.blind {
		left := max(measure(t, remedy.Doomed{}).rows-s.RowsRead, 0)
		k.finish = time.Duration(float64(s.RunningMs) * float64(time.Millisecond) * float64(left) / float64(s.RowsRead)).Round(time.Second)
	}
	return k
}

// waiters counts the sessions that wait for one, directly or behind others.
func waiters(server *remedy.Server, root uint64) int {
	n := 0
	for i := range server.Sessions {
		s, hops := &server.Sessions[i], 0
		for s != nil && s.Waits != 0 && hops <= len(server.Sessions) {
			if s.Waits == root {
				n++
				break
			}
			s, hops = session(server, s.Waits), hops+1
		}
	}
	return n
}

// refused says why it is better to let it be.
func (k killing) refused(f diagnose.Finding, wish remedy.Wishes) sentences {
	n := diagnose.Count(k.ID)
	idle := f.Rule == "idle-transaction" || f.Statement == nil
	switch {
	case k.finish >= 0 && (k.finish < nearlyDone || k.finish <= patience*k.rollback):
		return sentences{say("refused-kill-finish", "session", n, "finish", k.finish, "rollback", k.rollback), say("instead-wait")}
	case k.rollback > longRollback && !accepted(wish, "long-rollback"):
		return sentences{say("refused-kill-rollback", "session", n, "rollback", k.rollback, "rows", diagnose.Count(k.RowsModified)), say("instead-accept", "name", "long-rollback")}
	case k.waiters == 0 && idle:
		return sentences{say("refused-kill-no-waiters", "session", n), say("instead-wait")}
	}
	return nil
}

func (k killing) step(p *remedy.Plan, w remedy.World) {
	n := diagnose.Count(k.ID)
	s := remedy.KillQuery{Instance: w.Server.Instance, MariaDB: w.Server.MariaDB(), Session: k.ID, User: k.User, TrxID: k.TrxID, Sleeping: sleeping(k.Session), Rollback: k.rollback}
	e := remedy.Estimate{Takes: round(k.rollback), TakesCapped: 5 * round(k.rollback), Rows: 0, Locks: say("locks-none"), Risk: remedy.RiskHigh, Irreversible: true}
	if s.Sleeping {
		add(p, s, e, say("undo-kill"), say("step-kill-session", "session", n, "user", k.User))
		p.Says = append(p.Says, say("kill-sleeping", "session", n, "user", k.User, "idle", ms(k.RunningMs), "waiters", diagnose.Count(k.waiters)),
			say("kill-lost", "rows", diagnose.Count(max(k.RowsModified, 0))))
		if p.Settle.Hook == "" {
			p.Says = append(p.Says, say("kill-find-program", "user", k.User))
		}
		return
	}
	s.QueryID, s.Digest = k.QueryID, k.Digest
	add(p, s, e, say("undo-kill"), say("step-kill-query", "session", n, "user", k.User))
	p.Says = append(p.Says, say("kill-running", "session", n, "user", k.User, "running", ms(k.RunningMs), "waiters", diagnose.Count(k.waiters)),
		say("kill-cost", "rollback", k.rollback, "rows", diagnose.Count(max(k.RowsModified, 0)), "finish", k.finish), say("kill-no-restart"))
}
