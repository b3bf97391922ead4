package report

import (
	"time"

	"hirune/internal/core/diagnose"
)

var tokyo = time.FixedZone("JST", 9*3600)

// at is a moment of the day of the lab's outage, s seconds after 15:30:00.
func at(s float64) time.Time {
	return time.Date(2026, 11, 20, 15, 30, 0, 0, tokyo).Add(time.Duration(s * float64(time.Second)))
}

func span(from, to float64) diagnose.Span { return diagnose.Span{From: at(from), To: at(to)} }

func secs(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// shape makes a series at 1 Hz over the recording: each pair is a second and
// the value from then on, with a small ripple.
func shape(id, unit string, pairs ...float64) diagnose.Series {
	s := diagnose.Series{ID: id, Unit: unit, From: at(-300), Step: time.Second}
	val := 0.0
	for t := -300.0; t < 175; t++ {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == t {
				val = pairs[i+1]
			}
		}
		s.Values = append(s.Values, val*(1+0.15*float64(int(t+300)%5-2)/2))
	}
	return s
}

const auditTable = "wp_aiowps_audit_log"

// purgeVerdict is the outage of case 0 with the figures of the lab's run r3:
// 600,000 rows, buffer pool 128M, 3 core-seconds of credit.
func purgeVerdict() diagnose.Verdict {
	say := diagnose.Say
	return diagnose.Verdict{
		Status: diagnose.Proven,
		Window: span(-300, 175), Outage: span(15, 175), Quiet: span(-300, 0),
		Episodes: []diagnose.Span{span(15, 175)},
		Visitors: diagnose.Visitors{How: "probe", QuietMs: 21, OutageMs: 16818, WorstMs: 30002,
			FailShare: 0.119, QuietFail: 0, StillGoing: true},
		Causes: []diagnose.Finding{{
			Rule: "purge-without-index", Confidence: 0.97,
			About: diagnose.Subject{Schema: "wordpress", Table: auditTable, Column: "created"},
			Origin: diagnose.Origin{Plugin: "all-in-one-wp-security-and-firewall", Version: "5.1.9",
				Hook: "aiowps_clean_old_events", Schedule: "daily", Site: "example.jp", User: "wp",
				File: "classes/wp-security-audit-events.php"},
			Share: diagnose.Share{DatabaseTime: 0.98, CPU: 0.46, WorkerTime: 0.04}, Active: span(5, 14.7),
			Claim: say("purge-without-index", "table", auditTable, "column", "created", "running", secs(9.7)),
			Proof: []diagnose.Sentence{
				say("proof-statement", "digest", "DELETE FROM "+auditTable+" WHERE created < ?", "at", at(5), "running", secs(9.7)),
				say("proof-rows-examined", "rows", diagnose.Count(593217), "table_rows", diagnose.Count(600000), "table", auditTable),
				say("proof-explain-running", "table", auditTable, "access", "ALL", "rows", diagnose.Count(593217)),
				say("proof-no-index", "table", auditTable, "column", "created", "indexes", "PRIMARY, username, ip, level, event_type"),
				say("proof-cron-match", "hook", "aiowps_clean_old_events", "due", at(5), "started", at(5.2)),
				say("proof-plugin-code", "plugin", "all-in-one-wp-security-and-firewall",
					"file", "classes/wp-security-audit-events.php", "hook", "aiowps_clean_old_events", "table", auditTable),
				say("proof-database-cpu", "share", diagnose.Share01(0.46), "quiet", diagnose.Share01(0.1)),
				say("proof-no-statement-but", "cpu", diagnose.Number(14.2), "during", secs(160)),
			},
			Remedies: []string{"purge", "add-index", "close-xmlrpc", "keep-it-small"},
		}},
		Chain: []diagnose.Link{
			{ID: "purge-without-index", Role: diagnose.RoleCause, Span: span(5, 14.7),
				Share: diagnose.Share{DatabaseTime: 0.98, CPU: 0.46, WorkerTime: -1},
				Say:   say("purge-without-index", "table", auditTable, "column", "created", "running", secs(9.7))},
			{ID: "cpu-capped", Role: diagnose.RoleStep, Span: span(11, 175), Share: diagnose.Share{DatabaseTime: -1, CPU: 0.89, WorkerTime: -1},
				Say: say("link-cpu-capped", "quota", diagnose.Number(0.2), "throttled", diagnose.Number(1.7))},
			{ID: "innodb-purge", Role: diagnose.RoleStep, Span: span(14.7, 175),
				Share: diagnose.Share{DatabaseTime: -1, CPU: 0.44, WorkerTime: -1},
				Say:   say("link-innodb-purge", "cpu", diagnose.Number(14.2), "during", secs(160))},
			{ID: "workers-full", Role: diagnose.RoleStep, Span: span(15, 175),
				Share: diagnose.Share{DatabaseTime: -1, CPU: 0.53, WorkerTime: 1},
				Say:   say("link-workers-full", "busy", diagnose.Count(10), "max", diagnose.Count(10), "queue", diagnose.Count(148))},
			{ID: "visitors-wait", Role: diagnose.RoleEffect, Span: span(15, 175), Share: diagnose.UnknownShare,
				Say: say("link-visitors-wait", "quiet", diagnose.Ms(21), "outage", diagnose.Ms(16818), "worst", diagnose.Ms(30002))},
			{ID: "visitors-fail", Role: diagnose.RoleEffect, Span: span(45, 175), Share: diagnose.UnknownShare,
				Say: say("link-visitors-fail", "share", diagnose.Share01(0.119))},
			{ID: "outlasts", Role: diagnose.RoleEffect, Span: span(14.7, 175), Share: diagnose.UnknownShare,
				Say: say("link-outlasts", "after", secs(160))},
		},
		Rejected: []diagnose.Rejected{
			{ID: "request-flood", Metric: "requests_per_second", Baseline: 6.4, Window: 6.5,
				Say: say("cleared-request-flood", "quiet", diagnose.Number(6.4), "outage", diagnose.Number(6.5))},
			{ID: "login-attack", Metric: "worker_time_share", Baseline: 0.15, Window: 0.16,
				Say: say("cleared-login-attack", "quiet", diagnose.Number(1.5), "outage", diagnose.Number(1.5), "share", diagnose.Share01(0.16))},
			{ID: "memory", Metric: "available_bytes", Baseline: 14.2e9, Window: 14.1e9,
				Say: say("cleared-memory", "available", diagnose.Bytes(14.1e9), "total", diagnose.Bytes(25.7e9), "kills", diagnose.Count(0))},
			{ID: "disk-io", Metric: "disk_busy", Baseline: 0.01, Window: 0.06,
				Say: say("cleared-disk-io", "busy", diagnose.Share01(0.06))},
			{ID: "disk-space", Metric: "free_share", Baseline: 0.61, Window: 0.61,
				Say: say("cleared-disk-space", "mount", "/", "free", diagnose.Share01(0.61))},
			{ID: "services", Metric: "services_down", Baseline: 0, Window: 0,
				Say: say("cleared-services", "services", "apache, database, php-fpm")},
			{ID: "locks", Metric: "lock_waits", Baseline: 0, Window: 0,
				Say: say("cleared-locks", "waits", diagnose.Count(0))},
		},
		WhyNow: &diagnose.Growth{Table: auditTable, Rows: 600000, OldRows: 480000, RowsPerDay: 5300, Class: "xmlrpc",
			PerDay: 5290, RowsSeen: 37030, ReqsSeen: 37041, Counted: diagnose.Span{From: at(-7 * 86400), To: at(0)},
			Say: []diagnose.Sentence{
				say("why-rows-grow", "table", auditTable, "rows", diagnose.Count(600000), "per_day", diagnose.Count(5300)),
				say("why-rows-by-posts", "class", "xmlrpc", "rows", diagnose.Count(37030), "requests", diagnose.Count(37041), "days", diagnose.Count(7)),
				say("why-old-rows", "table", auditTable, "old", diagnose.Count(480000), "rows", diagnose.Count(600000)),
				say("why-starts-over", "table", auditTable),
			}},
		Recurrence: &diagnose.Recurrence{At: "15:30:05", Next: at(86405), Schedule: "daily", Seen: 1,
			Say: say("again-schedule", "hook", "aiowps_clean_old_events", "at", "15:30:05", "next", at(86405))},
		Notes: []diagnose.Sentence{say("note-still-down")},
		Surer: []diagnose.Sentence{say("missing-next-run", "at", at(86405))},
		Unseen: []diagnose.Unseen{
			{Source: "pool", Code: "timeout", What: "the state of single PHP workers", Hint: "set pm.status_listen in the pool's configuration"},
			{Source: "cloud", Code: "no-metrics", What: "the balance of CPU credit", Hint: "aws lightsail get-instance-metric-data"}},
		Remedies: []string{"purge", "add-index", "close-xmlrpc", "keep-it-small"},
		Series: []diagnose.Series{
			shape("visitor_ms", "ms", -300, 21, 5, 40, 11, 900, 15, 9000, 30, 16800, 60, 25000),
			shape("database_cpu", "cpus", -300, 0.01, 5, 0.42, 11, 0.05, 15, 0.045),
			shape("php_cpu", "cpus", -300, 0.06, 11, 0.05, 15, 0.055),
			shape("workers", "share", -300, 0.1, 8, 0.3, 11, 0.7, 15, 0.87),
			shape("throttled", "cpus", -300, 0, 11, 1.5, 15, 1.55),
		},
		SelfCPUMs: 2400,
	}
}

