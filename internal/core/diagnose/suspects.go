package diagnose

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// rejected returns the suspects that the evidence clears: those of the rules
// that found nothing, attacks, and the usual ones that no rule stands for.
func (c *Case) rejected(rules []Rule, causes []Finding, why *Growth) []Rejected {
	accused := func(id string) bool {
		return slices.ContainsFunc(causes, func(f Finding) bool { return f.Rule == id })
	}
	if c.g == nil {
		return nil
	}
	var out []Rejected
	if len(causes) > 0 || !c.Outage.Zero() {
		out = append(out, c.clearFlood(causes)...)
	}
	for _, r := range rules {
		if r.Clear != nil && !accused(r.ID) {
			out = append(out, r.Clear(c)...)
		}
	}
	out = withoutTwins(out, c.clearAttacks(causes, why))
	for _, clear := range []func() (Rejected, bool){c.clearMemory, c.clearDiskSpace, c.clearDiskIO, c.clearServices, c.clearLocks, c.clearConnections, c.clearNoisyHost} {
		if r, ok := clear(); ok && !accused(r.ID) {
			out = append(out, r)
		}
	}
	if c.Kept() { // nobody looked: what was not seen is cleared of nothing
		out = slices.DeleteFunc(out, func(r Rejected) bool { return r.Metric != "requests_per_second" && r.ID != "disk-space" })
	}
	return out
}

// Troubled is the time that suspects are judged by: the outage, or where
// nobody suffered the whole recording.
func (c *Case) Troubled() Span {
	if c.Outage.Zero() {
		return Span{c.W.From, c.W.To}
	}
	return c.Outage
}

// DemandFactor is how much more work than in the quiet time must have been
// completed to speak of demand: measured on labelled outages of a real server,
// right in all of 11 demand spikes and wrong in none of 99 other causes.
const DemandFactor = 1.1

// demandRules accuse demand itself.
var demandRules = []string{"request-flood", "search-flood", "xmlrpc-login-flood", "wp-login-flood", "login-flood-by-many", "crawler-trap", "php-pool-too-small", "visitor-rush"}

// clearFlood compares completed work, never queue length.
func (c *Case) clearFlood(causes []Finding) []Rejected {
	if slices.ContainsFunc(causes, func(f Finding) bool { return slices.Contains(demandRules, f.Rule) }) || c.Quiet.Zero() {
		return nil
	}
	if _, _, _, rush := c.Rush(); rush {
		return nil // few were completed, but many came
	}
	q, o := c.QuietRate(Dynamic), c.rate(c.Troubled(), Dynamic)
	// Requests come by chance: two standard deviations of the two counts are no rise.
	chance := 2 * math.Sqrt(q/max(c.Quiet.Duration().Seconds(), 1)+o/max(c.Troubled().Duration().Seconds(), 1))
	peak := 0.0
	for _, r := range c.Rates(Span{c.Troubled().From.Add(-bucket), c.Troubled().To}, Dynamic) {
		peak = max(peak, r)
	}
	if peak > 2.5*q+2*math.Sqrt(q/bucket.Seconds())+1 {
		return nil
	}
	if !c.has(evidence.Traffic{}.Kind()) || q <= 0 {
		return nil
	}
	if o <= DemandFactor*q+chance {
		return []Rejected{{ID: "request-flood", Metric: "requests_per_second", Baseline: q, Window: o,
			Say: Say("cleared-request-flood", "quiet", Number(q), "outage", Number(o))}}
	}
	// More than in the quiet time, but no more than that hour always has.
	if usual := c.HourRate(c.Troubled().From, Dynamic); usual > q && o <= DemandFactor*usual+chance {
		return []Rejected{{ID: "request-flood", Metric: "requests_per_second", Baseline: usual, Window: o,
			Say: Say("cleared-flood-hour", "usual", Number(usual), "outage", Number(o))}}
	}
	return nil
}

// memoryScarce is the share of memory below which a server begins to suffer.
const memoryScarce = 0.05

