package collectors

import (
	"errors"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

func cgroupsByPath(facts []evidence.Fact) map[string]evidence.Cgroup {
	out := map[string]evidence.Cgroup{}
	for _, f := range facts {
		c := f.(evidence.Cgroup)
		out[c.Path] = c
	}
	return out
}

func TestCgroupV1(t *testing.T) {
	root := fakeHost(t)
	fakeTree{
		"proc/100/cgroup": "4:cpu,cpuacct:/site/db\n1:name=systemd:/x\n",
		"sys/fs/cgroup/cpu,cpuacct/site/cpu.cfs_quota_us":    "20000\n",
		"sys/fs/cgroup/cpu,cpuacct/site/cpu.cfs_period_us":   "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/site/cpu.stat":            "nr_periods 9\nnr_throttled 3\nthrottled_time 5000000000\n",
		"sys/fs/cgroup/cpu,cpuacct/site/cpuacct.usage":       "1000000000\n",
		"sys/fs/cgroup/cpu,cpuacct/site/db/cpu.cfs_quota_us": "-1\n",
	}.write(t, root)
	c := &Cgroups{Table: tableOf(root), Root: root}
	if got := mustProcBeat(t, c, procStart); len(got) != 0 {
		t.Fatalf("first beat: got %+v", got)
	}
	fakeTree{
		"sys/fs/cgroup/cpu,cpuacct/site/cpu.stat":      "nr_periods 19\nnr_throttled 13\nthrottled_time 6700000000\n",
		"sys/fs/cgroup/cpu,cpuacct/site/cpuacct.usage": "1200000000\n",
	}.write(t, root)
	got := cgroupsByPath(mustProcBeat(t, c, procStart.Add(time.Second)))
	if want := (evidence.Cgroup{OverMs: 1000, Path: "/site", QuotaCPUs: 0.2, UsedMs: 200, Throttled: 10, ThrottledMs: 1700}); len(got) != 1 || got["/site"] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = cgroupsByPath(mustProcBeat(t, c, procStart.Add(time.Minute)))
	if f := got["/site/db"]; len(got) != 3 || f.QuotaCPUs != -1 || f.UsedMs != -1 || f.OverMs != 60000 {
		t.Errorf("after a minute: got %+v", got)
	}
}

func TestCgroupV2(t *testing.T) {
	root := fakeHost(t)
	fakeTree{
		"proc/100/cgroup":                                     "0::/system.slice/mariadb.service\n",
		"sys/fs/cgroup/cgroup.controllers":                    "cpu\n",
		"sys/fs/cgroup/cpu.stat":                              "usage_usec 1\n",
		"sys/fs/cgroup/system.slice/cpu.max":                  "max 100000\n",
		"sys/fs/cgroup/system.slice/cpu.stat":                 "usage_usec 5\n",
		"sys/fs/cgroup/system.slice/mariadb.service/cpu.max":  "150000 100000\n",
		"sys/fs/cgroup/system.slice/mariadb.service/cpu.stat": "usage_usec 1000000\nnr_periods 1\nnr_throttled 1\nthrottled_usec 2000\n",
	}.write(t, root)
	c := &Cgroups{Table: tableOf(root), Root: root}
	mustProcBeat(t, c, procStart)
	fakeTree{"sys/fs/cgroup/system.slice/mariadb.service/cpu.stat": "usage_usec 1500000\nnr_throttled 2\nthrottled_usec 9000\n"}.write(t, root)
	got := cgroupsByPath(mustProcBeat(t, c, procStart.Add(time.Second)))
	if f := got["/system.slice/mariadb.service"]; len(got) != 1 || f.QuotaCPUs != 1.5 || f.UsedMs != 500 || f.Throttled != 1 || f.ThrottledMs != 7 {
		t.Errorf("got %+v", got)
	}
}

// TestCgroupMemory plays a limit that is far, then near, then over.
func TestCgroupMemory(t *testing.T) {
	for name, c := range map[string]struct{ of, dir, limit, used, stat, events string }{
		"v1": {"4:cpu,cpuacct:/site\n5:memory:/lim\n", "sys/fs/cgroup/memory/lim/", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "memory.oom_control"},
		"v2": {"0::/lim\n", "sys/fs/cgroup/lim/", "memory.max", "memory.current", "inactive_file", "memory.events"},
	} {
		root := fakeHost(t)
		fakeTree{"proc/100/cgroup": c.of, "sys/fs/cgroup/" + map[string]string{"v1": "cpu,cpuacct/site/x", "v2": "cgroup.controllers"}[name]: "cpu memory\n",
			c.dir + c.limit: "104857600\n", c.dir + c.used: "52428800\n", c.dir + "memory.stat": "cache 1\n" + c.stat + " 1048576\n", c.dir + c.events: "oom_kill 2\n"}.write(t, root)
		g := &Cgroups{Table: tableOf(root), Root: root}
		mustProcBeat(t, g, procStart)
		if got := mustProcBeat(t, g, procStart.Add(time.Second)); len(got) != 0 {
			t.Errorf("%s: half full: got %+v", name, got)
		}
		fakeTree{c.dir + c.used: "94371840\n", c.dir + c.events: "oom_kill 3\n"}.write(t, root)
		got := cgroupsByPath(mustProcBeat(t, g, procStart.Add(2*time.Second)))["/lim"]
		if got.MemLimitKB != 102400 || got.MemUsedKB != 91136 || got.OOMKills != 1 || got.QuotaCPUs != -1 {
			t.Errorf("%s: nearly full: got %+v", name, got)
		}
		fakeTree{c.dir + c.limit: map[string]string{"v1": "9223372036854771712\n", "v2": "max\n"}[name]}.write(t, root)
		if got := cgroupsByPath(mustProcBeat(t, g, procStart.Add(2*time.Minute)))["/lim"]; got.MemLimitKB != 0 || got.MemUsedKB != 0 || got.OverMs == 0 {
			t.Errorf("%s: no limit: got %+v", name, got)
		}
	}
}

func TestCgroupAbsent(t *testing.T) {
	root := fakeHost(t)
	if _, err := procBeat(&Cgroups{Table: tableOf(root), Root: root}, procStart); !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("got %v", err)
	}
}

func TestFilesystems(t *testing.T) {
	root := t.TempDir()
	fakeTree{
		"proc/self/mountinfo": "22 1 254:0 / / rw - ext4 /dev/vda rw\n23 22 0:5 / /proc rw - proc proc rw\n24 22 8:1 / /var/lib/my\\040sql rw master:1 - xfs /dev/sdb rw\n25 22 0:9 / /srv rw - nfs4 h:/ rw\nbroken\n",
		"var/lib/my sql/x":    "",
	}.write(t, root)
	found := &discover.Found{
		Databases: []discover.Database{{DataDir: "/var/lib/my sql/data"}},
		Roots:     []discover.Root{{Dir: "/srv/www"}, {Dir: "/var/www"}},
	}
	got := mustProcBeat(t, &Filesystems{Root: root, Found: func() *discover.Found { return found }}, procStart)
	if len(got) != 2 {
		t.Fatalf("got %+v, want / and the database's", got)
	}
	for i, want := range []string{"/", "/var/lib/my sql"} {
		f := got[i].(evidence.Filesystem)
		if f.Mount != want || f.SizeKB <= 0 || f.FreeKB <= 0 || f.FreeKB > f.SizeKB {
			t.Errorf("got %+v, want %s", f, want)
		}
	}
}
