package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/report"
	"hirune/internal/edge/accesslog"
)

var siegeStart = time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)

// beats makes a recording of an hour in which requests of each class cost what
// they are said to; timed says whether the log had durations.
func beats(cost map[string]float64, timed bool) []evidence.Record {
	var out []evidence.Record
	for s := range 3600 {
		at := siegeStart.Add(time.Duration(s) * time.Second)
		busy, rest := 0.0, 0.0
		for i, class := range []string{evidence.ClassPage, evidence.ClassXMLRPC, evidence.ClassSearch} {
			if (s/60+i)%(i+2) != 0 || cost[class] == 0 { // each comes in minutes of its own
				continue
			}
			n := int64(1 + (s+i)%3)
			took := int64(-1)
			if timed {
				took = int64(float64(n) * cost[class] * 1000)
			}
			busy += float64(n) * cost[class]
			out = append(out, evidence.Record{At: at, Fact: evidence.Traffic{OverMs: 1000, Class: class, Requests: n, TookMs: took}})
		}
		rest += busy
		whole := int(math.Round(rest + 0.5*math.Sin(float64(s)))) // workers come whole
		out = append(out, evidence.Record{At: at, Fact: evidence.WorkerPool{Service: evidence.ServicePHP, Instance: "php-fpm:8.2", Pool: "www", Busy: max(whole, 0), Max: 10}})
	}
	return out
}

func TestCostsOfRequests(t *testing.T) {
	real := map[string]float64{evidence.ClassPage: 1.1, evidence.ClassXMLRPC: 0.4, evidence.ClassSearch: 2.5}
	for _, c := range []struct {
		timed bool
		from  string
		error float64
	}{{true, report.CostTape, 0.001}, {false, report.CostPools, 0.12}} {
		got, from := costsOf(beats(real, c.timed))
		if from != c.from {
			t.Fatalf("timed %v: got from %q", c.timed, from)
		}
		for class, want := range real {
			s := float64(got[attackClass[class]]) / 1e6
			if math.Abs(s-want) > c.error*want {
				t.Errorf("timed %v: %s costs %.3f s, want %.3f", c.timed, class, s, want)
			}
		}
		if got[attack.ClassStatic] != 0 || got[attack.ClassREST] == 0 {
			t.Errorf("timed %v: a file costs %d, what was never seen %d", c.timed, got[attack.ClassStatic], got[attack.ClassREST])
		}
	}
}

func TestCostsAreUnknownWithoutMeasurements(t *testing.T) {
	few := beats(map[string]float64{evidence.ClassPage: 1}, false)[:20]
	noPools := beats(map[string]float64{evidence.ClassPage: 1}, false)
	for i, r := range noPools {
		if _, ok := r.Fact.(evidence.WorkerPool); ok {
			noPools[i].Fact = evidence.WorkerPool{Service: evidence.ServicePHP, Busy: -1}
		}
	}
	for name, records := range map[string][]evidence.Record{"nothing": nil, "few": few, "no pools": noPools} {
		if got, from := costsOf(records); got != nil || from != "" {
			t.Errorf("%s: got %v from %q", name, got, from)
		}
	}
}

func TestEveryClassHasANumber(t *testing.T) {
	seen := map[attack.Class]string{}
	for name, c := range attackClass {
		if o := seen[c]; o != "" {
			t.Errorf("%s and %s are the same", o, name)
		}
		seen[c] = name
		if (evidence.Traffic{Class: name}).Dynamic() != c.Dynamic() {
			t.Errorf("%s: its number says otherwise whether it costs a worker", name)
		}
	}
	if len(seen) != int(attack.ClassBroken)+1 {
		t.Errorf("%d classes, want %d", len(seen), attack.ClassBroken+1)
	}
}

