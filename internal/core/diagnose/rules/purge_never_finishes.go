package rules

import (
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// lockHeapFull is the share of the buffer pool at which InnoDB refuses further
// row locks with error 1206; from lockHeapHigh on it warns. Measured on MariaDB
// 10.11, 11.8 and MySQL 9.7: the same share on all.
const (
	lockHeapFull = 0.75
	lockHeapHigh = 0.67
)

// PurgeNeverFinishes is a clean-up whose row locks need more memory than the
// buffer pool has: each time it is rolled back, and the table only grows.
func PurgeNeverFinishes() diagnose.Rule {
	return diagnose.Rule{
		ID:       "purge-never-finishes",
		Title:    "a clean-up is rolled back each time, because its row locks do not fit into the buffer pool",
		Source:   "measured: error 1206 when lock memory reaches 75 % of the buffer pool",
		Needs:    map[string]string{evidence.DBStatus{}.Kind(): "missing-statements"},
		Match:    matchPurgeNeverFinishes,
		Explains: []string{"purge-without-index"},
	}
}

func matchPurgeNeverFinishes(c *diagnose.Case) []diagnose.Finding {
	var out []diagnose.Finding
	seen := map[string]bool{}
	pool := bufferPool(c)
	for _, p := range purges(c) {
		if seen[p.Table] {
			continue
		}
		// 1. It failed: the server said so, or its changes were seen to be taken back.
		full, fullAt := lockTableFull(c, p.Active)
		backAt, modified, back := p.rolledBack()
		if full == 0 && !back {
			continue
		}
		// 2. It failed for want of memory for its locks, not because somebody killed it.
		locks := p.lockMemory()
		short := pool > 0 && float64(locks) >= lockHeapHigh*float64(pool)
		if full == 0 && !short || !back && !p.wide() {
			continue
		}
		// 3. It is the burden of the time in which visitors suffered, if they did.
		share, after := p.burden(c)
		if !explains(c, diagnose.Span{From: p.Active.From, To: after.To}) {
			continue
		}
		seen[p.Table] = true
		f := diagnose.Finding{
			About: p.about(), Origin: p.origin(), Statement: p.statement(), Share: share, Active: p.Active,
			Claim: diagnose.Say("purge-never-finishes", "table", p.Table, "column", p.column()),
			Proof: p.proofs(c), Missing: p.missing(), Confidence: 0.6,
			Remedies: []string{"purge", "add-index", "raise-buffer-pool"},
		}
		if full > 0 {
			f.Confidence += 0.2
			f.Proof = append(f.Proof, diagnose.Say("proof-lock-table-full", "count", diagnose.Count(full), "at", fullAt))
		}
		if short {
			f.Confidence += 0.1
			f.Proof = append(f.Proof, diagnose.Say("proof-lock-memory", "used", diagnose.Bytes(locks), "pool", diagnose.Bytes(pool), "share", diagnose.Share01(float64(locks)/float64(max(pool, 1)))))
		}
		if back {
			f.Confidence += 0.1
			f.Proof = append(f.Proof, diagnose.Say("proof-rolled-back", "modified", diagnose.Count(modified), "at", backAt))
		}
		if days := failedOn(c); days > 1 {
			f.Proof = append(f.Proof, diagnose.Say("proof-repeats", "days", diagnose.Count(days)))
		}
		if back {
			f.Steps = append(f.Steps, diagnose.Link{ID: "rollback", Role: diagnose.RoleStep, Span: diagnose.Span{From: backAt, To: p.Active.To}, Share: diagnose.UnknownShare,
				Say: diagnose.Say("link-rollback", "table", p.Table, "running", p.Active.To.Sub(backAt))})
		}
		if c.GrowthClass(f) == evidence.ClassXMLRPC {
			f.Remedies = append(f.Remedies, "close-xmlrpc")
		}
		f.Remedies = append(f.Remedies, "keep-it-small")
		out = append(out, f)
	}
	return out
}

func bufferPool(c *diagnose.Case) int64 {
	s, _, _ := recording.Last[evidence.DBServer](c.W.Whole(), nil)
	return s.BufferPoolBytes
}

// lockTableFull counts the lines that tell of error 1206 from the statement's
// first to shortly after its last moment.
func lockTableFull(c *diagnose.Case, s diagnose.Span) (int64, time.Time) {
	n, first := int64(0), time.Time{}
	for at, l := range recording.All[evidence.ErrorLine](c.In(diagnose.Span{From: s.From, To: s.To.Add(15 * time.Second)})) {
		if strings.HasSuffix(l.ID, "lock-table-full") {
			if n == 0 {
				first = at
			}
			n += max(l.Count, 1)
		}
	}
	return n, first
}

// failedOn counts the days on which error 1206 is in the logs.
func failedOn(c *diagnose.Case) int {
	days := map[string]bool{}
	for at, l := range recording.Ever[evidence.ErrorLine](c.W) {
		if strings.HasSuffix(l.ID, "lock-table-full") {
			days[at.In(c.Loc).Format(time.DateOnly)] = true
		}
	}
	return len(days)
}
