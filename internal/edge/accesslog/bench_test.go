package accesslog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"hirune/internal/core/attack"
)

// mixed are lines as a site has them: of 230 bytes, IPv6 among them.
func mixed(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		path := []string{
			"/", "/xmlrpc.php", fmt.Sprintf("/2026/11/a-post-about-lunch-%d/", i%97), "/wp-content/themes/twentytwentyone/style.css?ver=6.1.9",
			fmt.Sprintf("/wp-content/uploads/2026/10/photo-%d-1024x768.jpg", i%301), "/wp-includes/js/jquery/jquery.min.js?ver=3.6.1", "/?s=lunch", "/wp-admin/admin-ajax.php",
		}[i%8]
		client := fmt.Sprintf("203.0.%d.%d", i%4+100, i%200)
		if i%5 == 0 {
			client = fmt.Sprintf("2001:db8:%x:%x::%x", i%512, i%7, i%65536)
		}
		out[i] = fmt.Appendf(nil, `%s - - [22/Nov/2026:12:%02d:%02d +0900] "GET %s HTTP/1.1" 200 %d "https://www.example.com/2026/11/lunch/" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"`,
			client, i*60/n%60, i*3600/n%60, path, 403+i%3000)
	}
	return out
}

func BenchmarkJudge(b *testing.B) {
	lines := mixed(4096)
	r := NewReader("combined", time.UTC, nil)
	var q Request
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	i := 0
	from := cpuTime()
	for b.Loop() {
		r.judge(lines[i&4095], &q)
		r.Parser.Unix(&q.Entry)
		i++
	}
	b.ReportMetric(float64(cpuTime()-from)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// cpuTime is what this process has used: on a shared machine it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type nothing struct{ n int64 }

func (n *nothing) Add(*attack.Hit) { n.n++ }

// BenchmarkScan reads a plain file with one worker into a sink that does nothing.
func BenchmarkScan(b *testing.B) {
	path := filepath.Join(b.TempDir(), "access.log")
	lines := mixed(1 << 20)
	if err := os.WriteFile(path, append(bytes.Join(lines, []byte{'\n'}), '\n'), 0o600); err != nil {
		b.Fatal(err)
	}
	n := int64(0)
	b.ReportAllocs()
	from := cpuTime()
	for b.Loop() {
		out := Scan(b.Context(), ScanIn{Logs: []ScanLog{{Path: path}}, Workers: 1, NewSink: func() Sink { return &nothing{} }})
		n += out.Sinks[0].(*nothing).n
	}
	b.ReportMetric(float64(cpuTime()-from)/float64(n), "cpu-ns/line")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
}
