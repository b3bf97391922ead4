package remedies

import (
	"fmt"
	"strings"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

func TestAddIndexGolden(t *testing.T) {
	for name, change := range map[string]func(*diagnose.Finding, *remedy.World){
		"case-0-mariadb": func(*diagnose.Finding, *remedy.World) {},
		"case-0-mysql":   func(_ *diagnose.Finding, w *remedy.World) { mysql(w); w.Server.Replicas = 1 },
		"datetime":       datetime,
		"after-purge":    func(_ *diagnose.Finding, w *remedy.World) { w.Table.Growth = growth("created", cutoff0, 0.02) },
		"there-already": func(_ *diagnose.Finding, w *remedy.World) {
			w.Table.Indexes = append(w.Table.Indexes, evidence.Index{Name: "created", Columns: []string{"created", "ip"}})
		},
	} {
		f, w := finding0(), world0()
		change(&f, &w)
		golden(t, name, plan(t, AddIndex(), f, w, remedy.Wishes{}))
	}
}

func indexOf(t *testing.T, p remedy.Plan) remedy.AddIndex {
	t.Helper()
	if len(p.Steps) == 0 {
		t.Fatalf("no step; refused: %s, says: %s", ids(p.Refused), ids(p.Says))
	}
	return p.Steps[0].Step.(remedy.AddIndex)
}

func TestAddIndexRefuses(t *testing.T) {
	columns := func(equal, ranges, wrapped []string) func(*diagnose.Finding, *remedy.World) {
		return func(f *diagnose.Finding, _ *remedy.World) {
			fl := &f.Statement.Filter
			fl.Equal, fl.Range, fl.Wrapped = equal, ranges, wrapped
		}
	}
	for _, c := range []struct {
		name, want, instead string
		change              func(*diagnose.Finding, *remedy.World)
	}{
		{"the database was not read", "refused-unread", "instead-doctor", func(_ *diagnose.Finding, w *remedy.World) { w.Server = nil }},
		{"the table was not read", "refused-no-table", "instead-doctor", func(_ *diagnose.Finding, w *remedy.World) { w.Table = nil }},
		{"a replica", "refused-replica", "instead-primary", func(_ *diagnose.Finding, w *remedy.World) { w.Server.Replica = true }},
		{"Galera", "refused-galera", "instead-cluster", func(_ *diagnose.Finding, w *remedy.World) { w.Server.Galera = true }},
		{"another schema", "refused-other-schema", "instead-doctor", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Schema = "shop" }},
		{"no ALTER", "refused-rights", "instead-grant", func(_ *diagnose.Finding, w *remedy.World) { w.Server.Rights = []string{"INDEX", "DELETE"} }},
		{"no INDEX", "refused-rights", "instead-grant", func(_ *diagnose.Finding, w *remedy.World) { w.Server.Rights = []string{"ALTER", "DELETE"} }},
		{"a wrapped column", "refused-index-wrapped", "instead-plugin-query", columns(nil, nil, []string{"created"})},
		{"OR", "refused-index-or", "instead-plugin-query", func(f *diagnose.Finding, _ *remedy.World) { f.Statement.Digest += " OR level = ?" }},
		{"no column", "refused-index-unknown", "instead-record", func(f *diagnose.Finding, _ *remedy.World) { f.Statement, f.About.Column = nil, "" }},
		{"the column is gone", "refused-no-column", "instead-doctor", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Columns = w.Table.Columns[:9] }},
		{"a column of text", "refused-index-type", "instead-dba", columns([]string{"details"}, nil, nil)},
		{"a text of unknown length", "refused-index-type", "instead-dba", func(f *diagnose.Finding, w *remedy.World) {
			columns([]string{"ip"}, nil, nil)(f, w)
			w.Table.Columns[4].FullType = "varchar"
			w.Table.Indexes = w.Table.Indexes[:1]
		}},
		{"too long", "refused-index-long", "instead-dba", func(f *diagnose.Finding, w *remedy.World) {
			columns([]string{"level", "username"}, nil, nil)(f, w)
			w.Table.Columns[3].FullType, w.Table.Columns[5].FullType = "varchar(384)", "varchar(384)"
		}},
		{"MyISAM", "refused-index-engine", "instead-dba", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Engine = "MyISAM" }},
		{"full-text", "refused-index-fulltext", "instead-dba", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Fulltext = true }},
		{"spatial", "refused-index-fulltext", "instead-dba", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Spatial = true }},
		{"as many indexes as can be", "refused-index-many", "instead-dba", func(_ *diagnose.Finding, w *remedy.World) {
			for i := range 60 {
				w.Table.Indexes = append(w.Table.Indexes, evidence.Index{Name: fmt.Sprintf("i%d", i), Columns: []string{"ip"}})
			}
		}},
		{"an ALTER now", "refused-ddl", "instead-wait", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Ddl = true }},
		{"no room for the index", "refused-index-disk", "instead-free-disk", func(_ *diagnose.Finding, w *remedy.World) { w.Host.FreeBytes[remedy.DiskData] = 30 << 20 }},
		{"no room for its sort", "refused-index-tmp", "instead-free-disk", func(_ *diagnose.Finding, w *remedy.World) { w.Host.FreeBytes[remedy.DiskTmp] = 30 << 20 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w := finding0(), world0()
			c.change(&f, &w)
			p := plan(t, AddIndex(), f, w, remedy.Wishes{})
			if p.Doable() || len(p.Refused) == 0 || p.Refused[0].ID != c.want || !has(p.Refused, c.instead) {
				t.Errorf("refused: %s; steps: %s; want %s and %s", ids(p.Refused), kindsOf(p), c.want, c.instead)
			}
		})
	}
}

