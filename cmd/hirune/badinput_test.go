package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/edge/mysql/mysqltest"
)

// The program in a small world of its own, in which one thing after the other
// is broken: a MariaDB, an nginx and a WordPress of which only what hirune reads
// exists. Each case records for a few seconds and then asks the tape.

const aloneEnv = "HIRUNE_TEST_ALONE"

func TestBadInput(t *testing.T) {
	if os.Getenv(aloneEnv) == "" {
		inOwnWorld(t)
		return
	}
	if err := ownWorld(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	for _, round := range []func(*testing.T, *world){roundRights, roundLogs, roundCron, roundNoWordPress, roundFull, roundRestart, roundDown} {
		round(t, w)
	}
}

// inOwnWorld runs this test again in namespaces of its own: it then sees no
// other process, and the kernel ends its daemons with it.
func inOwnWorld(t *testing.T) {
	for _, bin := range []string{"mariadbd", "nginx"} {
		if _, err := exec.LookPath(bin); err != nil {
			lacks(t, bin+" is not installed: make setup")
		}
	}
	if os.Geteuid() != 0 {
		lacks(t, "this needs root")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), aloneEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	} else if !bytes.Contains(out, []byte("--- PASS: "+t.Name()+"/")) {
		t.Errorf("no case was run:\n%s", out)
	}
}

