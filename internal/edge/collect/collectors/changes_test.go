package collectors

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// changesHere is a site with its services below a directory of its own.
func changesHere(t *testing.T) (dir string, c *Changes) {
	t.Helper()
	dir = wpSiteDir(t)
	for path, text := range map[string]string{
		"etc/php/8.2/fpm/pool.d/www.conf": "[www]", "etc/php/8.2/fpm/php.ini": "", "etc/mysql/my.cnf": "[mysqld]", "etc/apache2/apache2.conf": "",
		"etc/apache2/sites-enabled/shop.conf": "", "etc/apache2/conf-enabled/hirune-block.conf": "", "var/log/dpkg.log": "",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, text)
	}
	c = NewChanges(func() discover.Found {
		return discover.Found{
			Roots:      []discover.Root{{Dir: dir, WPConfig: filepath.Join(dir, "wp-config.php"), Host: "shop.example"}},
			Databases:  []discover.Database{{Instance: "mariadbd"}},
			Pools:      []discover.Pool{{Config: dir + "/etc/php/8.2/fpm/pool.d/www.conf"}},
			WebServers: []discover.WebServer{{Service: evidence.ServiceApache, Config: dir + "/etc/apache2/apache2.conf"}},
		}
	})
	c.Root = dir
	t.Cleanup(func() { _ = c.Close() })
	return dir, c
}

// lookAt asks for the changes at a moment of the real clock, which files have.
func lookAt(t *testing.T, c *Changes, at time.Time) []evidence.Record {
	t.Helper()
	var out []evidence.Record
	if err := c.Collect(context.Background(), collect.NewBeat(at, c.Name(), func(r evidence.Record) { out = append(out, r) })); err != nil {
		t.Fatal(err)
	}
	return out
}

func changeText(rs []evidence.Record, dir string) []string {
	var out []string
	for _, c := range factsOf[evidence.Change](rs) {
		out = append(out, strings.Join(strings.Fields(fmt.Sprint(c.What, " ", strings.TrimPrefix(c.Name, dir), " ", c.Verb, " ", c.From, ">", c.To, " ", c.Service)), " "))
	}
	slices.Sort(out)
	return out
}

func TestChangesTellTheLastDaysFirstAndThenWhatIsNew(t *testing.T) {
	dir, c := changesHere(t)
	old := time.Now().Add(-60 * 24 * time.Hour)
	err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, _ error) error { return os.Chtimes(p, old, old) })
	if err != nil {
		t.Fatal(err)
	}
	week := time.Now().Add(-7 * 24 * time.Hour).Truncate(time.Second)
	plugin := filepath.Join(dir, "wp-content/plugins/audit/audit.php")
	if err := os.Chtimes(plugin, week, week); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(dir, "var/log/dpkg.log"), week.Local().Format(time.DateTime)+" upgrade php8.2-fpm:amd64 8.2.7-1 8.2.30-1\n"+
		week.Local().Format(time.DateTime)+" upgrade tzdata:all 1 2\n"+old.Local().Format(time.DateTime)+" install mariadb-server:amd64 <none> 1:10.11\n")

	first := lookAt(t, c, time.Now())
	if got, want := changeText(first, dir), []string{"package php8.2-fpm updated 8.2.7-1>8.2.30-1 php-fpm", "plugin audit updated >2.0"}; !slices.Equal(got, want) {
		t.Fatalf("at the start: got %q, want %q", got, want)
	}
	for _, r := range first {
		if r.At.Sub(week).Abs() > time.Second {
			t.Errorf("%+v: got time %s, want %s", r.Fact, r.At, week)
		}
	}
	if again := lookAt(t, c, time.Now()); len(again) != 0 {
		t.Errorf("nothing changed: got %+v", again)
	}

	for path, text := range map[string]string{
		"wp-content/plugins/audit/audit.php": "<?php\n// Version: 2.1\n", "wp-content/plugins/new.php": "<?php\n// Version: 1\n", "wp-config.php": "<?php define('DB_NAME','wp');",
		"etc/php/8.2/fpm/pool.d/www.conf": "[www]\npm.max_children = 50", "etc/apache2/conf-enabled/hirune-block.conf": "x", ".htaccess": "Deny",
	} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(t, filepath.Join(dir, "var/log/dpkg.log"), time.Now().Local().Format(time.DateTime)+" remove mariadb-server:amd64 1:10.11 <none>\n")
	now := time.Now()
	rs := lookAt(t, c, now)
	want := []string{"config /.htaccess edited > apache", "config /etc/php/8.2/fpm/pool.d/www.conf edited > php-fpm", "config /wp-config.php edited >",
		"package mariadb-server removed 1:10.11> database", "plugin audit updated 2.0>2.1", "plugin new installed >1"}
	if got := changeText(rs, dir); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	for _, r := range rs {
		if d := now.Sub(r.At); d < 0 || d > 5*time.Second {
			t.Errorf("%+v was changed %s ago", r.Fact, d)
		}
	}
	if err := os.Remove(filepath.Join(dir, "wp-content/plugins/new.php")); err != nil {
		t.Fatal(err)
	}
	if got := changeText(lookAt(t, c, time.Now()), dir); !slices.Equal(got, []string{"plugin new removed 1>"}) {
		t.Errorf("got %q, want the plugin gone", got)
	}
}

