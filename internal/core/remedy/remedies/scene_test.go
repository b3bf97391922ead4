package remedies

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now is when the worlds here were read: half an hour after the job of case 0.
var now = time.Date(2026, 6, 1, 16, 0, 0, 0, time.UTC)

const digest0 = "DELETE FROM wp_aiowps_audit_log WHERE created < ?"

// cutoff0 is 90 days before the job ran.
var cutoff0 = now.Add(-30*time.Minute - 90*day)

// finding0 is case 0: the audit log's clean-up without an index.
func finding0() diagnose.Finding {
	at := now.Add(-30 * time.Minute)
	return diagnose.Finding{
		Rule:   "purge-without-index",
		About:  diagnose.Subject{Schema: "wordpress", Table: "wp_aiowps_audit_log", Column: "created", Session: 4711},
		Origin: diagnose.Origin{Plugin: "all-in-one-wp-security-and-firewall", Hook: "aiowps_clean_old_events", Schedule: "daily", Site: "shop.example", User: "wp"},
		Statement: &diagnose.Statement{Digest: digest0, Verb: "DELETE", At: at,
			Filter: evidence.Filter{Digest: digest0, Verb: "DELETE", Table: "wp_aiowps_audit_log", Range: []string{"created"}, CutoffUnixS: cutoff0.Unix()}},
		Active:   diagnose.Span{From: at, To: at.Add(82 * time.Second)},
		Remedies: []string{"purge", "add-index", "kill-query"},
	}
}

