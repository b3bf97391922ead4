package tape

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writtenBytes is what this process handed to write(2) so far.
func writtenBytes(tb testing.TB) int64 {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		tb.Skip(err)
	}
	for l := range strings.SplitSeq(string(b), "\n") {
		if v, ok := strings.CutPrefix(l, "wchar: "); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
	}
	tb.Fatal("no wchar in /proc/self/io")
	return 0
}

func cpu(tb testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// writeHour records a busy hour with a commit each 4 s.
func writeHour(tb testing.TB, path string, seconds int) (facts int) {
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		tb.Fatal(err)
	}
	s := newSynth()
	for i := range seconds {
		r := s.second(i)
		facts += len(r)
		_ = w.Append(r)
		if i%4 == 3 {
			if err := w.Commit(t0.Add(time.Duration(i) * time.Second)); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return facts
}

func BenchmarkBusyHourWrite(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		path := filepath.Join(b.TempDir(), strconv.Itoa(i))
		c, io := cpu(b), writtenBytes(b)
		n := writeHour(b, path, 3600)
		st, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "facts")
		b.ReportMetric((cpu(b) - c).Seconds(), "cpu-s")
		b.ReportMetric(float64(writtenBytes(b)-io)/1e6, "written-MB")
		b.ReportMetric(float64(st.Size())/1e6, "disk-MB")
	}
}

func BenchmarkBusyHourRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "t")
	want := writeHour(b, path, 3600)
	b.ReportAllocs()
	for b.Loop() {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := cpu(b)
		r, err := OpenReader(path)
		if err != nil {
			b.Fatal(err)
		}
		got, st, err := r.Records(t0, t0.Add(2*time.Hour))
		if err != nil || len(got) != want {
			b.Fatalf("got %d records of %d, %+v, err %v", len(got), want, st, err)
		}
		b.ReportMetric((cpu(b) - c).Seconds(), "cpu-s")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "live-MB")
		runtime.KeepAlive(got)
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
