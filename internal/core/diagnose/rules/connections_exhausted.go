package rules

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	takenShare  = 0.6             // of the connections asleep, from which they are kept for nothing
	takenEffect = 0.5             // waiting for locks, from which those are the cause
	takenBeyond = 0.5             // of the sleeping ones, for which no worker is busy
	takenLeast  = 4 * time.Second // of samples
	takenIdle   = 5 * time.Second // a request at work is asleep in the database for less
)

// ConnectionsExhausted is a server with no connection left, because an account
// keeps many that do nothing. Where they wait for a lock or for a statement, that
// is the cause and this is its effect.
func ConnectionsExhausted() diagnose.Rule {
	return diagnose.Rule{
		ID:     "connections-exhausted",
		Title:  "all connections of the database are taken, most of them by sessions that do nothing",
		Source: "public reports (\"Error establishing a database connection\"); measured: an account without CONNECTION ADMIN gets error 1040, one with max_user_connections 1203",
		Needs:  map[string]string{evidence.DBStatus{}.Kind(): "missing-statements"},
		Match:  matchConnections,
		Clear:  clearTaken,
	}
}

// taken is who has the connections while none is left.
type taken struct {
	diagnose.Span
	db      string
	limit   int64
	account bool  // the limit is the account's own
	refused int64 // log-ins, as the server counted
	lines   []diagnose.Lines
	top     sessionsOf // who has most
	all     sessionsOf
}

// sessionsOf is what one account does with its connections, on average.
type sessionsOf struct {
	user, schema             string
	count, sleeping, waiting float64
	most                     int64
	idle                     time.Duration
}

func matchConnections(c *diagnose.Case) []diagnose.Finding {
	t, ok := takenIn(c)
	// 1. No connection is left while visitors suffer.
	if !ok || c.Outage.Zero() || !explains(c, t.Span) || 3*t.Duration() < c.Outage.Duration() {
		return nil
	}
	if t.all.count == 0 {
		return unseenHolders(c, t)
	}
	// 2. Those who have them neither wait for a lock nor are at work: those would be
	// the cause, and this their effect.
	if t.all.waiting/t.all.count >= takenEffect || t.all.sleeping/t.all.count < takenShare || t.top.idle < takenIdle || t.top.sleeping < takenShare*t.top.count {
		return nil
	}
	// 3. There are many more of them than requests at work: a worker that waits for
	// something else keeps its connection as well.
	behind := workersBehind(c, t)
	if behind >= 0 && t.top.sleeping-behind < takenBeyond*t.top.sleeping {
		return nil
	}
	return []diagnose.Finding{takenFinding(c, t, behind)}
}

// takenIn puts together when no connection was left, and who had them.
func takenIn(c *diagnose.Case) (taken, bool) {
	limits := map[string]int64{}
	for _, s := range recording.Ever[evidence.DBServer](c.W) {
		limits[s.DB] = s.MaxConnections
	}
	by := map[string]*taken{}
	see := func(at time.Time, db string, over time.Duration) *taken {
		t := by[db]
		if t == nil {
			t = &taken{db: db, limit: limits[db], Span: diagnose.Span{From: at.Add(-over)}}
			by[db] = t
		}
		t.To = at
		return t
	}
	for at, s := range recording.All[evidence.DBStatus](c.In(c.Scope())) {
		full := limits[s.DB] > 0 && s.Connected >= limits[s.DB]
		if full || s.RefusedMax > 0 {
			see(at, s.DB, min(time.Duration(s.OverMs)*time.Millisecond, 5*time.Second)).refused += s.RefusedMax
		}
	}
	for at, u := range recording.All[evidence.SessionUse](c.In(c.Scope())) {
		if u.Limit > 0 && u.Count >= u.Limit {
			t := see(at, u.DB, time.Second)
			if t.refused == 0 && (limits[u.DB] == 0 || u.Limit < limits[u.DB]) {
				t.limit, t.account = u.Limit, true
			}
		}
	}
	lines := c.Lines(c.Scope(), func(l evidence.ErrorLine) bool { return l.ID == "php-db-connections" || l.ID == "db-connections-full" })
	if len(by) == 0 && len(lines) > 0 {
		t := see(lines[0].First, "", time.Second)
		t.To = lines[len(lines)-1].Last
	}
	var best *taken
	for _, db := range slices.Sorted(maps.Keys(by)) {
		if best == nil || by[db].Duration() > best.Duration() {
			best = by[db]
		}
	}
	if best == nil || best.Duration() < takenLeast {
		return taken{}, false
	}
	best.lines = lines
	best.hold(c)
	return *best, true
}

