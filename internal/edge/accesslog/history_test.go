package accesslog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
)

var histNow = time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)

// lines writes n requests a minute for each minute from a to b, older first.
func lines(a, b time.Time, n int) []byte {
	var out bytes.Buffer
	for at := a; at.Before(b); at = at.Add(time.Minute) {
		for i := range n {
			fmt.Fprintf(&out, "203.0.113.%d - - [%s] \"POST /xmlrpc.php HTTP/1.1\" 200 403 \"-\" \"bot\"\n", i, at.Add(time.Duration(i)*time.Second).Format("02/Jan/2006:15:04:05 -0700"))
		}
	}
	return out.Bytes()
}

func put(t *testing.T, path string, content []byte, at time.Time) {
	t.Helper()
	if filepath.Ext(path) == ".gz" {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(content); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		content = z.Bytes()
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

type told struct {
	at time.Time
	f  evidence.Traffic
}

func run(t *testing.T, h *History, step int64) (out []told, clients int) {
	t.Helper()
	for i := 0; ; i++ {
		done := h.Step(step, func(at time.Time, f evidence.Fact) {
			switch f := f.(type) {
			case evidence.Traffic:
				out = append(out, told{at, f})
			case evidence.ClientUse:
				if !f.FromHist || f.OverMs != 3600000 && at != histNow {
					t.Errorf("client fact: %+v", f)
				}
				clients++
			}
		})
		if done {
			break
		}
		if i > 1e6 {
			t.Fatal("it does not end")
		}
	}
	slices.SortFunc(out, func(a, b told) int { return a.at.Compare(b.at) })
	return out, clients
}

// Every request counts once, whatever the steps are: in the live file, in a
// rotated plain one and in compressed ones that end in the middle of an hour.
func TestHistoryCountsEachLineOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	day := histNow.Truncate(24 * time.Hour)
	put(t, path+".2.gz", lines(day.Add(-30*time.Hour), day.Add(-5*time.Hour-20*time.Minute), 40), day.Add(-5*time.Hour))
	put(t, path+".1", lines(day.Add(-5*time.Hour-20*time.Minute), day.Add(20*time.Minute), 40), day)
	live := lines(day.Add(20*time.Minute), histNow, 40)
	put(t, path, append(live, "this came later\n"...), histNow)
	put(t, filepath.Join(dir, "other.log.1"), []byte("not ours\n"), histNow)
	for _, step := range []int64{1, 100_000, 1 << 30} {
		r := NewReader("combined", time.UTC, nil)
		h := NewHistory("shop", path, int64(len(live)), day.Add(-24*time.Hour), histNow, r)
		got, clients := run(t, h, step)
		if len(h.Failed()) > 0 {
			t.Fatal(h.Failed())
		}
		if len(got) != 37 { // 24 hours of yesterday, 12 and a half of today
			t.Fatalf("step %d: got %d facts, want 37", step, len(got))
		}
		for i, g := range got {
			want, over := int64(2400), int64(3600000)
			if i == 36 {
				want, over = 1200, 1800000
			}
			if g.f.Requests != want || g.f.OverMs != over || !g.f.FromHist || g.f.Fault != want || g.f.Clients != 40 || g.f.TookMs != -1 {
				t.Errorf("step %d, until %s: got %+v, want %d requests over %d ms", step, g.at, g.f, want, over)
			}
			if want := day.Add(time.Duration(i-23) * time.Hour); i < 36 && !g.at.Equal(want) {
				t.Errorf("fact %d is at %s, want %s", i, g.at, want)
			}
		}
		if clients == 0 {
			t.Error("no client was told")
		}
	}
}

func TestHistoryOfBadFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	put(t, path, nil, histNow)
	if err := os.WriteFile(path+".1.gz", []byte("no gzip at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".2", append(bytes.Repeat([]byte("x"), 2<<20), "\n\x00\xff\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	h := NewHistory("shop", path, 0, time.Time{}, histNow, NewReader("combined", time.UTC, nil))
	if got, _ := run(t, h, 1000); len(got) != 0 || len(h.Failed()) != 1 {
		t.Errorf("got %d facts, failed %v", len(got), h.Failed())
	}
}

func TestRotatedNames(t *testing.T) {
	for name, want := range map[string]bool{
		"access.log.1": true, "access.log.2.gz": true, "access.log-20261122": true, "access.log-20261122.gz": true, "access-20261122.log": true, "access.log.2026-11-22": true,
		"access.log": false, "access.log.bak": false, "access.log.gz": false, "access_ssl.log": false, "error.log.1": false, "access-shop.log": false,
	} {
		if got := rotatedName("access.log", name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestDistinct(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 100, 500, 5000, 300_000} {
		var d Distinct
		for range n {
			h := rnd.Uint64()
			d.Add(h)
			d.Add(h)
		}
		if got := d.Count(); got < int64(n)*94/100 || got > int64(n)*106/100 || n < exactMost && got != int64(n) {
			t.Errorf("%d different: got %d", n, got)
		}
		d.Reset()
		if d.Count() != 0 {
			t.Error("not empty after Reset")
		}
	}
}

// However many clients there are, the busy ones are found and memory is bounded.
func TestBusiestUnderADistributedFlood(t *testing.T) {
	r := NewReader("combined", time.UTC, nil)
	var b Busiest
	var q Request
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 200_000 {
		client := fmt.Sprintf("10.%d.%d.%d", rnd.IntN(256), rnd.IntN(256), rnd.IntN(256))
		if i%100 == 0 {
			client = "192.0.2.66"
		}
		r.Read(fmt.Appendf(nil, `%s - - [22/Nov/2026:12:51:15 +0000] "GET /?s=%d HTTP/1.1" 500 5 "-" "a"`, client, i), &q)
		b.Add(&q)
		if n := len(b.classes[attack.ClassSearch].m); n > clientsMost {
			t.Fatalf("%d clients are held", n)
		}
	}
	var got []evidence.ClientUse
	b.Clients("shop", 10*time.Second, 5, 100, func(f evidence.ClientUse) { got = append(got, f) })
	if len(got) != 1 || got[0].Client != "192.0.2.66" || got[0].Requests < 1900 || got[0].Path != "/" || got[0].Errors != got[0].Requests || got[0].Distinct < 1000 {
		t.Errorf("got %+v", got)
	}
}

func TestFaults(t *testing.T) {
	r := NewReader("combined", time.UTC, nil)
	var q Request
	var c Counter
	for i := range 60 {
		size := 403
		if i%10 == 0 {
			size = 640 // got in, or asked something else
		}
		r.Read(fmt.Appendf(nil, `192.0.2.1 - - [22/Nov/2026:12:51:15 +0000] "POST /xmlrpc.php HTTP/1.1" 200 %d "-" "a"`, size), &q)
		r.Faults.Learn(&q)
		c.Add(&q)
		r.Read(fmt.Appendf(nil, `192.0.2.1 - - [22/Nov/2026:12:51:15 +0000] "POST /wp-login.php HTTP/1.1" %d %d "-" "a"`, 200+i%2*102, 3000+i), &q)
		c.Add(&q)
	}
	got := map[string]int64{}
	c.Traffic("shop", time.Second, r.Faults, func(f evidence.Traffic) { got[f.Class] = f.Fault })
	if got[evidence.ClassXMLRPC] != 54 || got[evidence.ClassLogin] != 30 {
		t.Errorf("got %v, want xmlrpc 54, login 30", got)
	}
	c.Traffic("shop", time.Second, r.Faults, func(f evidence.Traffic) { t.Errorf("an empty counter told %+v", f) })
}

func BenchmarkHistory(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "access.log")
	text := lines(histNow.Add(-100*time.Hour), histNow, 40)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var n int64
	for b.Loop() {
		h := NewHistory("shop", path, int64(len(text)), histNow.Add(-200*time.Hour), histNow, NewReader("combined", time.UTC, nil))
		for !h.Step(1<<20, func(time.Time, evidence.Fact) {}) {
		}
		n += h.Lines()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
}
