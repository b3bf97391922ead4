package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/edge/mysql/mysqltest"
	"hirune/internal/edge/tape"
)

// records is what a tape holds, history too.
func records(t *testing.T, path string) recording.Window {
	t.Helper()
	r, err := tape.OpenReader(path)
	must(t, err)
	defer r.Close()
	l, err := loadAll(r)
	must(t, err)
	return recording.New(l.records)
}

// roundRights looks at a whole world, with more and with fewer rights.
func roundRights(t *testing.T, w *world) {
	secret := func(name, password string) string {
		file := filepath.Join(w.dir, name+".password")
		write(t, file, password+"\n", 0o644)
		config := filepath.Join(w.dir, name+".toml")
		write(t, config, fmt.Sprintf("[[database]]\nsocket = %q\nuser = \"wp\"\npassword_file = %q\n", w.db.Socket, file), 0o644)
		return config
	}
	right, wrong := secret("right", "sitepw"), secret("wrong", "wr0ng")
	t.Run("rights", func(t *testing.T) {
		t.Run("all", func(t *testing.T) {
			t.Parallel()
			a := w.ask(t, how{})
			a.wants(t, "healthy")
			for _, u := range a.said.Unseen {
				if u.Source != "cgroup" && u.Source != "schedule" && u.Code != "no-kernel-log" { // as the host is
					t.Errorf("as root, with all there, it could not see %+v", u)
				}
			}
			if strings.Contains(a.text+a.words, "PROCESS") {
				t.Error("it asks for rights that it has")
			}
			rec := records(t, a.tape)
			for _, kind := range []string{"site", "cron-event", "db-status", "table", "traffic", "probe"} {
				if !rec.Has(kind) {
					t.Errorf("no %s is on the tape: this world is not whole", kind)
				}
			}
		})
		t.Run("no-root", func(t *testing.T) {
			t.Parallel()
			a := w.ask(t, how{nobody: true})
			a.wants(t, "healthy cannot_judge not_proven", "database/access-denied: sudo", "discovery/unreadable: sudo")
		})
		t.Run("wrong-password", func(t *testing.T) {
			t.Parallel()
			a := w.ask(t, how{nobody: true, config: wrong})
			a.wants(t, "healthy cannot_judge not_proven", "database/access-denied: GRANT PROCESS")
		})
		t.Run("no-database-rights", func(t *testing.T) {
			t.Parallel()
			a := w.ask(t, how{nobody: true, config: right})
			a.wants(t, "healthy cannot_judge not_proven", "database/no-process-right: GRANT PROCESS ON *.* TO 'wp'@'localhost'")
			if rec := records(t, a.tape); !rec.Has("db-status") {
				t.Error("what can be seen without the right is not on the tape")
			}
		})
	})
}

