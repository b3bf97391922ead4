package collectors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// errorLogs is a host with one log of each service, and no log of the kernel.
func errorLogs(dir string) *ErrorLogs {
	c := NewErrorLogs(func() discover.Found {
		return discover.Found{
			WebServers: []discover.WebServer{{Service: evidence.ServiceApache, Instance: "apache:80", ErrorLogs: []string{filepath.Join(dir, "apache.log")}}},
			Pools:      []discover.Pool{{Instance: "php-fpm:8.2", ErrorLog: filepath.Join(dir, "fpm.log")}, {Instance: "php-fpm:8.2", Name: "b", ErrorLog: filepath.Join(dir, "fpm.log")}},
			Databases:  []discover.Database{{Instance: "mariadbd:3306", ErrorLog: filepath.Join(dir, "db.log")}},
			Roots:      []discover.Root{{Dir: dir, WPConfig: filepath.Join(dir, "wp-config.php"), Host: "shop.example"}},
		}
	})
	c.Kernel, c.Kmsg, c.Journal = []string{filepath.Join(dir, "kern.log")}, "", nil
	return c
}

func TestErrorLines(t *testing.T) {
	dir := t.TempDir()
	stamp := func(before time.Duration, layout string) string {
		return logNow.Add(-before).In(time.Local).Format(layout)
	}
	appendTo(t, filepath.Join(dir, "apache.log"), "no time and no place\n")
	appendTo(t, filepath.Join(dir, "fpm.log"), "["+stamp(time.Hour, "02-Jan-2006 15:04:05")+"] WARNING: [pool www] server reached pm.max_children setting (10), consider raising it\n")
	appendTo(t, filepath.Join(dir, "db.log"), stamp(2*time.Hour, "2006-01-02 15:04:05")+" 0 [Note] mariadbd: ready for connections.\n"+
		strings.Repeat(stamp(time.Hour, "2006-01-02 15:04:05")+" 9 [Warning] Aborted connection 9 to db: 'wp' (Got timeout)\n", 3)+"InnoDB: ###### Semaphore wait has lasted > 600 seconds.\n")
	appendTo(t, filepath.Join(dir, "kern.log"), stamp(time.Minute, "Jan _2 15:04:05")+" web sshd: Out of memory: Killed process 1 (not the kernel's word)\n"+
		stamp(time.Minute, "Jan _2 15:04:05")+" web kernel: Out of memory: Killed process 812 (mariadbd) total-vm:1kB\n")
	c := errorLogs(dir)
	defer c.Close()
	rs, err := beatOf(t, c, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, r := range rs {
		f := r.Fact.(evidence.ErrorLine)
		got[f.ID+" "+f.Instance+" "+logNow.Sub(r.At).String()] = f.Count
		if !f.FromHist {
			t.Errorf("not marked as history: %+v", f)
		}
	}
	want := map[string]int64{"fpm-max-children php-fpm:8.2 1h0m0s": 1, "db-start mariadbd:3306 2h0m0s": 1, "db-aborted mariadbd:3306 1h0m0s": 3, "db-semaphore mariadbd:3306 1h0m0s": 1, "kernel-oom  1m0s": 1}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: got %d, want %d in %v", k, got[k], n, got)
		}
	}

	appendTo(t, filepath.Join(dir, "apache.log"), strings.Repeat("[Sun Nov 22 12:51:19.1 2026] [proxy_fcgi:error] [pid 1] (70007)The timeout specified has expired: [client 192.0.2.1:5] AH01075: Error dispatching request to : (polling)\n", 4))
	appendTo(t, filepath.Join(dir, "wp-content", "..", "fpm.log"), "\x00\xff binary\n"+strings.Repeat("z", 1<<20)+"\n")
	rs, err = beatOf(t, c, 1)
	if err != nil || len(rs) != 1 {
		t.Fatalf("got %+v, %v", rs, err)
	}
	f := rs[0].Fact.(evidence.ErrorLine)
	wantLine := evidence.ErrorLine{Service: "apache", Instance: "apache:80", ID: "apache-fcgi-timeout", Count: 4,
		Message: "(70007)The timeout specified has expired: [client 192.0.2.1:5] AH01075: Error dispatching request to : (polling)"}
	if f != wantLine {
		t.Errorf("got  %+v\nwant %+v", f, wantLine)
	}
}

