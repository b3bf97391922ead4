package credit

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAccountCapsAtNothingAndLiftsWithSomeCreditBack(t *testing.T) {
	a := NewAccount(Plan{VCPUs: 2, Baseline: 0.1, Credit: 3})
	for i, c := range []struct {
		used   float64
		credit float64
		capped bool
		cores  float64
	}{
		{0.1, 3, false, 2},    // more than the account holds is lost
		{1.2, 2, false, 2},    // earns 0.2, spends 1.2
		{2.0, 0.2, false, 2},  //
		{2.0, 0, true, 0.2},   // never below nothing
		{0.2, 0, true, 0.2},   // at the base rate nothing comes back
		{0.1, 0.1, true, 0.2}, // some, but the cap stays for a while
		{0, 0.3, true, 0.2},
		{0, 0.5, false, 2},
	} {
		was := a.Capped
		changed := a.Step(time.Second, c.used)
		if math.Abs(a.Credit-c.credit) > 1e-9 || a.Capped != c.capped || a.Cores() != c.cores || changed != (was != c.capped) {
			t.Errorf("step %d: credit %v, capped %v, cores %v, changed %v; want %+v", i, a.Credit, a.Capped, a.Cores(), changed, c)
		}
	}
}

func TestAccountWithoutCreditIsCappedFromTheStart(t *testing.T) {
	if a := NewAccount(Plan{VCPUs: 2, Baseline: 0.05}); !a.Capped || a.Cores() != 0.1 {
		t.Errorf("got %+v with %v cores, want capped at 0.1", a, a.Cores())
	}
}

func TestReadMounts(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"v1 apart":    {"cgroup /c/cpu cgroup rw,relatime,cpu 0 0\ncgroup /c/acct cgroup rw,relatime,cpuacct 0 0\ncgroup /c/set cgroup rw,cpuset 0 0\n", map[string]string{"cpu": "/c/cpu", "cpuacct": "/c/acct"}},
		"v1 together": {"cgroup /c/both cgroup rw,cpu,cpuacct 0 0\n", map[string]string{"cpu": "/c/both", "cpuacct": "/c/both"}},
		"v2":          {"proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", map[string]string{"cgroup2": "/sys/fs/cgroup"}},
	} {
		path := filepath.Join(t.TempDir(), "mounts")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := readMounts(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"cpu", "cpuacct", "cgroup2"} {
			if got[k] != c.want[k] {
				t.Errorf("%s: %s at %q, want %q", name, k, got[k], c.want[k])
			}
		}
	}
}

func TestFieldOfVersion2Statistics(t *testing.T) {
	const text = "usage_usec 1500000\nuser_usec 1000000\nthrottled_usec 20\n"
	if got := field(text, "usage_usec"); got != "1500000" {
		t.Errorf("got %q, want 1500000", got)
	}
	if got := field(text, "nr_throttled"); got != "" {
		t.Errorf("got %q for a line that is not there", got)
	}
}
