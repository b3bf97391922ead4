package diagnose

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Jam is a queue in the database: all who wait for one session in the end, for a
// lock above the rows. Locks of rows are in Waits.
type Jam struct {
	DB, Lock      string
	Schema, Table string // what most wait for; empty for a lock of the server or of a user
	// Holder is the session that has the lock; 0 unknown. Guessed says that the server
	// did not name it, Seen that it was seen to ask for such a lock, or to be at work on
	// the table.
	Holder  uint64
	User    string
	Guessed bool
	Seen    bool
	Digest  string // what the holder runs; empty while it sleeps
	Sleeps  int    // samples in which it slept
	Idle    time.Duration
	// Gate is the statement in between that wants the table for itself and waits: it
	// keeps later comers out. Nil where they wait for the holder itself.
	Gate    *Gate
	Waiters int           // most at one moment, the gate left out
	Waited  time.Duration // of all of them together
	Longest time.Duration
	Share   float64 // of the busy PHP workers' time; -1 unknown
	Samples int
	Active  Span
}

// Gate is a statement that waits at the head of a queue.
type Gate struct {
	Conn   uint64
	Digest string
	User   string
	Waited time.Duration
}

// Verb is the first word of a digest, in upper case.
func Verb(digest string) string {
	v, _, _ := strings.Cut(digest, " ")
	return strings.ToUpper(v)
}

// WantsAll reports whether a verb asks for a table, or all of them, for itself.
func WantsAll(verb string) bool {
	return slices.Contains([]string{"ALTER", "DROP", "CREATE", "RENAME", "TRUNCATE", "OPTIMIZE", "LOCK", "REPAIR", "FLUSH", "ANALYZE", "BACKUP"}, verb)
}

// Jams returns the queues for locks above the rows in a span, the one that cost
// most waiting first.
func (c *Case) Jams(s Span) []Jam {
	t := jamTally{jams: map[jamKey]*jamSum{}}
	var at time.Time
	var edges []evidence.LockWait
	flush := func() {
		t.sample(at, c.beat(at), edges)
		edges = nil
	}
	for when, l := range recording.All[evidence.LockWait](c.In(s)) {
		if !when.Equal(at) {
			flush()
			at = when
		}
		edges = append(edges, l)
	}
	flush()
	t.joinUnknown()
	out := make([]Jam, 0, len(t.jams))
	for _, k := range slices.SortedFunc(maps.Keys(t.jams), jamKey.compare) {
		out = append(out, c.jam(t.jams[k]))
	}
	slices.SortStableFunc(out, func(a, b Jam) int { return cmp.Compare(b.Waited, a.Waited) })
	return out
}

// jamKey tells queues apart: by the table for whose sake a gate waits, by the
// holder where there is none.
type jamKey struct {
	db, lock, schema, table string
	gated                   bool
	holder                  uint64
}

func (k jamKey) compare(o jamKey) int {
	return cmp.Or(cmp.Compare(k.db, o.db), cmp.Compare(k.lock, o.lock), cmp.Compare(k.schema, o.schema), cmp.Compare(k.table, o.table), cmp.Compare(k.holder, o.holder), b2i(k.gated)-b2i(o.gated))
}

// jamSum adds up the samples of one queue. Who holds it is what most samples say.
type jamSum struct {
	Jam
	votes  map[uint64]*vote
	tables map[[2]string]time.Duration
	now    int // waiters in the sample under way
}

type vote struct {
	samples, guessed, sleeps int
	idle                     time.Duration
	user, digest             string
}

type jamTally struct{ jams map[jamKey]*jamSum }

// sample adds one moment of the waiting graph.
func (t jamTally) sample(at time.Time, d time.Duration, edges []evidence.LockWait) {
	next := map[waitRoot]evidence.LockWait{}
	for _, e := range edges {
		next[waitRoot{db: e.DB, conn: e.Waiter}] = e
	}
	touched := map[*jamSum]bool{}
	for _, e := range slices.SortedFunc(maps.Values(next), func(a, b evidence.LockWait) int {
		return cmp.Or(cmp.Compare(a.DB, b.DB), cmp.Compare(a.Waiter, b.Waiter))
	}) {
		head := e             // who waits for the holder itself
		for range len(next) { // bounded: a deadlock is a circle
			up, ok := next[waitRoot{db: head.DB, conn: head.Blocker}]
			if !ok {
				break
			}
			head = up
		}
		if head.Lock == evidence.LockRow {
			continue // what holds it all up is a row's lock: see Waits
		}
		gated := WantsAll(Verb(head.WaiterDigest))
		j := t.of(head, gated)
		began := at.Add(-time.Duration(head.WaitMs) * time.Millisecond)
		if !touched[j] {
			touched[j], j.now = true, 0
			j.Samples++
			j.vote(head)
		}
		if j.Active.Zero() {
			j.Active.From = began
		}
		j.Active = Span{earlier(j.Active.From, began), at}
		j.add(e, head, gated, d)
	}
}

func (t jamTally) of(root evidence.LockWait, gated bool) *jamSum {
	k := jamKey{db: root.DB, lock: root.Lock, gated: gated}
	if gated {
		k.schema, k.table = root.Schema, root.Table
	} else if k.holder = root.Blocker; k.holder == 0 {
		k.schema, k.table = root.Schema, root.Table
	}
	if t.jams[k] == nil {
		t.jams[k] = &jamSum{Jam: Jam{DB: root.DB, Lock: root.Lock}, votes: map[uint64]*vote{}, tables: map[[2]string]time.Duration{}}
	}
	return t.jams[k]
}

