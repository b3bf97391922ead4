package rules

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestTableLockedIsFound(t *testing.T) {
	change := func(q queue, f func(*queue)) queue { f(&q); return q }
	asked := func(text string) func(*queue) { return func(q *queue) { q.guessed, q.asked = true, text } }
	myisam := func(i int, s *second) {
		if i == 5 {
			s.extra = append(s.extra, evidence.Table{Schema: "shop", Name: seats, Engine: "MyISAM", Rows: 900_000})
		}
	}
	for name, c := range map[string]struct {
		records []evidence.Record
		want    diagnose.Status
		claim   string
	}{
		"a backup's lock, its holder listed":     {backupLock().records(nil), diagnose.Proven, "link-all-tables-locked"},
		"a backup's lock, its holder inferred":   {change(backupLock(), func(q *queue) { q.guessed = true }).records(nil), diagnose.Likely, "link-all-tables-locked"},
		"inferred, and it was seen to ask":       {change(backupLock(), asked("FLUSH TABLES WITH READ LOCK")).records(nil), diagnose.Proven, "link-all-tables-locked"},
		"nobody fits":                            {change(backupLock(), func(q *queue) { q.holder = 0 }).records(nil), diagnose.Likely, "link-all-tables-locked"},
		"LOCK TABLES, listed":                    {tableLock().records(nil), diagnose.Proven, "table-locked"},
		"LOCK TABLES, inferred and seen":         {change(tableLock(), asked("LOCK TABLES guest_seats WRITE")).records(nil), diagnose.Proven, "table-locked"},
		"LOCK TABLES, an ALTER waits as well":    {change(tableLock(), func(q *queue) { q.gate = seatsAlter }).records(elsewhere), diagnose.Proven, "table-locked"},
		"a dump that reads what it has locked":   {change(tableLock(), func(q *queue) { q.runs, q.verb = "SELECT SQL_NO_CACHE * FROM other", "SELECT" }).records(nil), diagnose.Proven, "table-locked"},
		"a long report on a MyISAM table":        {myisamLock().records(myisam), diagnose.Proven, "link-myisam-locked"},
		"a long write on a MyISAM table":         {change(myisamLock(), func(q *queue) { q.runs, q.verb = seatsWrite, "UPDATE" }).records(myisam), diagnose.Proven, "link-myisam-locked"},
		"a MyISAM table locked by who sleeps":    {change(myisamLock(), func(q *queue) { q.runs = "" }).records(myisam), diagnose.Proven, "table-locked"},
		"a table is rebuilt":                     {change(tableLock(), func(q *queue) { q.runs, q.verb = "OPTIMIZE TABLE guest_seats", "OPTIMIZE" }).records(nil), diagnose.Proven, "link-table-rebuilt"},
		"GET_LOCK":                               {userLock().records(nil), diagnose.Proven, "link-user-lock"},
		"durations are not logged":               {untimed(backupLock().records(nil)), diagnose.Proven, "link-all-tables-locked"},
		"a capped site, and the queue is all":    {heldBack(backupLock().records(nil)), diagnose.Proven, "link-all-tables-locked"},
		"the holder is named only now and again": {sometimes(tableLock().records(nil)), diagnose.Proven, "table-locked"},
	} {
		v := verdict(c.records)
		if v.Status != c.want || len(v.Causes) != 1 || v.Causes[0].Rule != "table-locked" || v.Causes[0].Claim.ID != c.claim {
			t.Errorf("%s: got %s, causes %+v; want %s by %s", name, v.Status, v.Causes, c.want, c.claim)
		}
	}
	if v := verdict(tableLock().records(func(i int, s *second) {
		if i == 5 {
			s.extra = append(s.extra, evidence.Table{Schema: "shop", Name: seats, Engine: "InnoDB", Rows: 900, DataBytes: 1 << 20})
		}
	})); v.WhyNow != nil {
		t.Errorf("why now: got %+v; the size of the table plays no part", v.WhyNow)
	}
	f := verdict(change(backupLock(), func(q *queue) { q.holder = 0 }).records(nil)).Causes[0]
	if f.About.Session != 0 || f.Claim.Args["session"] != diagnose.Count(-1) || f.Confidence > 0.85 {
		t.Errorf("nobody fits: got %+v; want no session named", f)
	}
}

// The hour of the backup is in the host's crontab.
func TestTableLockedFindsTheSchedule(t *testing.T) {
	v := verdict(backupLock().records(func(i int, s *second) {
		if i == 2 {
			s.extra = append(s.extra, evidence.Schedule{Origin: "crontab root", Spec: "30 15 * * *", Command: "/usr/local/bin/nightly-copy", Next: t0.Add(time.Minute + 24*time.Hour).Unix()})
		}
	}))
	if len(v.Causes) != 1 || v.Causes[0].Origin.Schedule != "30 15 * * *" || v.Recurrence == nil || v.Recurrence.At != "15:30:00" {
		t.Errorf("got %+v, again %+v; want the crontab line, and when it comes again", v.Causes, v.Recurrence)
	}
}

// A job that was due two minutes before names nothing, unless it works on databases.
func TestTableLockedNamesNoIdleJob(t *testing.T) {
	for command, want := range map[string]string{"/usr/sbin/logrotate /etc/logrotate.conf": "", "certbot renew": "", "mysqldump --all-databases": "28 15 * * *"} {
		v := verdict(backupLock().records(func(i int, s *second) {
			if i == 2 {
				s.extra = append(s.extra, evidence.Schedule{Origin: "crontab root", Spec: "28 15 * * *", Command: command, Next: t0.Add(24*time.Hour - time.Minute).Unix()})
			}
		}))
		if len(v.Causes) != 1 || v.Causes[0].Origin.Schedule != want {
			t.Errorf("%s: got %+v, want schedule %q", command, v.Causes, want)
		}
	}
}

