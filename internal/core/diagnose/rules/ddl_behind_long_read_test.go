package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestDDLBehindLongReadIsFound(t *testing.T) {
	change := func(q queue, f func(*queue)) queue { f(&q); return q }
	due := func(i int, s *second) {
		if i == 3 {
			s.extra = append(s.extra, evidence.Owner{Site: "shop", Table: seats, Plugin: "seat-plan", How: "source"},
				evidence.CronEvent{Site: "shop", Hook: "seats_upgrade", NextUnixS: t0.Unix() + 86460, IntervalS: 86400, Owner: "seat-plan", Schedule: "daily"})
		}
	}
	for name, c := range map[string]struct {
		records []evidence.Record
		want    diagnose.Status
	}{
		"the reader is listed":                          {alterBehindRead().records(nil), diagnose.Proven},
		"the same, with whose table it is":              {alterBehindRead().records(due), diagnose.Proven},
		"the reader is inferred, and at work on it":     {change(alterBehindRead(), func(q *queue) { q.guessed = true }).records(nil), diagnose.Proven},
		"a sleeper is listed":                           {alterBehindSleeper().records(nil), diagnose.Proven},
		"a sleeper is inferred":                         {change(alterBehindSleeper(), func(q *queue) { q.guessed = true }).records(nil), diagnose.Likely},
		"durations are not logged":                      {untimed(alterBehindRead().records(nil)), diagnose.Proven},
		"nobody saw the workers":                        {without[evidence.WorkerPool](alterBehindRead().records(nil)), diagnose.Proven},
		"LOCK TABLES stands in the queue":               {change(alterBehindRead(), func(q *queue) { q.gate = "LOCK TABLES guest_seats WRITE" }).records(nil), diagnose.Proven},
		"FLUSH TABLES stands in the queue":              {change(alterBehindRead(), func(q *queue) { q.gate = "FLUSH TABLES WITH READ LOCK" }).records(nil), diagnose.Proven},
		"a transaction that works is what it waits for": {change(alterBehindSleeper(), func(q *queue) { q.runs, q.verb = seatsWrite, "UPDATE" }).records(nil), diagnose.Proven},
	} {
		v := verdict(c.records)
		if v.Status != c.want || len(v.Causes) != 1 || v.Causes[0].Rule != "ddl-behind-long-read" {
			t.Errorf("%s: got %s, causes %+v; want %s", name, v.Status, v.Causes, c.want)
			continue
		}
		if f := v.Causes[0]; f.About.Table != seats || f.About.Session != holderConn || f.Origin.User != "report" || f.Active.From.After(t0.Add(62e9)) {
			t.Errorf("%s: got about %+v, origin %+v, active %v", name, f.About, f.Origin, f.Active)
		}
	}
	f := verdict(alterBehindRead().records(due)).Causes[0]
	if f.Origin.Hook != "seats_upgrade" || f.Origin.Plugin != "seat-plan" || f.Proof[0].Args["user"] != "shop" {
		t.Errorf("origin: got %+v, want the plugin and the hook that was due", f.Origin)
	}
}

// Look-alikes: an ALTER in sight, and it is not what visitors wait for.
func TestDDLBehindLongReadStaysSilent(t *testing.T) {
	change := func(q queue, f func(*queue)) queue { f(&q); return q }
	for name, records := range map[string][]evidence.Record{
		"nobody needs the table":          change(alterBehindRead(), func(q *queue) { q.waiters = 0 }).records(nil),
		"one page waits":                  change(alterBehindRead(), func(q *queue) { q.waiters = 1 }).records(nil),
		"it waits for two seconds":        change(alterBehindRead(), func(q *queue) { q.to = 62 }).records(func(i int, s *second) { waitElsewhere(i, s) }),
		"it came when all stood still":    change(alterBehindRead(), func(q *queue) { q.from = 100 }).records(func(i int, s *second) { waitElsewhere(i, s) }),
		"it waits for LOCK TABLES":        change(alterBehindSleeper(), func(q *queue) { q.trx = false }).records(nil),
		"a job of the host takes all CPU": change(alterBehindRead(), func(q *queue) { q.waiters, q.calm = 2, true }).records(func(i int, s *second) { hogFrom(58, i, s) }),
		"a report runs, and nothing else": scene(140, func(i int, s *second) { waitElsewhere(i, s) }),
		"others wait for the same without it": alterBehindSleeper().records(func(i int, s *second) {
			if q := (queue{lock: evidence.LockMetadata, holder: holderConn, user: "report", waiters: 9, from: 60, to: 120, first: 300}); i >= q.from && i < q.to {
				q.wait(i, s)
			}
		}),
	} {
		if v := verdict(records); accuses(v, "ddl-behind-long-read") {
			t.Errorf("%s: got %s with causes %+v; want no accusation", name, v.Status, v.Causes)
		}
	}
}

// waitElsewhere: the site stands still for a reason that is not in the database.
func waitElsewhere(i int, s *second) {
	if i >= 60 && i < 120 {
		stand(s)
	}
}

func hogFrom(from, i int, s *second) {
	if i >= from && i < 120 {
		hog(s)
		s.workers = 10
	}
}