// joinUnknown adds what nobody was named for to the queue before the same thing
// whose holder is known.
func (t jamTally) joinUnknown() {
	for _, k := range slices.SortedFunc(maps.Keys(t.jams), jamKey.compare) {
		if k.gated || k.holder != 0 {
			continue
		}
		for _, o := range slices.SortedFunc(maps.Keys(t.jams), jamKey.compare) {
			same := k.table == "" || t.jams[o].tables[[2]string{k.schema, k.table}] > 0 || k.lock == evidence.LockGlobal
			if o.gated || o.holder == 0 || o.db != k.db || o.lock != k.lock || !same {
				continue
			}
			t.jams[o].join(t.jams[k])
			delete(t.jams, k)
			break
		}
	}
}

func (j *jamSum) join(o *jamSum) {
	j.Waited, j.Longest, j.Waiters, j.Samples = j.Waited+o.Waited, max(j.Longest, o.Longest), max(j.Waiters, o.Waiters), j.Samples+o.Samples
	j.Active = Span{earlier(j.Active.From, o.Active.From), later(j.Active.To, o.Active.To)}
	for k, d := range o.tables {
		j.tables[k] += d
	}
	for k, v := range o.votes {
		if j.votes[k] == nil {
			j.votes[k] = v
		}
	}
	j.Gate = cmp.Or(j.Gate, o.Gate)
}

func (j *jamSum) vote(root evidence.LockWait) {
	v := j.votes[root.Blocker]
	if v == nil {
		v = &vote{}
		j.votes[root.Blocker] = v
	}
	v.samples++
	v.idle = max(v.idle, time.Duration(root.BlockerIdleMs)*time.Millisecond)
	v.user, v.digest = cmp.Or(root.BlockerUser, v.user), cmp.Or(root.BlockerDigest, v.digest)
	if root.BlockerGuessed {
		v.guessed++
	}
	if root.BlockerSleeps {
		v.sleeps++
	}
}

// add adds one who waits, in one sample. A gate itself is none of those who wait.
func (j *jamSum) add(e, head evidence.LockWait, gated bool, d time.Duration) {
	took := time.Duration(e.WaitMs) * time.Millisecond
	behind := e.Waiter != head.Waiter
	if waited := time.Duration(head.WaitMs) * time.Millisecond; (gated || behind) && (j.Gate == nil || waited > j.Gate.Waited) {
		j.Gate = &Gate{Conn: head.Waiter, Digest: head.WaiterDigest, Waited: waited}
	}
	if gated && head.Table != "" {
		j.tables[[2]string{head.Schema, head.Table}] += d
	} else {
		j.tables[[2]string{e.Schema, e.Table}] += d
	}
	if gated && WantsAll(Verb(e.WaiterDigest)) {
		return
	}
	j.Waited += d
	j.Longest = max(j.Longest, took)
	j.now++
	j.Waiters = max(j.Waiters, j.now)
}

// jam settles who holds it and what it is about.
func (c *Case) jam(j *jamSum) Jam {
	out := j.Jam
	var best *vote
	for _, id := range slices.Sorted(maps.Keys(j.votes)) {
		if v := j.votes[id]; best == nil || out.Holder == 0 || id != 0 && v.samples > best.samples {
			best, out.Holder = v, id
		}
	}
	if best != nil {
		out.User, out.Digest, out.Sleeps, out.Idle = best.user, best.digest, best.sleeps, best.idle
		out.Guessed = out.Holder == 0 || 2*best.guessed > best.samples
	}
	if out.Lock == evidence.LockMetadata || out.Lock == evidence.LockTable {
		most := time.Duration(-1)
		for _, k := range slices.SortedFunc(maps.Keys(j.tables), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
			if j.tables[k] > most && k[1] != "" {
				most, out.Schema, out.Table = j.tables[k], k[0], k[1]
			}
		}
	}
	out.Seen = c.sawHolding(out)
	out.Share = c.workerPart(out.Active, out.Waited)
	if !c.HasPools(out.Active) {
		out.Share = unknown
	}
	if out.Gate != nil {
		out.Gate.User = c.userOf(out.DB, out.Gate.Conn, out.Active)
	}
	if out.User == "" && out.Holder != 0 {
		out.User = c.userOf(out.DB, out.Holder, out.Active)
	}
	return out
}

// sawHolding reports whether the holder was seen to ask for such a lock not long
// before, or to be at work on the table before others waited for it.
func (c *Case) sawHolding(j Jam) bool {
	if j.Holder == 0 {
		return false
	}
	for _, r := range c.Runs(Span{j.Active.From.Add(-lead), j.Active.To}) {
		if r.ConnID != j.Holder || r.DB != j.DB {
			continue
		}
		if r.Verb == "LOCK" || r.Verb == "FLUSH" || r.Verb == "BACKUP" {
			return true
		}
		if j.Table != "" && r.Table == j.Table && !r.Active.From.After(j.Active.From.Add(slack/2)) {
			return true
		}
	}
	return false
}

// userOf is the account of a session, as its statements told.
func (c *Case) userOf(db string, conn uint64, s Span) string {
	for _, r := range c.Runs(s) {
		if r.ConnID == conn && r.DB == db {
			return r.User
		}
	}
	return ""
}

// RunOf returns the statement that a session was at in a span, the longest.
func (c *Case) RunOf(db string, conn uint64, s Span) (Run, bool) {
	var out Run
	ok := false
	for _, r := range c.Runs(s) {
		if r.ConnID == conn && r.DB == db && (!ok || r.Running > out.Running) {
			out, ok = r, true
		}
	}
	return out, ok
}
