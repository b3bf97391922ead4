package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// autoloadHeavy is how much each request must read, and cronHeavy how many events
	// the option cron must hold, to be felt: WordPress itself warns from 800 KB on,
	// which nobody feels.
	autoloadHeavy = 2 << 20
	cronHeavy     = 3000
	// optionsHuge is the size of the whole table from which on reading it is no trifle.
	optionsHuge = 1 << 30
	// optionsShare is the least share of the database's time on the options, and
	// optionsHeld of the PHP workers' time or of the CPU that this must be: a database
	// that has little to do may well do that little there.
	optionsShare = 0.4
	optionsHeld  = 0.15
	// autoloadCost and cronCost are how much CPU in ms a MB can cost a request: it is
	// carried once, but the schedule is unpacked each time that somebody looks into it.
	autoloadCost = 60.0
	cronCost     = 1000.0
	// optionsEach is how many times as much CPU as in the quiet time a request takes.
	optionsEach = 2.0
	// optionsGrown is by how many bytes and times the options grew to have done so
	// while somebody watched.
	optionsGrown       = 1 << 20
	optionsGrownFactor = 1.5
	// redoRise is how many times as much goes to the redo log where a large option is
	// written again and again, and redoLeast how much at least, in KB a second.
	redoRise  = 3.0
	redoLeast = 512
)

// AutoloadBloat is options that have grown until reading or writing them is most of
// what a request does: the autoloaded ones, the option cron, one that is rewritten.
func AutoloadBloat() diagnose.Rule {
	return diagnose.Rule{
		ID:       "autoload-bloat",
		Title:    "a site's options have grown, and every request reads them, unserializes them, or writes them anew",
		Source:   "public reports: a debug option of 5 MB that is autoloaded, 20,000 events in the option cron, options of 40 GB, a transient rewritten each second; the lab",
		Needs:    map[string]string{evidence.DBStatus{}.Kind(): "missing-statements", evidence.OptionUse{}.Kind(): "missing-options"},
		Match:    matchAutoloadBloat,
		Clear:    clearAutoloadBloat,
		Explains: []string{"unindexed-select", "many-tiny-queries"},
	}
}

// options is what one site keeps there, and what that costs.
type options struct {
	schema, table string
	now, before   evidence.OptionUse // the newest reading, and the oldest
	read          bool               // it was read at all
	grewAt        time.Time          // when it was first seen to be large; zero where it always was
	size          int64              // of the table, with its indexes
	share         float64            // of the database's time, all statements on it
	held          bool               // that is much of what requests wait for
	writes        float64            // of it, those that write
	main          diagnose.Crowd     // the statement on it that took most
	active        diagnose.Span
	redo          [2]float64 // KB a second, quiet and now
	php, db       [2]float64 // CPU by request in ms, quiet and now
	work          work
}

func matchAutoloadBloat(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() {
		return nil
	}
	for _, o := range optionsOf(c) {
		// 1. They are large, or one of them is written all the time.
		if !o.large() && !o.rewritten() {
			continue
		}
		// 2. They are what requests spend their time with: the database's on that table,
		// or, since they grew, the CPU's on each request.
		if !o.held && !o.dearer() || o.main.Waiting > selectLocked && !o.rewritten() {
			continue
		}
		// 3. That began before visitors suffered, and goes on.
		if !explains(c, o.active) || 3*o.active.Duration() < c.Outage.Duration() {
			continue
		}
		// 4. Something became more: they grew, they are written, each request became dearer,
		// or there are more requests. The same as ever on a slow machine accuses nobody.
		if !o.more(c) || o.work.cpu >= 0 && o.work.cpu < optionsShare && c.IOWait(c.Outage) < selectDisk {
			continue
		}
		// 5. No rush of visitors, and nobody else's long statement before it.
		if o.work.demand() && !o.grew() || elder(c, scans{Crowd: o.main, shapes: []string{o.main.Digest}, active: o.active}) {
			continue
		}
		return []diagnose.Finding{o.finding(c)}
	}
	return nil
}

// optionsOf returns the tables of options of the sites, with what they cost, the
// dearest first.
func optionsOf(c *diagnose.Case) []options {
	byTable := map[string]*options{}
	var order []string
	get := func(schema, table string) *options {
		if byTable[table] == nil {
			byTable[table] = &options{schema: schema, table: table}
			order = append(order, table)
		}
		return byTable[table]
	}
	for _, s := range recording.Ever[evidence.Site](c.W) {
		if s.Platform == "wordpress" && s.Prefix != "" {
			get(s.Schema, s.Prefix+"options").schema = s.Schema
		}
	}
	at, uses := c.Options()
	for i, u := range uses {
		if at[i].After(c.Outage.To.Add(10 * time.Minute)) {
			continue
		}
		o := get("", u.Table)
		if !o.read {
			o.before, o.read = u, true
		}
		if o.now = u; o.grewAt.IsZero() && o.grew() {
			o.grewAt = at[i]
		}
	}
	out := make([]options, 0, len(order))
	for _, name := range order {
		byTable[name].cost(c)
		out = append(out, *byTable[name])
	}
	slices.SortStableFunc(out, func(a, b options) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(b.now.AutoloadBytes, a.now.AutoloadBytes), cmp.Compare(a.table, b.table))
	})
	return out
}

// cost works out what the options take.
func (o *options) cost(c *diagnose.Case) {
	on := func(r diagnose.Run) bool { return r.Table == o.table && (o.schema == "" || r.Schema == o.schema) }
	for _, g := range c.Crowds(c.Outage) {
		if g.Table == o.table && g.Seen > o.main.Seen {
			o.main = g
		}
	}
	if t, ok := c.Table(o.schema, o.table); ok {
		o.size = max(t.FileBytes, t.DataBytes+t.IdxBytes)
	}
	o.share = max(c.DatabaseShare(c.Outage, on), 0)
	o.writes = max(c.DatabaseShare(c.Outage, func(r diagnose.Run) bool { return on(r) && r.Verb != "SELECT" }), 0)
	load := c.Load(c.Outage)
	o.held = o.share >= optionsShare && (!c.HasPools(c.Outage) || o.share*c.StatementShare(c.Outage) >= optionsHeld || o.share*load.ShareOf(load.Database) >= optionsHeld)
	o.active, _ = c.StretchOf(c.Crowded(1, on))
	if !o.held || o.active.Zero() { // it is PHP that suffers from them
		o.active = c.Outage
	}
	before := c.QuietBefore(o.active.From)
	o.redo = [2]float64{c.Asked(before).RedoPerSecond(), c.Asked(c.Outage).RedoPerSecond()}
	o.php[0], o.db[0] = c.CPUPerRequest(before)
	o.php[1], o.db[1] = c.CPUPerRequest(c.Outage)
	o.work = work{cpu: load.ShareOf(load.Database + load.PHP), rateQuiet: c.QuietRate(diagnose.Dynamic), rate: c.Rate(c.Outage), peak: peakRate(c, c.Outage), starved: c.Starved(c.Outage)}
	if load.Services <= 0 {
		o.work.cpu = -1
	}
}

// autoloaded, crowded and huge are the ways in which options can be too large.
func (o options) autoloaded() bool { return o.now.AutoloadBytes >= autoloadHeavy }
func (o options) crowded() bool    { return o.now.CronEvents >= cronHeavy }
func (o options) huge() bool       { return o.size >= optionsHuge }
func (o options) large() bool      { return o.autoloaded() || o.crowded() || o.huge() }

// ofCron reports whether the schedule is most of what is autoloaded, or all that
// is too large.
func (o options) ofCron() bool {
	return o.crowded() && (!o.autoloaded() || 2*o.now.CronBytes >= o.now.AutoloadBytes)
}

// rewritten reports whether writing to the options is most of what the database
// does, and of what it writes.
func (o options) rewritten() bool {
	return o.writes >= optionsShare && o.main.Conns >= selectConns && o.redo[0] >= 0 && o.redo[1] >= max(redoLeast, redoRise*o.redo[0])
}

// grew reports whether they grew between the first reading and the newest.
func (o options) grew() bool {
	grown := func(was, is, least int64) bool {
		return is-was >= least && float64(is) >= optionsGrownFactor*float64(was)
	}
	return grown(o.before.AutoloadBytes, o.now.AutoloadBytes, optionsGrown) || grown(o.before.CronEvents, o.now.CronEvents, cronHeavy/2)
}

// dearer reports whether each request takes much more CPU since they grew, and no
// more than reading and unpacking so much can cost.
func (o options) dearer() bool {
	can := autoloadCost * float64(o.now.AutoloadBytes) / (1 << 20)
	if o.crowded() {
		can += cronCost * float64(o.now.CronBytes) / (1 << 20)
	}
	return o.grew() && o.each(0) > 0 && o.each(1) >= optionsEach*o.each(0) && o.each(1)-o.each(0) <= can
}

// more reports whether there is more to do with the options than in the quiet
// time; with no quiet time it is taken on trust, and the finding is likely only.
func (o options) more(c *diagnose.Case) bool {
	return c.Quiet.Zero() || o.grew() || o.rewritten() || o.each(0) > 0 && o.each(1) >= optionsEach*o.each(0) ||
		o.work.rateQuiet > 0 && o.work.rate > diagnose.DemandFactor*o.work.rateQuiet+chanceRise(o.work.rateQuiet, o.work.rate, c)
}

// each is the CPU time by request in ms; -1 unknown.
func (o options) each(i int) float64 {
	if o.php[i] < 0 || o.db[i] < 0 {
		return -1
	}
	return o.php[i] + o.db[i]
}

// largest is the option that the bytes are in, where one holds most of them.
func (o options) largest() (evidence.OptionBytes, bool) {
	if len(o.now.Largest) == 0 || 2*o.now.Largest[0].Bytes < o.now.AutoloadBytes {
		return evidence.OptionBytes{}, false
	}
	return o.now.Largest[0], true
}

func (o options) finding(c *diagnose.Case) diagnose.Finding {
	f := diagnose.Finding{
		About:  diagnose.Subject{Schema: cmp.Or(o.schema, o.main.Schema), Table: o.table},
		Origin: diagnose.Origin{Site: o.now.Site, User: o.main.User},
		Share:  diagnose.Share{DatabaseTime: o.share, CPU: o.work.cpu, WorkerTime: -1}, Active: o.active,
		Confidence: 0.5, Remedies: []string{"trim-options", "autoload-off"},
	}
	big, one := o.largest()
	if one && big.Owner != "core" {
		f.Origin.Plugin = big.Owner
	}
	switch {
	case o.autoloaded() && !o.ofCron():
		f.Claim = diagnose.Say("autoload-bloat", "table", o.table, "bytes", diagnose.Bytes(o.now.AutoloadBytes))
	case o.crowded():
		f.Claim = diagnose.Say("link-cron-crowded", "events", diagnose.Count(o.now.CronEvents), "bytes", diagnose.Bytes(o.now.CronBytes))
		f.Remedies = []string{"trim-cron", "real-cron"}
	case o.rewritten():
		f.Claim = diagnose.Say("link-options-rewritten", "table", o.table)
	default:
		f.Claim = diagnose.Say("link-options-huge", "table", o.table, "bytes", diagnose.Bytes(o.size))
	}
	f.Proof = o.proofs(c, one, big)
	f.Confidence = o.confidence(one)
	if !o.read {
		f.Missing = append(f.Missing, diagnose.Say("missing-options"))
	}
	if hook := crowdedHook(c); o.ofCron() && hook.Hook != "" {
		f.Origin.Hook = hook.Hook
		if hook.Owner != "core" {
			f.Origin.Plugin = hook.Owner
		}
		f.Proof = append(f.Proof, diagnose.Say("proof-cron-hook", "hook", hook.Hook, "plugin", f.Origin.Plugin))
	}
	if f.Origin.Plugin == "" && !o.ofCron() {
		f = withAsker(c, f)
	}
	return f
}

// crowdedHook is the hook that most of the single events are of, as far as they are
// told; none where no hook is most of them.
func crowdedHook(c *diagnose.Case) evidence.CronEvent {
	count, all := map[string]int{}, 0
	var most evidence.CronEvent
	for _, e := range recording.All[evidence.CronEvent](c.W) {
		if e.Schedule != "" {
			continue
		}
		all++
		if count[e.Hook]++; count[e.Hook] > count[most.Hook] || count[e.Hook] == count[most.Hook] && e.Hook < most.Hook {
			most = e
		}
	}
	if 2*count[most.Hook] <= all || count[most.Hook] < 10 {
		return evidence.CronEvent{}
	}
	return most
}

// confidence is high only where they grew while somebody watched, the database's
// time goes there, and each request became dearer by it.
func (o options) confidence(one bool) float64 {
	sure := 0.5
	for _, ok := range []struct {
		is bool
		by float64
	}{
		{o.large(), 0.1}, {one && o.autoloaded() || o.crowded(), 0.05}, {o.held, 0.1}, {o.held && o.share >= 0.6, 0.05},
		{o.grew(), 0.1}, {o.each(0) > 0 && o.each(1) >= optionsEach*o.each(0), 0.1}, {o.rewritten(), 0.1},
		{o.work.cpu >= 0.5, 0.03},
	} {
		if ok.is {
			sure += ok.by
		}
	}
	// Time that the database spends on them says where; that they grew says why now.
	if !o.held || !o.grew() && !o.rewritten() || !o.read {
		return min(sure, 0.85)
	}
	return min(sure, 0.97)
}

func (o options) proofs(c *diagnose.Case, one bool, big evidence.OptionBytes) []diagnose.Sentence {
	var out []diagnose.Sentence
	if one && o.autoloaded() {
		out = append(out, diagnose.Say("proof-option-largest", "option", big.Name, "bytes", diagnose.Bytes(big.Bytes), "plugin", strings.TrimPrefix(big.Owner, "core")))
	}
	if o.held {
		out = append(out, diagnose.Say("proof-options-share", "table", o.table, "share", diagnose.Share01(o.share), "digest", o.main.Digest))
	}
	if o.grew() && o.autoloaded() {
		out = append(out, diagnose.Say("proof-options-grew", "before", diagnose.Bytes(o.before.AutoloadBytes), "after", diagnose.Bytes(o.now.AutoloadBytes), "at", o.grewAt))
	}
	if o.crowded() {
		out = append(out, diagnose.Say("proof-cron-crowded", "before", diagnose.Count(o.before.CronEvents), "events", diagnose.Count(o.now.CronEvents), "bytes", diagnose.Bytes(o.now.CronBytes)))
	}
	if o.each(0) > 0 && o.each(1) >= optionsEach*o.each(0) {
		out = append(out, diagnose.Say("proof-cpu-each", "quiet", diagnose.Ms(o.each(0)), "outage", diagnose.Ms(o.each(1))))
	}
	if o.rewritten() {
		out = append(out, diagnose.Say("proof-redo", "quiet", diagnose.Bytes(1024*o.redo[0]), "outage", diagnose.Bytes(1024*o.redo[1])))
	}
	if o.huge() {
		out = append(out, diagnose.Say("proof-table-size", "table", o.table, "bytes", diagnose.Bytes(o.size), "rows", diagnose.Count(c.Rows(o.schema, o.table))))
	}
	if o.work.rateQuiet > 0 && o.work.rate <= diagnose.DemandFactor*o.work.rateQuiet {
		out = append(out, diagnose.Say("proof-completed", "quiet", diagnose.Number(o.work.rateQuiet), "outage", diagnose.Number(o.work.rate)))
	}
	return out
}

// clearAutoloadBloat gives the numbers that clear options which are worth a look
// but not what visitors waited for.
func clearAutoloadBloat(c *diagnose.Case) []diagnose.Rejected {
	if c.Outage.Zero() {
		return nil
	}
	for _, o := range optionsOf(c) {
		if o.read && !o.held && !o.dearer() && (o.now.AutoloadBytes > 0 || o.now.CronEvents > 0) {
			return []diagnose.Rejected{{ID: "autoload-bloat", Metric: "database_time_share", Window: o.share,
				Say: diagnose.Say("cleared-options", "bytes", diagnose.Bytes(o.now.AutoloadBytes), "events", diagnose.Count(o.now.CronEvents), "share", diagnose.Share01(o.share))}}
		}
	}
	return nil
}