// world0 is the server of case 0: 600,000 rows of 3.3 KB, four of five old.
func world0() remedy.World {
	columns := []remedy.Column{
		{Name: "id", Type: "bigint", FullType: "bigint(20)"}, {Name: "network_id", Type: "bigint", FullType: "bigint(20)"}, {Name: "site_id", Type: "bigint", FullType: "bigint(20)"},
		{Name: "username", Type: "varchar", FullType: "varchar(60)", Charset: "utf8mb4"}, {Name: "ip", Type: "varchar", FullType: "varchar(45)", Charset: "utf8mb4"},
		{Name: "level", Type: "varchar", FullType: "varchar(25)", Charset: "utf8mb4"}, {Name: "event_type", Type: "varchar", FullType: "varchar(25)", Charset: "utf8mb4"},
		{Name: "details", Type: "text", FullType: "text", Charset: "utf8mb4"}, {Name: "stacktrace", Type: "text", FullType: "text", Charset: "utf8mb4"},
		{Name: "created", Type: "int", FullType: "int(10) unsigned", Nullable: true},
	}
	table := &remedy.Table{
		Table: evidence.Table{Schema: "wordpress", Name: "wp_aiowps_audit_log", Engine: "InnoDB", Rows: 600_000, DataBytes: 1969 << 20, IdxBytes: 74 << 20, FileBytes: 2043 << 20, AutoInc: 600_001,
			Indexes: []evidence.Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}, {Name: "username", Columns: []string{"username"}}, {Name: "ip", Columns: []string{"ip"}},
				{Name: "level", Columns: []string{"level"}}, {Name: "event_type", Columns: []string{"event_type"}}}},
		Columns: columns, Key: "id", KeyColumns: []string{"id"}, MinKey: 1, MaxKey: 600_000, RowBytes: 3300, PackedBytes: 400, Plan: "ALL",
		Growth: growth("created", cutoff0, 0.8),
	}
	return remedy.World{
		Now: now, Loc: time.UTC, Table: table, StateDir: "/var/lib/hirune", Binary: "/usr/bin/hirune",
		Host: remedy.Host{CPUs: 2, FreeBytes: map[string]int64{remedy.DiskData: 20 << 30, remedy.DiskTmp: 4 << 30, remedy.DiskArchive: 20 << 30}},
		Server: &remedy.Server{Flavour: "mariadb", Version: "10.11.19-MariaDB", Major: 10, Minor: 11, BufferPool: 128 << 20, Account: "wp@localhost", BinlogDirFree: -1,
			Rights: []string{"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "INDEX", "ALTER"}},
		Site: &remedy.Site{Site: evidence.Site{Name: "shop.example", Platform: "wordpress", Schema: "wordpress", Prefix: "wp_"},
			Events: []evidence.CronEvent{
				{Site: "shop.example", Hook: "wp_version_check", NextUnixS: now.Add(time.Hour).Unix(), Schedule: "twicedaily", IntervalS: 43200},
				{Site: "shop.example", Hook: "aiowps_clean_old_events", NextUnixS: now.Add(23*time.Hour + 30*time.Minute).Unix(), Schedule: "daily", IntervalS: 86400}}},
	}
}

// growth is a table of 600,000 keys of which the given share lies before the cutoff.
func growth(column string, cutoff time.Time, share float64) evidence.TableGrowth {
	g := evidence.TableGrowth{Schema: "wordpress", Name: "wp_aiowps_audit_log", Column: column, Ordered: true, MinKey: 1, MaxKey: 600_000}
	for i := range 13 {
		f := float64(i) / 12
		at := cutoff.Add(time.Duration((f - share) * float64(300*day)))
		g.Probes = append(g.Probes, evidence.GrowthProbe{Key: 1 + int64(f*599_999), UnixS: at.Unix()})
	}
	return g
}

// said counts the sentences that the tests here have made plans say.
var said = map[string]int{}

// plan makes a plan and holds it to what every plan has to keep.
func plan(t *testing.T, r remedy.Remedy, f diagnose.Finding, w remedy.World, wish remedy.Wishes) remedy.Plan {
	t.Helper()
	p := r.Plan(f, w, wish)
	for _, s := range sentencesOf(p) {
		said[s.ID]++
		want, known := remedy.Sayings()[s.ID]
		want = slices.Sorted(slices.Values(want))
		if got := slices.Sorted(maps.Keys(s.Args)); !known || !slices.Equal(got, want) {
			t.Errorf("%s: said with %v, its parameters are %v (known: %v)", s.ID, got, want, known)
		}
	}
	if p.Remedy != r.ID {
		t.Errorf("the plan is of %q, want %q", p.Remedy, r.ID)
	}
	if len(p.Refused) > 0 && len(p.Steps) > 0 {
		t.Errorf("refused, and yet with %d steps", len(p.Steps))
	}
	if len(p.Refused) > 0 && !slices.ContainsFunc(p.Refused, func(s diagnose.Sentence) bool { return strings.HasPrefix(s.ID, "instead-") }) {
		t.Errorf("refused without a word on what to do instead: %v", p.Refused)
	}
	for i, s := range p.Steps {
		if s.ID != fmt.Sprint(i+1) {
			t.Errorf("step %d has the id %q", i+1, s.ID)
		}
		if s.Undo.ID == "" || len(s.Says) == 0 || s.Estimate.Locks.ID == "" || s.Estimate.Risk == "" || s.Estimate.Takes <= 0 || s.Estimate.TakesCapped < s.Estimate.Takes {
			t.Errorf("step %s (%s) lacks words or an estimate: %+v", s.ID, s.Step.Kind(), s)
		}
	}
	return p
}

func sentencesOf(p remedy.Plan) []diagnose.Sentence {
	out := slices.Concat(p.Says, p.Refused)
	for _, o := range p.Others {
		out = append(out, o.Why, o.Estimate.Locks)
	}
	for _, s := range p.Steps {
		out = append(append(out, s.Says...), s.Undo, s.Estimate.Locks)
	}
	return slices.DeleteFunc(out, func(s diagnose.Sentence) bool { return s.ID == "" })
}

// ids are the sentences' names in their order.
func ids(ss []diagnose.Sentence) string {
	out := []string{}
	for _, s := range ss {
		out = append(out, s.ID)
	}
	return strings.Join(out, " ")
}

func has(ss []diagnose.Sentence, id string) bool {
	return slices.ContainsFunc(ss, func(s diagnose.Sentence) bool { return s.ID == id })
}

// kindsOf are the steps of a plan in their order.
func kindsOf(p remedy.Plan) string {
	out := []string{}
	for _, s := range p.Steps {
		out = append(out, s.Step.Kind())
	}
	return strings.Join(out, " ")
}

// golden compares a whole plan, its words as ids, and its scripts with a file.
func golden(t *testing.T, name string, p remedy.Plan) {
	t.Helper()
	var b bytes.Buffer
	line := func(mark string, s diagnose.Sentence) {
		if s.ID == "" {
			return
		}
		fmt.Fprintf(&b, "%s%s", mark, s.ID)
		for _, k := range slices.Sorted(maps.Keys(s.Args)) {
			fmt.Fprintf(&b, " %s=%v", k, s.Args[k])
		}
		b.WriteByte('\n')
	}
	estimate := func(e remedy.Estimate) string {
		return fmt.Sprintf("takes=%v capped=%v rows=%d disk=%d frees=%d stall=%v risk=%s irreversible=%v", e.Takes, e.TakesCapped, e.Rows, e.DiskBytes, e.FreesBytes, e.Stall, e.Risk, e.Irreversible)
	}
	fmt.Fprintf(&b, "remedy %s\n", p.Remedy)
	for _, s := range p.Refused {
		line("refused ", s)
	}
	for _, s := range p.Says {
		line("says ", s)
	}
	for _, s := range p.Steps {
		text, err := json.Marshal(s.Step)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\nstep %s %s\n  %s\n  %s\n", s.ID, s.Step.Kind(), estimate(s.Estimate), text)
		for _, w := range s.Says {
			line("  says ", w)
		}
		line("  locks ", s.Estimate.Locks)
		line("  undo ", s.Undo)
		lines := s.Step.Script()
		for i, l := range lines {
			if i >= 6 && i < len(lines)-2 {
				continue
			}
			fmt.Fprintf(&b, "  %s: %s\n", l.Lang, l.Text)
		}
		fmt.Fprintf(&b, "  %d lines\n", len(lines))
	}
	for _, o := range p.Others {
		fmt.Fprintf(&b, "\nother %s possible=%v %s\n", o.ID, o.Possible, estimate(o.Estimate))
		line("  why ", o.Why)
	}
	fmt.Fprintf(&b, "\nsettle %+v\n", p.Settle)
	path := filepath.Join("testdata", p.Remedy, name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it: go test ./internal/core/remedy/remedies -update", err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s\nrefresh: go test ./internal/core/remedy/remedies -update", path, b.Bytes(), want)
	}
}
