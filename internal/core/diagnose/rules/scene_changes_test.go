package rules

import (
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// names of the synthetic plugin: in no catalogue.
const (
	slots       = "visit_slots"
	slotsPlugin = "slot-keeper"
	slotsAlter  = "ALTER TABLE visit_slots ENGINE = InnoDB"
	slotsSelect = "SELECT COUNT(*) FROM visit_slots WHERE day = ?"
)

// changedAt adds a change of the plugin at a second of the scene; it may lie before it.
func changedAt(records []evidence.Record, second int, change evidence.Change) []evidence.Record {
	return append(records, evidence.Record{At: t0.Add(time.Duration(second) * time.Second), Source: "changes", Fact: change})
}

func updated(name string) evidence.Change {
	return evidence.Change{What: evidence.ChangePlugin, Name: name, Site: "shop", From: "1.4.0", To: "1.5.0", Verb: "updated", How: "mtime"}
}

// judged is the verdict on what was watched: what logs and times of files tell of
// the time before is no part of it.
func judged(records []evidence.Record) diagnose.Verdict {
	w := recording.New(slices.Clone(records))
	return diagnose.Diagnose(w.Between(t0, w.To), All(), diagnose.Options{})
}

// everyPageFails is a site of which every page ends with PHP's error in a file
// from a second on, with a line for each.
func everyPageFails(from int, file string) []evidence.Record {
	out := scene(120, func(i int, s *second) {
		if i < from {
			return
		}
		s.pageMs, s.failed = 30, true
		s.extra = append(s.extra, evidence.ErrorLine{Service: evidence.ServicePHP, ID: "php-fatal", Count: s.pages, Message: "PHP Fatal error:  Uncaught Error: Call to undefined function", File: file})
	})
	out = alter(out, func(i int, p *evidence.Probe) {
		if p.Failed() {
			p.Status, p.Error, p.TookMs = 500, "", 30
		}
	})
	return alter(out, func(i int, t *evidence.Traffic) {
		if i >= from {
			t.S5xx, t.S2xx = t.Requests, 0
		}
	})
}

// everyViewCounts is a starved site of which each page view changes one row of the
// plugin's table: nobody sees such a statement while all is well.
func everyViewCounts(from int, flood bool) []evidence.Record {
	return scene(140, func(i int, s *second) {
		if i == 2 {
			s.extra = append(s.extra, evidence.Owner{Site: "shop", Table: slots, Plugin: slotsPlugin, How: "source", Version: "1.4.0"})
		}
		if i < from {
			return
		}
		starve(s, 0.06)
		if flood {
			s.busy, s.php, s.db, s.throttled, s.xmlrpc = 1.98, 1.4, 0.5, 0, 40
		}
		for w := range 9 {
			conn := uint64(1000 + i*10 + w)
			s.extra = append(s.extra, evidence.Statement{ConnID: conn, QueryID: conn, User: "wp", Schema: "shop", Command: "Query", State: "Updating", RunningMs: 4000, Digest: "UPDATE visit_slots SET views = views + ? WHERE day = ?", Verb: "UPDATE", Table: slots, RowsRead: 1})
			if w > 0 {
				s.extra = append(s.extra, evidence.LockWait{Lock: evidence.LockRow, Waiter: conn, Blocker: uint64(1000 + i*10), WaitMs: 4000, Schema: "shop", Table: slots})
			}
		}
	})
}

// everyViewAlters is a plugin whose code alters its table on each page view from a
// second on: the views wait for each other's metadata lock.
func everyViewAlters(from int, verb, digest string, how string) []evidence.Record {
	return scene(140, func(i int, s *second) {
		if i == 2 {
			s.extra = append(s.extra, evidence.Owner{Site: "shop", Table: slots, Plugin: slotsPlugin, How: how, Version: "1.4.0"})
		}
		if i < from {
			return
		}
		s.busy, s.db, s.php = 1.95, 1.6, 0.2
		s.pageMs, s.failed, s.workers, s.queue, s.pages = 9000, true, 10, 12, 1
		rows := int64(150_000)
		if verb == "ALTER" {
			rows = 0
		}
		// Each second another view has its turn; eight wait.
		for w := range 9 {
			conn := uint64(1000 + (i-from)/3 + w)
			ran := int64((i-from)%3+1) * 1000
			s.extra = append(s.extra, evidence.Statement{ConnID: conn, QueryID: conn, User: "wp", Schema: "shop", Command: "Query", State: "altering table", RunningMs: ran, Digest: digest, Verb: verb, Table: slots, RowsRead: rows})
			if w > 0 {
				s.extra = append(s.extra, evidence.LockWait{Lock: evidence.LockMetadata, Waiter: conn, Blocker: uint64(1000 + (i-from)/3), WaitMs: ran, Schema: "shop", Table: slots, BlockerDigest: digest})
			}
		}
	})
}
