package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"
)

func (s *Stack) startFPM(ctx context.Context) error {
	found, _ := filepath.Glob("/usr/sbin/php-fpm*")
	if len(found) == 0 {
		return errors.New("no /usr/sbin/php-fpm*")
	}
	if err := s.ownLog("php-error.log", "www-data"); err != nil {
		return err
	}
	p, err := s.start("php-fpm", []string{found[len(found)-1], "--nodaemonize", "--fpm-config", filepath.Join(s.Dir, "conf", "php-fpm.conf")})
	if err != nil {
		return err
	}
	return until(ctx, p, func(ctx context.Context) error { return dial(ctx, "unix", s.FPMSocket) })
}

// startWeb starts the web server: the configuration is the whole of it, nothing of the host's own is read.
func (s *Stack) startWeb(ctx context.Context) error {
	name, argv := "apache2", []string{"/usr/sbin/apache2", "-d", s.Dir, "-f", filepath.Join(s.Dir, "conf", "apache2.conf"), "-DFOREGROUND"}
	if s.cfg.Web == Nginx {
		name, argv = "nginx", []string{"/usr/sbin/nginx", "-p", s.Dir, "-c", filepath.Join(s.Dir, "conf", "nginx.conf"), "-g", "daemon off;"}
	}
	p, err := s.start(name, argv)
	if err != nil {
		return err
	}
	return until(ctx, p, func(ctx context.Context) error { return dial(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", s.Port)) })
}

func dial(ctx context.Context, network, address string) error {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	return c.Close()
}

// firstPage fetches one post: a site without its theme answers 200 with nothing in it.
func (s *Stack) firstPage(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	status, body, err := get(ctx, s.URL+"/"+PostSlug(1)+"/")
	if err != nil {
		return err
	}
	if status != http.StatusOK || len(body) < 2000 {
		return fmt.Errorf("the first page is %d with %d bytes\n%s", status, len(body), tail(filepath.Join(s.LogDir(), "php-error.log"), 1500))
	}
	return nil
}

func get(ctx context.Context, url string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	return answer(req)
}

func answer(req *http.Request) (int, []byte, error) {
	req.Header.Set("User-Agent", "hirune-lab")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	return resp.StatusCode, body, err
}

// ownLog makes a log that its daemon, no longer root, can append to.
func (s *Stack) ownLog(name, owner string) error {
	path := filepath.Join(s.LogDir(), name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	return errors.Join(f.Close(), chownTo(path, owner))
}

func chownTo(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("look %s up: %w", name, err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("read the numbers of %s: %w", name, err)
	}
	return os.Chown(path, uid, gid)
}
