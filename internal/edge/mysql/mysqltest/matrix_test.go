package mysqltest

import (
	"os"
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

func TestAServerThatIsDeclaredAbsentIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HIRUNE_TEST_SERVERS", dir)
	fs := known()
	if len(fs) != 3 || fs[1].missing() == "" || fs[2].missing() == "" {
		t.Fatalf("got %+v, want two of them missing", fs)
	}
	if got := fs[2].declared(); got != "" {
		t.Errorf("got %q, nothing was declared", got)
	}
	if err := os.MkdirAll(fs[2].Root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(fs[2].Root, "absent"), []byte("no network\nmore\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := fs[2].declared(); got != "no network" {
		t.Errorf("got %q, want the first line of the marker", got)
	}
	if got := Debian.declared(); got != "" {
		t.Errorf("got %q: this machine's own server cannot be declared absent", got)
	}
}
