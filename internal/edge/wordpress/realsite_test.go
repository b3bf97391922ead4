package wordpress

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// realSite is Debian's WordPress on a database of its own, answered by PHP's own
// web server.
type realSite struct {
	Site
	url    string
	server *mysqltest.Server
	conf   string
}

const debianWordPress = "/usr/share/wordpress"

// startSite installs WordPress and serves it until the test ends. A visitor's
// address is that of the header X-Test-From, as behind a proxy.
func startSite(t *testing.T) *realSite {
	t.Helper()
	php, err := exec.LookPath("php")
	if _, no := os.Stat(debianWordPress + "/wp-load.php"); err != nil || no != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("PHP or WordPress is missing: apt-get install php-cli php-mysql wordpress")
		}
		t.Skip("PHP or WordPress is not installed")
	}
	r := &realSite{server: mysqltest.Start(t)}
	dir := filepath.Join(t.TempDir(), "www")
	if out, err := exec.CommandContext(t.Context(), "cp", "-rL", debianWordPress, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.server.Exec(t, "CREATE DATABASE site")
	r.conf = put(t, filepath.Join(dir, "wp-config.php"), fmt.Sprintf(`<?php
define('DB_NAME', 'site'); define('DB_USER', 'root'); define('DB_PASSWORD', ''); define('DB_HOST', 'localhost:%s');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('WP_ENVIRONMENT_TYPE', 'local'); define('DISABLE_WP_CRON', true);
if (isset($_SERVER['HTTP_X_TEST_FROM'])) $_SERVER['REMOTE_ADDR'] = $_SERVER['HTTP_X_TEST_FROM'];
$table_prefix = 'shop_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';`, r.server.Socket))
	r.Site.Dir = dir
	r.serve(t, php)
	r.run(t, `define('WP_INSTALLING', true); function wp_new_blog_notification() {} require "$root/wp-load.php";
		require_once ABSPATH . 'wp-admin/includes/upgrade.php'; wp_install('Shop', 'owner', 'owner@example.test', true, '', 'right');
		update_option('siteurl', '`+r.url+`'); update_option('home', '`+r.url+`');`)
	r.Site, err = ReadSite(dir, r.conf, "shop.example")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *realSite) serve(t *testing.T, php string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + l.Addr().String()
	l.Close()
	cmd := exec.Command(php, "-S", strings.TrimPrefix(r.url, "http://"), "-t", r.Dir)
	cmd.Env = append(os.Environ(), "PHP_CLI_SERVER_WORKERS=2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its workers, too
		_ = cmd.Wait()
	})
	mysqltest.Eventually(t, 20*time.Second, "PHP serves", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// run runs PHP that has loaded nothing yet, or, without "wp-load", inside of WordPress.
func (r *realSite) run(t *testing.T, code string) string {
	t.Helper()
	head := `<?php $root = $argv[1]; $_SERVER['HTTP_HOST'] = '127.0.0.1'; $_SERVER['REQUEST_URI'] = '/'; $_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1'; `
	if !strings.Contains(code, "wp-load") {
		head += `require "$root/wp-load.php"; `
	}
	file := put(t, filepath.Join(t.TempDir(), "run.php"), head+code)
	out, err := exec.CommandContext(t.Context(), "php", "-d", "error_reporting=E_ERROR", file, r.Dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// visitor asks from an address; it keeps cookies.
type visitor struct {
	t    *testing.T
	from string
	http.Client
}

func (r *realSite) visitor(t *testing.T, from string) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, from, http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v *visitor) do(req *http.Request) (int, string) {
	v.t.Helper()
	req.Header.Set("X-Test-From", v.from)
	req.Header.Set("User-Agent", "Test/1.0 (seen)")
	res, err := v.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// logIn answers whether the password was right.
func (r *realSite) logIn(v *visitor, user, password string) bool {
	v.t.Helper()
	form := url.Values{"log": {user}, "pwd": {password}, "wp-submit": {"Log In"}, "testcookie": {"1"}}
	req, _ := http.NewRequestWithContext(v.t.Context(), "POST", r.url+"/wp-login.php", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "wordpress_test_cookie", Value: "WP Cookie check"})
	status, body := v.do(req)
	if status != 200 && status != 302 {
		v.t.Fatalf("log-in: status %d: %.300s", status, body)
	}
	return status == 302
}

// hand is a connection that can only read, as the command opens it.
func (r *realSite) hand(t *testing.T) *mysql.Hand {
	t.Helper()
	h, err := mysql.OpenHand(t.Context(), mysql.Target{Socket: r.server.Socket}, []mysql.Credential{{User: "root", From: "test"}}, 20*time.Second, "SET SESSION TRANSACTION READ ONLY")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// noted remembers the statements, so that a test can hold them to bounds.
type noted struct {
	db    Rows
	texts []string
	args  [][]any
}

func (n *noted) Named(ctx context.Context, text string, args ...any) ([]map[string]string, error) {
	n.texts, n.args = append(n.texts, text), append(n.args, args)
	return n.db.Named(ctx, text, args...)
}

func atoi(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }
