package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// cacheEntry is one seeded data directory, cleanly shut down, not to be changed.
type cacheEntry struct {
	Dir      string    `json:"-"`
	SeededAt time.Time `json:"seeded_at"`
}

// key names a data directory by everything that made it. The day is a part: ages of rows count from it.
func (c Config) key(now time.Time) (string, error) {
	tools, err := files.ReadFile("files/tool.php")
	if err != nil {
		return "", err
	}
	plugin, err := files.ReadFile("files/plugin.php.tmpl")
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{c.Prefix, c.Plugin, c.Seed, c.Engine["innodb_page_size"], tools, plugin, 3})
	if err != nil {
		return "", fmt.Errorf("name the seeded data: %w", err)
	}
	sum := sha256.Sum256(text)
	return now.Format("2006-01-02") + "-" + hex.EncodeToString(sum[:8]), nil
}

// cachedData returns the seeded data directory for a configuration and makes it first if need be. One lab at a time makes one;
// those of earlier days are removed.
func cachedData(ctx context.Context, cfg Config, progress io.Writer) (cacheEntry, error) {
	if err := os.MkdirAll(cfg.CacheDir, 0o755); err != nil {
		return cacheEntry{}, fmt.Errorf("make the cache: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cfg.CacheDir, "lock"))
	if err != nil {
		return cacheEntry{}, err
	}
	defer unlock()
	now := time.Now()
	key, err := cfg.key(now)
	if err != nil {
		return cacheEntry{}, err
	}
	dir := filepath.Join(cfg.CacheDir, key)
	if e, err := readEntry(dir); err == nil {
		return e, nil
	}
	forgetOld(cfg.CacheDir, now)
	fmt.Fprintf(progress, "seed %d rows (kept in %s)\n", cfg.Seed.Rows, dir)
	return makeEntry(ctx, cfg, dir, now)
}

func readEntry(dir string) (cacheEntry, error) {
	e := cacheEntry{Dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

func forgetOld(cacheDir string, now time.Time) {
	today := now.Format("2006-01-02")
	entries, _ := filepath.Glob(filepath.Join(cacheDir, "20??-??-??-*"))
	for _, e := range entries {
		if filepath.Base(e)[:len(today)] < today {
			_ = os.RemoveAll(e) // space only; the next one tries again
		}
	}
}

// makeEntry brings a stack up on relaxed engine settings, installs and seeds it, shuts it down and moves its data away.
func makeEntry(ctx context.Context, cfg Config, dir string, now time.Time) (e cacheEntry, err error) {
	cfg.BufferPool, cfg.Wrap, cfg.Keep, cfg.Web = "1G", nil, false, Apache
	engine := map[string]string{"innodb_flush_log_at_trx_commit": "0", "innodb_doublewrite": "0", "innodb_log_file_size": "512M",
		"innodb_flush_method": "O_DIRECT_NO_FSYNC", "innodb_max_dirty_pages_pct": "99"}
	if v, ok := cfg.Engine["innodb_page_size"]; ok {
		engine["innodb_page_size"] = v
	}
	cfg.Engine = engine
	s, err := newStack(ctx, cfg)
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, s.Down()) }()
	for _, step := range []func(context.Context) error{
		s.copyWordPress, s.installData, func(context.Context) error { return s.writeConfig() }, s.startMariaDB, s.setAccount, s.installSite,
		func(ctx context.Context) error { return s.prepareSite(ctx, e) }, s.startFPM, s.startWeb, s.firstPage,
		func(ctx context.Context) error { return s.seedTable(ctx, now) },
		func(context.Context) error { return s.StopDatabase() },
	} {
		if err := errors.Join(ctx.Err(), step(ctx)); err != nil {
			return e, err
		}
	}
	return keepEntry(ctx, filepath.Join(s.Dir, "mysql"), dir, now)
}

func keepEntry(ctx context.Context, data, dir string, now time.Time) (cacheEntry, error) {
	e := cacheEntry{Dir: dir, SeededAt: now}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return e, fmt.Errorf("make room in the cache: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "mv", data, filepath.Join(dir, "mysql")).CombinedOutput(); err != nil {
		return e, fmt.Errorf("move the data into the cache: %w: %s", err, out)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("describe the cached data: %w", err)
	}
	return e, os.WriteFile(filepath.Join(dir, "meta.json"), text, 0o644)
}

// layData copies the cached data into the stack, and has it on disk before anything is measured.
func (s *Stack) layData(ctx context.Context, e cacheEntry) error {
	to := filepath.Join(s.Dir, "mysql")
	out, err := exec.CommandContext(ctx, "cp", "-aT", "--reflink=auto", filepath.Join(e.Dir, "mysql"), to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return exec.CommandContext(ctx, "sync", "-f", to).Run()
}

// lock takes an exclusive lock on a file, polling so that ctx can end the wait.
func lock(ctx context.Context, path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("wait for %s: %w", path, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
