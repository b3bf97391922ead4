package rules

import (
	"cmp"
	"math"
	"slices"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// tinyLeast is how many statements one request must take, and tinyFactor how many
	// times those of the quiet time: WordPress itself takes 20 to 60, a busy shop 200.
	tinyLeast  = 250
	tinyFactor = 3.0
	// tinyRise is how much more statements a second there must be in all: where only
	// fewer requests come to their end, there are not.
	tinyRise = 1.5
	// tinyRows is how many rows one statement reads on average at most.
	tinyRows = 1000
	// tinySlow is from when on a statement is no quick one: servers that tell whole
	// seconds round, and a capped CPU stretches everything.
	tinySlow = purgeLeastRunning
	// tinySlowShare is how much of the database's time slow ones may take.
	tinySlowShare = 0.4
	// tinyShape is the share of one shape from which on it stands for all, seen so
	// often and on so many connections at least.
	tinyShape   = 0.4
	tinySamples = 6
)

// ManyTinyQueries is a page that asks the database one small question for each
// item, hundreds or thousands of times: none of them is slow, all of them are.
func ManyTinyQueries() diagnose.Rule {
	return diagnose.Rule{
		ID:     "many-tiny-queries",
		Title:  "a request takes hundreds of statements, one for each item: none is slow, the number is",
		Source: "public reports: loops over items that ask for each one's fields; the lab",
		Needs:  map[string]string{evidence.DBStatus{}.Kind(): "missing-statements", evidence.Traffic{}.Kind(): "missing-traffic"},
		Match:  matchManyTinyQueries,
		Clear:  clearManyTinyQueries,
	}
}

// loop is what the statements of the outage have in common.
type loop struct {
	each, eachQuiet float64        // statements by completed request
	active, before  diagnose.Span  // when it was at work, and the quiet time before
	shape           diagnose.Crowd // the one seen most often
	share           float64        // of the samples, or of the statements where the server counts them
	counted         evidence.DigestUse
	plan            evidence.Plan
	slow            float64 // share of the database's time in slow statements
	work            work
	phpEach         [2]float64 // CPU of PHP by request, quiet and now, in ms
	dbEach          [2]float64 // of the database
}

func matchManyTinyQueries(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() || c.Quiet.Zero() {
		return nil
	}
	// 1. More statements run than in the quiet time, from before visitors suffered.
	now, usual := c.Asked(c.Outage), c.Usually()
	// Between what is usual and what is now: one busy second is no beginning.
	active, ok := c.StretchOf(c.AskedMore(max(tinyRise*usual, math.Sqrt(usual*now.PerSecond()))))
	if !ok || usual <= 0 || now.PerSecond() < tinyRise*usual || !explains(c, active) || 2*active.Duration() < c.Outage.Duration() {
		return nil
	}
	// 2. It is not more requests: each takes many times as many statements.
	l := loop{active: active, before: c.QuietBefore(active.From), each: c.Statements(c.Outage)}
	l.eachQuiet = c.Statements(l.before)
	if l.eachQuiet < 0 || l.each < max(tinyLeast, tinyFactor*l.eachQuiet) {
		return nil
	}
	// 3. They are small: few rows each, and none takes long.
	if now.Rows > tinyRows*now.Questions {
		return nil
	}
	l.look(c)
	if l.slow > tinySlowShare || l.shape.Waiting > selectLocked {
		return nil
	}
	// 4. Pages ask them: not one connection, not a log-in attempt of hundreds in one request.
	if l.shape.Samples >= tinySamples && (l.shape.TopConn > 0.5 || l.shape.Conns < selectConns) || guessing(c) {
		return nil
	}
	// 5. The CPU goes to the database, or to PHP that asks it: more by request than before.
	if l.work.cpu >= 0 && l.work.cpu < 0.15 || l.dbEach[1] >= 0 && l.dbEach[1]+l.phpEach[1] < 1.5*(l.dbEach[0]+l.phpEach[0]) {
		return nil
	}
	return []diagnose.Finding{l.finding(c)}
}