// TestIndexColumns: equality first, then one range; nothing that is there already.
func TestIndexColumns(t *testing.T) {
	index := func(name string, columns ...string) evidence.Index {
		return evidence.Index{Name: name, Columns: columns}
	}
	for _, c := range []struct {
		name          string
		equal, ranges []string
		have          []evidence.Index
		want          string // columns; "" : no step
		index         string
	}{
		{"one range", nil, []string{"created"}, nil, "created", "hirune_created"},
		{"as the table spells it", nil, []string{"CREATED"}, nil, "created", "hirune_created"},
		{"equality, then the first range", []string{"level", "event_type"}, []string{"created", "id"}, nil, "level event_type created", "hirune_level_event_type_created"},
		{"a duplicate", nil, []string{"created"}, []evidence.Index{index("x", "created")}, "", ""},
		{"a prefix of one that exists", nil, []string{"created"}, []evidence.Index{index("x", "Created", "ip")}, "", ""},
		{"the primary key", []string{"id"}, nil, nil, "", ""},
		{"equality in another order", []string{"ip", "level"}, []string{"created"}, []evidence.Index{index("x", "level", "ip", "created")}, "", ""},
		{"the range must follow", []string{"ip"}, []string{"created"}, []evidence.Index{index("x", "created", "ip")}, "ip created", "hirune_ip_created"},
		{"only the beginning exists", []string{"ip"}, []string{"created"}, []evidence.Index{index("x", "ip")}, "ip created", "hirune_ip_created"},
		{"not as its first column", nil, []string{"created"}, []evidence.Index{index("x", "ip", "created")}, "created", "hirune_created"},
		{"the name is taken", nil, []string{"created"}, []evidence.Index{index("HIRUNE_created", "ip", "created"), index("hirune_created_2", "level", "created")}, "created", "hirune_created_3"},
	} {
		f, w := finding0(), world0()
		f.Statement.Filter.Equal, f.Statement.Filter.Range = c.equal, c.ranges
		w.Table.Indexes = append(w.Table.Indexes[:1], c.have...)
		p := plan(t, AddIndex(), f, w, remedy.Wishes{})
		if c.want == "" {
			if len(p.Steps) > 0 || len(p.Refused) > 0 || !has(p.Says, "index-there") {
				t.Errorf("%s: steps %s, refused %s: want that it is there", c.name, kindsOf(p), ids(p.Refused))
			}
			continue
		}
		if got := indexOf(t, p); strings.Join(got.Columns, " ") != c.want || got.Index != c.index {
			t.Errorf("%s: got %s on %v, want %s on %s", c.name, got.Index, got.Columns, c.index, c.want)
		}
	}
}

func TestIndexWithoutAStatement(t *testing.T) {
	f, w := finding0(), world0()
	f.Statement = nil
	if got := indexOf(t, plan(t, AddIndex(), f, w, remedy.Wishes{})); strings.Join(got.Columns, " ") != "created" {
		t.Errorf("got %v, want the column that the finding is about", got.Columns)
	}
}

func TestIndexNames(t *testing.T) {
	w := world0()
	for _, columns := range [][]string{{"created"}, {strings.Repeat("c", 64)}, {strings.Repeat("a", 40), strings.Repeat("b", 40)}, {"日付", "x`y"}} {
		for range 3 {
			name := indexName(w.Table, columns)
			if len([]rune(name)) > 64 || !strings.HasPrefix(name, "hirune_") || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
				t.Errorf("%v: %q", columns, name)
			}
			for _, i := range w.Table.Indexes {
				if i.Name == name {
					t.Errorf("%v: %q is taken", columns, name)
				}
			}
			w.Table.Indexes = append(w.Table.Indexes, evidence.Index{Name: name})
		}
	}
}

