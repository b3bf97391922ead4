package wordpress

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

func put(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "db.php"), `<?php define('DB_NAME', 'from_required'); define("DB_PASSWORD", 'p\'w"\\');`)
	path := put(t, filepath.Join(dir, "wp-config.php"), `junk <?php
/* define('DB_NAME', 'in a comment'); */ // define('DB_NAME', 'x');
# define('DB_NAME', 'y');
require_once __DIR__ . '/db.php';
require_once ABSPATH . 'wp-settings.php';
if (!defined('DB_NAME')) define( 'DB_NAME', 'default' );
define ("DB_USER", "wp");
define('DB_HOST', getenv('HOST'));
define('WP_HOME', 'http://' . $_SERVER['HTTP_HOST']);
define('DISABLE_WP_CRON', true); const MULTISITE = TRUE;
$table_prefix  = 'shop_';
$text = <<<EOT
define('DB_USER', 'in a heredoc');
EOT;
?> define('DB_USER', 'outside');`)
	c, err := ReadConfig(path, "shop.example")
	if err != nil {
		t.Fatal(err)
	}
	if c.DBName != "from_required" || c.User != "wp" || c.Password != `p'w"\` || c.Prefix != "shop_" || !c.NoCron || !c.Multisite || c.Home != "" {
		t.Errorf("got %s user %q prefix %q cron %v multi %v home %q", c.DBName, c.User, c.Prefix, c.NoCron, c.Multisite, c.Home)
	}
	if !slices.Equal(c.Unread, []string{"DB_HOST", "WP_HOME"}) {
		t.Errorf("unread: got %v", c.Unread)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(text, `p'w`) {
		t.Errorf("the password is printed: %s", text)
	}
}

func TestDebiansConfig(t *testing.T) {
	c, err := ReadConfig("testdata/debian-12-wordpress-6.1.9/wp-config.php", "nowhere.example")
	if err != nil || c.DBName != "wordpress" || c.Prefix != "wp_" || c.Content != "/var/lib/wordpress/wp-content" {
		t.Errorf("got %s, content %q, %v", c, c.Content, err)
	}
	c, err = ReadConfig("testdata/debian-12-wordpress-6.1.9/wp-config-sample.php", "")
	if err != nil || c.DBName != "database_name_here" || c.Prefix != "wp_" {
		t.Errorf("got %s, %v", c, err)
	}
}

func TestBadConfig(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop.php")
	for path, code := range map[string]string{
		filepath.Join(dir, "missing.php"): "wp-config-unreadable", dir: "wp-config-unreadable",
		put(t, filepath.Join(dir, "empty.php"), ""):                                          "wp-config-unclear",
		put(t, filepath.Join(dir, "bin.php"), "<?php \x00\xff define('DB_NAME', \x01"):       "wp-config-unclear",
		put(t, filepath.Join(dir, "concat.php"), "<?php define('DB_NAME', 'a' . 'b');"):      "wp-config-unclear",
		put(t, loop, "<?php require 'loop.php'; require('/dev/zero.php'); include 'x.php';"): "wp-config-unclear",
	} {
		if _, err := ReadConfig(path, ""); hint.CodeOf(err) != code || !errors.Is(err, evidence.ErrAbsent) {
			t.Errorf("%s: got %v (%s), want %s", path, err, hint.CodeOf(err), code)
		}
	}
}

