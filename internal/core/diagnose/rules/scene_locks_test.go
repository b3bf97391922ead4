package rules

import (
	"time"

	"hirune/internal/core/evidence"
)

// Names of the locks' scenes: in no catalogue.
const (
	seats       = "guest_seats"
	seatsRead   = "SELECT COUNT(*) FROM guest_seats WHERE note LIKE ?"
	seatsPage   = "SELECT seat FROM guest_seats WHERE post = ?"
	seatsAlter  = "ALTER TABLE guest_seats ADD COLUMN mood INT"
	seatsWrite  = "UPDATE guest_seats SET seat = ? WHERE id = ?"
	holderConn  = uint64(40)
	gateConn    = uint64(90)
	firstWaiter = uint64(100)
)

// queue is a scene of 140 s in which others wait for one session from second 60
// to 120.
type queue struct {
	lock    string
	gate    string // digest of the statement in between; empty: none
	holder  uint64 // 0: nobody was named
	guessed bool
	runs    string // what the holder runs, from second 50 on; empty: it sleeps
	verb    string // of that
	user    string // of the holder
	trx     bool   // it has a transaction open since second 45
	asked   string // what it was seen to run in second 58
	waiters int    // at once
	from    int    // seconds
	to      int
	calm    bool   // visitors do not suffer
	first   uint64 // the first who waits
}

func (q queue) records(also func(i int, s *second)) []evidence.Record {
	return scene(140, func(i int, s *second) {
		if i >= q.from && i < q.to {
			if !q.calm && i >= q.from+3 {
				stand(s)
			}
			q.wait(i, s)
		}
		if q.runs != "" && i >= 50 && i < q.to {
			s.extra = append(s.extra, evidence.Statement{ConnID: q.holder, QueryID: 5000, User: q.user, Schema: "shop", Command: "Query", State: "Sending data",
				RunningMs: int64(i-49) * 1000, Digest: q.runs, Verb: q.verb, Table: seats, RowsRead: -1})
		}
		if q.trx && i >= 45 && i < q.to {
			s.extra = append(s.extra, evidence.Transaction{ID: "77", ConnID: q.holder, State: "RUNNING", AgeMs: int64(i-44) * 1000, Sleeping: q.runs == "", IdleMs: int64(i-44) * 1000, User: q.user})
		}
		if q.asked != "" && i == 58 {
			s.extra = append(s.extra, evidence.Statement{ConnID: q.holder, QueryID: 4000, User: q.user, Schema: "shop", Command: "Query", State: "Waiting for table metadata lock", RunningMs: 900, Digest: q.asked, Verb: verbOf(q.asked), RowsRead: -1})
		}
		if also != nil {
			also(i, s)
		}
	})
}

func verbOf(digest string) string {
	for k := range digest {
		if digest[k] == ' ' {
			return digest[:k]
		}
	}
	return digest
}

// wait adds those who wait in one second.
func (q queue) wait(i int, s *second) {
	ms := int64(i-q.from+1) * 1000
	edge := evidence.LockWait{Lock: q.lock, Blocker: q.holder, WaitMs: ms, Schema: "shop", Table: seats, WaiterDigest: seatsPage,
		BlockerGuessed: q.guessed && q.holder != 0, BlockerUser: q.user, BlockerDigest: q.runs, BlockerSleeps: q.holder != 0 && q.runs == ""}
	if q.lock == evidence.LockGlobal || q.lock == evidence.LockUser {
		edge.WaiterDigest = seatsWrite
	}
	if q.lock == evidence.LockUser {
		edge.Table, edge.WaiterDigest = "", "SELECT GET_LOCK(?, ?)"
	}
	if edge.BlockerSleeps {
		edge.BlockerIdleMs = ms + 2000
	}
	if q.gate != "" {
		g := edge
		g.Waiter, g.WaiterDigest = gateConn, q.gate
		s.extra = append(s.extra, g, evidence.Statement{ConnID: gateConn, QueryID: 6000, User: "shop", Schema: "shop", Command: "Query", State: "Waiting for table metadata lock",
			RunningMs: ms, Digest: q.gate, Verb: verbOf(q.gate), Table: seats, RowsRead: -1})
		edge.Blocker, edge.BlockerGuessed, edge.BlockerSleeps, edge.BlockerIdleMs, edge.BlockerDigest = gateConn, true, false, 0, q.gate
	}
	for k := range min(q.waiters, i-q.from+1) {
		w := edge
		w.Waiter = max(q.first, firstWaiter) + uint64(k)
		w.WaitMs = ms - int64(k)*1000
		s.extra = append(s.extra, w, evidence.Statement{ConnID: w.Waiter, QueryID: 7000 + w.Waiter, User: "shop", Schema: "shop", Command: "Query", State: "Waiting for table metadata lock",
			RunningMs: w.WaitMs, Digest: w.WaiterDigest, Verb: verbOf(w.WaiterDigest), Table: w.Table, RowsRead: -1})
	}
}

