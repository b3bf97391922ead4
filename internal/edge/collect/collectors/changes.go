package collectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/tail"
	"hirune/internal/edge/wordpress"
)

const (
	// changesBack is how far back is told at the start what changed: what broke a
	// site was seldom changed longer ago, and an owner still remembers it.
	changesBack  = 14 * 24 * time.Hour
	configsMost  = 400     // configuration files that are looked at
	packagesPast = 4 << 20 // bytes of a package manager's log, read at the start
)

// Changes tells what of the sites and of the server was changed, and when: plugins,
// themes and WordPress itself by the times of their files, packages by the log of
// their manager, configuration files by their times. At the start it tells what
// changed in the last days, each change at its own time.
type Changes struct {
	Root string // prefix of /etc and /var/log

	found   func() discover.Found
	sites   map[string]*changedSite // by the path of wp-config.php
	configs map[string]configFile   // by path; nil until the first look
	logs    []*packageLog
	looked  time.Time
}

// changedSite is what is kept of one site from look to look.
type changedSite struct {
	site    wordpress.Site
	parts   wordpress.Parts
	known   map[string]wordpress.Part // nil until the first look
	configs configFile
}

// packageLog is the log of a package manager that is followed.
type packageLog struct {
	tail *tail.Tailer
	how  string
	read func(line string, loc *time.Location, now time.Time) (time.Time, evidence.Change, bool)
	past []string // earlier parts, read once
	told bool
}

// NewChanges returns the collector of what changes in what found names.
func NewChanges(found func() discover.Found) *Changes {
	return &Changes{found: found, sites: map[string]*changedSite{}}
}

// Name implements collect.Collector.
func (*Changes) Name() string { return "changes" }

// Blinds implements collect.Blinder.
func (*Changes) Blinds() string {
	return "what was changed: plugins, packages, configuration"
}

// Collect implements collect.Collector. What cannot be read of one site does not
// keep the others from being looked at.
func (c *Changes) Collect(ctx context.Context, b *collect.Beat) error {
	last := c.looked
	c.looked = b.Now
	f := c.found()
	var errs []error
	for _, r := range f.Roots {
		if r.WPConfig == "" || ctx.Err() != nil {
			continue
		}
		s := c.sites[r.WPConfig]
		if s == nil {
			s = &changedSite{}
			c.sites[r.WPConfig] = s
		}
		errs = append(errs, s.look(ctx, b, r, last))
	}
	c.configFiles(b, f, last)
	c.packages(b)
	return errors.Join(errs...)
}

// Close lets the logs go.
func (c *Changes) Close() error {
	var errs []error
	for _, l := range c.logs {
		errs = append(errs, l.tail.Close())
	}
	return errors.Join(errs...)
}

// look compares the parts of a site with those of the look before.
func (s *changedSite) look(ctx context.Context, b *collect.Beat, r discover.Root, last time.Time) error {
	// The configuration says where plugins are; to read it again costs more than to look at it.
	if now := stamped(r.WPConfig); s.site.Name == "" || now != s.configs {
		s.configs = now
		s.site, _ = wordpress.ReadSite(r.Dir, r.WPConfig, r.Host) // what it cannot read, the collector of sites tells
	}
	parts, err := s.parts.Look(ctx, s.site)
	if ctx.Err() != nil {
		return nil // half a look says nothing
	}
	known := s.known
	s.known = parts
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		p := parts[key]
		change := evidence.Change{What: p.What, Name: p.Name, Site: s.site.Name, To: p.Version, Verb: "updated", How: "mtime"}
		old, was := known[key]
		switch {
		case known == nil:
			if recent(p.Written, b.Now) {
				b.EmitAt(p.Written, change)
			}
			continue
		case !was:
			change.Verb = "installed"
		case old.Sum == p.Sum:
			continue
		case old.Version == p.Version:
			change.Verb = "edited"
		default:
			change.From = old.Version
		}
		b.EmitAt(between(p.Changed, last, b.Now), change)
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if _, is := parts[key]; !is && err == nil {
			p := known[key]
			b.Emit(evidence.Change{What: p.What, Name: p.Name, Site: s.site.Name, From: p.Version, Verb: "removed", How: "mtime"})
		}
	}
	return err
}

// between is when a file came to be as it is, where that lies between two looks;
// else it is not known better than by the later one.
func between(at, last, now time.Time) time.Time {
	if at.Before(last.Add(-time.Second)) || at.After(now) {
		return now
	}
	return at
}

func recent(at, now time.Time) bool { return !at.After(now) && now.Sub(at) < changesBack }

// configFile is what shows that a configuration file was changed.
type configFile struct {
	written, changed int64 // ns; 0: it is not there
	size             int64
}

func stamped(path string) configFile {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() {
		return configFile{}
	}
	f := configFile{written: fi.ModTime().UnixNano(), size: fi.Size()}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		f.changed = int64(st.Ctim.Sec)*1e9 + int64(st.Ctim.Nsec)
	}
	return f
}

// configFiles compares the configuration files with those of the look before.
func (c *Changes) configFiles(b *collect.Beat, f discover.Found, last time.Time) {
	known := c.configs
	c.configs = map[string]configFile{}
	for _, o := range ownedConfigs(c.Root, f) {
		if _, twice := c.configs[o.path]; twice || len(c.configs) >= configsMost || strings.HasPrefix(filepath.Base(o.path), "hirune") {
			continue
		}
		now := stamped(o.path)
		c.configs[o.path] = now
		change := evidence.Change{What: evidence.ChangeConfig, Name: o.path, Site: o.site, Verb: "edited", How: "mtime", Service: o.service}
		old, was := known[o.path]
		switch {
		case known == nil || !was:
			if at := time.Unix(0, now.written); now.written != 0 && recent(at, b.Now) {
				b.EmitAt(at, change)
			}
		case now.written == old.written && now.size == old.size:
		case now.written == 0:
			change.Verb = "removed"
			b.Emit(change)
		default:
			b.EmitAt(between(time.Unix(0, now.changed), last, b.Now), change)
		}
	}
}

// packages tells what the package managers wrote since the last look.
func (c *Changes) packages(b *collect.Beat) {
	if c.logs == nil {
		c.logs = packageLogs(c.Root)
	}
	for _, l := range c.logs {
		line := func(line []byte) {
			if at, change, ok := l.read(string(line), time.Local, b.Now); ok && recent(at, b.Now) {
				change.How = l.how
				b.EmitAt(at, change)
			}
		}
		if !l.told {
			for _, p := range l.past {
				_ = eachLineOf(p, line) // it may well not exist
			}
			if _, err := l.tail.Open(); err != nil {
				continue // no such package manager here, or nothing was ever installed
			}
			l.told = true
			_ = l.tail.Before(packagesPast, line)
		}
		_, _ = l.tail.Read(errorBytes, line) // a log that cannot be read now is read at the next look
	}
}

// eachLineOf reads the end of a log that nobody writes to any more.
func eachLineOf(path string, do func([]byte)) error {
	t := tail.New(path)
	if _, err := t.Open(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	defer func() { _ = t.Close() }()
	return t.Before(packagesPast, do)
}
