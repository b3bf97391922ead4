package collectors

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// BenchmarkBeat is what all collectors of the host cost together in one second,
// on the processes of the machine that it runs on. The budget is 1 ms of CPU.
func BenchmarkBeat(b *testing.B) {
	finder := &discover.Finder{}
	found, err := finder.Find(context.Background(), time.Now())
	if err != nil {
		b.Skip(err)
	}
	table := &Table{Found: func() *discover.Found { return &found }}
	all := []collect.Collector{
		&Host{}, &Processes{Table: table}, &Cgroups{Table: table}, &Services{Table: table}, &Pools{Table: table},
	}
	for _, c := range all {
		b.Run(c.Name(), func(b *testing.B) { beats(b, table, []collect.Collector{c}) })
	}
	b.Run("together", func(b *testing.B) { beats(b, table, all) })
	b.Run("filesystem", func(b *testing.B) {
		beats(b, table, []collect.Collector{&Filesystems{Found: table.Found}})
	})
	b.Run("schedule", func(b *testing.B) { beats(b, table, []collect.Collector{&Schedules{}}) })
	b.Run("find", func(b *testing.B) {
		start := cpuTime()
		for b.Loop() {
			if _, err := finder.Find(context.Background(), time.Now()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpuTime()-start)/1e6/float64(b.N), "cpu-ms/op")
	})
	b.Run("stale", func(b *testing.B) {
		start := cpuTime()
		for b.Loop() {
			finder.Stale(found)
		}
		b.ReportMetric(float64(cpuTime()-start)/1e6/float64(b.N), "cpu-ms/op")
	})
}

func beats(b *testing.B, table *Table, all []collect.Collector) {
	b.ReportAllocs()
	now, facts := time.Now(), 0
	start := cpuTime()
	for b.Loop() {
		now = now.Add(time.Second)
		for _, c := range all {
			beat := collect.NewBeat(now, c.Name(), func(evidence.Record) { facts++ })
			_ = c.Collect(context.Background(), beat) // what cannot be seen here costs too
		}
	}
	b.ReportMetric(float64(cpuTime()-start)/1e6/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(facts)/float64(b.N), "facts/op")
	b.ReportMetric(float64(len(table.order)), "processes")
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestRealHost asks the machine that the test runs on: what comes must make
// sense.
func TestRealHost(t *testing.T) {
	if _, err := os.Stat("/proc/stat"); err != nil {
		t.Skip("no /proc here")
	}
	var got []evidence.Record
	h, now := &Host{}, time.Now()
	for i := range 2 {
		beat := collect.NewBeat(now.Add(time.Duration(i)*time.Second), "host", func(r evidence.Record) { got = append(got, r) })
		if err := h.Collect(context.Background(), beat); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 1 {
		t.Fatalf("got %d facts of two beats, want 1", len(got))
	}
	f := got[0].Fact.(evidence.Host)
	if f.OverMs != 1000 || f.CPUs < 1 || f.MemTotalKB < f.MemAvailKB || f.MemAvailKB <= 0 {
		t.Errorf("got %+v", f)
	}
}
