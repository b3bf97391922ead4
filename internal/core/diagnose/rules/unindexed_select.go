package rules

import (
	"slices"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

const (
	// selectShare is the least share of the database's time, selectCopies how many ran
	// at once at the worst, and selectConns on how many connections: a report that
	// somebody asked for, or a dump, runs on one.
	selectShare  = 0.4
	selectCopies = 3
	selectConns  = 5
	// selectLocked is the share of the samples above which they wait for a lock, and
	// are victims.
	selectLocked = 0.3
	// selectRows is how many rows one of them must read where no index helps, and
	// selectWide where one does: below, the database answers in milliseconds.
	selectRows = purgeLeastRows
	selectWide = 100_000
	// workRise is how much more rows a second than in the quiet time the database must
	// read to be doing more work: a machine that has become slower reads fewer.
	workRise = 1.5
	// selectElder is how long a statement of somebody else that ran before must have
	// taken to be what the machine was busy with.
	selectElder = purgeLeastRunning
	// selectDisk is the share of the CPU time that waits for the disk from which on
	// that is what the reading costs.
	selectDisk = 0.2
)

// UnindexedSelect is the visitors' own queries: each reads a whole table of a
// plugin, or a large part of it, and many of them run at once.
func UnindexedSelect() diagnose.Rule {
	return diagnose.Rule{
		ID:     "unindexed-select",
		Title:  "visitors' queries read a whole table, because no index begins with the column they filter by, and many run at once",
		Source: "public reports: a visitor counter that looks up an address without an index, 70 copies of one popular-posts query over 21 million rows; the lab",
		Needs:  map[string]string{evidence.DBStatus{}.Kind(): "missing-statements"},
		Match:  matchUnindexedSelect,
		Clear:  clearUnindexedSelect,
	}
}

// scans is what visitors ask of one table without a usable index.
type scans struct {
	diagnose.Crowd // the shape that took most time
	plan           evidence.Plan
	filter         evidence.Filter
	table          evidence.Table
	known          bool // the table's indexes are known
	owner          evidence.Owner
	shapes         []string
	share          float64       // of the database's time, all shapes of the table together
	active         diagnose.Span // from when many ran at once
	before         diagnose.Span // the quiet time, as far as it is before the first of them
}

func matchUnindexedSelect(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() {
		return nil
	}
	for _, s := range scansIn(c, c.Outage) {
		// 1. It is much of what the database does, for many visitors at once.
		if s.share < selectShare || s.Most < selectCopies || s.Conns < selectConns || s.TopConn > 0.5 {
			continue
		}
		// 2. They began to pile up before visitors suffered, and are at it while they do.
		var ok bool
		s.active, ok = c.StretchOf(c.Crowded(selectCopies, s.has))
		if !ok || !explains(c, s.active) || 3*s.active.Duration() < c.Outage.Duration() {
			continue
		}
		s.since(c)
		// 3. The database does more than in the quiet time, not the same more slowly.
		w := selectWork(c, s)
		if !w.rose() || w.demand() && floodOf(c, evidence.ClassSearch).guilty() {
			continue
		}
		// 4. Reading is what is scarce, and nobody was at it before them.
		if w.cpu >= 0 && w.cpu < 0.3 && w.disk < selectDisk || elder(c, s) {
			continue
		}
		return []diagnose.Finding{selectFinding(c, s, w)}
	}
	return nil
}

// since finds when the first of them ran: credit can carry them for a while. Where
// they always ran there is no such moment.
func (s *scans) since(c *diagnose.Case) {
	for _, one := range c.Crowded(1, s.has) {
		if !one.From.After(s.active.From) && !one.To.Before(s.active.From) {
			s.before = c.QuietBefore(one.From)
			if s.before != c.Quiet {
				s.active.From = one.From
			}
			return
		}
	}
	s.before = c.QuietBefore(s.active.From)
}

// has reports whether a run is one of them.
func (s scans) has(r diagnose.Run) bool { return slices.Contains(s.shapes, r.Digest) }

// scansIn returns the tables that shapes seen in a span read without a usable
// index, by the time that it took.
func scansIn(c *diagnose.Case, in diagnose.Span) []scans {
	var out []scans
	for i, g := range c.Crowds(in) {
		if i >= purgeMost {
			break
		}
		if g.Verb != "SELECT" && g.Verb != "UPDATE" || g.Waiting > selectLocked {
			continue
		}
		s, ok := scanOf(c, g)
		if !ok {
			continue
		}
		k := slices.IndexFunc(out, func(o scans) bool { return o.Table == s.Table && o.Schema == s.Schema && o.DB == s.DB })
		if k < 0 {
			out = append(out, s)
			continue
		}
		out[k].share += s.share
		out[k].shapes = append(out[k].shapes, s.shapes...)
		out[k].Conns, out[k].Most = max(out[k].Conns, s.Conns), max(out[k].Most, s.Most)
	}
	slices.SortStableFunc(out, func(a, b scans) int { return int(1e6 * (b.share - a.share)) })
	return out
}

// scanOf looks at how one shape is answered; ok says that it reads a large table
// whole, or a large part of it.
func scanOf(c *diagnose.Case, g diagnose.Crowd) (scans, bool) {
	s := scans{Crowd: g, shapes: []string{g.Digest}, share: g.Share}
	s.filter, _ = c.FilterOf(g.Digest)
	if s.filter.Schema != "" {
		s.Schema = s.filter.Schema
	}
	for _, p := range c.PlansOf(g.Digest) {
		if s.plan.Table == "" || p.FullScan() && !s.plan.FullScan() || p.FullScan() == s.plan.FullScan() && p.Rows > s.plan.Rows {
			s.plan = p
		}
	}
	if s.plan.Table != "" && !strings.HasPrefix(s.plan.Table, "<") { // "<derived2>" is a table of the statement's own
		s.Table = s.plan.Table
	}
	if s.Table != s.filter.Table {
		s.filter = evidence.Filter{} // of the table that is read first, not of this one
	}
	s.table, s.known = c.Table(s.Schema, s.Table)
	s.known = s.known && len(s.table.Indexes) > 0
	s.owner, _ = c.Owner(s.Schema, s.Table)
	return s, s.Table != "" && (s.fullScan() || s.wide() || s.plan.Table == "" && s.unindexed() && s.table.Rows >= selectRows)
}

// rows is how many rows one of them reads.
func (s scans) rows() int64 {
	if s.plan.FullScan() {
		return max(s.plan.Rows, s.table.Rows)
	}
	return s.plan.Rows
}

// fullScan reports whether the server said that it reads the whole of a large table.
func (s scans) fullScan() bool {
	return s.plan.FullScan() && s.plan.Rows >= selectRows && (!s.filter.Limit || len(s.filter.Equal)+len(s.filter.Range)+len(s.filter.Wrapped) > 0 || !strings.EqualFold(s.plan.Access, "index"))
}

// wide reports whether an index is used and spares little.
func (s scans) wide() bool { return !s.plan.FullScan() && s.plan.Rows >= selectWide }

// column is what an index would have to begin with: what is compared by = before
// any range.
func (s scans) column() string {
	for _, set := range [][]string{s.filter.Equal, s.filter.Range, s.filter.Wrapped} {
		if len(set) > 0 {
			return set[0]
		}
	}
	return ""
}

// unindexed reports whether no index of the table begins with any column that is
// compared.
func (s scans) unindexed() bool {
	return s.known && s.column() != "" && !slices.ContainsFunc(slices.Concat(s.filter.Equal, s.filter.Range), s.table.IndexedBy)
}

// work is what the database had to do, against the quiet time.
type work struct {
	cpu, cpuQuiet   float64 // the database's share of the CPU used; -1 unknown
	disk            float64 // share of the CPU time that waited for the disk
	rows, rowsQuiet float64 // read a second; -1 unknown
	rate, rateQuiet float64 // completed requests a second; -1 unknown
	peak            float64 // the most in a few seconds, from when it piled up
	fresh           bool    // not seen at all in a quiet time that was long enough
	starved         bool    // the CPU was used up
}

func selectWork(c *diagnose.Case, s scans) work {
	in := diagnose.Span{From: s.active.From, To: c.Outage.To}
	load, quiet := c.Load(in), c.Load(s.before)
	w := work{cpu: load.ShareOf(load.Database), cpuQuiet: quiet.ShareOf(quiet.Database), disk: c.IOWait(in), rowsQuiet: c.Asked(s.before).RowsPerSecond(),
		rate: c.Rate(c.Outage), rateQuiet: c.QuietRate(diagnose.Dynamic), starved: c.Starved(in)}
	if load.Services <= 0 {
		w.cpu = -1 // nobody saw who used the CPU
	}
	for _, span := range []diagnose.Span{in, s.active} { // a cap that bites later makes all of it slower
		w.rows = max(w.rows, c.Asked(span).RowsPerSecond())
	}
	w.peak = peakRate(c, in)
	if s.before.Duration() >= orderSlack {
		part, _ := c.DatabaseTime(s.before, s.has)
		w.fresh = part == 0
	}
	return w
}

// peakRate is the most requests a second that were completed in a few seconds of a
// span, or just before it.
func peakRate(c *diagnose.Case, in diagnose.Span) float64 {
	most := 0.0
	for _, r := range c.Rates(diagnose.Span{From: in.From.Add(-riseStep), To: in.To}, diagnose.Dynamic) {
		most = max(most, r)
	}
	return most
}

// rose reports whether the database had more to do than in the quiet time; with no
// quiet time it is taken on trust, and the finding says so.
func (w work) rose() bool {
	switch {
	case w.rowsQuiet < 0:
		return true
	case w.rows >= workRise*max(w.rowsQuiet, 1) && w.rows >= selectRows:
		return true
	}
	return w.rateQuiet > 0 && w.rate > diagnose.DemandFactor*w.rateQuiet && w.rows >= selectRows
}

// demand reports whether much more was asked of the site than usual.
func (w work) demand() bool {
	return w.rateQuiet > 0 && w.peak >= floodFactor*w.rateQuiet && w.rate > diagnose.DemandFactor*w.rateQuiet
}

// elder reports whether a long statement of somebody else was at work before they
// piled up: a purge, a dump, an ALTER. They are slow because of it then.
func elder(c *diagnose.Case, s scans) bool {
	for _, r := range c.Runs(diagnose.Span{From: s.active.From.Add(-orderSlack), To: c.Outage.From.Add(orderSlack)}) {
		if s.has(r) || r.Running < selectElder || !r.Active.From.Before(s.active.From) || r.Verb == "SELECT" && r.Table == s.Table {
			continue
		}
		if r.Verb != "SELECT" || r.Active.From.Before(s.active.From.Add(-orderSlack/2)) {
			return true
		}
	}
	return false
}

func selectFinding(c *diagnose.Case, s scans, w work) diagnose.Finding {
	f := diagnose.Finding{
		About:  diagnose.Subject{Schema: s.Schema, Table: s.Table, Column: s.column()},
		Origin: diagnose.Origin{Plugin: s.owner.Plugin, Version: s.owner.Version, Site: s.owner.Site, User: s.User},
		Share:  diagnose.Share{DatabaseTime: s.share, CPU: w.cpu, WorkerTime: workerShareOf(c, s)}, Active: s.active,
		Statement: &diagnose.Statement{Digest: s.Digest, Verb: s.Verb, Filter: s.filter, At: s.active.From},
		Claim:     diagnose.Say("unindexed-select", "table", s.Table, "column", s.column(), "copies", diagnose.Count(s.Most)),
		Remedies:  []string{"add-index", "narrow-query", "page-cache"},
	}
	if s.wide() {
		f.Claim = diagnose.Say("link-select-wide", "table", s.Table, "rows", diagnose.Count(s.rows()), "copies", diagnose.Count(s.Most))
		f.Remedies = []string{"narrow-query", "page-cache"}
	}
	if path, ok := c.Heaviest(c.Outage, s.before); ok {
		f.About.Path = path.Pattern
	}
	f.Proof = selectProofs(c, s, w)
	f.Confidence = selectConfidence(c, s, w)
	if !s.known {
		f.Missing = append(f.Missing, diagnose.Say("missing-indexes", "table", s.Table))
	}
	if s.plan.Table == "" {
		f.Missing = append(f.Missing, diagnose.Say("missing-plan", "table", s.Table))
	}
	if s.owner.Plugin == "" {
		f = withAsker(c, f)
	}
	if w.rowsQuiet < 0 {
		f.Missing = append(f.Missing, diagnose.Say("missing-quiet"))
	}
	return f
}

// workerShareOf is the share of the PHP workers' time in which one of them ran; -1
// unknown.
func workerShareOf(c *diagnose.Case, s scans) float64 {
	if !c.HasPools(c.Outage) {
		return -1
	}
	return c.StatementShare(c.Outage) * s.share
}

// withAsker names the file that PHP's own slow log found waiting for the database,
// where the table does not tell whose it is.
func withAsker(c *diagnose.Case, f diagnose.Finding) diagnose.Finding {
	told := slowTraces(c, diagnose.Span{From: f.Active.From, To: c.Outage.To.Add(orderSlack)}, "fpm-slow-database")
	if len(told) == 0 {
		f.Missing = append(f.Missing, diagnose.Say("missing-slow-log"))
		return f
	}
	f.Origin.File, f.Origin.Plugin = told[0].file, pluginOf(told[0].file)
	f.Proof = append(f.Proof, diagnose.Say("proof-slow-trace", "count", diagnose.Count(told[0].count), "file", told[0].file, "message", told[0].message))
	return f
}

// selectConfidence is high only where the plan and the table's indexes say the
// same, the database does much more than before, and nobody stormed the site.
func selectConfidence(c *diagnose.Case, s scans, w work) float64 {
	sure := 0.5
	for _, ok := range []struct {
		is bool
		by float64
	}{
		{s.fullScan(), 0.12}, {s.unindexed(), 0.12}, {s.wide(), 0.16}, {s.share >= 0.5, 0.08},
		{w.cpu >= 0.4 && w.cpu >= 1.3*w.cpuQuiet || w.disk >= selectDisk, 0.08},
		{w.rowsQuiet >= 0 && w.rows >= 5*max(w.rowsQuiet, 1), 0.06}, {s.owner.How == "source", 0.03},
	} {
		if ok.is {
			sure += ok.by
		}
	}
	switch {
	case !s.wide() && (!s.fullScan() || !s.unindexed()), w.rowsQuiet < 0, w.cpu < 0:
		return min(sure, 0.85)
	case w.demand(), !w.starved && w.disk < selectDisk:
		return min(sure, 0.85) // more is asked for as well, or the machine was not seen to be busy
	case w.rows < 2*w.rowsQuiet:
		return min(sure, 0.8)
	}
	return sure
}

func selectProofs(c *diagnose.Case, s scans, w work) []diagnose.Sentence {
	out := []diagnose.Sentence{diagnose.Say("proof-crowd", "digest", s.Digest, "copies", diagnose.Count(s.Most), "share", diagnose.Share01(min(s.share, 1)), "longest", s.Longest)}
	if s.unindexed() {
		names := []string{}
		for _, i := range s.table.Indexes {
			names = append(names, i.Name+" ("+strings.Join(i.Columns, ", ")+")")
		}
		out = append(out, diagnose.Say("proof-no-index", "table", s.Table, "column", s.column(), "indexes", strings.Join(names, "; ")))
	}
	switch {
	case s.fullScan() && s.plan.Running:
		out = append(out, diagnose.Say("proof-explain-running", "table", s.Table, "access", s.plan.Access, "rows", diagnose.Count(s.plan.Rows)))
	case s.fullScan():
		out = append(out, diagnose.Say("proof-explain", "table", s.Table, "access", s.plan.Access, "rows", diagnose.Count(s.plan.Rows)))
	case s.wide():
		out = append(out, diagnose.Say("proof-explain-wide", "table", s.Table, "index", s.plan.Key, "rows", diagnose.Count(s.plan.Rows)))
	}
	if w.rowsQuiet >= 0 {
		out = append(out, diagnose.Say("proof-rows-read", "quiet", diagnose.Count(w.rowsQuiet), "outage", diagnose.Count(w.rows)))
	}
	if w.cpu >= 0 {
		out = append(out, databaseCPU(c, w.cpu, s.active.From))
	}
	if s.table.Name != "" && s.table.Rows > 0 {
		out = append(out, diagnose.Say("proof-table-size", "table", s.Table, "bytes", diagnose.Bytes(max(s.table.FileBytes, s.table.DataBytes+s.table.IdxBytes)), "rows", diagnose.Count(s.table.Rows)))
	}
	switch {
	case w.demand():
		out = append(out, diagnose.Say("proof-more-asked", "quiet", diagnose.Number(w.rateQuiet), "outage", diagnose.Number(w.peak)))
	case w.rateQuiet > 0 && w.rate <= diagnose.DemandFactor*w.rateQuiet:
		out = append(out, diagnose.Say("proof-completed", "quiet", diagnose.Number(w.rateQuiet), "outage", diagnose.Number(w.rate)))
	}
	if w.fresh {
		out = append(out, diagnose.Say("proof-not-before", "at", s.active.From))
	}
	switch s.owner.How {
	case "":
	case "source":
		out = append(out, diagnose.Say("proof-plugin-table", "plugin", s.owner.Plugin, "table", s.Table))
	default:
		out = append(out, diagnose.Say("proof-plugin-prefix", "plugin", s.owner.Plugin, "table", s.Table))
	}
	return out
}

// clearUnindexedSelect says that the database read no more than in the quiet time.
func clearUnindexedSelect(c *diagnose.Case) []diagnose.Rejected {
	if c.Outage.Zero() || c.Quiet.Zero() || !databaseBusy(c) {
		return nil
	}
	quiet, now := c.Asked(c.Quiet).RowsPerSecond(), c.Asked(c.Outage).RowsPerSecond()
	if quiet <= 0 || now < 0 || now > workRise*quiet && now >= selectRows {
		return nil
	}
	return []diagnose.Rejected{{ID: "unindexed-select", Metric: "rows_read_per_second", Baseline: quiet, Window: now,
		Say: diagnose.Say("cleared-rows", "quiet", diagnose.Count(quiet), "outage", diagnose.Count(now))}}
}

// databaseBusy reports whether the database took enough of the CPU to be suspected.
func databaseBusy(c *diagnose.Case) bool {
	l := c.Load(c.Outage)
	return l.ShareOf(l.Database) >= 0.25
}