func TestReadingLine(t *testing.T) {
	for _, c := range []struct {
		done, total, lines int64
		past               time.Duration
		want               string
	}{
		{0, 0, 0, 0, "reading logs: 0 KB"},
		{512 << 20, 1 << 30, 2_400_000, 2 * time.Second, "reading logs: 512.0 MB of 1.0 GB (50 %), 1.2 M lines/s, 2 s left"},
		{1 << 30, 1 << 30, 5_000_000, 100 * time.Second, "reading logs: 1.0 GB of 1.0 GB (100 %), 50 k lines/s"},
		{3 << 20, -1, 900, time.Second, "reading logs: 3.0 MB, 900 lines/s"},
	} {
		if got := readingLine(c.done, c.total, c.lines, c.past); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestFilesThatAreNoLogs(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(bytes.Repeat([]byte{0, 1, 2, 3}, 2000)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	line := []byte("203.0.113.7 - - [10/Jan/2026:00:00:01 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n")
	for path, want := range map[string]string{
		put("ok.log", line): "", put("tls.log", append([]byte("192.0.2.1 - - [x] \"\x16\x03\x01\" 400 0\n"), line...)): "",
		put("none.log", nil): "log-empty", put("elf", bytes.Repeat([]byte{0x7f, 'E', 0, 1}, 100)): "log-not-text", put("zip.gz", zipped.Bytes()): "log-not-text",
		dir: "log-not-a-file", filepath.Join(dir, "gone"): "log-missing",
	} {
		_, err := logFile(path)
		if got := hint.CodeOf(err); got != want || (err != nil) != (want != "") {
			t.Errorf("%s: got %v (%q), want %q", filepath.Base(path), err, got, want)
		}
		if err != nil && hint.Of(err) == "" {
			t.Errorf("%s: no advice", path)
		}
	}
}

func TestFaultsStandWithTheirFiles(t *testing.T) {
	q := &siege{}
	out := scanned{}
	q.told(&out, accesslog.ScanOut{
		Logs:   []accesslog.ScannedLog{{Path: "/l/a.log", Lines: 10}, {Path: "/l/b.log", Lines: 5, Rejected: 5}, {Path: "/l/c.gz", Lines: 3}},
		Failed: []error{errors.New("unpack the log /l/c.gz: unexpected EOF"), errors.New("read the log /l/d.log: gone")},
	})
	var got []string
	for _, l := range out.logs {
		got = append(got, fmt.Sprint(l.Path, " ", l.Fault != ""))
	}
	if s := strings.Join(got, ", "); s != "/l/a.log false, /l/b.log true, /l/c.gz true, /l/d.log true" || len(q.failed) != 3 {
		t.Errorf("got %s; %v", s, q.failed)
	}
}

func TestExitOfAttacks(t *testing.T) {
	some := attack.Picture{Total: attack.Sums{Requests: 10}}
	with := func(v ...attack.Verdict) report.Attacks {
		p := some
		for _, x := range v {
			p.Attacks = append(p.Attacks, attack.Attack{Verdict: x})
		}
		return report.Attacks{Picture: p, BreakIn: attack.BreakIn{Status: attack.NothingFound}}
	}
	in := func(s attack.BreakInStatus) report.Attacks {
		v := with(attack.Harmless)
		v.BreakIn.Status = s
		return v
	}
	for i, c := range []struct {
		v      report.Attacks
		failed bool
		want   int
	}{
		{with(), false, exitHealthy}, {with(attack.Harmless), false, exitHealthy}, {with(attack.Harmless, attack.Hurts), false, exitFound},
		{with(attack.Unknown), false, exitFound}, {with(attack.Hurts), true, exitFound}, {with(), true, exitUnclear}, {report.Attacks{}, false, exitUnclear},
		{in(attack.Confirmed), false, exitFound}, {in(attack.LikelyIn), false, exitFound}, {in(attack.LookAtThis), true, exitFound}, {in(attack.NothingFound), false, exitHealthy},
	} {
		if got := exitOfAttacks(c.v, c.failed); got != c.want {
			t.Errorf("%d: got %d, want %d", i, got, c.want)
		}
	}
}

func TestAdminsWhoSpeakForABreakInAreNotSpared(t *testing.T) {
	own, thief, editor := netip.MustParseAddr("198.51.100.9"), netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("198.51.100.10")
	sites := []attack.Site{{Sessions: []attack.Session{{Client: own, IsAdmin: true}, {Client: thief, IsAdmin: true}, {Client: editor}}}}
	got := adminsOf(sites, attack.BreakIn{Evidence: []attack.Evidence{{Client: thief.String(), Weight: attack.Confirmed}, {Client: own.String(), Weight: attack.LookAtThis}}})
	if len(got) != 1 || got[0] != own {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsKeptIsTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", attacksName)
	for _, text := range []string{"one", "two"} {
		if err := writeOwn(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if fi, serr := os.Stat(path); err != nil || serr != nil || string(got) != text || fi.Mode().Perm() != 0o600 {
			t.Errorf("got %q, %v, %v", got, err, fi)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".attacks-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// Only engines whose crawlers can be told by name are asked about: of others no
// answer proves anything.
func TestUnknownEnginesAreNotAskedAbout(t *testing.T) {
	asked := searchBots(t.Context(), time.Now)
	if got := asked("duckduckgo", netip.MustParseAddr("203.0.113.7")); got != 0 {
		t.Errorf("got %d, want unknown", got)
	}
}