func (c *Case) clearMemory() (Rejected, bool) {
	least, total, kills := int64(-1), int64(0), int64(0)
	for _, h := range recording.All[evidence.Host](c.In(Span{c.Troubled().From.Add(-2 * time.Minute), c.Troubled().To})) {
		if least < 0 || h.MemAvailKB < least {
			least, total = h.MemAvailKB, h.MemTotalKB
		}
		kills += h.OOMKills
	}
	for _, g := range recording.All[evidence.Cgroup](c.In(Span{c.Troubled().From.Add(-2 * time.Minute), c.Troubled().To})) {
		if free := g.MemLimitKB - g.MemUsedKB; g.MemLimitKB > 0 && least >= 0 && free < least {
			least, total = max(free, 0), g.MemLimitKB // a container's own memory ends sooner
		}
		kills += g.OOMKills
	}
	if least < 0 || kills > 0 || float64(least) < memoryScarce*float64(total) {
		return Rejected{}, false
	}
	baseline := unknown
	if before, _, ok := recording.Last[evidence.Host](c.In(c.Quiet), nil); ok && !c.Quiet.Zero() {
		baseline = float64(before.MemAvailKB) / 1024
	}
	return Rejected{ID: "memory", Metric: "available_mb", Baseline: baseline, Window: float64(least) / 1024,
		Say: Say("cleared-memory", "available", Bytes(least*1024), "total", Bytes(total*1024), "kills", Count(kills))}, true
}

// spaceScarce is the free share of a file system that is still no trouble.
const spaceScarce = 0.02

func (c *Case) clearDiskSpace() (Rejected, bool) {
	worst, mount := 2.0, ""
	for _, f := range recording.Ever[evidence.Filesystem](c.W) {
		if f.SizeKB <= 0 {
			continue
		}
		free := float64(f.FreeKB) / float64(f.SizeKB)
		if f.Inodes > 0 {
			free = min(free, float64(f.InodesFree)/float64(f.Inodes))
		}
		if free < worst {
			worst, mount = free, f.Mount
		}
	}
	full := func(l evidence.ErrorLine) bool { return strings.HasSuffix(l.ID, "-disk-full") }
	if mount == "" || worst < spaceScarce || len(c.Lines(c.Scope(), full)) > 0 {
		return Rejected{}, false
	}
	return Rejected{ID: "disk-space", Metric: "free_share", Baseline: worst, Window: worst,
		Say: Say("cleared-disk-space", "mount", mount, "free", Share01(worst))}, true
}

func (c *Case) clearDiskIO() (Rejected, bool) {
	waiting, quiet := c.g.mean(lineIowait, c.Troubled()), c.g.mean(lineIowait, c.Quiet)
	var disk, over int64
	for _, h := range recording.All[evidence.Host](c.In(c.Troubled())) {
		disk, over = disk+h.DiskBusyMs, over+h.OverMs
	}
	if waiting == unknown || waiting > 0.2 || 2*disk > over {
		return Rejected{}, false
	}
	return Rejected{ID: "disk-io", Metric: "iowait_share", Baseline: quiet, Window: waiting,
		Say: Say("cleared-disk-io", "busy", Share01(waiting))}, true
}

func (c *Case) clearServices() (Rejected, bool) {
	up := map[string]bool{}
	for _, s := range recording.All[evidence.ServiceState](c.W) {
		if !s.Up {
			return Rejected{}, false
		}
		up[s.Service] = true
	}
	if len(up) == 0 {
		return Rejected{}, false
	}
	names := []string{}
	for s := range up {
		names = append(names, s)
	}
	slices.Sort(names)
	return Rejected{ID: "services", Metric: "services_down", Say: Say("cleared-services", "services", strings.Join(names, ", "))}, true
}

func (c *Case) clearLocks() (Rejected, bool) {
	if asked := c.g.values(lineStmts, c.Troubled()); 2*len(asked) < c.g.bin(c.Troubled().To)-c.g.bin(c.Troubled().From) {
		return Rejected{}, false
	}
	waits := recording.Count[evidence.LockWait](c.In(c.Troubled()))
	counted := int64(0) // by the server, where nobody asked who waits for whom
	for _, s := range recording.All[evidence.DBStatus](c.In(c.Troubled())) {
		counted += s.RowLocksWaiting
	}
	if waits > 2 || waits == 0 && counted > 2 {
		return Rejected{}, false
	}
	return Rejected{ID: "locks", Metric: "lock_waits", Window: float64(waits), Say: Say("cleared-locks", "waits", Count(waits))}, true
}

func (c *Case) clearConnections() (Rejected, bool) {
	limits := map[string]int64{}
	for _, s := range recording.Ever[evidence.DBServer](c.W) {
		limits[s.DB] = s.MaxConnections
	}
	most, limit := int64(-1), int64(0)
	for _, s := range recording.All[evidence.DBStatus](c.In(c.Troubled())) {
		m := limits[s.DB]
		if m <= 0 || s.RefusedMax > 0 || float64(s.Connected) > 0.9*float64(m) {
			return Rejected{}, false
		}
		if most < 0 || s.Connected*limit > most*m { // the server that comes nearest to its limit
			most, limit = s.Connected, m
		}
	}
	if most < 0 {
		return Rejected{}, false
	}
	return Rejected{ID: "connections", Metric: "connections", Baseline: float64(limit), Window: float64(most),
		Say: Say("cleared-connections", "used", Count(most), "max", Count(limit))}, true
}

