package collectors

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/wordpress"
)

// fakeDB is a site's database.
type fakeDB struct {
	options map[string]string
	tables  []string
	err     error
}

func (f *fakeDB) Option(_ context.Context, schema, prefix, name string) (string, error) {
	if schema != "wp" || prefix != "shop_" {
		return "", fmt.Errorf("asked for %s.%soptions", schema, prefix)
	}
	return f.options[name], f.err
}

func (f *fakeDB) TableNames(context.Context, string, string) ([]string, error) {
	return f.tables, f.err
}

func wpSiteDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range map[string]string{
		"wp-config.php":                      "<?php define('DB_NAME','wp'); define('DISABLE_WP_CRON', true); $table_prefix='shop_';",
		"wp-includes/version.php":            "<?php $wp_version = '6.1.9';",
		"wp-content/plugins/audit/audit.php": "<?php\n// Version: 2.0\nadd_action('audit_purge', 'x'); $t = $wpdb->prefix . 'audit_rows';",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, text)
	}
	return dir
}

func newWP(dir string, db *fakeDB) *WordPress {
	return NewWordPress(func() discover.Found {
		return discover.Found{Roots: []discover.Root{{Dir: dir, WPConfig: filepath.Join(dir, "wp-config.php"), Host: "shop.example", Listen: "127.0.0.1:80"}}}
	}, func(wordpress.Site) wordpress.Querier {
		if db == nil {
			return nil
		}
		return db
	})
}

const cronOption = `a:2:{i:1795361400;a:1:{s:11:"audit_purge";a:1:{s:1:"x";a:3:{s:8:"schedule";s:5:"daily";s:4:"args";a:0:{}s:8:"interval";i:86400;}}}s:7:"version";i:2;}`

func TestWordPress(t *testing.T) {
	db := &fakeDB{tables: []string{"shop_posts", "shop_audit_rows"}, options: map[string]string{
		"cron": cronOption, "active_plugins": `a:1:{i:0;s:15:"audit/audit.php";}`, "home": "https://shop.example", "timezone_string": "Asia/Tokyo",
	}}
	c := newWP(wpSiteDir(t), db)
	rs, err := beatOf(t, c, 0)
	if err != nil {
		t.Fatal(err)
	}
	site := factsOf[evidence.Site](rs)
	if len(site) != 1 || fmt.Sprintf("%+v", site[0].Plugins) != "[audit]" || site[0].Version != "6.1.9" || site[0].UTCOffset != 32400 || site[0].URL != "https://shop.example" || !site[0].NoWPCron || site[0].Prefix != "shop_" {
		t.Errorf("got %+v", site)
	}
	if got := factsOf[evidence.CronEvent](rs); len(got) != 1 || got[0] != (evidence.CronEvent{Site: "shop.example", Hook: "audit_purge", NextUnixS: 1795361400, Schedule: "daily", IntervalS: 86400, Owner: "audit", How: "source"}) {
		t.Errorf("got %+v", got)
	}
	if got := factsOf[evidence.Owner](rs); len(got) != 1 || got[0] != (evidence.Owner{Site: "shop.example", Table: "shop_audit_rows", Plugin: "audit", How: "source", Version: "2.0"}) {
		t.Errorf("got %+v", got)
	}
	if got := factsOf[evidence.HookTable](rs); len(got) != 1 || got[0] != (evidence.HookTable{Site: "shop.example", Hook: "audit_purge", Table: "shop_audit_rows", Plugin: "audit", File: "audit.php"}) {
		t.Errorf("got %+v", got)
	}
	if rs, err = beatOf(t, c, 30); err != nil || len(rs) != 0 {
		t.Errorf("after 30 s: got %+v, %v", rs, err)
	}
	if rs, _ = beatOf(t, c, 60); len(rs) != 1 || len(factsOf[evidence.CronEvent](rs)) != 1 {
		t.Errorf("after a minute: got %+v", rs)
	}
	db.options["cron"] = cronOption[:40]
	rs, _ = beatOf(t, c, 120)
	if got := factsOf[evidence.Unseen](rs); len(got) != 1 || got[0].Code != "cron-broken" || got[0].Hint == "" {
		t.Errorf("broken schedule: got %+v", rs)
	}
	db.options["cron"] = cronOption
	rs, _ = beatOf(t, c, 180)
	if got := factsOf[evidence.Unseen](rs); len(got) != 1 || !got[0].Seen || len(factsOf[evidence.CronEvent](rs)) != 1 {
		t.Errorf("mended schedule: got %+v", rs)
	}
}

