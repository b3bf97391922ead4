// Package stack brings a real WordPress site up to be broken: MariaDB, Apache (event, proxy_fcgi over a socket) or nginx, PHP-FPM and WordPress,
// all from Debian's packages, without systemd, on free loopback ports, with everything they write in one directory.
//
// Several stacks run side by side. Each daemon leads a process group of its own; Down stops them by PID within a bound, and a state file in the
// directory lets Clean stop what a killed lab left behind.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Stack is one running site. Its exported fields are facts for reading.
type Stack struct {
	Dir        string // everything the site writes is below it
	URL        string // http://127.0.0.1:PORT, without a slash at the end
	Port       int
	DBPort     int
	DBSocket   string
	FPMSocket  string
	DBUser     string // the site's own account
	DBPassword string
	DBName     string
	SeededAt   time.Time // when the cached data was made; rows and old log lines end there

	cfg     Config
	data    cacheEntry
	reserve []net.Listener
	procs   []*process
	state   state
}

// Up brings a site up and returns once it answers a page. On any failure, and when ctx ends meanwhile, it stops what it has
// started and removes the directory. progress gets words for the person who waits.
func Up(ctx context.Context, cfg Config, progress io.Writer) (*Stack, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := Missing(); err != nil {
		return nil, err
	}
	data, err := cachedData(ctx, cfg, progress)
	if err != nil {
		return nil, fmt.Errorf("seed the site: %w", err)
	}
	return up(ctx, cfg, data)
}

func up(ctx context.Context, cfg Config, data cacheEntry) (s *Stack, err error) {
	s, err = newStack(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.data = data
	began := false
	defer func() {
		if err != nil || !began {
			err = errors.Join(err, s.Down())
			s = nil
		}
	}()
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"mount small file systems", func(context.Context) error { return s.mountSmall() }},
		{"copy WordPress", s.copyWordPress},
		{"lay the data directory", func(ctx context.Context) error { return s.layData(ctx, data) }},
		{"write the configuration", func(context.Context) error { return s.writeConfig() }},
		{"start MariaDB", s.startMariaDB},
		{"set the site's database account", s.setAccount},
		{"start PHP-FPM", s.startFPM},
		{"prepare WordPress", func(ctx context.Context) error { return s.prepareSite(ctx, data) }},
		{"add what the scenario adds", s.addExtras},
		{"write the old access logs", func(context.Context) error { return s.writeOldLogs(data, time.Now()) }},
		{"start the web server", s.startWeb},
		{"wait for the first page", s.firstPage},
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return s, fmt.Errorf("%s: %w", step.what, err)
		}
		if err := step.do(ctx); err != nil {
			return s, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	began = true
	return s, nil
}

func newStack(ctx context.Context, cfg Config) (*Stack, error) {
	if err := os.MkdirAll(cfg.BaseDir, 0o755); err != nil {
		return nil, fmt.Errorf("make the base directory: %w", err)
	}
	dir, err := os.MkdirTemp(cfg.BaseDir, dirPrefix)
	if err != nil {
		return nil, fmt.Errorf("make the stack's directory: %w", err)
	}
	s := &Stack{Dir: dir, cfg: cfg, DBUser: "wp_site", DBName: "wordpress", DBPassword: secret()}
	s.DBSocket = filepath.Join(dir, "run", "mariadb.sock")
	s.FPMSocket = filepath.Join(dir, "run", "php-fpm.sock")
	err = errors.Join(os.Chmod(dir, 0o755), s.makeDirs(), s.takePorts(ctx), s.openState())
	if err != nil {
		return nil, errors.Join(err, s.Down())
	}
	s.URL = fmt.Sprintf("http://127.0.0.1:%d", s.Port)
	return s, nil
}

func (s *Stack) makeDirs() error {
	for _, name := range []string{"run", "log", "tmp", "conf", "conf-enabled", "sites-enabled"} {
		if err := os.Mkdir(filepath.Join(s.Dir, name), 0o755); err != nil {
			return fmt.Errorf("make the stack's directory: %w", err)
		}
	}
	for _, name := range []string{"run", "tmp"} {
		if err := os.Chmod(filepath.Join(s.Dir, name), 0o1777); err != nil {
			return fmt.Errorf("open the stack's directory: %w", err)
		}
	}
	return nil
}

// Down stops every daemon that Up started, latest first, and removes the directory unless Config.Keep is set. It does not
// take a context: it must also run after one was cancelled, and all its waits are bounded.
func (s *Stack) Down() error {
	var errs []error
	for _, p := range slices.Backward(s.procs) {
		errs = append(errs, p.stop(stopGrace))
	}
	s.procs = nil
	for _, l := range s.reserve {
		errs = append(errs, l.Close())
	}
	s.reserve = nil
	errs = append(errs, s.unmountSmall())
	if s.cfg.Keep {
		errs = append(errs, s.closeState())
	} else {
		errs = append(errs, os.RemoveAll(s.Dir))
	}
	return errors.Join(errs...)
}

// LogDir is where the daemons write their logs.
func (s *Stack) LogDir() string { return filepath.Join(s.Dir, "log") }

// Docroot is the site's document root.
func (s *Stack) Docroot() string { return filepath.Join(s.Dir, "www") }

// Table is the full name of the plugin's table.
func (s *Stack) Table() string { return s.cfg.Prefix + s.cfg.Plugin.Table }