// hold sums up who has the connections.
func (t *taken) hold(c *diagnose.Case) {
	type who struct{ user, schema string }
	sum := map[who]*sessionsOf{}
	looks := map[time.Time]bool{}
	for at, u := range recording.All[evidence.SessionUse](c.In(t.Span)) {
		if u.DB != t.db && t.db != "" {
			continue
		}
		looks[at] = true
		k := who{u.User, u.Schema}
		if sum[k] == nil {
			sum[k] = &sessionsOf{user: u.User, schema: u.Schema}
		}
		for _, h := range []*sessionsOf{sum[k], &t.all} {
			h.count, h.sleeping, h.waiting = h.count+float64(u.Count), h.sleeping+float64(u.Sleeping), h.waiting+float64(u.Waiting)
			h.most, h.idle = max(h.most, u.Count), max(h.idle, time.Duration(u.IdleMs)*time.Millisecond)
		}
	}
	n := float64(max(len(looks), 1))
	mean := func(h sessionsOf) sessionsOf {
		h.count, h.sleeping, h.waiting = h.count/n, h.sleeping/n, h.waiting/n
		return h
	}
	t.all = mean(t.all)
	for _, k := range slices.SortedFunc(maps.Keys(sum), func(a, b who) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.schema, b.schema)) }) {
		if h := mean(*sum[k]); h.count > t.top.count {
			t.top = h
		}
	}
}

// workersBehind is how many busy workers of PHP can stand behind the account's
// sessions; -1 where the workers were not seen. Another database than the sites'
// has none.
func workersBehind(c *diagnose.Case, t taken) float64 {
	of := false
	sites := 0
	for _, s := range recording.Ever[evidence.Site](c.W) {
		if s.Schema != "" {
			sites++
			of = of || s.Schema == t.top.schema
		}
	}
	if sites > 0 && !of && t.top.schema != "" {
		return 0
	}
	return c.BusyWorkers(t.Span)
}

func takenFinding(c *diagnose.Case, t taken, behind float64) diagnose.Finding {
	n := diagnose.Count(t.top.sleeping + 0.5)
	f := diagnose.Finding{
		About:  diagnose.Subject{Schema: t.top.schema, Service: evidence.ServiceDatabase},
		Origin: diagnose.Origin{User: t.top.user}, Active: t.Span,
		Share:      diagnose.UnknownShare, // of places, not of anybody's time
		Claim:      diagnose.Say("connections-exhausted", "user", t.top.user, "sleeping", n, "max", diagnose.Count(t.limit), "idle", t.top.idle),
		Confidence: 0.7, Remedies: []string{"end-sleepers", "fewer-connections", "more-connections"},
	}
	if t.account {
		f.Claim = diagnose.Say("link-account-limit", "user", t.top.user, "sleeping", n, "max", diagnose.Count(t.limit), "idle", t.top.idle)
		f.Remedies = []string{"end-sleepers", "fewer-connections", "account-limit"}
	}
	f.Proof = append(f.Proof, diagnose.Say("proof-sessions", "user", t.top.user, "count", diagnose.Count(t.top.most), "sleeping", n, "idle", t.top.idle))
	// 4. Log-ins were refused, by the server's own count or as PHP wrote.
	if t.refused > 0 {
		f.Confidence += 0.08
		f.Proof = append(f.Proof, diagnose.Say("proof-refused-logins", "count", diagnose.Count(t.refused), "max", diagnose.Count(t.limit)))
	}
	for _, l := range t.lines[:min(len(t.lines), 1)] {
		if t.refused == 0 {
			f.Confidence += 0.08
		}
		f.Proof = append(f.Proof, diagnose.Say("proof-log-line", "service", l.Service, "message", l.Message, "at", l.First))
	}
	// 5. No request stands behind them.
	if behind >= 0 {
		f.Confidence += 0.07
		f.Proof = append(f.Proof, diagnose.Say("proof-beyond-workers", "sleeping", n, "workers", diagnose.Count(behind+0.5)))
	} else {
		f.Confidence = min(f.Confidence, 0.8)
		f.Missing = append(f.Missing, diagnose.Say("missing-workers"))
	}
	// 6. They were fewer before, and grew while nobody used them.
	f = takenGrowth(c, t, f)
	if busy := c.BusyShare(t.Span); busy >= 0 && busy < 0.5 {
		f.Confidence += 0.03
		f.Proof = append(f.Proof, diagnose.Say("proof-cpu-idle", "busy", diagnose.Share01(busy)))
	}
	return f
}

