package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/diagnose/rules"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
)

// oldNow is when the logs of a server that never recorded are read.
var oldNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// oldFormats are lines of access logs as servers write them.
var oldFormats = map[string]struct{ format, line string }{
	"combined":  {`%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`, `%[1]s - - [%[2]s] "GET /%[3]d/ HTTP/1.1" %[4]d 9000 "-" "Mozilla/5.0"`},
	"unknown":   {"", `%[1]s - - [%[2]s] "GET /%[3]d/ HTTP/1.1" %[4]d 9000 "-" "Mozilla/5.0"`},
	"common":    {`%h %l %u %t "%r" %>s %b`, `%[1]s - - [%[2]s] "GET /%[3]d/ HTTP/1.1" %[4]d 9000`},
	"vhost":     {`%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`, `shop.example:443 %[1]s - - [%[2]s] "GET /%[3]d/ HTTP/1.1" %[4]d 9000 "-" "Mozilla/5.0"`},
	"nginx own": {`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`, `%[1]s - - [%[2]s] "GET /%[3]d/ HTTP/1.1" %[4]d 9000 "-" "Mozilla/5.0"`},
}

// oldLog is two hours of an access log around a moment, with an error answer to
// every second request in the five minutes from it on.
func oldLog(format string, zone *time.Location, around time.Time, status int) string {
	var b strings.Builder
	for i := range 120 * 10 {
		at := around.Add(-time.Hour + time.Duration(i)*6*time.Second)
		code := 200
		if in := at.Sub(around); in >= 0 && in < 5*time.Minute && i%2 == 0 {
			code = status
		}
		fmt.Fprintf(&b, oldFormats[format].line+"\n", fmt.Sprintf("198.51.100.%d", 1+i%200), at.In(zone).Format("02/Jan/2006:15:04:05 -0700"), i, code)
	}
	return b.String()
}

// oldServer is a directory of logs: names with what is in them.
type oldServer struct {
	sites  map[string]string // access log to the kind of its lines
	files  map[string]string
	fpm    string // name of PHP-FPM's log
	kernel string
}

// judge reads the logs and judges the troubles that they tell of.
func (s oldServer) judge(t *testing.T) (all []evidence.Record, troubles []diagnose.Trouble, v diagnose.Verdict) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range s.files {
		writeOld(t, filepath.Join(dir, name), text)
	}
	var web discover.WebServer
	for name, kind := range s.sites {
		web.AccessLogs = append(web.AccessLogs, discover.AccessLog{Path: filepath.Join(dir, name), Format: oldFormats[kind].format, Site: name})
	}
	found := discover.Found{WebServers: []discover.WebServer{web}}
	if s.fpm != "" {
		found.Pools = []discover.Pool{{Instance: "www", ErrorLog: filepath.Join(dir, s.fpm)}}
	}
	find := func() discover.Found { return found }
	traffic, logs := collectors.NewTraffic(find), collectors.NewErrorLogs(find)
	defer func() { _ = errors.Join(traffic.Close(), logs.Close()) }()
	traffic.HistoryDays, traffic.ByMinute, logs.Since = 14, true, oldNow.Add(-keptBack)
	logs.Kernel, logs.Kmsg, logs.Journal = []string{filepath.Join(dir, s.kernel)}, "", nil
	l := loaded{from: oldNow.Add(-time.Minute), to: oldNow, kept: &kept{since: oldNow.Add(-keptBack), traffic: traffic}}
	for i := range 100 {
		for _, c := range []collect.Collector{traffic, logs} {
			err := c.Collect(context.Background(), collect.NewBeat(oldNow.Add(time.Duration(i)*time.Millisecond), c.Name(), func(r evidence.Record) { l.records = append(l.records, r) }))
			if err != nil && !errors.Is(err, evidence.ErrAbsent) {
				t.Fatal(err)
			}
		}
		if traffic.HistoryDone() {
			break
		}
	}
	all, troubles = l.troubles()
	if len(troubles) > 0 {
		at := troubles[0]
		w := recording.New(append(all, traffic.Minutes(at.From.Add(-keptBefore), at.To.Add(keptAfter))...)).Between(at.From.Add(-keptBefore), at.To.Add(keptAfter))
		v = diagnose.Diagnose(w, rules.All(), diagnose.Options{At: at.From})
	}
	return all, troubles, v
}

