package webserver

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

func TestStoreKeepsWhatAFileIsLike(t *testing.T) {
	dir := real(t.TempDir())
	p := filepath.Join(dir, "a.conf")
	if err := os.WriteFile(p, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(p, 12, 34); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".a.conf.hirune"), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, before, err := load(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := store(p, "new", before); err != nil {
		t.Fatal(err)
	}
	text, after, err := load(p)
	if err != nil || text != "new" || after.mode != 0o640 || after.uid != before.uid || after.gid != before.gid || string(after.label) != string(before.label) {
		t.Errorf("got %q %+v, %v, want it like %+v", text, after, err, before)
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("got %v, want no file left over", all)
	}
	if l := like(filepath.Join(dir, "new.conf")); l.mode != 0o640 || l.uid != os.Geteuid() {
		t.Errorf("a new file beside it: got %+v", l)
	}
}

func TestStoreRefusesOddPlaces(t *testing.T) {
	dir := real(t.TempDir())
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	mk := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	mk(os.Symlink(target, filepath.Join(dir, "link")))
	mk(os.Symlink(dir, filepath.Join(dir, "dirlink")))
	mk(os.Link(target, filepath.Join(dir, "hard")))
	mk(os.Mkdir(filepath.Join(dir, "open"), 0o777))
	mk(os.Chmod(filepath.Join(dir, "open"), 0o777))
	mk(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	for _, name := range []string{"link", "hard", "pipe", "open"} {
		if _, _, err := load(filepath.Join(dir, name)); err == nil {
			t.Errorf("load %s: got no error", name)
		}
	}
	for _, name := range []string{"dirlink/x", "open/x", "none/x"} {
		if err := store(filepath.Join(dir, name), "x", look{mode: 0o644}); err == nil {
			t.Errorf("store %s: got no error", name)
		}
	}
	// A link in the place of our file is replaced, not followed.
	mk(store(filepath.Join(dir, "link"), "x", look{mode: 0o644, uid: os.Geteuid(), gid: os.Getegid()}))
	if b, _ := os.ReadFile(target); string(b) != "precious" {
		t.Errorf("the link's target: got %q", b)
	}
	if _, err := os.Lstat(filepath.Join(dir, "open", "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was left in a directory that anybody may write to")
	}
}

func TestDoRefusesALinkInTheWay(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := r2(t, evidence.ServiceNginx)
	step := r.plan(remedy.Wishes{})
	if err := os.Symlink("/etc/hostname", step.Path); err != nil {
		t.Fatal(err)
	}
	before := r.tree()
	h := &hand{t: t}
	if err := h.do(step); err == nil {
		t.Error("got no error")
	}
	if r.tree() != before {
		t.Error("something was written")
	}
	r.open()
}

func TestStopsCleanly(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := r2(t, evidence.ServiceNginx)
	before := r.tree()
	for _, stage := range []string{"noted", "written", "reloaded"} {
		step := r.plan(remedy.Wishes{})
		ctx, cancel := context.WithCancel(context.Background())
		h := &hand{t: t}
		h.doer.pass = func(after string) error {
			if after == stage {
				cancel()
			}
			return nil
		}
		if err := h.doer.Do(ctx, step, h.work()); !errors.Is(err, apply.ErrStopped) || errors.Is(err, apply.ErrUnknownOutcome) {
			t.Errorf("%s: got %v, want a clean stop", stage, err)
		}
		cancel()
		if r.tree() != before {
			t.Errorf("%s: the configuration is not as before", stage)
		}
		r.open()
	}
}

func TestSaysWhoHasClosedIt(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	for _, c := range []struct {
		name, rule, php string
		closed, byPHP   bool
		problem         string
	}{
		{"open", "", "", false, false, ""},
		{"by the server", "location = /xmlrpc.php { deny all; }", "", true, false, ""},
		{"by hanging up", "location = /xmlrpc.php { return 444; }", "", true, false, ""},
		{"by a plugin", "", `<?php http_response_code(403); header("X-Powered-By: PHP/8"); echo "Forbidden";`, false, true, ""},
		{"a redirect", "location = /xmlrpc.php { return 301 https://site.example/; }", "", false, false, "could be proven"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, evidence.ServiceNginx)
			if c.php != "" {
				r.write("www/xmlrpc.php", c.php)
			}
			r.php()
			block := serverBlock
			if c.rule != "" {
				block = strings.Replace(block, "location = /xmlrpc.php { include {dir}/ngx/fpm.conf; }", c.rule, 1)
			}
			r.nginx(block)
			web, err := Survey(context.Background(), r.in)
			if err != nil || web.Closed != c.closed || web.ByPHP != c.byPHP || !strings.Contains(web.Problem, c.problem) || c.problem == "" && web.Problem != "" {
				t.Errorf("got %+v, %v", web, err)
			}
		})
	}
}

func TestSurveySaysWhatItCannotSee(t *testing.T) {
	if _, err := Survey(context.Background(), In{Server: "caddy"}); !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("got %v", err)
	}
	if _, err := Survey(context.Background(), In{Server: evidence.ServiceNginx, PID: 1 << 30}); !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("got %v", err)
	}
	if _, err := Survey(context.Background(), In{Server: evidence.ServiceNginx, PID: os.Getpid(), Config: "/nowhere/nginx.conf"}); !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("got %v", err)
	}
}