// look finds the shape that stands for all, and what it costs.
func (l *loop) look(c *diagnose.Case) {
	in := c.Outage
	samples := 0
	for _, g := range c.Crowds(in) {
		samples += g.Samples
		if g.Samples > l.shape.Samples {
			l.shape = g
		}
	}
	if samples > 0 {
		l.share = float64(l.shape.Samples) / float64(samples)
	}
	l.counted = countedShape(c, l.active)
	if l.counted.Count > 0 {
		if i := slices.IndexFunc(c.Crowds(in), func(g diagnose.Crowd) bool { return g.Digest == l.counted.Digest }); i >= 0 {
			l.shape = c.Crowds(in)[i]
		}
		l.share = min(float64(l.counted.Count)/float64(max(c.Asked(l.active).Questions, 1)), 1)
	}
	for _, p := range c.PlansOf(l.shape.Digest) {
		if p.Rows >= l.plan.Rows {
			l.plan = p
		}
	}
	slow, all := c.DatabaseTime(in, func(r diagnose.Run) bool { return r.Running >= tinySlow })
	if all > 0 {
		l.slow = float64(slow) / float64(all)
	}
	load := c.Load(diagnose.Span{From: l.active.From, To: in.To})
	l.work = work{cpu: load.ShareOf(load.Database), rateQuiet: c.QuietRate(diagnose.Dynamic), rate: c.Rate(in), peak: peakRate(c, in), starved: c.Starved(in)}
	if load.Services <= 0 {
		l.work.cpu = -1
	}
	l.phpEach[0], l.dbEach[0] = c.CPUPerRequest(l.before)
	l.phpEach[1], l.dbEach[1] = c.CPUPerRequest(in)
}

// countedShape is the shape that ran most often by the server's own count, over the
// reports that fall into a span for the most part.
func countedShape(c *diagnose.Case, in diagnose.Span) evidence.DigestUse {
	sum := map[string]evidence.DigestUse{}
	for at, u := range recording.All[evidence.DigestUse](c.In(diagnose.Span{From: in.From.Add(orderSlack), To: in.To.Add(orderSlack)})) {
		if in.From.Sub(at).Milliseconds()+u.OverMs > u.OverMs/2 {
			continue // most of it is of the time before
		}
		k := sum[u.Digest]
		k.Digest, k.Schema, k.Count, k.TimeMs = u.Digest, u.Schema, k.Count+u.Count, k.TimeMs+u.TimeMs
		sum[u.Digest] = k
	}
	var most evidence.DigestUse
	for _, u := range sum {
		if cmp.Or(cmp.Compare(u.Count, most.Count), -cmp.Compare(u.Digest, most.Digest)) > 0 {
			most = u
		}
	}
	return most
}

// guessing reports whether log-ins are much of the work: one XML-RPC request can
// hold hundreds of attempts.
func guessing(c *diagnose.Case) bool {
	now := c.Traffic(c.Outage)
	for _, class := range []string{evidence.ClassXMLRPC, evidence.ClassLogin} {
		share, _ := diagnose.WorkerShare(now, class)
		if share >= 0.3 {
			return true
		}
	}
	return false
}

// same reports whether one shape stands for all.
func (l loop) same() bool {
	return l.share >= tinyShape && (l.counted.Count > 0 || l.shape.Samples >= tinySamples)
}

