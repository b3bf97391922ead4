package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/apply"
)

// putFile writes a file and the folders that it is in.
func putFile(t *testing.T, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestQuotaIsReadFromBothVersions(t *testing.T) {
	want := apply.Quota{Period: 100 * time.Millisecond, Periods: 7, Used: 1500 * time.Millisecond}
	for name, files := range map[string]map[string]string{
		"version 2": {"site/cpu.max": "20000 100000\n", "site/cpu.stat": "usage_usec 1500000\nuser_usec 1\nnr_periods 7\nnr_throttled 3\n"},
		"version 1": {"cpu,cpuacct/site/cpu.cfs_period_us": "100000\n", "cpu,cpuacct/site/cpu.stat": "nr_periods 7\nnr_throttled 3\n",
			"cpu,cpuacct/site/cpuacct.usage": "1500000000\n"},
		"version 1, apart": {"cpu/site/cpu.cfs_period_us": "100000\n", "cpu/site/cpu.stat": "nr_periods 7\n", "cpuacct/site/cpuacct.usage": "1500000000\n"},
	} {
		t.Run(name, func(t *testing.T) {
			q := quotaFiles{root: t.TempDir()}
			for path, text := range files {
				putFile(t, text, q.root, path)
			}
			q.follow("/site")
			defer q.close()
			if got, ok := q.read(); !ok || got != want {
				t.Errorf("got %+v, %v, want %+v", got, ok, want)
			}
			q.follow("/gone")
			if got, ok := q.read(); ok {
				t.Errorf("got %+v of a group that is not there", got)
			}
		})
	}
}

func TestAccountsThatCannotBeRead(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no periods":         {"site/cpu.max": "max 100000\n", "site/cpu.stat": "usage_usec 1\n"},
		"no time in use":     {"cpu/site/cpu.cfs_period_us": "100000\n", "cpu/site/cpu.stat": "nr_periods 0\n"},
		"no length":          {"cpu,cpuacct/site/cpu.cfs_period_us": "0\n", "cpu,cpuacct/site/cpu.stat": "nr_periods 0\n", "cpu,cpuacct/site/cpuacct.usage": "1\n"},
		"another statistic":  {"site/cpu.max": "20000 100000\n", "site/cpu.stat": "usage_usec x\nnr_periods 1\n"},
		"no such controller": {},
	} {
		q := quotaFiles{root: t.TempDir()}
		for path, text := range files {
			putFile(t, text, q.root, path)
		}
		q.follow("/site")
		if got, ok := q.read(); ok {
			t.Errorf("%s: got %+v, want none", name, got)
		}
		q.close()
	}
}