func TestWordPressWithoutItsDatabase(t *testing.T) {
	for name, db := range map[string]*fakeDB{"none": nil, "down": {err: hint.Wrap(fmt.Errorf("connect: %w", evidence.ErrAbsent), "db-down", "start it")}} {
		rs, err := beatOf(t, newWP(wpSiteDir(t), db), 0)
		if site := factsOf[evidence.Site](rs); err != nil || len(site) != 1 || site[0].URL != "http://shop.example/" {
			t.Errorf("%s: got %+v, %v", name, site, err)
		}
		if got := factsOf[evidence.Unseen](rs); len(got) != 1 || got[0].Hint == "" || got[0].Code != map[string]string{"none": "no-database", "down": "db-down"}[name] {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestNoWordPress(t *testing.T) {
	c := NewWordPress(func() discover.Found { return discover.Found{Roots: []discover.Root{{Dir: "/srv"}}} }, nil)
	if _, err := beatOf(t, c, 0); !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != "no-wordpress" {
		t.Errorf("got %v", err)
	}
}

func TestACrowdedSchedule(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `i:%d;a:1:{s:4:"hook";a:1:{s:1:"x";a:2:{s:8:"schedule";b:0;s:4:"args";a:0:{}}}}`, 1795361400+i)
	}
	db := &fakeDB{options: map[string]string{"cron": "a:20000:{" + b.String() + "}"}}
	rs, err := beatOf(t, newWP(wpSiteDir(t), db), 0)
	if got := factsOf[evidence.Unseen](rs); err != nil || len(factsOf[evidence.CronEvent](rs)) != cronMost || len(got) != 1 || got[0].Code != "cron-crowded" {
		t.Errorf("got %d events, %+v, %v", len(factsOf[evidence.CronEvent](rs)), got, err)
	}
}

// A database that gives no answer is asked again at the next beat, one that
// refuses at the usual pace.
func TestWordPressAsksASlowDatabaseAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		soon bool
	}{
		"slow":    {mysql.ErrSlow, true},
		"down":    {mysql.ErrDown, true},
		"full":    {mysql.ErrFull, true},
		"refuses": {mysql.ErrDenied, false},
	} {
		t.Run(name, func(t *testing.T) {
			db := &fakeDB{err: hint.Wrap(c.err, "reason", "advice"), tables: []string{"shop_audit_rows"}, options: map[string]string{"cron": cronOption, "active_plugins": `a:1:{i:0;s:15:"audit/audit.php";}`}}
			w := newWP(wpSiteDir(t), db)
			rs, err := beatOf(t, w, 0)
			if err != nil || len(factsOf[evidence.CronEvent](rs)) != 0 {
				t.Fatalf("got %+v, %v", rs, err)
			}
			db.err = nil
			rs, err = beatOf(t, w, 5)
			told := len(factsOf[evidence.CronEvent](rs)) == 1 && len(factsOf[evidence.HookTable](rs)) > 0 && len(factsOf[evidence.Site](rs)) == 1
			if err != nil || told != c.soon {
				t.Errorf("after 5 s: got %+v, %v; told again: %v, want %v", rs, err, told, c.soon)
			}
			if rs, _ = beatOf(t, w, 10); c.soon && len(rs) != 0 {
				t.Errorf("after 10 s: got %+v, want nothing: it has answered", rs)
			}
		})
	}
}
