package sysstat

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text []byte) []Host {
	t.Helper()
	var out []Host
	if err := Parse(bytes.NewReader(text), func(h Host) { out = append(out, h) }); err != nil {
		t.Fatalf("parse: %v", err)
	}
	return out
}

func TestParsesARealAnswer(t *testing.T) {
	text, err := os.ReadFile("testdata/sadf-12.6-debian-12.json")
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, text)
	if len(got) != 2 {
		t.Fatalf("got %d intervals, want 2", len(got))
	}
	h := got[0]
	if want := time.Date(2026, 11, 22, 22, 22, 31, 0, time.UTC); !h.At.Equal(want) {
		t.Errorf("at %v, want %v", h.At, want)
	}
	f := h.Fact
	if f.OverMs != 1000 || f.CPUs != 2 || f.UserMs != 570 || f.SystemMs != 470 || f.IdleMs != 840 || f.IowaitMs != 120 {
		t.Errorf("CPU: got %+v", f)
	}
	if f.MemTotalKB < 24_500_000 || f.MemTotalKB > 24_800_000 || f.MemAvailKB != 23_666_804 {
		t.Errorf("memory: got %d of %d KB", f.MemAvailKB, f.MemTotalKB)
	}
	if f.DiskBusyMs != 508 || f.ReadOps != 32324 || f.ReadKB != 516588 || f.Load1 != 1.09 {
		t.Errorf("disk and load: got %+v", f)
	}
}

func TestOlderVersionsCountCachesAsUsed(t *testing.T) {
	got := parse(t, []byte(`{"sysstat":{"hosts":[{"number-of-cpus":1,"statistics":[{"timestamp":{"date":"2026-11-22","time":"15:30:01","utc":1,"interval":600},
"cpu-load":[{"cpu":"all","user":10,"nice":0,"system":5,"iowait":0,"steal":60.5,"idle":24.5}],"memory":{"memfree":100000,"memused":900000,"memused-percent":90.0,"buffers":1,"cached":500000}}]}]}}`))
	if len(got) != 1 || got[0].Fact.MemTotalKB != 1_000_000 || got[0].Fact.StealMs != 363_000 || got[0].Fact.OverMs != 600_000 {
		t.Fatalf("got %+v", got)
	}
}

func TestLeavesOutWhatIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"no CPUs":        `{"hosts":[{"statistics":[{"timestamp":{"date":"2026-11-22","time":"15:30:01","utc":1,"interval":600},"cpu-load":[{"cpu":"all"}]}]}]}`,
		"no date":        `{"number-of-cpus":2,"statistics":[{"timestamp":{"interval":600},"cpu-load":[{"cpu":"all"}]}]}`,
		"a restart":      `{"number-of-cpus":2,"statistics":[],"restarts":[{"boot":{"date":"2026-11-22","time":"22:22:30"}}]}`,
		"a negative one": `{"number-of-cpus":2,"statistics":[{"timestamp":{"date":"2026-11-22","time":"15:30:01","interval":-600},"cpu-load":[{"cpu":"all"}]}]}`,
	} {
		if got := parse(t, []byte(text)); len(got) != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestAsksTheRealSadf(t *testing.T) {
	sadf, err := exec.LookPath("sadf")
	if err != nil {
		t.Skip("no sadf: apt-get install sysstat")
	}
	sadc := "/usr/lib/sysstat/sadc"
	if _, err := os.Stat(sadc); err != nil {
		t.Skip("no sadc: apt-get install sysstat")
	}
	dir := t.TempDir()
	file := dir + "/sa22"
	if out, err := exec.CommandContext(t.Context(), sadc, "-S", "DISK", "1", "2", file).CombinedOutput(); err != nil {
		t.Fatalf("sadc: %v: %s", err, out)
	}
	files := Files(dir, time.Now().Add(-time.Hour))
	if len(files) != 1 || files[0] != file {
		t.Fatalf("files: got %q", files)
	}
	n := 0
	if err := Read(t.Context(), sadf, file, func(h Host) {
		n++
		if h.Fact.CPUs < 1 || h.Fact.MemTotalKB <= 0 || time.Since(h.At) > time.Minute {
			t.Errorf("got %+v", h)
		}
	}); err != nil || n == 0 {
		t.Fatalf("got %d intervals, %v", n, err)
	}
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/sadf-12.6-debian-12.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`{"number-of-cpus":2,"statistics":[{"timestamp":{"date":"2026-11-22","time":"15:30:01","interval":1e300},"cpu-load":[{"cpu":"all","user":1e300}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		_ = Parse(strings.NewReader(text), func(h Host) {
			if h.Fact.OverMs <= 0 || h.Fact.UserMs < 0 || h.Fact.CapacityMs() <= 0 || h.Fact.MemTotalKB < 0 {
				t.Errorf("impossible: %+v", h)
			}
		})
	})
}
