package remedies

import (
	"path"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

func otherOf(t *testing.T, p remedy.Plan, id string) remedy.Other {
	t.Helper()
	for _, o := range p.Others {
		if o.ID == id {
			return o
		}
	}
	t.Fatalf("the plan says nothing of %s", id)
	return remedy.Other{}
}

// TestStrategies walks the share of doomed rows and the size of the table past
// the points where the choice turns.
func TestStrategies(t *testing.T) {
	for _, c := range []struct {
		name      string
		share     float64
		rows      int64
		wish      string
		want, why string // the step taken, what is said of the swap
	}{
		{"few doomed", 0.3, 600_000, "", "delete-in-chunks", "other-swap-no-gain"},
		{"case 0", 0.8, 600_000, "", "delete-in-chunks", "other-swap-no-gain"},
		{"nearly all doomed", 0.95, 600_000, "", "delete-in-chunks", "other-swap-faster"},
		{"just below the share", 0.64, 20_000_000, "", "delete-in-chunks", "other-swap-no-gain"},
		{"many rows, few doomed", 0.3, 30_000_000, "", "delete-in-chunks", "other-swap-no-gain"},
		{"so many that chunks take long", 0.95, 20_000_000, "", "keep-and-swap", ""},
		{"the same, but chunks wanted", 0.95, 20_000_000, remedy.Chunks, "delete-in-chunks", "other-swap-faster"},
		{"swap wanted", 0.3, 600_000, remedy.Swap, "keep-and-swap", ""},
	} {
		f, w := finding0(), world0()
		w.Host.FreeBytes[remedy.DiskData], w.Host.FreeBytes[remedy.DiskArchive] = 1<<42, 1<<42
		w.Table.Growth = growth("created", cutoff0, c.share)
		for i := range w.Table.Growth.Probes {
			w.Table.Growth.Probes[i].Key = 1 + (w.Table.Growth.Probes[i].Key-1)*(c.rows/600_000)
		}
		w.Table.Rows, w.Table.MaxKey, w.Table.Growth.MaxKey = c.rows, c.rows, c.rows
		w.Table.FileBytes = c.rows * 3400
		p := plan(t, Purge(), f, w, remedy.Wishes{Strategy: c.wish})
		if len(p.Steps) != 3 || p.Steps[1].Step.Kind() != c.want {
			t.Errorf("%s: steps %s, want %s; refused %s", c.name, kindsOf(p), c.want, ids(p.Refused))
			continue
		}
		if len(p.Others) != 2 {
			t.Errorf("%s: %d other ways, want both", c.name, len(p.Others))
		}
		if c.why != "" {
			if o := otherOf(t, p, remedy.Swap); o.Why.ID != c.why {
				t.Errorf("%s: of the swap it says %s (%v against %v), want %s", c.name, o.Why.ID, o.Estimate.Takes, p.Steps[1].Estimate.Takes, c.why)
			}
		}
	}
}

// TestTruncate takes the place of a table of which no row survives, and of no other.
func TestTruncate(t *testing.T) {
	f, w := finding0(), world0()
	w.Table.Growth = growth("created", cutoff0, 1.2)
	p := plan(t, Purge(), f, w, remedy.Wishes{Strategy: remedy.Truncate})
	if kindsOf(p) != "explain-statement keep-and-swap explain-statement" || !p.Steps[1].Step.(remedy.KeepAndSwap).Empty || !has(p.Steps[1].Says, "step-empty") {
		t.Errorf("steps %s, refused %s: want a swap with an empty table", kindsOf(p), ids(p.Refused))
	}
	if p := plan(t, Purge(), f, w, remedy.Wishes{}); kindsOf(p) != "explain-statement delete-in-chunks explain-statement" || otherOf(t, p, remedy.Truncate).Why.ID != "other-truncate" {
		t.Errorf("unasked: steps %s: want chunks, and truncate offered", kindsOf(p))
	}
	for name, change := range map[string]func(*remedy.World){
		"the last rows were not probed":    func(w *remedy.World) { w.Table.MaxKey++ },
		"the last row is within the slack": func(w *remedy.World) { w.Table.Growth = growth("created", cutoff0, 1.0001) },
		"the key does not follow time":     func(w *remedy.World) { w.Table.Growth.Ordered = false },
		"another column was probed":        func(w *remedy.World) { w.Table.Growth.Column = "updated" },
		"nothing was probed":               func(w *remedy.World) { w.Table.Growth.Probes = nil },
	} {
		w := world0()
		w.Table.Growth = growth("created", cutoff0, 1.2)
		change(&w)
		if p := plan(t, Purge(), f, w, remedy.Wishes{Strategy: remedy.Truncate}); p.Doable() || p.Refused[0].ID != "refused-survivors" {
			t.Errorf("%s: steps %s, refused %s: want it refused", name, kindsOf(p), ids(p.Refused))
		}
	}
}

func TestTruncateNotWithACondition(t *testing.T) {
	f, w := finding0(), world0()
	w.Table.Name, f.Statement = "wp_actionscheduler_actions", nil
	w.Table.Columns = append(w.Table.Columns, remedy.Column{Name: "last_attempt_gmt", Type: "datetime"}, remedy.Column{Name: "status", Type: "varchar"})
	w.Table.Growth = growth("last_attempt_gmt", now.Add(-31*day), 1.2)
	p := plan(t, Purge(), f, w, remedy.Wishes{Strategy: remedy.Truncate, Force: []string{"orphans"}})
	if p.Doable() || p.Refused[0].ID != "refused-survivors" {
		t.Errorf("steps %s, refused %s: pending jobs would go", kindsOf(p), ids(p.Refused))
	}
}

// TestEstimates holds the directions that an owner decides by.
func TestEstimates(t *testing.T) {
	base := size{rows: 600_000, doomed: 480_000, share: 0.8, rowBytes: 3300, ordered: true}
	more := func(a, b times, what string) {
		t.Helper()
		if a.free <= b.free || a.capped <= b.capped {
			t.Errorf("%s: got %v, want more than %v", what, a, b)
		}
	}
	wide, many, unordered := base, base, base
	wide.rowBytes, many.rows, many.doomed, unordered.ordered = 10_000, 6_000_000, 4_800_000, false
	more(wide.chunks(true, true), base.chunks(true, true), "wider rows")
	more(many.chunks(true, true), base.chunks(true, true), "more rows")
	more(unordered.chunks(true, true), base.chunks(true, true), "the whole table read")
	more(base.chunks(true, true), base.chunks(true, false), "an archive")
	more(base.chunks(false, true), base.chunks(true, true), "MySQL")
	more(base.swap(false), base.swap(true), "MySQL, swapped")
	if got := base.chunks(false, true).free / base.chunks(true, true).free; got < 3 || got > 5 {
		t.Errorf("MySQL takes %d times as long, want about 4", got)
	}
	// The lab: 240,000 rows by ranges of 1,000 took 5.0 s of 5.3 s of CPU; hirune pauses as long again.
	lab := size{rows: 300_000, doomed: 240_000, share: 0.8, rowBytes: 3300, ordered: true}
	if got := lab.chunks(true, false).free; got < 5*time.Second || got > 20*time.Second {
		t.Errorf("the lab's table: got %v, want 5 to 20 s", got)
	}
	if got := lab.chunks(true, false).capped; got < 47*time.Second || got > 5*time.Minute {
		t.Errorf("the same at a cap: got %v, want 47 s (by hand, with visitors suffering) to 5 min", got)
	}
	unknown := base
	unknown.doomed, unknown.share = -1, -1
	if got, all := unknown.chunks(true, true), (size{rows: 600_000, doomed: 600_000, rowBytes: 3300, ordered: true}).chunks(true, true); got != all {
		t.Errorf("of unknown rows all count: got %v, want %v", got, all)
	}
}

// TestMeasure: estimates have to survive statistics that lie.
func TestMeasure(t *testing.T) {
	d := remedy.Doomed{Column: "created", Cutoff: cutoff0}
	for _, c := range []struct {
		name         string
		change       func(*remedy.Table)
		rows, doomed int64
	}{
		{"as it is", func(*remedy.Table) {}, 600_000, 480_000},
		{"no estimate of rows: the file tells", func(t *remedy.Table) { t.Rows = -1 }, 600_000, 480_000},
		{"stale statistics", func(t *remedy.Table) { t.Rows = 12 }, 600_000, 480_000},
		{"more rows than keys", func(t *remedy.Table) { t.Rows = 9_000_000 }, 600_000, 480_000},
		{"gaps in the key", func(t *remedy.Table) { t.Rows = 300_000 }, 300_000, 240_000},
		{"no probes", func(t *remedy.Table) { t.Growth.Probes = nil }, 600_000, -1},
		{"another column was probed", func(t *remedy.Table) { t.Growth.Column = "x" }, 600_000, -1},
		{"unordered: each probe stands for its keys", func(t *remedy.Table) { t.Growth.Ordered = false }, 600_000, 475_000},
		{"an empty table", func(t *remedy.Table) { t.Rows, t.MinKey, t.MaxKey, t.Growth = 0, 0, 0, evidence.TableGrowth{} }, 1, -1},
	} {
		w := world0()
		c.change(w.Table)
		s := measure(w.Table, d)
		if s.rows != c.rows || s.doomed != c.doomed {
			t.Errorf("%s: got %d rows, %d doomed; want %d, %d", c.name, s.rows, s.doomed, c.rows, c.doomed)
		}
	}
	w := world0()
	w.Table.MinKey, w.Table.MaxKey, w.Table.Rows = -1<<63, 1<<63-1, -1
	if s := measure(w.Table, d); s.rows <= 0 || s.density <= 0 {
		t.Errorf("all keys there are: %+v", s)
	}
}

// TestWeighedRowsCount: what was counted goes before what the probes say.
func TestWeighedRowsCount(t *testing.T) {
	f, w := finding0(), world0()
	tab := w.Table
	tab.Weighed, tab.DoomedRows, tab.SurvivingRows, tab.FirstKey, tab.LastDoomedKey = true, 333_333, 111_111, 17, 487_001
	p := plan(t, Purge(), f, w, remedy.Wishes{})
	if s := chunksOf(t, p); s.FromKey != 17 || s.ToKey != 487_001 || p.Steps[1].Estimate.Rows != 333_000 {
		t.Errorf("got keys %d to %d, %d rows", s.FromKey, s.ToKey, p.Steps[1].Estimate.Rows)
	}
	tab.DoomedRows, tab.LastDoomedKey = 0, 16
	if p := plan(t, Purge(), f, w, remedy.Wishes{}); p.Doable() || !has(p.Says, "purge-nothing") {
		t.Errorf("none is doomed: steps %s, says %s", kindsOf(p), ids(p.Says))
	}
	tab.DoomedRows, tab.SurvivingRows, tab.FirstKey, tab.LastDoomedKey = -1, -1, 1, 600_000
	if p := plan(t, Purge(), f, w, remedy.Wishes{}); !p.Doable() {
		t.Errorf("not to be counted: refused %s, says %s", ids(p.Refused), ids(p.Says))
	}
	tab.Growth = growth("created", cutoff0, 1.2)
	tab.DoomedRows, tab.SurvivingRows = 599_999, 1
	if p := plan(t, Purge(), f, w, remedy.Wishes{Strategy: remedy.Truncate}); p.Doable() {
		t.Errorf("one row was seen to survive, and yet: %s", kindsOf(p))
	}
}

// TestChunkForm: what the step says of the session, the pieces and the end.
func TestChunkForm(t *testing.T) {
	f := finding0()
	for _, c := range []struct {
		name   string
		change func(*remedy.World)
		check  func(remedy.DeleteInChunks) bool
	}{
		{"InnoDB", func(*remedy.World) {}, func(s remedy.DeleteInChunks) bool {
			return s.InnoDB && s.Isolation == "READ COMMITTED" && s.Chunk == 1000 && s.Target == chunkTarget && s.FromKey == 1 && s.ToKey == 500_000
		}},
		{"a date column: its zone is not known, so a day more is read", func(w *remedy.World) { w.Table.Columns[9].Type = "datetime" }, func(s remedy.DeleteInChunks) bool { return s.ToKey == 500_000 }},
		{"unordered: to the last key", func(w *remedy.World) { w.Table.Growth.Ordered = false }, func(s remedy.DeleteInChunks) bool { return s.ToKey == 600_000 }},
		{"not probed: to the last key", func(w *remedy.World) { w.Table.Growth.Probes = nil }, func(s remedy.DeleteInChunks) bool { return s.ToKey == 600_000 }},
		{"MyISAM: tiny pieces", func(w *remedy.World) { w.Table.Engine = "MyISAM" }, func(s remedy.DeleteInChunks) bool { return !s.InnoDB && s.Chunk == 100 && s.Target < chunkTarget }},
		{"sparse keys", func(w *remedy.World) { w.Table.Rows, w.Table.MaxKey = 600_000, 60_000_000 }, func(s remedy.DeleteInChunks) bool { return s.Chunk == 100_000 }},
		{"very sparse keys", func(w *remedy.World) { w.Table.MaxKey = 1 << 62 }, func(s remedy.DeleteInChunks) bool { return s.Chunk == mostKeys }},
		{"a binary log in statements", func(w *remedy.World) { w.Server.Binlog, w.Server.BinlogFormat = true, "STATEMENT" }, func(s remedy.DeleteInChunks) bool { return s.Isolation == "REPEATABLE READ" }},
		{"a mixed one", func(w *remedy.World) { w.Server.Binlog, w.Server.BinlogFormat = true, "MIXED" }, func(s remedy.DeleteInChunks) bool { return s.Isolation == "READ COMMITTED" }},
		{"no binary log, whatever its format", func(w *remedy.World) { w.Server.BinlogFormat = "STATEMENT" }, func(s remedy.DeleteInChunks) bool { return s.Isolation == "READ COMMITTED" }},
		{"hostile names stay in the folder", func(w *remedy.World) { w.Table.Schema, w.Site.Schema = "../../etc/x", "../../etc/x" }, func(s remedy.DeleteInChunks) bool {
			return path.Dir(s.Archive) == "/var/lib/hirune/archive" && !strings.Contains(s.Archive, "..")
		}},
	} {
		w := world0()
		c.change(&w)
		p := plan(t, Purge(), f, w, remedy.Wishes{})
		if s := chunksOf(t, p); !c.check(s) {
			t.Errorf("%s: got %+v", c.name, s)
		}
		if iso := chunksOf(t, p).Isolation == "REPEATABLE READ"; iso != has(p.Says, "purge-isolation") {
			t.Errorf("%s: says %s", c.name, ids(p.Says))
		}
	}
}

func TestRebuild(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*remedy.World)
	}{
		{"room enough", "", func(*remedy.World) {}},
		{"no room", "no-rebuild-disk", func(w *remedy.World) { w.Host.FreeBytes[remedy.DiskData] = 500 << 20 }},
		{"unknown room", "no-rebuild-disk", func(w *remedy.World) { delete(w.Host.FreeBytes, remedy.DiskData) }},
		{"full-text", "no-rebuild-form", func(w *remedy.World) { w.Table.Fulltext = true }},
		{"MyISAM", "no-rebuild-form", func(w *remedy.World) { w.Table.Engine = "MyISAM" }},
		{"no ALTER", "no-rebuild-rights", func(w *remedy.World) { w.Server.Rights = []string{"SELECT", "DELETE", "INSERT"} }},
	} {
		f, w := finding0(), world0()
		c.change(&w)
		p := plan(t, Purge(), f, w, remedy.Wishes{Force: []string{"rebuild"}})
		rebuilds := strings.HasSuffix(kindsOf(p), "rebuild-table")
		if !p.Doable() || rebuilds != (c.want == "") || c.want != "" && !has(p.Says, c.want) {
			t.Errorf("%s: steps %s, says %s; want %q", c.name, kindsOf(p), ids(p.Says), c.want)
		}
	}
}

