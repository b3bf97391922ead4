package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Expand replaces {dir}, {docroot}, {logs}, {socket}, {url}, {port}, {db}, {prefix}, {table} and its {column} in a text by what they are here.
func (s *Stack) Expand(text string) string {
	return strings.NewReplacer("{dir}", s.Dir, "{docroot}", s.Docroot(), "{logs}", s.LogDir(), "{socket}", s.DBSocket, "{url}", s.URL, "{port}", strconv.Itoa(s.Port),
		"{db}", s.DBName, "{prefix}", s.cfg.Prefix, "{table}", s.Table(), "{column}", s.cfg.Plugin.Column).Replace(text)
}

// mountSmall mounts the configured file systems. Only root in a mount namespace of its own (package alone) should ask for them.
func (s *Stack) mountSmall() error {
	for _, m := range s.cfg.Mounts {
		at := filepath.Join(s.Dir, m.At)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return fmt.Errorf("make a mount point: %w", err)
		}
		var st unix.Stat_t
		if err := unix.Stat(at, &st); err != nil {
			return fmt.Errorf("look at a mount point: %w", err)
		}
		mode := st.Mode & 0o7777
		if m.Open {
			mode = 0o1777
		}
		options := fmt.Sprintf("size=%s,mode=%o,uid=%d,gid=%d", m.Size, mode, st.Uid, st.Gid)
		if m.Inodes > 0 {
			options += ",nr_inodes=" + strconv.Itoa(m.Inodes)
		}
		if err := unix.Mount("hirune-lab", at, "tmpfs", 0, options); err != nil {
			return fmt.Errorf("mount a small file system at %s: %w", m.At, err)
		}
	}
	return nil
}

func (s *Stack) unmountSmall() error {
	var errs []error
	for _, m := range s.cfg.Mounts {
		if err := unix.Unmount(filepath.Join(s.Dir, m.At), unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("unmount %s: %w", m.At, err))
		}
	}
	return errors.Join(errs...)
}

// addExtras runs the configuration's SQL and writes its files.
func (s *Stack) addExtras(ctx context.Context) error {
	if s.cfg.SQL != "" {
		if _, err := s.SQL(ctx, "USE "+s.DBName+";\n"+s.Expand(s.cfg.SQL)); err != nil {
			return err
		}
	}
	for _, f := range s.cfg.Files {
		if err := s.WriteFile(f.Path, f.Text); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes a file below the document root, as a plugin's update does: the whole of it at once.
func (s *Stack) WriteFile(name, text string) error {
	path := filepath.Join(s.Docroot(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the directory of %s: %w", name, err)
	}
	if err := os.WriteFile(path+".new", []byte(s.Expand(text)), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(path+".new", path)
}

// Names of the daemons for PID and Restart.
const (
	DaemonDatabase = "mariadb"
	DaemonPHP      = "php-fpm"
	DaemonWeb      = "web"
)

// PID is the process of a daemon; 0 if it does not run.
func (s *Stack) PID(daemon string) int {
	if p := s.daemon(daemon); p != nil && p.alive() {
		return p.cmd.Process.Pid
	}
	return 0
}

func (s *Stack) daemon(name string) *process {
	for _, p := range s.procs {
		if p.name == name || name == DaemonWeb && (p.name == "apache2" || p.name == "nginx") {
			return p
		}
	}
	return nil
}

// Restart ends a daemon in order, if it still runs, and starts it again.
func (s *Stack) Restart(ctx context.Context, daemon string) error {
	start := map[string]func(context.Context) error{DaemonDatabase: s.startMariaDB, DaemonPHP: s.startFPM, DaemonWeb: s.startWeb}[daemon]
	if start == nil {
		return fmt.Errorf("restart %q: no such daemon", daemon)
	}
	if p := s.daemon(daemon); p != nil {
		if err := p.stop(stopGrace); err != nil {
			return err
		}
		s.forget(p)
	}
	return start(ctx)
}

func (s *Stack) forget(gone *process) {
	for i, p := range s.procs {
		if p == gone {
			s.procs = append(s.procs[:i:i], s.procs[i+1:]...)
			return
		}
	}
}