// An archive that keeps the times of its files is not changed when they say, but when it was unpacked.
func TestAChangeIsToldAtItsTimeWhateverTheFilesSay(t *testing.T) {
	dir, c := changesHere(t)
	lookAt(t, c, time.Now())
	plugin := filepath.Join(dir, "wp-content/plugins/audit/audit.php")
	if err := os.WriteFile(plugin, []byte("<?php\n// Version: 3.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	year := time.Now().AddDate(-1, 0, 0)
	if err := os.Chtimes(plugin, year, year); err != nil {
		t.Fatal(err)
	}
	rs := lookAt(t, c, time.Now())
	if len(rs) != 1 || time.Since(rs[0].At) > 5*time.Second {
		t.Errorf("got %+v, want one change of now", rs)
	}
}

func TestPackageLines(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	show := func(at time.Time, c evidence.Change, ok bool) string {
		return strings.TrimSpace(fmt.Sprint(ok, " ", at.UTC().Format(time.RFC3339), " ", c.Name, " ", c.Verb, " ", c.From, ">", c.To, " ", c.Service))
	}
	for line, want := range map[string]string{
		"2026-11-22 19:29:00 upgrade mariadb-server:amd64 1:10.11.6-0 1:10.11.14-0": "true 2026-11-22T19:29:00Z mariadb-server updated 1:10.11.6-0>1:10.11.14-0 database",
		"2026-11-22 19:29:00 install nginx:all <none> 1.22.1-9":                     "true 2026-11-22T19:29:00Z nginx installed >1.22.1-9 nginx",
		"2026-11-22 19:29:00 status installed nginx:all 1.22.1-9":                   "false 0001-01-01T00:00:00Z   >",
		"2026-11-22 19:29:00 upgrade tzdata:all 1 2":                                "false 0001-01-01T00:00:00Z   >",
		"2026-13-22 19:29:00 upgrade nginx:all 1 2":                                 "false 0001-01-01T00:00:00Z   >",
		"": "false 0001-01-01T00:00:00Z   >",
	} {
		if got := show(dpkgLine(line, time.UTC, now)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
		}
	}
	for line, want := range map[string]string{
		"2026-11-22T19:29:00+0900 SUBDEBUG Upgrade: php-fpm-8.0.30-1.el9.x86_64":  "true 2026-11-22T10:29:00Z php-fpm updated >8.0.30-1.el9 php-fpm",
		"2026-11-22T19:29:00+0000 SUBDEBUG Installed: httpd-2.4.57-5.el9.x86_64":  "true 2026-11-22T19:29:00Z httpd installed >2.4.57-5.el9 apache",
		"2026-11-22T19:29:00+0000 SUBDEBUG Upgraded: php-fpm-8.0.27-1.el9.x86_64": "false 0001-01-01T00:00:00Z   >",
		"2026-11-22T19:29:00+0000 INFO --- logging initialized ---":               "false 0001-01-01T00:00:00Z   >",
	} {
		if got := show(dnfLine(line, time.UTC, now)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
		}
	}
}

func FuzzPackageLines(f *testing.F) {
	f.Add("2026-11-22 19:29:00 upgrade php8.2-fpm:amd64 8.2.7 8.2.30")
	f.Add("2026-11-22T19:29:00+0900 SUBDEBUG Upgrade: php-fpm-8.0.30-1.el9.x86_64")
	f.Fuzz(func(t *testing.T, line string) {
		now := time.Now()
		for _, read := range []func(string, *time.Location, time.Time) (time.Time, evidence.Change, bool){dpkgLine, dnfLine} {
			if at, c, ok := read(line, time.UTC, now); ok && (at.IsZero() || c.Name == "" || c.Service == "" || !plainPackage(c)) {
				t.Errorf("%q: got %s %+v", line, at, c)
			}
		}
	})
}

func TestSwitchedPluginsAreTold(t *testing.T) {
	db := &fakeDB{options: map[string]string{"cron": cronOption, "active_plugins": `a:1:{i:0;s:15:"audit/audit.php";}`}}
	c := newWP(wpSiteDir(t), db)
	if rs, _ := beatOf(t, c, 0); len(factsOf[evidence.Change](rs)) != 0 {
		t.Errorf("got a change at the start: %+v", rs)
	}
	db.options["active_plugins"] = `a:1:{i:0;s:9:"hello.php";}`
	rs, _ := beatOf(t, c, 61)
	got := factsOf[evidence.Change](rs)
	if len(got) != 2 || got[0].Name != "hello" || got[0].Verb != "activated" || got[1].Name != "audit" || got[1].Verb != "deactivated" || got[0].Site != "shop.example" {
		t.Errorf("got %+v, want hello activated, audit deactivated", got)
	}
}
