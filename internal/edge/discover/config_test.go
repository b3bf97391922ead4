package discover

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hirune/internal/core/hint"
)

func TestConfigTellsAllFaultsAtOnce(t *testing.T) {
	_, err := ParseConfig(`[[database]]
sokcet = "/run/x.sock"
user = "u"

[[log]]
path = "relative.log"

[[site]]
root = "/srv/www"
url = "not an address"

[[pool]]
listen = "9000"
max_children = -1

[ignored]
web = []
`)
	if err == nil {
		t.Fatal("want errors")
	}
	for _, want := range []string{
		`line 2: unknown key "database.sokcet" (did you mean "socket"?)`,
		"line 1: [[database]] needs either socket or address",
		"line 5: [[log]] needs path, an absolute path",
		`line 8: url "not an address" is not an address`,
		"line 12: [[pool]] needs listen",
		"line 12: max_children must not be negative",
		`line 16: unknown key "ignored" (did you mean "ignore"?)`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestConfigFile(t *testing.T) {
	if c, err := LoadConfig(filepath.Join(t.TempDir(), "none.toml")); err != nil || len(c.Databases) != 0 {
		t.Errorf("no file: got %+v, %v", c, err)
	}
	file := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(file, []byte("a = = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadConfig(file)
	if err == nil || !strings.Contains(err.Error(), "line 1") || hint.Of(err) == "" {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
}

func TestOverrideWins(t *testing.T) {
	c, err := ParseConfig(`
[[database]]
socket = "/opt/bitnami/mariadb/tmp/mysql.sock"
user = "hirune"
password_file = "/etc/hirune/pw"
[[database]]
address = "10.0.0.5:3306"
[[log]]
path = "/opt/bitnami/apache/logs/access_log"
format = "%h %D"
[[site]]
root = "/opt/bitnami/wordpress"
url = "https://example.com/"
[[pool]]
listen = "/opt/bitnami/php/var/run/www.sock"
status_path = "/st"
[ignore]
sites = ["/opt/bitnami/apache/htdocs"]
`)
	if err != nil {
		t.Fatal(err)
	}
	f, err := (&Finder{Root: "testdata/bitnami-debian-12", Override: c}).Find(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Databases) != 2 || f.Databases[0].User != "hirune" || f.Databases[0].PID != 720 || f.Databases[1].Address != "10.0.0.5:3306" {
		t.Errorf("databases: got %+v", f.Databases)
	}
	if l := f.WebServers[0].AccessLogs; len(l) != 1 || l[0].Format != "%h %D" {
		t.Errorf("logs: got %+v", l)
	}
	if len(f.Roots) != 1 || f.Roots[0].URL != "https://example.com/" || f.Roots[0].WPConfig == "" {
		t.Errorf("roots: got %+v", f.Roots)
	}
	if p := f.Pools[0]; p.StatusPath != "/st" || p.MaxChildren != 10 {
		t.Errorf("pool: got %+v", p)
	}
}

// TestWithoutRights copies a fixture so that open files and a log may not be
// read: discovery goes on by the configuration and says what it could not see.
func TestWithoutRights(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.CopyFS(dir, os.DirFS("testdata/bitnami-debian-12")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"proc/720/fd", "proc/700/fd", "opt/bitnami/mariadb/conf/bitnami/memory.conf"} {
		if err := os.Chmod(filepath.Join(dir, p), 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, p), 0o755) })
	}
	found := asNobody(t, dir)
	if len(found.Databases) != 1 || found.Databases[0].Socket != "/opt/bitnami/mariadb/tmp/mysql.sock" || found.Databases[0].Address != "127.0.0.1:3306" {
		t.Errorf("got %+v", found.Databases)
	}
	if len(found.WebServers) != 1 || found.WebServers[0].Instance != "httpd:80" {
		t.Errorf("got %+v", found.WebServers)
	}
	hints := 0
	for _, n := range found.Notes {
		if n.Hint == "run it with sudo" {
			hints++
		}
	}
	if hints != 3 {
		t.Errorf("got %d notes that ask for sudo, want 3: %+v", hints, found.Notes)
	}
}

// asNobody finds without root's rights.
func asNobody(t *testing.T, dir string) Found {
	t.Helper()
	if os.Getuid() == 0 {
		for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		runtime.LockOSThread() // the identity is the thread's
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Setfsuid(0) }()
	}
	f, err := (&Finder{Root: dir}).Find(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStale(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.CopyFS(dir, os.DirFS("testdata/rhel-9")); err != nil {
		t.Fatal(err)
	}
	f := &Finder{Root: dir}
	found, err := f.Find(context.Background(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if c := f.Stale(found); c.Any() {
		t.Fatalf("nothing changed: got %+v", c)
	}
	if err := os.RemoveAll(filepath.Join(dir, "proc/810")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "proc/899"), os.DirFS("testdata/rhel-9/proc/810")); err != nil {
		t.Fatal(err)
	}
	if c := f.Stale(found); len(c.Gone) != 1 || c.Gone[0] != 810 || len(c.Fresh) != 1 || c.Fresh[0] != 899 {
		t.Errorf("got %+v", c)
	}
}