func (l loop) finding(c *diagnose.Case) diagnose.Finding {
	f := diagnose.Finding{
		Share: diagnose.Share{DatabaseTime: -1, CPU: l.work.cpu, WorkerTime: -1}, Active: l.active,
		Claim: diagnose.Say("many-tiny-queries", "count", diagnose.Count(l.each), "quiet", diagnose.Count(l.eachQuiet)),
		Proof: []diagnose.Sentence{
			diagnose.Say("proof-questions", "quiet", diagnose.Count(c.Asked(l.before).PerSecond()), "outage", diagnose.Count(c.Asked(c.Outage).PerSecond())),
		},
		Remedies: []string{"fewer-queries", "object-cache", "page-cache"}, Confidence: 0.5,
	}
	if l.each >= 5*l.eachQuiet {
		f.Confidence += 0.1
	}
	if path, ok := c.Heaviest(c.Outage, l.before); ok {
		f.About.Path = path.Pattern
	}
	f = l.withShape(c, f)
	if l.dbEach[0] >= 0 && l.dbEach[1] >= 0 {
		f.Proof = append(f.Proof, diagnose.Say("proof-cpu-each", "quiet", diagnose.Ms(l.dbEach[0]+l.phpEach[0]), "outage", diagnose.Ms(l.dbEach[1]+l.phpEach[1])))
		f.Confidence += 0.06
		if l.dbEach[1] >= 2*l.dbEach[0] {
			f.Confidence += 0.06
		}
	}
	if l.work.cpu >= 0 {
		f.Proof = append(f.Proof, databaseCPU(c, l.work.cpu, l.active.From))
	}
	switch {
	case l.work.demand():
		f.Proof = append(f.Proof, diagnose.Say("proof-more-asked", "quiet", diagnose.Number(l.work.rateQuiet), "outage", diagnose.Number(l.work.peak)))
		f.Confidence = min(f.Confidence, 0.8)
	case l.work.rateQuiet > 0 && l.work.rate <= diagnose.DemandFactor*l.work.rateQuiet:
		f.Proof = append(f.Proof, diagnose.Say("proof-completed", "quiet", diagnose.Number(l.work.rateQuiet), "outage", diagnose.Number(l.work.rate)))
		f.Confidence += 0.04
	}
	if !l.same() {
		f.Confidence = min(f.Confidence, 0.65)
		f.Missing = append(f.Missing, diagnose.Say("missing-shape"))
	}
	if f.Origin.Plugin == "" {
		f = withAsker(c, f)
	}
	return f
}

// withShape adds the statement that is asked again and again, that each is quick,
// and whose table it is.
func (l loop) withShape(c *diagnose.Case, f diagnose.Finding) diagnose.Finding {
	if !l.same() {
		return f
	}
	f.Confidence += 0.12
	f.About.Schema, f.About.Table = l.shape.Schema, l.shape.Table
	f.Share.DatabaseTime = l.share
	if l.counted.Count > 0 {
		mean := float64(l.counted.TimeMs) / float64(l.counted.Count)
		f.Proof = append(f.Proof, diagnose.Say("proof-shape-counted", "digest", l.counted.Digest, "count", diagnose.Count(l.counted.Count), "share", diagnose.Share01(l.share), "mean", diagnose.Ms(mean)))
		f.Confidence += 0.04
	} else {
		f.Proof = append(f.Proof, diagnose.Say("proof-shape-seen", "digest", l.shape.Digest, "share", diagnose.Share01(l.share), "connections", diagnose.Count(l.shape.Conns), "longest", l.shape.Longest))
	}
	if l.plan.Table != "" && !l.plan.FullScan() && l.plan.Rows <= tinyRows {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-by-key", "table", l.plan.Table, "index", l.plan.Key, "rows", diagnose.Count(max(l.plan.Rows, 1))))
	}
	if o, ok := c.Owner(l.shape.Schema, l.shape.Table); ok {
		f.Origin = diagnose.Origin{Plugin: o.Plugin, Version: o.Version, Site: o.Site, User: l.shape.User}
		id := "proof-plugin-prefix"
		if o.How == "source" {
			id = "proof-plugin-table"
			f.Confidence += 0.03
		}
		f.Proof = append(f.Proof, diagnose.Say(id, "plugin", o.Plugin, "table", l.shape.Table))
	}
	return f
}

// clearManyTinyQueries says that a request takes no more statements than before.
func clearManyTinyQueries(c *diagnose.Case) []diagnose.Rejected {
	if c.Outage.Zero() || c.Quiet.Zero() || !databaseBusy(c) {
		return nil
	}
	quiet, now := c.Statements(c.Quiet), c.Statements(c.Outage)
	if quiet <= 0 || now < 0 || now > 2*quiet {
		return nil
	}
	return []diagnose.Rejected{{ID: "many-tiny-queries", Metric: "statements_per_request", Baseline: quiet, Window: now,
		Say: diagnose.Say("cleared-tiny", "quiet", diagnose.Count(quiet), "outage", diagnose.Count(now))}}
}