// takenGrowth compares with how many the account had while all was well.
func takenGrowth(c *diagnose.Case, t taken, f diagnose.Finding) diagnose.Finding {
	before, at := int64(-1), time.Time{}
	for when, u := range recording.All[evidence.SessionUse](c.In(diagnose.Span{From: c.W.From, To: t.From})) {
		if u.User == t.top.user && u.Schema == t.top.schema && (before < 0 || u.Count < before) {
			before, at = u.Count, when
		}
	}
	seen := c.In(diagnose.Span{From: c.W.From, To: t.From}).Has(evidence.SessionUse{}.Kind())
	if !seen || t.From.Sub(at) <= 0 && before >= 0 {
		return allGrew(c, t, f)
	}
	if before = max(before, 0); 2*before > t.top.most {
		return allGrew(c, t, f) // they came already when it was looked for the first time
	}
	f.Confidence += 0.06
	f.Proof = append(f.Proof, diagnose.Say("proof-sessions-grew", "user", t.top.user, "before", diagnose.Count(before), "count", diagnose.Count(t.top.most)))
	return f
}

// allGrew is what the server's own count tells where the account was not looked
// at before: so many were open while all was well, and what came since is the account's.
func allGrew(c *diagnose.Case, t taken, f diagnose.Finding) diagnose.Finding {
	before := int64(-1)
	for _, s := range recording.All[evidence.DBStatus](c.In(diagnose.Span{From: c.W.From, To: t.From.Add(-time.Second)})) {
		if s.DB == t.db && (before < 0 || s.Connected < before) {
			before = s.Connected
		}
	}
	if t.account || before <= 0 || 2*before > t.limit || t.top.sleeping < takenShare*float64(t.limit-before) {
		return f
	}
	f.Confidence += 0.06
	f.Proof = append(f.Proof, diagnose.Say("proof-connections-grew", "before", diagnose.Count(before), "count", diagnose.Count(t.limit), "user", t.top.user))
	return f
}

// unseenHolders is the case in which not even the recorder got a connection: that
// there was none is known, who had them is not.
func unseenHolders(c *diagnose.Case, t taken) []diagnose.Finding {
	if t.refused == 0 && len(t.lines) == 0 {
		return nil
	}
	f := diagnose.Finding{
		About: diagnose.Subject{Service: evidence.ServiceDatabase}, Share: diagnose.UnknownShare, Active: t.Span, Confidence: 0.5,
		Claim:   diagnose.Say("link-connections-unseen", "max", diagnose.Count(t.limit)),
		Missing: []diagnose.Sentence{diagnose.Say("missing-sessions")}, Remedies: []string{"fewer-connections", "more-connections"},
	}
	if t.refused > 0 {
		f.Proof = append(f.Proof, diagnose.Say("proof-refused-logins", "count", diagnose.Count(t.refused), "max", diagnose.Count(t.limit)))
	}
	for _, l := range t.lines[:min(len(t.lines), 1)] {
		f.Proof = append(f.Proof, diagnose.Say("proof-log-line", "service", l.Service, "message", l.Message, "at", l.First))
	}
	return []diagnose.Finding{f}
}

// clearTaken says that the connections ran out because of something else.
func clearTaken(c *diagnose.Case) []diagnose.Rejected {
	t, ok := takenIn(c)
	if !ok || t.all.count == 0 || t.all.sleeping/t.all.count >= takenShare {
		return nil
	}
	waiting := t.all.waiting / t.all.count
	return []diagnose.Rejected{{ID: "connections-exhausted", Metric: "waiting_share", Window: waiting,
		Say: diagnose.Say("cleared-connections-effect", "max", diagnose.Count(t.limit), "waiting", diagnose.Count(t.all.waiting+0.5), "count", diagnose.Count(t.all.count+0.5))}}
}
