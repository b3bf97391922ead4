package rules

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// lookalike is a recording that resembles an outage of a known cause.
type lookalike struct {
	name    string
	records []evidence.Record
	want    diagnose.Status
}

// innocents are outages whose cause no rule knows, with a bystander that looks
// like one.
func innocents() []lookalike {
	return []lookalike{
		{"a short purge before a long wait", shortPurgeBeforeLongWait(), diagnose.NotProven},
		{"a purge within a backup", purgeWithinBackup(0), diagnose.NotProven},
		{"a purge within a backup, another job throttled for 1 ms", purgeWithinBackup(1), diagnose.NotProven},
		{"a light DELETE and the failure of another", failureOfAnotherStatement(), diagnose.NotProven},
		{"an hourly clean-up of 38 minutes ago", unseenHourlyHook(), diagnose.NotProven},
		{"a daily clean-up of 40 minutes ago, and many statements", unseenPurgeAndManyStatements(), diagnose.NotProven},
		{"a transaction that gets no CPU", transactionWithoutCPU(), diagnose.NotProven},
		{"few searches that come out together", fewSearchesAtOnce(), diagnose.NotProven},
		{"a steady attack without a quiet time", steadyAttackLive(), diagnose.NotProven},
		{"an old PHP stopped, three pages fail", oldPHPStoppedAndFewErrors(), diagnose.NotProven},
		{"PHP stopped, pages are served", stoppedPHPThatNobodyMisses(), diagnose.Healthy},
	}
}

func TestLookalikesAreNotAccused(t *testing.T) {
	for _, c := range innocents() {
		if v := verdict(c.records); v.Status != c.want || len(v.Causes) != 0 {
			t.Errorf("%s: got %s, causes %+v; want %s, nobody accused", c.name, v.Status, v.Causes, c.want)
		}
	}
}

// The service of a payment provider hangs for half an hour; eight seconds of purge went before.
func shortPurgeBeforeLongWait() []evidence.Record {
	return scene(1900, func(i int, s *second) {
		purgeSeconds(i, 90, 98, s)
		if i == 92 {
			s.extra = append(s.extra, purgeFacts()...)
		}
		if i >= 100 {
			stand(s)
		}
	})
}

// A backup compresses for minutes; a purge with 6 % of the CPU falls into it, and logrotate has a quota.
func purgeWithinBackup(throttledMs int64) []evidence.Record {
	return scene(200, func(i int, s *second) {
		if i >= 38 {
			hog(s)
			s.db, s.php, s.pages, s.xmlrpc = 0.02, 0.02, 1, 0
		}
		if i >= 40 && i < 70 {
			purgeSeconds(i, 40, 70, s)
			s.busy, s.db = 1.98, 0.12
		}
		if i == 43 {
			s.extra = append(s.extra, purgeFacts()...)
			s.extra = append(s.extra, evidence.Cgroup{OverMs: 1000, Path: "/logrotate", QuotaCPUs: 0.5, ThrottledMs: throttledMs})
		}
	})
}

// An option is deleted by its index, while a statement that nobody saw fails for want of lock memory.
func failureOfAnotherStatement() []evidence.Record {
	const digest = "DELETE FROM `wp_options` WHERE `option_name` = ?"
	return scene(160, func(i int, s *second) {
		if i >= 44 && i < 120 {
			starve(s, 0.09)
		}
		if i >= 40 && i < 46 {
			s.extra = append(s.extra, evidence.Statement{ConnID: 30, QueryID: 5, Command: "Query", RunningMs: int64(i-39) * 1000, Digest: digest, Verb: "DELETE", Table: "wp_options", RowsRead: 3})
		}
		if i == 48 {
			s.extra = append(s.extra,
				evidence.Table{Schema: "shop", Name: "wp_options", Rows: 300, Indexes: []evidence.Index{{Name: "option_name", Columns: []string{"option_name"}}}},
				evidence.Filter{Digest: digest, Verb: "DELETE", Table: "wp_options", Equal: []string{"option_name"}},
				evidence.ErrorLine{Service: "php-fpm", ID: "php-lock-table-full", Count: 1, Message: "The total number of locks exceeds the lock table size"})
		}
	})
}