// idleVerdict is the lab's run r4: a full stop at 0 % CPU.
func idleVerdict() diagnose.Verdict {
	say := diagnose.Say
	claim := say("idle-transaction", "table", auditTable, "session", diagnose.Count(48213), "idle", secs(45), "waiters", diagnose.Count(10))
	return diagnose.Verdict{
		Status: diagnose.Proven, Window: span(-300, 60), Outage: span(3, 50), Quiet: span(-300, 0),
		Visitors: diagnose.Visitors{How: "probe", QuietMs: 21.9, OutageMs: 30001, WorstMs: 30001, FailShare: 0.52, QuietFail: 0},
		Causes: []diagnose.Finding{{Rule: "idle-transaction", Confidence: 0.95,
			About:  diagnose.Subject{Schema: "wordpress", Table: auditTable, Session: 48213},
			Origin: diagnose.Origin{User: "report"}, Share: diagnose.UnknownShare, Active: span(0, 45), Claim: claim,
			Proof: []diagnose.Sentence{
				say("proof-session-sleeps", "session", diagnose.Count(48213), "idle", secs(45)),
				say("proof-lock-holder", "session", diagnose.Count(48213), "user", "report", "table", auditTable, "rows", diagnose.Count(300001)),
				say("proof-waiters", "waiters", diagnose.Count(10), "table", auditTable, "longest", secs(41.2)),
				say("proof-cpu-idle", "busy", diagnose.Share01(0.01))},
			Remedies: []string{"end-session"}}},
		Chain: []diagnose.Link{
			{ID: "idle-transaction", Role: diagnose.RoleCause, Span: span(0, 45), Share: diagnose.UnknownShare, Say: claim},
			{ID: "lock-waits", Role: diagnose.RoleStep, Span: span(2, 45), Share: diagnose.Share{DatabaseTime: 0.99, CPU: -1, WorkerTime: 0.97},
				Say: say("link-lock-waits", "waiters", diagnose.Count(10), "table", auditTable)},
			{ID: "workers-full", Role: diagnose.RoleStep, Span: span(12, 46), Share: diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: 1},
				Say: say("link-workers-full", "busy", diagnose.Count(10), "max", diagnose.Count(10), "queue", diagnose.Count(-1))},
			{ID: "visitors-fail", Role: diagnose.RoleEffect, Span: span(13, 50), Share: diagnose.UnknownShare,
				Say: say("link-visitors-fail", "share", diagnose.Share01(0.52))}},
		Rejected: []diagnose.Rejected{
			{ID: "cpu", Metric: "cpu_busy", Baseline: 0.12, Window: 0.01, Say: say("cleared-cpu", "busy", diagnose.Share01(0.01))},
			{ID: "request-flood", Metric: "requests_per_second", Baseline: 5, Window: 4.9,
				Say: say("cleared-request-flood", "quiet", diagnose.Number(5), "outage", diagnose.Number(4.9))}},
		Remedies: []string{"end-session"},
		Series: []diagnose.Series{
			shape("visitor_ms", "ms", -300, 22, 3, 8000, 12, 26088, 50, 22),
			shape("database_cpu", "cpus", -300, 0.02, 3, 0.001, 50, 0.02),
			shape("workers", "share", -300, 0.1, 3, 0.6, 12, 0.87, 47, 0.1)},
		SelfCPUMs: -1,
	}
}

