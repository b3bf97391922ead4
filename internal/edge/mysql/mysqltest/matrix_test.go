package mysqltest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEachServerIsWhatItsNameSays starts every server of the matrix, and ends
// and starts it again: its rows stay.
func TestEachServerIsWhatItsNameSays(t *testing.T) {
	Each(t, func(t *testing.T, s *Server) {
		s.AuditLog(t, 1000)
		var version, dir string
		var rows, last int
		db := s.DB(t, "site")
		if err := db.QueryRow("SELECT VERSION(), @@datadir, COUNT(*), MAX(id) FROM wp_audit_log").Scan(&version, &dir, &rows, &last); err != nil {
			t.Fatal(err)
		}
		name, number, _ := strings.Cut(s.Flavour.Name, "-")
		if !strings.HasPrefix(version, number+".") || strings.Contains(version, "MariaDB") != (name == "mariadb") {
			t.Errorf("got version %s of %s", version, s.Flavour.Name)
		}
		if rows != 1000 || last != 1000 {
			t.Errorf("got %d rows up to %d, want 1000", rows, last)
		}
		if _, err := os.Stat(filepath.Join(dir, "site")); err != nil {
			t.Errorf("its data directory as the server words it is not to be seen from here: %v", err)
		}
		pid := s.PID()
		s.Kill()
		s.Run(t)
		s.Stop()
		s.Run(t)
		if s.PID() == pid {
			t.Error("it was not ended")
		}
		Eventually(t, 10*time.Second, "the rows are there after a kill and a stop", func() bool {
			return db.QueryRow("SELECT COUNT(*) FROM wp_audit_log").Scan(&rows) == nil && rows == 1000
		})
	}, "--max-connections=20")
}

func TestAServerThatIsNotHereSaysWhy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("without root no server can be run at all")
	}
	dir := t.TempDir()
	t.Setenv("HIRUNE_TEST_SERVERS", dir)
	fs := known()
	if len(fs) != 3 {
		t.Fatalf("got %+v, want three", fs)
	}
	f := fs[2]
	if got := f.missing(); !strings.Contains(got, ".ci/servers") {
		t.Errorf("got %q, want what makes it: nothing was declared", got)
	}
	if err := os.MkdirAll(f.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.Root, "absent"), []byte("no network\nmore\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := f.missing(), f.Name+" could not be had: no network"; got != want {
		t.Errorf("got %q, want %q: the first line of the marker", got, want)
	}
	if err := os.MkdirAll(filepath.Dir(f.Root+f.daemon), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Root+f.daemon, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := f.missing(); got != "" {
		t.Errorf("got %q of a server that is there by now", got)
	}
	if got := Debian.declared(); got != "" {
		t.Errorf("got %q: this machine's own server cannot be declared absent", got)
	}
}

// TestEachSkipsByName runs the matrix where it is not, as a test of its own
// process: its skips are what a reader of the whole run sees.
func TestEachSkipsByName(t *testing.T) {
	for _, ci := range []string{"", "true"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEachServerIsWhatItsNameSays$/^m.*(8|7)$", "-test.v")
		cmd.Env = append(os.Environ(), "HIRUNE_TEST_SERVERS="+t.TempDir(), "CI="+ci)
		out, err := cmd.CombinedOutput()
		want := "--- SKIP: TestEachServerIsWhatItsNameSays/mysql-9.7"
		if ci != "" {
			want = "--- FAIL: TestEachServerIsWhatItsNameSays/mysql-9.7"
		}
		if !strings.Contains(string(out), want) || (err != nil) != (ci != "") {
			t.Errorf("CI=%q: %v, want %q in\n%s", ci, err, want, out)
		}
	}
}