func TestDBHost(t *testing.T) {
	for in, want := range map[string]string{
		"localhost": " 0 ", "127.0.0.1": "127.0.0.1 0 ", "db:3307": "db 3307 ", "localhost:3307": "localhost 3307 ", "localhost:/run/my.sock": " 0 /run/my.sock",
		":/tmp/s": " 0 /tmp/s", "[::1]:3306": "::1 3306 ", "::1": "::1 0 ", "p:db": "db 0 ", "": " 0 ", "db:x": "db:x 0 ",
	} {
		h, p, s := dbHost(in)
		if got := fmt.Sprintf("%s %d %s", h, p, s); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCronEvents(t *testing.T) {
	got, total, err := CronEvents(read(t, "php-8.2-cron.txt"))
	if err != nil || total != 4 || len(got) != 4 {
		t.Fatalf("got %d of %d, %v", len(got), total, err)
	}
	want := []evidence.CronEvent{
		{Hook: "wp_version_check", NextUnixS: 1795351800, Schedule: "twicedaily", IntervalS: 43200},
		{Hook: "action_scheduler_run_queue", NextUnixS: 1795351860, Schedule: "every_minute", IntervalS: 60},
		{Hook: "aiowps_clean_old_events", NextUnixS: 1795361400, Schedule: "daily", IntervalS: 86400},
		{Hook: "publish_future_post", NextUnixS: 1795351700},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestUnserialize(t *testing.T) {
	v, err := Unserialize(read(t, "php-8.2-object.txt"))
	if err != nil {
		t.Fatal(err)
	}
	a := v.(Array)
	if o, ok := a.Get("0").(Array); !ok || o.Get("a") != int64(1) || o.Get("\x00*\x00b") != "ü" || a.Get("1") != nil || a.Get("k") != int64(-3) {
		t.Errorf("got %#v", a)
	}
	for _, s := range []string{
		"", "x", "i:1", "i:;", "s:5:\"ab\";", "s:-1:\"\";", "s:99999999999:\"\";", "a:1:{}", "a:999999999:{i:0;i:0;}", "a:1:{a:0:{}i:1;}", "b:1", "O:1:\"X\"i:1;", "i:99999999999999999999;",
		strings.Repeat("a:1:{i:0;", 100) + "i:1;" + strings.Repeat("}", 100), `C:1:"X":0:{}`, `s:3:"abc"x`,
	} {
		if v, err := Unserialize(s); !errors.Is(err, ErrSerialized) {
			t.Errorf("%.40q: got %v, %v", s, v, err)
		}
	}
	for _, broken := range []string{"", "b:0;", "a:1:{i:1;s:3:\"abc", "s:1:\"x\";"} {
		if _, _, err := CronEvents(broken); !errors.Is(err, ErrSerialized) {
			t.Errorf("the schedule %q: got %v", broken, err)
		}
	}
}

// securityPlugin names its table by a constant, in another file than its hook,
// as the plugin of the well-known audit log does.
func contentDir(t testing.TB) string {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "plugins/secure-all/secure-all.php"), "<?php\n/*\n * Plugin Name: Secure All\n * Version: 5.2.1\n */\ndefine('SA_TBL_AUDIT', $wpdb->base_prefix . 'sa_audit');\nwp_schedule_event(time(), 'daily', 'sa_clean_old');\n")
	put(t, filepath.Join(dir, "plugins/secure-all/classes/events.php"), "<?php class E { function i() { add_action('sa_clean_old', array($this, 'purge')); }\nfunction purge() { global $wpdb; $wpdb->query(\"DELETE FROM \" . SA_TBL_AUDIT . \" WHERE created < 1\"); } }")
	put(t, filepath.Join(dir, "plugins/secure-all/install.php"), `<?php $sql = "CREATE TABLE {$wpdb->prefix}sa_audit (id int)"; $x = "CREATE TABLE {$wpdb->prefix}hits (id int)";`)
	put(t, filepath.Join(dir, "plugins/cleaner/cleaner.php"), `<?php $known = array('sa_audit', 'wp_other'); $w = $wpdb->prefix . 'sa_audit';`)
	put(t, filepath.Join(dir, "mu-plugins/lab-log.php"), "<?php\n// Version: 1\nadd_action( 'lab_purge', function() { global $wpdb; $wpdb->query(\"DELETE FROM {$wpdb->prefix}lab_rows WHERE t < 5\"); } );")
	put(t, filepath.Join(dir, "plugins/broken/broken.php"), "<?php \x00\xff add_action('half")
	return dir
}

func scanned(t testing.TB, dir string) *Sources {
	t.Helper()
	s := &Sources{}
	if complete, err := s.Scan(context.Background(), dir, 1<<20); err != nil || !complete {
		t.Fatalf("complete %v, %v", complete, err)
	}
	return s
}

func TestOwners(t *testing.T) {
	s := scanned(t, contentDir(t))
	got := s.Owners("shop", "wp_", []string{"wp_posts", "wp_sa_audit", "wp_2_sa_audit", "wp_hits", "wp_lab_rows", "wp_wsal_occurrences", "wp_nobodys", "else_x"})
	want := []evidence.Owner{
		{Site: "shop", Table: "wp_sa_audit", Plugin: "secure-all", How: "source", Version: "5.2.1"},
		{Site: "shop", Table: "wp_2_sa_audit", Plugin: "secure-all", How: "source", Version: "5.2.1"},
		{Site: "shop", Table: "wp_hits", Plugin: "secure-all", How: "source", Version: "5.2.1"},
		{Site: "shop", Table: "wp_lab_rows", Plugin: "lab-log", How: "source", Version: "1"},
		{Site: "shop", Table: "wp_wsal_occurrences", Plugin: "wp-security-audit-log", How: "prefix"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for hook, want := range map[string]string{"sa_clean_old": "secure-all source", "wp_version_check": "core source", "action_scheduler_run_queue": "woocommerce prefix", "nothing": " "} {
		if p, how := s.HookOwner(hook); p+" "+how != want {
			t.Errorf("%s: got %s %s, want %s", hook, p, how, want)
		}
	}
}

func TestHookTables(t *testing.T) {
	s := scanned(t, contentDir(t))
	got := s.HookTables("shop", "wp_", []string{"wp_posts", "wp_sa_audit", "wp_lab_rows", "wp_hits"}, []string{"sa_clean_old", "lab_purge", "wp_version_check"})
	want := []evidence.HookTable{
		{Site: "shop", Hook: "lab_purge", Table: "wp_lab_rows", Plugin: "lab-log", File: "lab-log.php"},
		{Site: "shop", Hook: "sa_clean_old", Table: "wp_sa_audit", Plugin: "secure-all", File: "secure-all.php"},
	}
	if len(got) != 2 || got[0] != want[0] || got[1].Hook != want[1].Hook || got[1].Table != want[1].Table || got[1].Plugin != want[1].Plugin {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestScanStaysInsideAndGoesOn(t *testing.T) {
	dir, outside := contentDir(t), t.TempDir()
	put(t, filepath.Join(outside, "secret.php"), `<?php add_action('outside_hook', 'x');`)
	if err := os.Symlink(outside, filepath.Join(dir, "plugins/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret.php"), filepath.Join(dir, "plugins/link.php")); err != nil {
		t.Fatal(err)
	}
	s := &Sources{}
	calls := 1
	for ; calls < 100; calls++ {
		if complete, err := s.Scan(context.Background(), dir, 1); err != nil {
			t.Fatal(err)
		} else if complete {
			break
		}
	}
	if calls < 3 || calls == 100 {
		t.Errorf("complete after %d scans of a file each", calls)
	}
	if p, _ := s.HookOwner("outside_hook"); p != "" {
		t.Errorf("a link led out of the site, to %s", p)
	}
	if err := os.RemoveAll(filepath.Join(dir, "plugins/secure-all")); err != nil {
		t.Fatal(err)
	}
	_, _ = s.Scan(context.Background(), dir, 1<<20)
	if p, _ := s.HookOwner("sa_clean_old"); p != "" {
		t.Errorf("a deleted plugin still owns its hook: %s", p)
	}
	if _, err := s.Scan(context.Background(), filepath.Join(dir, "nowhere"), 1); err == nil {
		t.Error("a missing directory was scanned")
	}
}

func TestReadSite(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "wp-includes/version.php"), read(t, "debian-12-wordpress-6.1.9/version.php"))
	cfg := put(t, filepath.Join(dir, "wp-config.php"), "<?php define('DB_NAME','a');")
	s, err := ReadSite(dir, cfg, "")
	if err != nil || s.Version != "6.1.9" || s.Name != dir || s.Content() != filepath.Join(dir, "wp-content") {
		t.Errorf("got %+v, %v", s, err)
	}
}

func FuzzUnserialize(f *testing.F) {
	f.Add(read(f, "php-8.2-cron.txt"))
	f.Add(read(f, "php-8.2-object.txt"))
	f.Fuzz(func(t *testing.T, s string) {
		_, _ = Unserialize(s)
		_, _, _ = CronEvents(s)
		_, _ = ActivePlugins(s)
	})
}

func FuzzSource(f *testing.F) {
	f.Add([]byte(read(f, "debian-12-wordpress-6.1.9/wp-config.php")))
	f.Add([]byte("<?php wp_schedule_event(time(), 'daily', 'x_y'); define('A_B', $wpdb->prefix . 'a_b'); $s = \"{$wpdb->prefix}c_d\"; <<<X\nX;"))
	f.Fuzz(func(t *testing.T, src []byte) {
		r := configReader{values: map[string]value{}, left: 0}
		r.parse(src, "/nowhere")
		_ = r.config("x")
		(&source{}).read(src)
	})
}

func BenchmarkScan(b *testing.B) {
	if _, err := os.Stat("/usr/share/wordpress/wp-includes"); err != nil {
		b.Skip("WordPress is not installed")
	}
	dir := b.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "plugins"), os.DirFS("/usr/share/wordpress/wp-includes")); err != nil {
		b.Fatal(err)
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			_, _ = (&Sources{}).Scan(context.Background(), dir, 1<<30)
		}
	})
	b.Run("again", func(b *testing.B) {
		s := &Sources{}
		_, _ = s.Scan(context.Background(), dir, 1<<30)
		for b.Loop() {
			_, _ = s.Scan(context.Background(), dir, 1<<30)
		}
		b.ReportMetric(float64(len(s.files)), "files")
	})
}