// stoppedVerdict is a database that was killed and did not come back.
func stoppedVerdict() diagnose.Verdict {
	say := diagnose.Say
	claim := say("service-stopped", "service", "database", "at", at(20))
	return diagnose.Verdict{
		Status: diagnose.Likely, Window: span(-300, 120), Outage: span(20, 120), Quiet: span(-300, 0),
		Visitors: diagnose.Visitors{How: "access-log", QuietMs: -1, OutageMs: -1, WorstMs: -1, FailShare: 1, QuietFail: 0.002, StillGoing: true},
		Causes: []diagnose.Finding{{Rule: "service-stopped", Confidence: 0.8,
			About: diagnose.Subject{Service: "database"}, Share: diagnose.UnknownShare, Active: span(20, 120), Claim: claim,
			Proof: []diagnose.Sentence{
				say("proof-process-gone", "service", "database", "pid", diagnose.Count(1873), "at", at(20)),
				say("proof-refused", "service", "database"),
				say("proof-answers", "status", diagnose.Count(500), "share", diagnose.Share01(0.998))},
			Missing:  []diagnose.Sentence{say("missing-host")},
			Remedies: []string{"start-service"}}},
		Chain: []diagnose.Link{
			{ID: "service-stopped", Role: diagnose.RoleCause, Span: span(20, 120), Share: diagnose.UnknownShare, Say: claim},
			{ID: "database-down", Role: diagnose.RoleStep, Span: span(20, 120), Share: diagnose.UnknownShare, Say: say("link-database-down", "service", "database")},
			{ID: "visitors-fail", Role: diagnose.RoleEffect, Span: span(21, 120), Share: diagnose.UnknownShare, Say: say("link-visitors-fail", "share", diagnose.Share01(1))}},
		Surer:     []diagnose.Sentence{say("missing-host"), say("missing-probe")},
		Unseen:    []diagnose.Unseen{{Source: "errors", Code: "access-denied", What: "why a service stopped", Hint: "sudo setfacl -m u:hirune:r /var/log/mysql/error.log"}},
		Remedies:  []string{"start-service"},
		SelfCPUMs: 120,
	}
}

// healthyVerdict has a quiet hour, with a purge that does no harm yet.
func healthyVerdict() diagnose.Verdict {
	say := diagnose.Say
	return diagnose.Verdict{
		Status: diagnose.Healthy, Window: span(-300, 175),
		Visitors: diagnose.Visitors{How: "probe", QuietMs: 20.8, OutageMs: -1, WorstMs: -1},
		Rejected: []diagnose.Rejected{
			{ID: "cpu", Metric: "cpu_busy", Baseline: 0.12, Window: 0.12, Say: say("cleared-cpu", "busy", diagnose.Share01(0.12))},
			{ID: "services", Metric: "services_down", Say: say("cleared-services", "services", "apache, database, php-fpm")}},
		Notes:     []diagnose.Sentence{say("note-unindexed-purge", "table", auditTable, "column", "created")},
		Series:    []diagnose.Series{shape("visitor_ms", "ms", -300, 21), shape("database_cpu", "cpus", -300, 0.01), shape("php_cpu", "cpus", -300, 0.06)},
		SelfCPUMs: 2400,
	}
}

// notProvenVerdict has visitors who suffered and a recorder without rights.
func notProvenVerdict() diagnose.Verdict {
	say := diagnose.Say
	v := purgeVerdict()
	return diagnose.Verdict{
		Status: diagnose.NotProven, Window: v.Window, Outage: v.Outage, Quiet: v.Quiet, Visitors: v.Visitors,
		Rejected: v.Rejected[:3],
		Surer:    []diagnose.Sentence{say("missing-mechanism"), say("missing-statements"), say("missing-locks"), say("missing-durations")},
		Unseen: []diagnose.Unseen{{Source: "database", Code: "access-denied", What: "statements and locks",
			Hint: "GRANT PROCESS ON *.* TO 'hirune'@'localhost';"}},
		Series: v.Series, SelfCPUMs: 2400,
	}
}

// blindVerdict is what is left without any right and any log.
func blindVerdict() diagnose.Verdict {
	say := diagnose.Say
	return diagnose.Verdict{
		Status: diagnose.CannotJudge, Window: span(0, 20),
		Surer: []diagnose.Sentence{say("missing-traffic"), say("missing-probe"), say("missing-statements")},
		Unseen: []diagnose.Unseen{
			{Source: "traffic", Code: "log-unreadable", What: "what visitors ask for", Hint: "run as root: sudo hirune diagnose"},
			{Source: "database", Code: "access-denied", What: "statements and locks", Hint: "GRANT PROCESS ON *.* TO 'hirune'@'localhost';"},
			{Source: "probe", Code: "refused", What: "what a visitor sees", Hint: "is the web server running? try: hirune doctor"}},
		SelfCPUMs: -1,
	}
}