// A hook that runs every hour was always due not long ago: it has no part in this one outage.
func unseenHourlyHook() []evidence.Record {
	return scene(20, func(i int, s *second) {
		starve(s, 0.12)
		s.pages = 3
		if i == 0 {
			s.extra = append(s.extra, purgeDue("ledger_count", "hourly", t0.Add(22*time.Minute), time.Hour)...)
		}
	})
}

// The object cache is lost: thousands of small statements use the database up, long after the clean-up is done.
func unseenPurgeAndManyStatements() []evidence.Record {
	return scene(20, func(i int, s *second) {
		starve(s, 0.12)
		s.pages = 3
		s.extra = append(s.extra, evidence.DBStatus{OverMs: 1000, Questions: 9000, Selects: 8900, HistoryLength: 3, ThreadsRunning: 1})
		if i == 0 {
			s.extra = append(s.extra, purgeDue("ledger_tidy", "daily", t0.Add(24*time.Hour-40*time.Minute), 24*time.Hour)...)
		}
	})
}

// A job of the host starves the site; a worker gets no CPU within its transaction, and two wait for it for 5 s.
func transactionWithoutCPU() []evidence.Record {
	return scene(200, func(i int, s *second) {
		if i >= 60 {
			hog(s)
			s.pages, s.xmlrpc = 1, 0
		}
		if i < 62 || i >= 67 {
			return
		}
		age := int64(i-61) * 1000
		s.extra = append(s.extra, evidence.Transaction{ID: "8", ConnID: 5, State: "RUNNING", AgeMs: age, RowsLocked: 3, Sleeping: true, IdleMs: age, User: "wp"})
		for w := range uint64(2) {
			s.extra = append(s.extra, evidence.LockWait{Lock: evidence.LockRow, Waiter: 100 + w, Blocker: 5, WaitMs: age, Schema: "shop", Table: "wp_stock", BlockerSleeps: true, BlockerIdleMs: age, BlockerUser: "wp"})
		}
	})
}

// A job of the host starves a site with little traffic; four searches that queued are answered in one second.
func fewSearchesAtOnce() []evidence.Record {
	every := func(i, n int) int64 {
		if i%n == 0 {
			return 1
		}
		return 0
	}
	return scene(360, func(i int, s *second) {
		s.pages, s.xmlrpc, s.searches = every(i, 10), 0, every(i, 20)
		if i >= 300 {
			hog(s)
			s.searches = every(i, 12)
		}
		if i == 310 {
			s.searches = 4
		}
	})
}

// Somebody looks when the credit is spent; one log-in a second is tried, as on any day.
func steadyAttackLive() []evidence.Record {
	return scene(20, func(i int, s *second) {
		starve(s, 0.15)
		s.pages, s.xmlrpc = 0, 1
		if i%4 == 0 {
			s.pages = 1
		}
	})
}

// An upgrade stops the old PHP; pages are slow for another reason, and 3 of 500 fail within one second.
func oldPHPStoppedAndFewErrors() []evidence.Record {
	records := scene(160, func(i int, s *second) {
		if i >= 60 {
			s.pageMs = 2500
		}
		if i%10 == 0 || i == 58 {
			s.extra = append(s.extra,
				evidence.ServiceState{Service: evidence.ServicePHP, Instance: "old-8.1", Up: i < 58, PID: 44},
				evidence.ServiceState{Service: evidence.ServicePHP, Instance: "8.2", Up: true, PID: 45})
		}
	})
	return alter(records, func(i int, t *evidence.Traffic) {
		if i == 79 && t.Class == evidence.ClassPage {
			t.S5xx = 3
		}
	})
}

// A PHP that no site uses is down from the start; the access log shows answers only.
func stoppedPHPThatNobodyMisses() []evidence.Record {
	records := scene(60, func(i int, s *second) {
		if i%10 == 0 {
			s.extra = append(s.extra, evidence.ServiceState{Service: evidence.ServicePHP, Instance: "unused"})
		}
	})
	return untimed(without[evidence.WorkerPool](without[evidence.Probe](records)))
}