func lacks(t *testing.T, what string) {
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func ownWorld() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// world is what is there to be broken.
type world struct {
	dir    string // everybody may write here
	hirune string
	db     *mysqltest.Server
	site   string // host:port
	log    string
}

func newWorld(t *testing.T) *world {
	dir, err := os.MkdirTemp("", "hirune-bad-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o777))
	w := &world{dir: dir, hirune: filepath.Join(dir, "bin", "hirune"), site: freeAddress(t), log: filepath.Join(dir, "access.log")}
	must(t, os.Mkdir(filepath.Dir(w.hirune), 0o755))
	copyFile(t, "/proc/self/exe", w.hirune, 0o755)
	w.db = mysqltest.Start(t, "--extra-port=0")
	must(t, os.Chmod(w.db.Dir, 0o711))
	w.db.AuditLog(t, 50)
	w.db.Exec(t, "CREATE TABLE site.wp_options (option_id INT AUTO_INCREMENT PRIMARY KEY, option_name VARCHAR(191) UNIQUE, option_value LONGTEXT, autoload VARCHAR(20))",
		`INSERT INTO site.wp_options (option_name, option_value) VALUES ('active_plugins','a:0:{}'), ('home','http://`+w.site+`'), ('timezone_string','UTC'), ('gmt_offset','0')`,
		"INSERT INTO site.wp_options (option_name, option_value) VALUES ('cron','"+goodCron+"')",
		"CREATE USER wp@localhost IDENTIFIED BY 'sitepw'", "GRANT ALL ON site.* TO wp@localhost")
	w.wordpress(t)
	w.nginx(t, "front", strings.Replace(w.server(w.site, "shop.example", w.log), "}", "if (-e "+w.noDatabase()+") { return 500; } }", 1))
	w.visit(t)
	return w
}

const goodCron = `a:2:{i:1900000000;a:1:{s:10:"wp_nightly";a:1:{s:32:"40cd750bba9870f18aada2478b24840a";a:3:{s:8:"schedule";s:5:"daily";s:4:"args";a:0:{}s:8:"interval";i:86400;}}}s:7:"version";i:2;}`

func (w *world) www() string      { return filepath.Join(w.dir, "www") }
func (w *world) wpConfig() string { return filepath.Join(w.www(), "wp-config.php") }

// noDatabase is a file that makes the site answer as WordPress does without its
// database.
func (w *world) noDatabase() string { return filepath.Join(w.dir, "no-database") }

func (w *world) wordpress(t *testing.T) {
	write(t, filepath.Join(w.www(), "index.html"), "<h1>shop</h1>", 0o644)
	write(t, filepath.Join(w.www(), "wp-includes", "version.php"), "<?php $wp_version = '6.1.1';", 0o644)
	must(t, os.MkdirAll(filepath.Join(w.www(), "wp-content", "plugins"), 0o755))
	write(t, w.wpConfig(), fmt.Sprintf("<?php\ndefine('DB_NAME','site');\ndefine('DB_USER','wp');\ndefine('DB_PASSWORD','sitepw');\ndefine('DB_HOST','localhost:%s');\n$table_prefix = 'wp_';\n", w.db.Socket), 0o600)
}

func (w *world) server(listen, name, log string) string {
	return fmt.Sprintf("server { listen %s; server_name %s; root %s; access_log %s timed; }\n", listen, name, w.www(), log)
}

// nginx starts one that ends with the test.
func (w *world) nginx(t *testing.T, name, servers string) *exec.Cmd {
	dir := filepath.Join(w.dir, name)
	conf := filepath.Join(dir, "nginx.conf")
	write(t, conf, fmt.Sprintf(`user root; daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 64; }
http {
  log_format timed '$remote_addr - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time';
  client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  access_log off;
  %[2]s
}
`, dir, servers), 0o644)
	cmd := exec.Command("nginx", "-c", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	t.Cleanup(func() { // in order, so that no worker is left
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	mysqltest.Eventually(t, 10*time.Second, "nginx has started", func() bool { return exists(filepath.Join(dir, "pid")) })
	return cmd
}

// visit asks for pages until the test ends, with a hostile user agent.
func (w *world) visit(t *testing.T) {
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { end(); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(150 * time.Millisecond)
		defer tick.Stop()
		for {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.site+"/index.html", nil)
			if err != nil {
				return
			}
			req.Host = "shop.example"
			req.Header.Set("User-Agent", "Mozilla/5.0")
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
}

// answer is what the program said of a case.
type answer struct {
	exit  int
	text  string
	words string // stderr of record and diagnose
	tape  string
	said  struct {
		Status string
		Causes []struct{ ID string }
		Unseen []struct{ Source, Code, What, Hint string }
		Notes  []struct{ ID string }
	}
}

// how a case is recorded. The zero value is as root, with nothing named.
type how struct {
	nobody bool
	config string
	during func()
}

// ask records for a few seconds and returns what diagnose says of the tape.
func (w *world) ask(t *testing.T, h how) answer {
	t.Helper()
	a := answer{tape: filepath.Join(w.dir, strings.ReplaceAll(t.Name(), "/", "-")+".hirune")}
	args := []string{"record", "--for", "6s", "--tape", a.tape}
	if h.config != "" {
		args = append(args, "--config", h.config)
	}
	rec := w.command(h, args...)
	var words bytes.Buffer
	rec.Stderr = &words
	must(t, rec.Start())
	if h.during != nil {
		h.during()
	}
	if err := rec.Wait(); err != nil {
		t.Errorf("record: %v\n%s", err, words.String())
	}
	out, _ := w.run(t, h, &words, "diagnose", "--json", "--tape", a.tape)
	if err := json.Unmarshal(out, &a.said); err != nil {
		t.Fatalf("diagnose --json: %v\n%s%s", err, out, words.String())
	}
	out, a.exit = w.run(t, h, &words, "diagnose", "--tape", a.tape)
	a.text, a.words = string(out), words.String()
	for _, s := range []string{a.text, a.words} {
		if strings.Contains(s, "panic") || strings.ContainsRune(s, '\x1b') || strings.Contains(s, "sitepw") || strings.Contains(s, "wr0ng") {
			t.Errorf("it said what it must not:\n%s", s)
		}
	}
	return a
}

func (w *world) command(h how, args ...string) *exec.Cmd {
	cmd := exec.Command(w.hirune, args...)
	cmd.Env = []string{"HOME=" + w.dir, "XDG_STATE_HOME=" + w.dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if h.nobody {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	return cmd
}

func (w *world) run(t *testing.T, h how, words io.Writer, args ...string) ([]byte, int) {
	t.Helper()
	cmd := w.command(h, args...)
	cmd.Stderr = words
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out, cmd.ProcessState.ExitCode()
}

// wants checks an answer: its status is one of those, and each of unseen,
// "source/code: words of the hint", is among what it could not see.
func (a answer) wants(t *testing.T, statuses string, unseen ...string) {
	t.Helper()
	if !slices.Contains(strings.Fields(statuses), a.said.Status) {
		t.Errorf("got status %s, want one of %s", a.said.Status, statuses)
	}
	if a.exit != exitOf(a.said.Status) {
		t.Errorf("got exit code %d with status %s", a.exit, a.said.Status)
	}
	for _, want := range unseen {
		head, words, _ := strings.Cut(want, ": ")
		found := false
		for _, u := range a.said.Unseen {
			found = found || u.Source+"/"+u.Code == head && strings.Contains(u.Hint+u.What, words) && u.What != ""
		}
		if !found {
			t.Errorf("it does not say that it could not see %s", want)
		}
	}
	if len(unseen) > 0 && !strings.Contains(a.text, "Not seen") {
		t.Error("the report does not name what was not seen")
	}
	if t.Failed() {
		t.Logf("%+v\n%s\n%s", a.said, a.text, a.words)
	}
}

// blind reports whether something of the source could not be seen.
func (a answer) blind(source string) bool {
	for _, u := range a.said.Unseen {
		if u.Source == source {
			return true
		}
	}
	return false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), mode))
	must(t, os.Chmod(path, mode))
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, b, mode))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}
