package collectors

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
)

// fakeTree is a tree by path, written for a test.
type fakeTree map[string]string

func (f fakeTree) write(t testing.TB, root string) {
	t.Helper()
	for name, text := range f {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// procBeat calls a collector once and returns what it emitted.
func procBeat(c collect.Collector, now time.Time) ([]evidence.Fact, error) {
	var out []evidence.Fact
	err := c.Collect(context.Background(), collect.NewBeat(now, c.Name(), func(r evidence.Record) { out = append(out, r.Fact) }))
	return out, err
}

// mustProcBeat is procBeat without an error.
func mustProcBeat(t testing.TB, c collect.Collector, now time.Time) []evidence.Fact {
	t.Helper()
	out, err := procBeat(c, now)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var procStart = time.Date(2026, 6, 1, 15, 30, 0, 0, time.UTC)

func TestHostAmounts(t *testing.T) {
	root := t.TempDir()
	fakeTree{
		"proc/stat":          "cpu  100 10 50 1000 20 1 2 30 0 0\ncpu0 1\ncpu1 1\nintr 9 9\nprocs_running 3\nprocs_blocked 2\n",
		"proc/loadavg":       "1.50 0.1 0.2 2/100 77\n",
		"proc/meminfo":       "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:   400 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n",
		"proc/vmstat":        "nr_x 1\npswpin 5\npswpout 6\npgmajfault 7\noom_kill 1\n",
		"proc/diskstats":     " 254 0 vda 10 0 100 0 20 0 200 0 0 500 0\n 254 1 vda1 10 0 100 0 20 0 200 0 0 500 0\n 7 0 loop0 9 9 9 9 9 9 9 9 9 9 9\n 253 0 dm-0 9 0 9 0 9 0 9 0 0 9 0\n",
		"proc/pressure/cpu":  "some avg10=0.22 avg60=0.52 avg300=4.91 total=1000000\nfull avg10=0 total=7\n",
		"proc/pressure/io":   "some avg10=0.22 total=0\n",
		"sys/block/vda/size": "1\n",
	}.write(t, root)
	h := &Host{Root: root}
	if got := mustProcBeat(t, h, procStart); len(got) != 0 {
		t.Fatalf("first beat: got %+v", got)
	}
	fakeTree{
		"proc/stat":            "cpu  150 10 70 1020 19 1 2 50 0 0\ncpu0 1\ncpu1 1\nprocs_running 3\nprocs_blocked 2\n",
		"proc/vmstat":          "nr_x 1\npswpin 6\npswpout 6\npgmajfault 9\noom_kill 2\n",
		"proc/diskstats":       " 254 0 vda 15 0 300 0 21 0 220 0 0 3500 0\n 254 1 vda1 90 0 900 0 90 0 900 0 0 900 0\n",
		"proc/pressure/cpu":    "some avg10=0.22 total=1700000\n",
		"proc/pressure/memory": "some avg10=0.22 total=9000\n",
	}.write(t, root)
	got := mustProcBeat(t, h, procStart.Add(2*time.Second))
	want := evidence.Host{
		OverMs: 2000, CPUs: 2, UserMs: 500, SystemMs: 200, IdleMs: 200, IowaitMs: 0, StealMs: 200, Load1: 1.5, Runnable: 3, Blocked: 2,
		MemTotalKB: 1000, MemAvailKB: 400, SwapKB: 50, SwapFreeKB: 20, SwapInKB: 4, MajFaults: 2, OOMKills: 1,
		ReadKB: 100, WriteKB: 10, ReadOps: 5, WriteOps: 1, DiskBusyMs: 2000,
		PSI: true, CPUSomeMs: 700, MemSomeMs: 9,
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestHostOnDebian12 reads a tree captured on Debian 12, Linux 6.18.
func TestHostOnDebian12(t *testing.T) {
	h := &Host{Root: "testdata/host-debian-12"}
	mustProcBeat(t, h, procStart)
	got := mustProcBeat(t, h, procStart.Add(time.Second))
	if len(got) != 1 {
		t.Fatalf("got %d facts, want 1", len(got))
	}
	f := got[0].(evidence.Host)
	if f.CPUs != 2 || !f.PSI || f.MemTotalKB < 20<<20 || f.MemAvailKB < 1<<20 || f.UserMs != 0 || len(h.before.busy) != 1 || h.before.readOps == 0 {
		t.Errorf("got %+v, disks %v", f, h.before.busy)
	}
}

func TestHostOldKernel(t *testing.T) {
	root := t.TempDir()
	fakeTree{
		"proc/stat":    "cpu  1 1 1 1\ncpu0 1 1 1 1\n",
		"proc/meminfo": "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 30 kB\n",
	}.write(t, root)
	h := &Host{Root: root}
	mustProcBeat(t, h, procStart)
	got := mustProcBeat(t, h, procStart.Add(time.Second))
	if f := got[0].(evidence.Host); f.PSI || f.MemAvailKB != 150 {
		t.Errorf("got %+v", f)
	}
}

func TestHostWithoutProc(t *testing.T) {
	for name, tree := range map[string]fakeTree{"empty": {}, "no CPU": {"proc/stat": "intr 1\n"}} {
		root := t.TempDir()
		tree.write(t, root)
		_, err := procBeat(&Host{Root: root}, procStart)
		if !errors.Is(err, evidence.ErrAbsent) || hint.Of(err) == "" {
			t.Errorf("%s: got %v, hint %q", name, err, hint.Of(err))
		}
	}
}

func FuzzHost(f *testing.F) {
	f.Add("cpu  1 2 3\ncpu0 1\n", "MemTotal: x\n", " 254 0 vda 1\n")
	f.Fuzz(func(t *testing.T, stat, mem, disk string) {
		if strings.ContainsRune(disk, 0) {
			return // no such path
		}
		root := t.TempDir()
		fakeTree{"proc/stat": stat, "proc/meminfo": mem, "proc/diskstats": disk, "proc/pressure/cpu": disk}.write(t, root)
		h := &Host{Root: root}
		for i := range 2 {
			_, _ = procBeat(h, procStart.Add(time.Duration(i)*time.Second))
		}
	})
}