// TestDropIsAskedFor: nothing is dropped unless it is named, and then last.
func TestDropIsAskedFor(t *testing.T) {
	f, w := finding0(), world0()
	for _, c := range []struct {
		force []string
		drops bool
	}{{nil, false}, {[]string{"rebuild"}, false}, {[]string{"drop-old-table"}, true}, {[]string{"drop-table"}, true}} {
		p := plan(t, Purge(), f, w, remedy.Wishes{Strategy: remedy.Swap, Force: c.force})
		last := p.Steps[len(p.Steps)-1]
		if got := last.Step.Kind() == "drop-table"; got != c.drops || got != last.Estimate.Irreversible || got == has(p.Says, "purge-old-table") {
			t.Errorf("%v: steps %s, says %s", c.force, kindsOf(p), ids(p.Says))
		}
	}
}

// TestNamesFit: what the swap makes is within what the server takes, whatever the
// table is called, and both names differ.
func TestNamesFit(t *testing.T) {
	for _, name := range []string{"t", strings.Repeat("l", 64), strings.Repeat("ログ", 32)} {
		a, b := besides(name, "_hirune_2606011600_new"), besides(name, "_hirune_2606011600_old")
		if len([]rune(a)) > 60 || len([]rune(b)) > 60 || a == b || a == name {
			t.Errorf("%q: %q and %q", name, a, b)
		}
	}
}

func TestSettle(t *testing.T) {
	f, w := finding0(), world0()
	s := settle(f, w)
	if want := now.Add(23*time.Hour + 30*time.Minute); !s.Due.Equal(want) || s.Every != day || s.After != settleAfter || s.Least != 0 || s.Hook != "aiowps_clean_old_events" {
		t.Errorf("got %+v, want the job's next run at %v", s, want)
	}
	w.Site.Events[1].Site = "other.example"
	if s := settle(f, w); !s.Due.IsZero() || s.After != settleAfter {
		t.Errorf("of another site: got %+v, want no due time", s)
	}
	w.Site = nil
	if s := settle(f, w); !s.Due.IsZero() || s.Hook == "" {
		t.Errorf("no site: got %+v", s)
	}
	f.Origin = diagnose.Origin{}
	if s := settle(f, world0()); s != (remedy.Settle{Least: settleLeast}) {
		t.Errorf("no job: got %+v", s)
	}
}