// alterBehindRead is an ALTER that waits for a long report.
func alterBehindRead() queue {
	return queue{lock: evidence.LockMetadata, gate: seatsAlter, holder: holderConn, runs: seatsRead, verb: "SELECT", user: "report", waiters: 9, from: 60, to: 120}
}

// alterBehindSleeper is an ALTER that waits for a transaction that was forgotten.
func alterBehindSleeper() queue {
	return queue{lock: evidence.LockMetadata, gate: seatsAlter, holder: holderConn, trx: true, user: "report", waiters: 9, from: 60, to: 120}
}

// backupLock is a backup that keeps all writing out.
func backupLock() queue {
	return queue{lock: evidence.LockGlobal, holder: holderConn, user: "backup", waiters: 9, from: 60, to: 120}
}

// tableLock is LOCK TABLES by a session that sleeps.
func tableLock() queue {
	return queue{lock: evidence.LockMetadata, holder: holderConn, user: "backup", waiters: 9, from: 60, to: 120}
}

// myisamLock is a long report on a table that is locked as a whole.
func myisamLock() queue {
	return queue{lock: evidence.LockTable, holder: holderConn, runs: seatsRead, verb: "SELECT", user: "report", waiters: 9, from: 60, to: 120}
}

// userLock is GET_LOCK by a request that does not give it back.
func userLock() queue {
	return queue{lock: evidence.LockUser, holder: holderConn, user: "shop", waiters: 9, from: 60, to: 120}
}

// sessions is a scene of 140 s in which an account's connections use up the 151
// that there are, from second 60 to 120.
type sessions struct {
	sleeping, waiting, running int64 // of the account, when all are taken
	user, schema               string
	idle                       time.Duration // the longest sleep, then
	before                     int64         // so many it had in the quiet time; -1: not looked at
	busy                       int           // workers
	limit                      int64         // of the account alone
	refused                    int64         // each second, by the server's count
	lines                      bool          // PHP writes that it gets no connection
	unseen                     bool          // nobody saw who has them
}

// leak is a program that opens connections and does not close them.
func leak() sessions {
	return sessions{sleeping: 146, running: 2, user: "feeder", schema: "shop", idle: 400 * time.Second, before: 20, busy: 2, refused: 4}
}

func (n sessions) records(also func(i int, s *second)) []evidence.Record {
	records := scene(140, func(i int, s *second) {
		full := i >= 60 && i < 120
		if full {
			s.pageMs, s.failed, s.workers = 40, true, n.busy
			if n.lines && i%10 == 0 {
				s.extra = append(s.extra, evidence.ErrorLine{Service: evidence.ServicePHP, ID: "php-db-connections", Count: 3, Message: "mysqli_real_connect(): (HY000/1040): Too many connections"})
			}
		}
		if u := (evidence.SessionUse{User: n.user, Schema: n.schema, Count: n.sleeping + n.waiting + n.running, Sleeping: n.sleeping, Waiting: n.waiting, IdleMs: n.idle.Milliseconds(), Limit: n.limit}); full && !n.unseen {
			s.extra = append(s.extra, u, evidence.SessionUse{User: "other", Schema: "other", Count: 3, Sleeping: 1})
		}
		if !full && i%15 == 0 && n.before >= 0 {
			s.extra = append(s.extra, evidence.SessionUse{User: n.user, Schema: n.schema, Count: n.before, Sleeping: n.before, IdleMs: 9000, Limit: n.limit})
		}
		if also != nil {
			also(i, s)
		}
	})
	return alter(records, func(i int, st *evidence.DBStatus) {
		st.Connected = max(st.Connected, n.before)
		if i >= 60 && i < 120 {
			st.Connected, st.RefusedMax = 151, n.refused
			if n.limit > 0 {
				st.Connected, st.RefusedMax = n.limit+3, 0
			}
		}
	})
}

func locksScenes() map[string][]evidence.Record {
	return map[string][]evidence.Record{
		"an ALTER behind a read": alterBehindRead().records(nil), "an ALTER behind a sleeper": alterBehindSleeper().records(nil),
		"a backup's lock": backupLock().records(nil), "LOCK TABLES": tableLock().records(nil), "MyISAM": myisamLock().records(nil),
		"GET_LOCK": userLock().records(nil), "a leak of connections": leak().records(nil),
	}
}