// writeOld writes a file with the age of its last line, compressed by its name.
func writeOld(t *testing.T, path, text string) {
	t.Helper()
	b := []byte(text)
	if strings.HasSuffix(path, ".gz") {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, err := w.Write(b)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		b = z.Bytes()
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o600)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(filepath.Base(path), "log-") || strings.Contains(filepath.Base(path), "log.") {
		if err := os.Chtimes(path, time.Time{}, oldNow.Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTroublesOfStrangeLogs(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	sixDays, today := oldNow.AddDate(0, 0, -6).Add(-2*time.Hour), oldNow.Add(-3*time.Hour)
	stamp := func(at time.Time) string { return at.In(time.Local).Format("[02-Jan-2006 15:04:05] ") }
	garbage := "\x16\x03\x01\x00\xff binary\n" + strings.Repeat("x", 10_000) + "\n\n198.51.100.1 - - [99/Foo/2026:99:99:99 +0000] \"\" 0 0\n"
	for name, c := range map[string]struct {
		server oldServer
		want   string
	}{
		"combined":                 {oldServer{sites: map[string]string{"access.log": "combined"}, files: map[string]string{"access.log": oldLog("combined", time.UTC, today, 504)}}, "22 09:00-09:05"},
		"a format nobody told":     {oldServer{sites: map[string]string{"access.log": "unknown"}, files: map[string]string{"access.log": oldLog("unknown", time.UTC, today, 504)}}, "22 09:00-09:05"},
		"common":                   {oldServer{sites: map[string]string{"access.log": "common"}, files: map[string]string{"access.log": oldLog("common", time.UTC, today, 502)}}, "22 09:00-09:05"},
		"hosts in one log":         {oldServer{sites: map[string]string{"other_vhosts_access.log": "vhost"}, files: map[string]string{"other_vhosts_access.log": oldLog("vhost", time.UTC, today, 503)}}, "22 09:00-09:05"},
		"nginx as it comes":        {oldServer{sites: map[string]string{"access.log": "nginx own"}, files: map[string]string{"access.log": oldLog("nginx own", time.UTC, today, 499+5)}}, "22 09:00-09:05"},
		"the clock of Tokyo":       {oldServer{sites: map[string]string{"access.log": "combined"}, files: map[string]string{"access.log": oldLog("combined", tokyo, today, 504)}}, "22 09:00-09:05"},
		"six days ago, compressed": {oldServer{sites: map[string]string{"access.log": "combined"}, files: map[string]string{"access.log": oldLog("combined", tokyo, today, 200), "access.log-20261117.gz": oldLog("combined", tokyo, sixDays, 504)}}, "16 10:00-10:05"},
		"Bitnami's names":          {oldServer{sites: map[string]string{"opt/bitnami/apache/logs/access_log": "combined"}, files: map[string]string{"opt/bitnami/apache/logs/access_log": "", "opt/bitnami/apache/logs/access_log-20261117.gz": oldLog("combined", tokyo, sixDays, 504)}}, "16 10:00-10:05"},
		"garbage between":          {oldServer{sites: map[string]string{"access.log": "combined"}, files: map[string]string{"access.log": garbage + oldLog("combined", time.UTC, today, 504) + garbage}}, "22 09:00-09:05"},
		"an empty log":             {oldServer{sites: map[string]string{"access.log": "combined"}, files: map[string]string{"access.log": ""}}, ""},
		"nothing but garbage":      {oldServer{sites: map[string]string{"access.log": "combined"}, files: map[string]string{"access.log": garbage}}, ""},
		"one of two sites": {oldServer{sites: map[string]string{"a.log": "combined", "b.log": "common"}, files: map[string]string{
			"a.log": oldLog("combined", time.UTC, today, 200), "b.log": oldLog("common", time.UTC, today, 504)}}, "22 09:00-09:05"},
		"two in one week":         {oldServer{sites: map[string]string{"access.log": "combined"}, files: map[string]string{"access.log": oldLog("combined", time.UTC, today, 504), "access.log.6.gz": oldLog("combined", time.UTC, sixDays, 502)}}, "16 10:00-10:05, 22 09:00-09:05"},
		"a line of PHP-FPM alone": {oldServer{fpm: "php-fpm.log", files: map[string]string{"php-fpm.log": "", "php-fpm.log-20261117.gz": stamp(sixDays) + "WARNING: [pool www] server reached pm.max_children setting (5), consider raising it\n"}}, "16 10:00-10:01"},
	} {
		_, troubles, v := c.server.judge(t)
		var got []string
		for _, tr := range troubles {
			got = append(got, tr.From.UTC().Format("02 15:04")+"-"+tr.To.UTC().Format("15:04"))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got trouble at %q, want %q", name, got, c.want)
		}
		if c.want != "" && (v.Status != diagnose.NotProven || len(v.Causes) > 0 || len(v.Surer) == 0) {
			t.Errorf("%s: got %s %+v, surer %+v", name, v.Status, v.Causes, v.Surer)
		}
	}
}

func TestAKillOfTheKernelIsNamedByItsVictim(t *testing.T) {
	today := oldNow.Add(-3 * time.Hour)
	head := today.Add(20*time.Second).In(time.Local).Format("Jan _2 15:04:05") + " web kernel: [81.5] "
	s := oldServer{sites: map[string]string{"access.log": "combined"}, kernel: "kern.log", files: map[string]string{
		"access.log": oldLog("combined", time.UTC, today, 503),
		"kern.log": head + "apache2 invoked oom-killer: gfp_mask=0x140cca, order=0, oom_score_adj=0\n" +
			head + "Out of memory: Killed process 812 (mysqld) total-vm:1800000kB, anon-rss:300000kB\n"}}
	_, troubles, v := s.judge(t)
	if len(troubles) != 1 || v.Status != diagnose.NotProven || len(v.Causes) > 0 {
		t.Fatalf("got troubles %v, %s %+v", troubles, v.Status, v.Causes)
	}
	for _, n := range v.Notes {
		if n.ID == "note-failed-then" {
			if text := fmt.Sprint(n.Args["message"]); !strings.Contains(text, "(mysqld)") {
				t.Errorf("got %q", text)
			}
			return
		}
	}
	t.Errorf("the kill is not named: %+v", v.Notes)
}
