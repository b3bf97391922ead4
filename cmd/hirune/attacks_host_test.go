package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/report"
)

// TestAttacksOnAHost asks a whole small world of its own: nginx with a log that
// was rotated, a WordPress with its database.
func TestAttacksOnAHost(t *testing.T) {
	if os.Getenv(aloneEnv) == "" {
		inOwnWorld(t)
		return
	}
	must(t, ownWorld())
	w := newWorld(t)
	state := filepath.Join(w.dir, "state")
	now := time.Now()
	guess := func(b *strings.Builder, from string, at time.Time) {
		fmt.Fprintf(b, "%s - - [%s] \"POST /wp-login.php HTTP/1.1\" 200 5880 \"-\" \"Mozilla/5.0 (X11)\" 0.250\n", from, at.Format("02/Jan/2006:15:04:05 -0700"))
	}
	var last, young, old strings.Builder
	for i := range 300 {
		guess(&last, "203.0.113.7", now.Add(-time.Duration(300-i)*8*time.Second))
		guess(&young, "203.0.113.7", now.Add(-30*time.Hour+time.Duration(i)*8*time.Second))
		guess(&old, "203.0.113.7", now.Add(-60*time.Hour+time.Duration(i)*8*time.Second))
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte(old.String()))
	must(t, err)
	must(t, z.Close())
	write(t, w.log+".1", young.String(), 0o644)
	write(t, w.log+".2.gz", zipped.String(), 0o644)
	f, err := os.OpenFile(w.log, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(last.String() + "no request\n")
	must(t, err)
	must(t, f.Close())

	t.Run("found and kept", func(t *testing.T) {
		d, text, exit := w.attacks(t, state, "attacks", "--json")
		if exit == exitUnclear || len(d.Attacks) != 1 || d.Attacks[0].ID != "wp-login-brute-force" || d.Attacks[0].Attempts != 900 || d.Costs != "log" || d.Files {
			t.Errorf("exit %d, got %s", exit, text)
		}
		if len(d.Logs) != 3 || !slices.ContainsFunc(d.Logs, func(l report.LogView) bool { return l.Path == w.log && l.Rejected == 1 }) {
			t.Errorf("got the logs %+v", d.Logs)
		}
		if n := len(d.Proposals); n != 1 || !slices.Equal(d.Proposals[0].Prefixes, []string{"203.0.113.7/32"}) || d.Proposals[0].Layer != "firewall" {
			t.Errorf("got the proposals %+v", d.Proposals)
		}
		kept := filepath.Join(state, attacksName)
		fi, err := os.Stat(kept)
		must(t, err)
		saved, err := os.ReadFile(kept)
		must(t, err)
		var s report.AttacksDocument
		if fi.Mode().Perm() != 0o600 || json.Unmarshal(saved, &s) != nil || len(s.Attacks) != 1 {
			t.Errorf("kept with mode %v: %s", fi.Mode(), saved)
		}
	})
	t.Run("since", func(t *testing.T) {
		d, text, _ := w.attacks(t, state, "attacks", "--json", "--since", "35h")
		if len(d.Attacks) != 1 || d.Attacks[0].Attempts != 600 {
			t.Errorf("got %s", text)
		}
	})
	t.Run("break-in is looked for on the site", func(t *testing.T) {
		out, _ := w.attacksText(t, state, "attacks", "--verbose")
		if strings.Contains(out, "only the log was") || !strings.Contains(out, "203.0.113.7") {
			t.Errorf("got\n%s", out)
		}
	})
	t.Run("nobody's rights", func(t *testing.T) {
		cmd := w.command(how{nobody: true}, "attacks", "--json")
		out, _ := cmd.Output() // its exit code is that of a finding
		var d report.AttacksDocument
		if err := json.Unmarshal(out, &d); err != nil && cmd.ProcessState.ExitCode() != exitUnclear {
			t.Errorf("exit %d: %v\n%s", cmd.ProcessState.ExitCode(), err, out)
		}
	})
	t.Run("behind a proxy", func(t *testing.T) {
		log := filepath.Join(w.dir, "proxied.log")
		w.nginx(t, "proxied", strings.Replace(w.server(freeAddress(t), "two.example", log), "}", "set_real_ip_from 192.0.2.0/24; real_ip_header X-Forwarded-For; }", 1))
		d, text, _ := w.attacks(t, state, "attacks", "--json")
		if len(d.Proposals) != 1 || d.Proposals[0].Layer != "web-server" {
			t.Errorf("got %s", text)
		}
	})
}

// attacks runs the verb and reads its JSON.
func (w *world) attacks(t *testing.T, state string, args ...string) (report.AttacksDocument, string, int) {
	t.Helper()
	out, exit := w.attacksText(t, state, args...)
	var d report.AttacksDocument
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("exit %d: %v\n%s", exit, err, out)
	}
	return d, out, exit
}

func (w *world) attacksText(t *testing.T, state string, args ...string) (string, int) {
	t.Helper()
	cmd := w.command(how{}, args...)
	cmd.Env = append(cmd.Env, "STATE_DIRECTORY="+state)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	err := cmd.Run()
	if exit := cmd.ProcessState.ExitCode(); exit == exitUnclear || exit < 0 {
		t.Fatalf("%v: %v\n%s%s", args, err, out.String(), words.String())
	}
	if strings.Contains(out.String()+words.String(), "sitepw") {
		t.Errorf("it told a password")
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