func TestErrorLogMissing(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"apache.log", "db.log"} {
		appendTo(t, filepath.Join(dir, n), "")
	}
	c := errorLogs(dir)
	defer c.Close()
	rs, err := beatOf(t, c, 0)
	if got := factsOf[evidence.Unseen](rs); err != nil || len(rs) != 1 || len(got) != 1 || got[0].Code != "log-missing" || !strings.Contains(got[0].What, "fpm.log") || got[0].Hint == "" {
		t.Errorf("got %+v, %v; want the missing log alone", rs, err)
	}
	if rs, err = beatOf(t, c, 1); err != nil || len(rs) != 0 {
		t.Errorf("it was told again: %+v, %v", rs, err)
	}
	appendTo(t, filepath.Join(dir, "fpm.log"), "[22-Nov-2026 12:51:19] WARNING: [pool www] seems busy\n")
	rs, err = beatOf(t, c, 2)
	if got := factsOf[evidence.Unseen](rs); err != nil || len(got) != 1 || !got[0].Seen || len(factsOf[evidence.ErrorLine](rs)) != 1 {
		t.Errorf("after it was created: got %+v, %v", rs, err)
	}
	none := NewErrorLogs(func() discover.Found { return discover.Found{} })
	none.Kernel, none.Kmsg = nil, ""
	if _, err := beatOf(t, none, 0); !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("no log at all: got %v", err)
	}
}

func BenchmarkErrorLogsBeat(b *testing.B) {
	dir := b.TempDir()
	for _, n := range []string{"apache.log", "fpm.log", "db.log", "kern.log"} {
		appendTo(b, filepath.Join(dir, n), "")
	}
	c := errorLogs(dir)
	defer c.Close()
	sec := 0
	b.ReportAllocs()
	for b.Loop() {
		sec++
		if _, err := beatOf(b, c, sec%10); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheJournalTellsWhatTheKernelSaidBeforeTheLastStart(t *testing.T) {
	dir := t.TempDir()
	line := func(at time.Time, message string) string {
		return fmt.Sprintf(`{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"%d","MESSAGE":%q}`+"\n", at.UnixMicro(), message)
	}
	now := procStart.Add(2 * time.Hour)
	killed := now.AddDate(-10, 0, 0) // longer ago than any machine that tests was started
	answer := line(killed, "Out of memory: Killed process 812 (mysqld) total-vm:1800000kB") + line(killed, "usb 1-1: device descriptor read/64, error -71") +
		line(now.Add(-time.Second), "Out of memory: Killed process 9 (of this boot: its own buffer has it)")
	if err := os.WriteFile(filepath.Join(dir, "answer"), []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\ncase \"$*\" in *_TRANSPORT=kernel\\ PRIORITY=0*--since*|*--since*_TRANSPORT=kernel\\ PRIORITY=0*) cat " + filepath.Join(dir, "answer") + ";; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "journalctl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		since time.Time
		want  int
	}{"the past is wanted": {killed.Add(-time.Hour), 1}, "only what is younger": {killed.Add(time.Hour), 0}, "it is not wanted": {time.Time{}, 0}} {
		e := NewErrorLogs(func() discover.Found { return discover.Found{} })
		e.Kernel, e.Kmsg, e.Journal, e.Since = nil, filepath.Join(dir, "kmsg"), []string{filepath.Join(dir, "journalctl")}, c.since
		if err := os.WriteFile(e.Kmsg, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var got []evidence.Record
		if err := e.Collect(t.Context(), collect.NewBeat(now, e.Name(), func(r evidence.Record) { got = append(got, r) })); err != nil {
			t.Fatal(err)
		}
		lines := factsOf[evidence.ErrorLine](got)
		if len(lines) != c.want || c.want > 0 && (lines[0].ID != "kernel-oom" || !got[0].At.Equal(killed)) {
			t.Errorf("%s: got %+v", name, got)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheSlowLogOfPHPTellsThePlugin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "php-slow.log")
	if err := os.WriteFile(path, []byte("[21-Nov-2026 12:51:19]  [pool www] pid 1\n[0x1] old() /var/www/a.php:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := discover.Found{Pools: []discover.Pool{{Instance: "php-fpm:8.2", Name: "www", SlowLog: path}}}
	c := NewErrorLogs(func() discover.Found { return found })
	c.Kernel, c.Kmsg, c.Journal = nil, "", nil
	defer c.Close()
	mustProcBeat(t, c, procStart)
	entry := "\n[22-Nov-2026 12:51:19]  [pool www] pid 7\nscript_filename = /var/www/index.php\n[0x1] curl_exec() /var/www/wp-includes/Curl.php:1\n[0x2] go() /var/www/wp-content/plugins/weather/go.php:2\n"
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(entry + entry); err != nil {
		t.Fatal(err)
	}
	got := mustProcBeat(t, c, procStart.Add(5*time.Second))
	want := evidence.ErrorLine{Service: "php-fpm", Instance: "php-fpm:8.2", ID: "fpm-slow-outbound", Count: 2, Message: "curl_exec()", File: "plugins/weather/go.php"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