// clearNoisyHost tells a cap that we earned from a neighbour that takes our CPU.
func (c *Case) clearNoisyHost() (Rejected, bool) {
	steal := c.g.mean(lineSteal, c.Troubled())
	if steal == unknown || steal > 0.02 {
		return Rejected{}, false
	}
	return Rejected{ID: "noisy-neighbour", Metric: "steal_share", Baseline: max(c.g.mean(lineSteal, c.Quiet), 0), Window: steal,
		Say: Say("cleared-noisy-host", "steal", Share01(steal))}, true
}

// Waits sums up who waits for whom in a span, by the session at the root of
// the waiting.
type Waits struct {
	DB      string
	Blocker uint64
	Table   string
	Schema  string
	User    string
	Lock    string
	Waiters int           // most at one moment
	Waited  time.Duration // of all waiters together
	Longest time.Duration
	Idle    time.Duration // longest that the blocker was seen asleep
	Sleeps  int           // samples in which it slept
	Samples int
	Guessed bool // the server did not name the blocker
	Active  Span
}

// Waits returns the roots of the waiting in a span, the one that cost most first.
func (c *Case) Waits(s Span) []Waits {
	byRoot := map[waitRoot]*Waits{}
	var at time.Time
	var edges []evidence.LockWait
	flush := func() {
		addWaits(byRoot, at, c.beat(at), edges)
		edges = nil
	}
	for t, l := range recording.All[evidence.LockWait](c.In(s)) {
		if !t.Equal(at) {
			flush()
			at = t
		}
		edges = append(edges, l)
	}
	flush()
	out := make([]Waits, 0, len(byRoot))
	for _, w := range byRoot {
		out = append(out, *w)
	}
	slices.SortFunc(out, func(a, b Waits) int {
		return cmp.Or(cmp.Compare(b.Waited, a.Waited), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Blocker, b.Blocker), cmp.Compare(a.Lock, b.Lock))
	})
	return out
}

type waitRoot struct {
	db   string
	conn uint64
	lock string // of a root only
}

// addWaits adds one sample of the waiting graph: each waiter counts for the
// session that it waits for in the end.
func addWaits(byRoot map[waitRoot]*Waits, at time.Time, d time.Duration, edges []evidence.LockWait) {
	next := map[waitRoot]evidence.LockWait{}
	for _, e := range edges {
		next[waitRoot{db: e.DB, conn: e.Waiter}] = e
	}
	waiters := map[waitRoot]int{}
	keys := slices.SortedFunc(maps.Keys(next), func(a, b waitRoot) int { return cmp.Or(cmp.Compare(a.db, b.db), cmp.Compare(a.conn, b.conn)) })
	for _, k := range keys {
		e := next[k]
		root := e
		for hops := 0; hops < len(next); hops++ { // bounded: a deadlock is a circle
			up, ok := next[waitRoot{db: root.DB, conn: root.Blocker}]
			if !ok {
				break
			}
			root = up
		}
		r := waitRoot{k.db, root.Blocker, root.Lock}
		w := byRoot[r]
		if w == nil {
			w = &Waits{DB: k.db, Blocker: root.Blocker, Guessed: true, Active: Span{From: at.Add(-time.Duration(root.WaitMs) * time.Millisecond)}}
			byRoot[r] = w
		}
		w.Lock = root.Lock
		if d := time.Duration(e.WaitMs) * time.Millisecond; w.Table == "" || d > w.Longest {
			w.Table, w.Schema = root.Table, root.Schema
		}
		if root.BlockerUser != "" {
			w.User = root.BlockerUser
		}
		w.Guessed = w.Guessed && root.BlockerGuessed
		w.Waited += d
		w.Longest = max(w.Longest, time.Duration(e.WaitMs)*time.Millisecond)
		w.Idle = max(w.Idle, time.Duration(root.BlockerIdleMs)*time.Millisecond)
		if waiters[r]++; waiters[r] == 1 {
			w.Samples++
			if root.BlockerSleeps {
				w.Sleeps++
			}
		}
		w.Waiters = max(w.Waiters, waiters[r])
		w.Active.To = at
	}
}
