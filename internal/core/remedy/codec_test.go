package remedy

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/core/diagnose"
)

var table = On{Instance: "main", Schema: "word`press", Table: "wp_audit'log\n"}

var doomed = Doomed{Column: "created", Literal: "1700000000", Cutoff: time.Unix(1700000000, 0).UTC(), Also: []OneOf{{"status", []string{"a", "b'c"}}}}

// samples has one step of each kind, with every field set.
var samples = []Step{
	DeleteInChunks{table, "id", 5, 900, doomed, "READ COMMITTED", "/a/b.zst", []Column{{"id", "bigint", "bigint(20)", "", false, false}}, 100, time.Second, true},
	KeepAndSwap{table, "id", doomed, "n", "o", []Column{{"x", "text", "text", "utf8mb4", true, true}}, "READ COMMITTED", 100, true, time.Second},
	DropTable{table, time.Second},
	RebuildTable{table, time.Second},
	AddIndex{table, "hirune_created", []string{"a", "b"}, true, time.Second, 10 * time.Second, 10},
	ExplainStatement{table, doomed, "before", "range"},
	KillQuery{"main", true, 7, 8, "DELETE FROM t", "wp", "42", true, time.Minute},
	WriteInclude{Server: "nginx", Instance: "main", Path: "/p", Content: "x\n", HookFile: "/h", HookLine: "include p;", HookNext: "}", Test: []string{"nginx", "-t"}, Reload: []string{"nginx", "-s", "reload"},
		HookAt: 4, More: []Hook{{File: "/g", Line: "include p;", Next: "}", At: 9}}, Signal: "HUP", PID: 3, Probes: []Probe{{"POST", "http://127.0.0.1/", "example.org", "b", 403, "m"}}},
	MoveCronEvent{"main", "wordpress", "wp_", "example.org", "hook", 1, 2},
	RetentionJob{table, "/etc/cron.d/hirune", 40, 3, "created", 24 * time.Hour, "/usr/bin/hirune"},
	BanPrefixes{Layer: block.LayerFirewall, Ports: []int{80, 443}, Confirm: time.Minute, Probes: []Probe{{"GET", "http://127.0.0.1/", "example.org", "b", 200, "m"}},
		Bans: []block.Ban{{Prefix: netip.MustParsePrefix("203.0.113.0/25"), Layer: block.LayerFirewall, Since: time.Unix(1700000000, 0).UTC(), Until: time.Unix(1700000600, 0).UTC(),
			Level: 1, Attack: "xmlrpc-brute-force", Why: "4,711 attempts", Run: 3, By: block.ByOwner, Of: netip.MustParsePrefix("203.0.113.0/24"), Trial: true}}},
	LiftBans{block.LayerFirewall, []netip.Prefix{netip.MustParsePrefix("2001:db8::/64")}},
	AllowPrefixes{[]netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")}, "office", true},
}

// kinds reads the kinds of steps from the source: a new one is not forgotten.
func kinds(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`func \((?:\w+ )?(\w+)\) Kind\(\) string \{ return "([a-z-]+)" \}`).FindAllStringSubmatch(string(text), -1) {
			out[m[1]] = m[2]
		}
	}
	if len(out) == 0 {
		t.Fatal("no kind of step found in the source")
	}
	return out
}

func TestEveryKindIsInTheCodecTable(t *testing.T) {
	all := kinds(t)
	for name, kind := range all {
		if decoders[kind] == nil {
			t.Errorf("%s: kind %q has no line in the codec table: add it to decoders in codec.go", name, kind)
		}
	}
	if len(decoders) != len(all) {
		t.Errorf("the codec table has %d kinds, the source %d", len(decoders), len(all))
	}
}

func TestEveryKindSurvivesTheJournal(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range samples {
		seen[s.Kind()] = true
		in := Planned{ID: "3", Step: s, Estimate: Estimate{Rows: 12, Irreversible: true}}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatalf("%s: %v", s.Kind(), err)
		}
		var out Planned
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s: %v", s.Kind(), err)
		}
		if !reflect.DeepEqual(out, in) {
			t.Errorf("%s: got %+v, want %+v", s.Kind(), out, in)
		}
		if !reflect.DeepEqual(out.Step.Script(), s.Script()) {
			t.Errorf("%s: the script differs after the journal", s.Kind())
		}
	}
	for name, kind := range kinds(t) {
		if !seen[kind] {
			t.Errorf("%s has no sample: add one to samples in codec_test.go", name)
		}
	}
}

// TestSamplesAreFull keeps a new field of a step from being left out of the round
// trip.
func TestSamplesAreFull(t *testing.T) {
	for _, s := range samples {
		v := reflect.ValueOf(s)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Field(i).IsZero() {
				t.Errorf("%s: field %s of the sample is not set", s.Kind(), name)
			}
			if tag := v.Type().Field(i).Tag.Get("json"); tag == "" && !v.Type().Field(i).Anonymous {
				t.Errorf("%s: field %s has no wire name", s.Kind(), name)
			}
		}
	}
}

func TestPlanSurvivesTheJournal(t *testing.T) {
	at := time.Date(2026, 6, 1, 15, 30, 0, 0, time.UTC)
	in := Plan{Remedy: "purge", At: at,
		Because: Because{Rule: "purge-without-index", About: diagnose.Subject{Schema: "wordpress", Table: "t"}, Digest: "DELETE", Active: diagnose.Span{From: at, To: at.Add(time.Minute)}},
		Settle:  Settle{Hook: "h", Site: "s", Due: at.Add(time.Hour), Every: 24 * time.Hour, After: time.Minute, Least: time.Hour}}
	for i, s := range samples {
		in.Steps = append(in.Steps, Planned{ID: string(rune('a' + i)), Step: s})
	}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Plan
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(out, in) {
		t.Errorf("got %+v\nwant %+v", out, in)
	}
}

func TestStrangeStepsAreErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown kind", `{"id":"1","kind":"drop-database","step":{}}`, "unknown kind"},
		{"no kind", `{"id":"1","step":{}}`, "unknown kind"},
		{"no step", `{"id":"1","kind":"add-index"}`, "read step 1"},
		{"wrong type", `{"id":"1","kind":"add-index","step":{"columns":7}}`, "read step 1"},
		{"no object", `7`, "cannot unmarshal"},
	} {
		var p Planned
		err := json.Unmarshal([]byte(c.text), &p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func FuzzPlanned(f *testing.F) {
	for _, s := range samples {
		text, err := json.Marshal(Planned{ID: "1", Step: s})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Planned
		if json.Unmarshal(text, &p) != nil {
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatalf("read but cannot be written: %v", err)
		}
		var q Planned
		if err := json.Unmarshal(again, &q); err != nil {
			t.Errorf("written but cannot be read: %v\n%s", err, again)
		}
	})
}