func TestKeyBytes(t *testing.T) {
	for _, c := range []struct {
		column remedy.Column
		want   int
	}{
		{remedy.Column{Type: "int"}, 8},
		{remedy.Column{Type: "bigint"}, 9},
		{remedy.Column{Type: "datetime"}, 9},
		{remedy.Column{Type: "varchar", FullType: "varchar(191)", Charset: "utf8mb4"}, 767},
		{remedy.Column{Type: "varchar", FullType: "varchar(255)", Charset: "utf8"}, 768},
		{remedy.Column{Type: "varchar", FullType: "varchar(255)", Charset: "latin1"}, 258},
		{remedy.Column{Type: "varchar", FullType: "varchar(10)", Charset: "gb18030"}, 43},
		{remedy.Column{Type: "varbinary", FullType: "varbinary(16)"}, 19},
		{remedy.Column{Type: "varchar"}, -1},
		{remedy.Column{Type: "varchar", FullType: "varchar(x)"}, -1},
		{remedy.Column{Type: "varchar", FullType: "varchar(-1)"}, -1},
		{remedy.Column{Type: "longtext"}, -1},
		{remedy.Column{Type: "json"}, -1},
		{remedy.Column{Type: "geometry"}, -1},
	} {
		if got := keyBytes(c.column); got != c.want {
			t.Errorf("%+v: got %d, want %d", c.column, got, c.want)
		}
	}
}

// TestIndexSays: what an owner has to know follows from the world.
func TestIndexSays(t *testing.T) {
	session := func(s remedy.Session) func(*diagnose.Finding, *remedy.World) {
		return func(_ *diagnose.Finding, w *remedy.World) { w.Server.Sessions = []remedy.Session{s} }
	}
	const audit = "wp_aiowps_audit_log"
	for _, c := range []struct {
		name, id string
		says     bool
		change   func(*diagnose.Finding, *remedy.World)
	}{
		{"most rows are old", "index-after-purge", true, func(*diagnose.Finding, *remedy.World) {}},
		{"a tenth is old", "index-after-purge", true, func(_ *diagnose.Finding, w *remedy.World) { w.Table.Growth = growth("created", cutoff0, 0.1) }},
		{"few are old", "index-after-purge", false, func(_ *diagnose.Finding, w *remedy.World) { w.Table.Growth = growth("created", cutoff0, 0.04) }},
		{"replicas", "index-replicas", true, func(_ *diagnose.Finding, w *remedy.World) { w.Server.Replicas = 2 }},
		{"no replica", "index-replicas", false, func(*diagnose.Finding, *remedy.World) {}},
		{"a backup", "index-waits-dump", true, session(remedy.Session{ID: 9, Dump: true})},
		{"a long reader", "index-waits", true, session(remedy.Session{ID: 9, Table: audit, RunningMs: 2000, TrxAgeMs: -1})},
		{"a short reader", "index-waits", false, session(remedy.Session{ID: 9, Table: audit, RunningMs: 1999, TrxAgeMs: 1999})},
		{"a long transaction", "index-waits", true, session(remedy.Session{ID: 9, Table: audit, TrxAgeMs: 2000})},
		{"on another table", "index-waits", false, session(remedy.Session{ID: 9, Table: "wp_posts", RunningMs: 90_000, TrxAgeMs: 90_000})},
		{"asleep in a transaction", "index-may-wait", true, session(remedy.Session{ID: 9, Command: "Sleep", TrxAgeMs: 2000})},
		{"asleep without one", "index-may-wait", false, session(remedy.Session{ID: 9, Command: "Sleep", RunningMs: 90_000, TrxAgeMs: -1})},
		{"unknown room", "index-disk-unknown", true, func(_ *diagnose.Finding, w *remedy.World) { delete(w.Host.FreeBytes, remedy.DiskTmp) }},
		{"conditions that are not known whole", "index-unproven", true, func(f *diagnose.Finding, w *remedy.World) {
			datetime(f, w)
			f.Statement.Digest += " AND url <> ?"
		}},
		{"conditions that are known", "index-unproven", false, datetime},
	} {
		f, w := finding0(), world0()
		c.change(&f, &w)
		p := plan(t, AddIndex(), f, w, remedy.Wishes{})
		if !p.Doable() || has(p.Says, c.id) != c.says {
			t.Errorf("%s: says %s, refused %s; want %s: %v", c.name, ids(p.Says), ids(p.Refused), c.id, c.says)
		}
		if c.id == "index-unproven" && c.says != (len(p.Steps) == 1) {
			t.Errorf("%s: steps %s", c.name, kindsOf(p))
		}
	}
}

// TestWaitWhereTheServerHasIt: before 10.3 MariaDB knows no WAIT, MySQL never.
func TestWaitWhereTheServerHasIt(t *testing.T) {
	for _, c := range []struct {
		flavour      string
		major, minor int
		want         bool
	}{{"mariadb", 10, 2, false}, {"mariadb", 10, 3, true}, {"mariadb", 10, 11, true}, {"mariadb", 11, 0, true}, {"mysql", 9, 7, false}, {"mysql", 10, 5, false}} {
		f, w := finding0(), world0()
		w.Server.Flavour, w.Server.Major, w.Server.Minor = c.flavour, c.major, c.minor
		got := indexOf(t, plan(t, AddIndex(), f, w, remedy.Wishes{}))
		if got.MariaDB != c.want || strings.Contains(got.Add(), "WAIT") != c.want || got.Stall != indexStall || got.Budget < got.Stall || got.Tries < 2 {
			t.Errorf("%s %d.%d: got %+v", c.flavour, c.major, c.minor, got)
		}
	}
}