// roundLogs has an nginx with a log of each bad kind.
func roundLogs(t *testing.T, w *world) {
	t.Run("logs", func(t *testing.T) {
		log := func(kind string) string { return filepath.Join(w.dir, "logs", kind+".log") }
		servers := ""
		for _, kind := range []string{"missing", "unreadable", "long", "binary", "rotated", "escapes"} {
			write(t, log(kind), "", 0o644)
			servers += w.server(freeAddress(t), kind+".example", log(kind))
		}
		cmd := w.nginx(t, "logs", servers)
		must(t, os.Remove(log("missing")))
		must(t, os.Remove(log("unreadable")))
		must(t, os.Mkdir(log("unreadable"), 0o700))
		line := func(path, agent string) string {
			return fmt.Sprintf("192.0.2.7 - - [%s] \"GET %s HTTP/1.1\" 200 512 \"-\" \"%s\" 0.010\n", time.Now().Format("02/Jan/2006:15:04:05 -0700"), path, agent)
		}
		put := func(kind, text string) {
			f, err := os.OpenFile(log(kind), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			must(t, err)
			_, err = f.WriteString(text)
			must(t, err)
			must(t, f.Close())
		}
		const each = 5
		a := w.ask(t, how{during: func() {
			tail := 2 * time.Second // the recorder has opened the logs by then: it is far longer than it needs
			time.Sleep(tail)
			for range each {
				put("long", line("/"+strings.Repeat("a", 1<<20), "x")+line("/after", "x"))
				put("binary", "\x00\x01\xff\xfe\x7fELF\n"+line("/\xff\xfe", "\x00")+line("/after", "x"))
				put("escapes", line("/", "\x1b]0;owned\x07\x1b[2J\u202e"))
				put("rotated", line("/", "x"))
			}
			must(t, os.Rename(log("rotated"), log("rotated")+".1"))
			must(t, cmd.Process.Signal(syscall.SIGUSR1))
			mysqltest.Eventually(t, 5*time.Second, "nginx has opened its logs anew", func() bool { return exists(log("rotated")) })
			for range each {
				put("rotated", line("/", "x"))
			}
		}})
		a.wants(t, "healthy", "traffic/log-not-a-file: unreadable.log")
		if strings.Contains(a.text, "\x07") || strings.ContainsRune(a.text, '\u202e') {
			t.Error("the report holds what steers a terminal")
		}
		got := map[string]int64{}
		for _, f := range recording.All[evidence.Traffic](records(t, a.tape)) {
			if !f.FromHist {
				got[f.Site] += f.Requests
			}
		}
		for site, want := range map[string]int64{"rotated.example": 2 * each, "escapes.example": each, "long.example": 2 * each, "binary.example": 2 * each} {
			if got[site] < want {
				t.Errorf("%s: %d requests were counted, want %d", site, got[site], want)
			}
		}
		if t.Failed() {
			t.Log(got)
		}
	})
	t.Run("log-missing", func(t *testing.T) {
		log := filepath.Join(w.dir, "gone.log")
		config := filepath.Join(w.dir, "gone.toml")
		write(t, config, fmt.Sprintf("[[log]]\npath = %q\n", log), 0o644)
		a := w.ask(t, how{config: config})
		a.wants(t, "healthy", "traffic/log-missing: "+log)
	})
}

func roundCron(t *testing.T, w *world) {
	t.Run("cron-broken", func(t *testing.T) {
		w.db.Exec(t, `UPDATE site.wp_options SET option_value='a:3:{i:17;a:1:{s:9999:"' WHERE option_name='cron'`)
		defer w.db.Exec(t, "UPDATE site.wp_options SET option_value='"+goodCron+"' WHERE option_name='cron'")
		a := w.ask(t, how{})
		a.wants(t, "healthy", "wordpress/cron-broken: cron")
		if a.blind("database") || !records(t, a.tape).Has("site") {
			t.Error("the rest is not seen, either")
		}
	})
}

func roundNoWordPress(t *testing.T, w *world) {
	t.Run("no-wordpress", func(t *testing.T) {
		away := filepath.Join(w.dir, "wp-config.away")
		must(t, os.Rename(w.wpConfig(), away))
		defer func() { must(t, os.Rename(away, w.wpConfig())) }()
		a := w.ask(t, how{})
		a.wants(t, "healthy", "wordpress/no-wordpress: configuration")
		if rec := records(t, a.tape); !rec.Has("db-status") || !rec.Has("probe") {
			t.Error("the rest is not seen, either")
		}
	})
}

// roundFull takes all connections: those of everybody, and the one that is kept
// for an administrator.
func roundFull(t *testing.T, w *world) {
	t.Run("connections-exhausted", func(t *testing.T) {
		w.db.Exec(t, "SET GLOBAL max_connections=10")
		var held []*sql.Conn
		for range 20 {
			conn, err := w.db.DB(t, "").Conn(context.Background())
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		defer func() {
			_, err := held[0].ExecContext(t.Context(), "SET GLOBAL max_connections=150")
			for _, c := range held {
				_ = c.Close()
			}
			must(t, err)
		}()
		a := w.ask(t, how{})
		a.wants(t, "healthy cannot_judge not_proven", "database/too-many-connections: CONNECTION ADMIN")
	})
}

func roundRestart(t *testing.T, w *world) {
	t.Run("database-restarted", func(t *testing.T) {
		a := w.ask(t, how{during: func() {
			time.Sleep(1500 * time.Millisecond) // in the middle of the recording
			w.db.Kill()
			w.db.Run(t)
		}})
		a.wants(t, "healthy likely proven not_proven")
		if a.blind("database") {
			t.Errorf("the database is back, but not seen: %+v", a.said.Unseen)
		}
		rec := records(t, a.tape)
		restarted := false
		for _, s := range recording.All[evidence.DBStatus](rec) {
			restarted = restarted || s.Restarted
		}
		if !restarted {
			t.Error("the restart is not on the tape")
		}
	})
}

func roundDown(t *testing.T, w *world) {
	t.Run("database-down", func(t *testing.T) {
		w.db.Kill()
		write(t, w.noDatabase(), "", 0o644)
		a := w.ask(t, how{})
		a.wants(t, "likely proven not_proven", "database/database-down: start")
		if strings.Contains(a.text, "PROCESS") {
			t.Errorf("a database that is down lacks no right:\n%s", a.text)
		}
		if len(a.said.Causes) > 0 && a.said.Causes[0].ID != "service-stopped" {
			t.Errorf("got the cause %s", a.said.Causes[0].ID)
		}
		out, exit := w.run(t, how{}, io.Discard, "doctor")
		for _, words := range []string{"although a site needs one", "shop.example: gets an error (status 500)", "cannot see running statements"} {
			if !strings.Contains(string(out), words) || exit != exitFound {
				t.Errorf("the doctor does not say %q, exit code %d:\n%s", words, exit, out)
			}
		}
		if strings.Contains(string(out), "PROCESS") {
			t.Errorf("the doctor asks for a right that is not missing:\n%s", out)
		}
	})
}