// heldBack is the same on a site whose CPU is held back a little all along.
func heldBack(records []evidence.Record) []evidence.Record {
	out := records
	for i := range 140 {
		out = append(out, evidence.Record{At: t0.Add(time.Duration(i+1) * time.Second), Source: "cgroup", Fact: evidence.Cgroup{OverMs: 1000, Path: "/site", QuotaCPUs: 0.2, UsedMs: 200, Throttled: 3, ThrottledMs: 200}})
	}
	return out
}

// sometimes leaves the holder out of a third of the samples.
func sometimes(records []evidence.Record) []evidence.Record {
	return alter(records, func(i int, l *evidence.LockWait) {
		if i%3 == 0 && l.Blocker == holderConn {
			l.Blocker, l.BlockerSleeps, l.BlockerUser = 0, false, ""
		}
	})
}

// Look-alikes: locks in sight, and nobody waits for one that is kept.
func TestTableLockedStaysSilent(t *testing.T) {
	change := func(q queue, f func(*queue)) queue { f(&q); return q }
	for name, records := range map[string][]evidence.Record{
		"a backup's lock of a second":          change(backupLock(), func(q *queue) { q.to, q.waiters = 61, 3 }).records(func(i int, s *second) { waitElsewhere(i, s) }),
		"one statement waits for a backup":     change(backupLock(), func(q *queue) { q.waiters = 1 }).records(nil),
		"the lock came when all stood still":   change(backupLock(), func(q *queue) { q.from = 100 }).records(func(i int, s *second) { waitElsewhere(i, s) }),
		"a job of the host takes all CPU":      change(tableLock(), func(q *queue) { q.waiters, q.calm = 2, true }).records(func(i int, s *second) { hogFrom(58, i, s) }),
		"waits for rows":                       change(tableLock(), func(q *queue) { q.lock = evidence.LockRow }).records(nil),
		"an ALTER waits for a read":            alterBehindRead().records(nil),
		"an update rebuilds its table":         change(tableLock(), func(q *queue) { q.runs, q.verb = seatsAlter, "ALTER" }).records(seatPlanUpdated),
		"a lock that was over long before":     change(backupLock(), func(q *queue) { q.from, q.to, q.calm = 10, 20, true }).records(func(i int, s *second) { waitElsewhere(i, s) }),
		"many sleep, and nobody waits for any": leak().records(nil),
	} {
		if v := verdict(records); accuses(v, "table-locked") {
			t.Errorf("%s: got %s with causes %+v; want no accusation", name, v.Status, v.Causes)
		}
	}
}

// seatPlanUpdated: the plugin whose table it is was updated five seconds before.
func seatPlanUpdated(i int, s *second) {
	if i == 3 {
		s.extra = append(s.extra, evidence.Owner{Site: "shop", Table: seats, Plugin: "seat-plan", How: "source"})
	}
	if i == 45 {
		s.extra = append(s.extra, evidence.Change{What: evidence.ChangePlugin, Name: "seat-plan", Site: "shop", How: "files"})
	}
}

// Where nobody suffers, a backup's lock is worth a word and no accusation.
func TestHarmlessLock(t *testing.T) {
	q := backupLock()
	q.calm, q.waiters = true, 2
	if v := verdict(q.records(nil)); len(v.Causes) > 0 && !v.Causes[0].Harmless {
		t.Errorf("got %+v, want harmless", v.Causes)
	}
}

// A clean-up without an index on a table that is locked as a whole: the clean-up is
// the cause, its lock only how it hurts.
func TestPurgeOnMyISAMIsOneCause(t *testing.T) {
	v := verdict(scene(140, func(i int, s *second) {
		if i < 60 || i >= 120 {
			return
		}
		if stand(s); i == 63 {
			s.extra = append(s.extra, purgeFacts()...)
		}
		purgeSeconds(i, 60, 120, s)
		for w := range uint64(6) {
			s.extra = append(s.extra, evidence.LockWait{Lock: evidence.LockTable, Waiter: 100 + w, Blocker: 77, WaitMs: int64(i-59) * 1000, Schema: "shop", Table: ledger, WaiterDigest: "INSERT INTO ledger_of_visits VALUES (?)", BlockerDigest: ledgerDigest})
		}
	}))
	if len(v.Causes) != 1 || v.Causes[0].Rule != "purge-without-index" {
		t.Errorf("got %+v, want the clean-up alone", v.Causes)
	}
}

// elsewhere is a transaction that has nothing to do with it: transactions are looked at.
func elsewhere(i int, s *second) {
	if i == 30 {
		s.extra = append(s.extra, evidence.Transaction{ConnID: 7, AgeMs: 900})
	}
}

// A sleeper behind which a change of the table waits may have a transaction that
// nobody saw: then it is not known what kind of lock it is.
func TestASleeperIsNotSaidToLockWhereTransactionsAreNotSeen(t *testing.T) {
	q := tableLock()
	q.gate = seatsAlter
	if v := verdict(q.records(nil)); accuses(v, "table-locked") {
		t.Errorf("got %s, %+v", v.Status, v.Causes)
	}
}
