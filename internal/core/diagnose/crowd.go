package diagnose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Crowd is one shape of statement as it ran in a span, on all connections together.
type Crowd struct {
	DB, Digest, Verb, Schema, Table, User string

	Seen    time.Duration // database time
	Share   float64       // of the database time of the span, 0 to 1
	Most    int           // copies at one moment
	Conns   int           // different connections that ran it
	TopConn float64       // share of its time on the connection that ran it most
	Longest time.Duration
	Samples int
	Waiting float64 // share of its samples in which it waited for a lock of another shape
	Active  Span    // from when several copies ran; where they never did, of all its runs
}

// crowdPause joins what belongs to one crowd: a quick statement is not seen in
// every sample.
const crowdPause = 15 * time.Second

// Crowds returns the shapes of statements that ran in a span, the one that took
// most database time first.
func (c *Case) Crowds(s Span) []Crowd {
	type key struct{ db, schema, digest string }
	groups := map[key][]Run{}
	all := time.Duration(0)
	for _, r := range c.Runs(s) {
		k := key{r.DB, r.Schema, r.Digest}
		groups[k] = append(groups[k], r)
		all += r.Seen
	}
	waiting := c.waitingSamples(s)
	out := make([]Crowd, 0, len(groups))
	for k, runs := range groups {
		g := crowdOf(runs)
		if all > 0 {
			g.Share = float64(g.Seen) / float64(all)
		}
		g.Waiting = min(float64(waiting[k.db+"\x00"+k.digest])/float64(max(g.Samples, 1)), 1)
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Crowd) int {
		return cmp.Or(cmp.Compare(b.Seen, a.Seen), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Schema, b.Schema))
	})
	return out
}

// crowdOf sums up the runs of one shape, oldest first.
func crowdOf(runs []Run) Crowd {
	r := runs[0]
	g := Crowd{DB: r.DB, Digest: r.Digest, Verb: r.Verb, Schema: r.Schema, Table: r.Table, User: r.User}
	byConn, most := map[uint64]time.Duration{}, time.Duration(0)
	for _, r := range runs {
		g.Seen, g.Samples, g.Longest = g.Seen+r.Seen, g.Samples+r.Samples, max(g.Longest, r.Running)
		byConn[r.ConnID] += r.Seen
		most = max(most, byConn[r.ConnID])
		g.Active = Span{earlierOf(g.Active.From, r.Active.From), later(g.Active.To, r.Active.To)}
	}
	g.Conns = len(byConn)
	if g.Seen > 0 {
		g.TopConn = float64(most) / float64(g.Seen)
	}
	g.Most = copies(runs)
	return g
}

func earlierOf(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return earlier(a, b)
}

// edge is where a run begins or ends.
type edge struct {
	at   time.Time
	step int
}

// edges are the beginnings and the ends of runs in their order; who ends at a
// moment was there together with who begins at it.
func edges(runs []Run) []edge {
	var out []edge
	for _, r := range runs {
		out = append(out, edge{r.Active.From, 1}, edge{r.Active.To, -1})
	}
	slices.SortFunc(out, func(a, b edge) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(b.step, a.step)) })
	return out
}

func copies(runs []Run) int {
	n, most := 0, 0
	for _, e := range edges(runs) {
		n += e.step
		most = max(most, n)
	}
	return most
}

// Crowded returns the stretches in which at least least of the runs that pick
// accepts were under way at once, over all of the recording, short pauses left in.
func (c *Case) Crowded(least int, pick func(Run) bool) []Span {
	var runs []Run
	for _, r := range c.runs {
		if pick(r) {
			runs = append(runs, r)
		}
	}
	var out []Span
	n := 0
	for _, e := range edges(runs) {
		if was := n; was >= least && e.at.After(out[len(out)-1].To) {
			out[len(out)-1].To = e.at
		}
		if n += e.step; n < least || e.step < 0 {
			continue
		}
		if k := len(out) - 1; k >= 0 && e.at.Sub(out[k].To) <= crowdPause {
			out[k].To = later(out[k].To, e.at)
		} else {
			out = append(out, Span{e.at, e.at})
		}
	}
	return out
}

// StretchOf picks the stretch that bears on the outage: the last one that began
// no later than it, and lasted until shortly before it or longer; else the first
// one within it.
func (c *Case) StretchOf(spans []Span) (Span, bool) {
	if c.Outage.Zero() {
		if len(spans) == 0 {
			return Span{}, false
		}
		return slices.MaxFunc(spans, func(a, b Span) int { return cmp.Compare(a.Duration(), b.Duration()) }), true
	}
	for _, s := range slices.Backward(spans) {
		if !s.From.After(c.Outage.From.Add(slack)) && !s.To.Before(c.Outage.From.Add(-slack)) {
			return s, true
		}
	}
	for _, s := range spans {
		if c.Outage.Contains(s.From) {
			return s, true
		}
	}
	return Span{}, false
}

// waitingSamples counts, by server and shape, the samples in which a statement
// waited for a lock that a statement of another shape, or a sleeping session, held.
func (c *Case) waitingSamples(s Span) map[string]int {
	type sample struct {
		db   string
		atMs int64
		conn uint64
	}
	held := map[sample]bool{}
	for at, l := range recording.All[evidence.LockWait](c.In(s)) {
		if l.WaiterDigest == "" || l.WaiterDigest != l.BlockerDigest {
			held[sample{l.DB, at.UnixMilli(), l.Waiter}] = true
		}
	}
	out := map[string]int{}
	for at, st := range recording.All[evidence.Statement](c.In(s)) {
		if st.Digest != "" && (strings.HasPrefix(st.State, "Waiting for") || held[sample{st.DB, at.UnixMilli(), st.ConnID}]) {
			out[st.DB+"\x00"+st.Digest]++
		}
	}
	return out
}
