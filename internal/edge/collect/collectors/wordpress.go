package collectors

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/wordpress"
)

const (
	siteEvery  = 5 * time.Minute
	cronEvery  = time.Minute
	scanEvery  = 30 * time.Minute // look for changed plugin files
	scanBytes  = 2 << 20          // of source in one beat: some 70 ms of CPU
	cronMost   = 60               // events told of one site
	ownersMost = 400
)

// WordPress reads each site's configuration, schedule and plugins: which
// plugin owns which hook and which table.
type WordPress struct {
	found func() discover.Found
	db    func(wordpress.Site) wordpress.Querier
	sites map[string]*wpSite // by the path of wp-config.php
}

// wpSite is what is kept of one site from beat to beat.
type wpSite struct {
	site    wordpress.Site
	sources wordpress.Sources
	tables  []string
	hooks   []string
	siteAt  time.Time
	cronAt  time.Time
	scanAt  time.Time
	scanned bool     // to the end
	said    string   // the code of what cannot be read now
	crowd   bool     // it was said that the schedule is too long to be told
	active  []string // plugins, by directory; nil until they were read

	optionsAt    time.Time
	optionsPause time.Duration
	events       int64 // in the schedule
	optionsLarge bool  // it was said that they are too large to be measured
}

// NewWordPress returns the collector of the sites that found names. db opens
// the way to a site's database; it may return nil where there is none.
func NewWordPress(found func() discover.Found, db func(wordpress.Site) wordpress.Querier) *WordPress {
	return &WordPress{found: found, db: db, sites: map[string]*wpSite{}}
}

// Name implements collect.Collector.
func (w *WordPress) Name() string { return "wordpress" }

// Blinds implements collect.Blinder.
func (*WordPress) Blinds() string {
	return "WordPress' schedule, and which plugin owns which table"
}

// Collect implements collect.Collector. What cannot be read of one site is
// told as evidence.Unseen; the others are read all the same.
func (w *WordPress) Collect(ctx context.Context, b *collect.Beat) error {
	n := 0
	for _, r := range w.found().Roots {
		if r.WPConfig == "" {
			continue
		}
		n++
		if w.sites[r.WPConfig] == nil {
			w.sites[r.WPConfig] = &wpSite{}
		}
		if ctx.Err() == nil {
			w.one(ctx, b, r, w.sites[r.WPConfig])
		}
	}
	if n == 0 {
		return hint.Wrap(fmt.Errorf("look for WordPress: %w: no wp-config.php was found", evidence.ErrAbsent), "no-wordpress",
			"if there is a WordPress here, name its directory in hirune's configuration")
	}
	return nil
}

func (w *WordPress) one(ctx context.Context, b *collect.Beat, r discover.Root, s *wpSite) {
	sites, cron := wpDue(&s.siteAt, b.Now, siteEvery), wpDue(&s.cronAt, b.Now, cronEvery)
	if !sites && !cron && s.scanned {
		return
	}
	var errs []error
	if sites {
		var err error
		s.site, err = wordpress.ReadSite(r.Dir, r.WPConfig, r.Host)
		errs = append(errs, err)
		if s.site.URL == "" {
			s.site.URL = urlOf(r)
		}
	}
	var db wordpress.Querier
	if s.site.Config.DBName != "" && (sites || cron) {
		if db = w.db(s.site); db == nil {
			errs = append(errs, hint.Wrap(fmt.Errorf("ask the database of %s: %w", s.site.Name, evidence.ErrAbsent), "no-database", "let hirune connect to the site's database: hirune doctor"))
		}
	}
	var schedule string
	var unread error
	if cron && db != nil { // first: a starved database answers each question late, and this answer says most
		schedule, unread = db.Option(ctx, s.site.Config.DBName, s.site.Config.Prefix, "cron")
		errs = append(errs, unread)
	}
	if sites {
		errs = append(errs, s.tell(ctx, b, db))
	}
	moved := s.scan(ctx, b)
	if sites || moved {
		s.owners(b)
	}
	if cron && db != nil {
		if unread == nil {
			errs = append(errs, s.cron(b, schedule))
		}
		errs = append(errs, s.switched(ctx, b, db))
		s.options(ctx, b, db)
	}
	if sites || cron {
		err := errors.Join(errs...)
		s.unseen(b, err)
		s.again(err, sites)
	}
}

// again makes what a database gave no answer to due at the next beat: it may be
// short of CPU, and then the schedule says who took it. One that refuses is not
// asked so soon, because each time is a line in its log.
func (s *wpSite) again(err error, sites bool) {
	if !errors.Is(err, mysql.ErrDown) && !errors.Is(err, mysql.ErrFull) {
		return
	}
	s.cronAt = time.Time{}
	if sites {
		s.siteAt = time.Time{}
	}
}

// wpDue reports whether it is time again, and notes it. A clock that was set
// back is no reason to wait.
func wpDue(last *time.Time, now time.Time, every time.Duration) bool {
	if !last.IsZero() && now.Sub(*last) < every && !now.Before(*last) {
		return false
	}
	*last = now
	return true
}

func urlOf(r discover.Root) string {
	if r.Host == "" && r.Listen == "" {
		return ""
	}
	scheme, host := "http://", r.Host
	if r.TLS {
		scheme = "https://"
	}
	if host == "" {
		host = r.Listen
	}
	return scheme + host + "/"
}

// tell emits the site itself. Plugins, the address and the time zone are in
// the database; without it they are left out.
func (s *wpSite) tell(ctx context.Context, b *collect.Beat, db wordpress.Querier) error {
	f := evidence.Site{
		Name: s.site.Name, Root: s.site.Dir, Platform: "wordpress", URL: s.site.URL, Version: s.site.Version, Schema: s.site.Config.DBName,
		Prefix: s.site.Config.Prefix, Multisite: s.site.Config.Multisite, NoWPCron: s.site.Config.NoCron,
	}
	var errs []error
	if db != nil {
		option := func(name string) string {
			v, err := db.Option(ctx, s.site.Config.DBName, s.site.Config.Prefix, name)
			errs = append(errs, err)
			return v
		}
		if v := option("active_plugins"); v != "" {
			plugins, err := wordpress.ActivePlugins(v)
			errs = append(errs, err)
			for _, p := range plugins {
				f.Plugins = append(f.Plugins, strings.TrimSuffix(firstPart(p), ".php"))
			}
		}
		if s.site.Config.Home == "" && errors.Join(errs...) == nil {
			if v := option("home"); v != "" {
				f.URL = v
			}
		}
		if errors.Join(errs...) == nil {
			f.UTCOffset = offset(option("timezone_string"), option("gmt_offset"), b.Now)
			var err error
			s.tables, err = db.TableNames(ctx, s.site.Config.DBName, s.site.Config.Prefix)
			errs = append(errs, err)
		}
	}
	b.Emit(f)
	return errors.Join(errs...)
}

func firstPart(p string) string {
	dir, _, _ := strings.Cut(path.Clean(p), "/")
	return dir
}

// offset is the site's time zone in seconds east of UTC, at that moment.
func offset(zone, hours string, now time.Time) int64 {
	if loc, err := time.LoadLocation(zone); err == nil && zone != "" && zone != "Local" {
		_, s := now.In(loc).Zone()
		return int64(s)
	}
	d, err := time.ParseDuration(strings.TrimSpace(hours) + "h")
	if err != nil {
		return 0
	}
	return int64(d.Seconds())
}

// scan reads plugin sources: a slice in each beat until all are known, then
// again now and then. It reports whether it learnt something.
func (s *wpSite) scan(ctx context.Context, b *collect.Beat) bool {
	if s.scanned && !wpDue(&s.scanAt, b.Now, scanEvery) {
		return false
	}
	complete, err := s.sources.Scan(ctx, s.site.Content(), scanBytes)
	if err != nil {
		s.scanned = true // there is nothing to be read: tables are told by their names
		return true
	}
	was := s.scanned
	if s.scanned = complete; complete {
		s.scanAt = b.Now
	}
	return complete && !was
}

func (s *wpSite) owners(b *collect.Beat) {
	own := s.sources.Owners(s.site.Name, s.site.Config.Prefix, s.tables)
	for _, o := range own[:min(len(own), ownersMost)] {
		b.Emit(o)
	}
	for _, h := range s.sources.HookTables(s.site.Name, s.site.Config.Prefix, s.tables, s.hooks) {
		b.Emit(h)
	}
}

// cron tells the site's schedule, which the option cron holds.
func (s *wpSite) cron(b *collect.Beat, text string) error {
	events, total, err := wordpress.CronEvents(text)
	if s.events = int64(total); err != nil {
		s.events = planned(text)
	}
	if err != nil && len(text) >= mysql.OptionMost {
		return hint.Wrap(err, "cron-huge", "the option cron of "+s.site.Name+" holds more events than can be read, and every visit reads them: wp cron event list tells which are there thousands of times")
	}
	if err != nil {
		return hint.Wrap(err, "cron-broken", "the option cron of "+s.site.Name+" is damaged: WordPress builds it anew when it is deleted and a plugin is switched off and on")
	}
	if total > cronMost {
		s.crowded(b, total)
	}
	var hooks []string
	for i, e := range events {
		if !slices.Contains(hooks, e.Hook) && len(hooks) < 400 {
			hooks = append(hooks, e.Hook)
		}
		if i < cronMost {
			e.Site = s.site.Name
			e.Owner, e.How = s.sources.HookOwner(e.Hook)
			b.Emit(e)
		}
	}
	if !slices.Equal(hooks, s.hooks) {
		s.hooks = hooks
		for _, h := range s.sources.HookTables(s.site.Name, s.site.Config.Prefix, s.tables, s.hooks) {
			b.Emit(h)
		}
	}
	return nil
}

// crowded says, once, that not all events are told.
func (s *wpSite) crowded(b *collect.Beat, total int) {
	if s.crowd {
		return
	}
	s.crowd = true
	b.Emit(evidence.Unseen{
		Source: "wordpress", Code: "cron-crowded", What: fmt.Sprintf("all but %d events of the schedule of the site %s", cronMost, s.site.Name),
		Detail: fmt.Sprintf("the schedule holds %d events", total),
	})
}

// unseen tells a change of what cannot be read of the site.
func (s *wpSite) unseen(b *collect.Beat, err error) {
	code := hint.CodeOf(err)
	if err != nil && code == "" {
		code = "failed"
	}
	if code == s.said {
		return
	}
	if s.said != "" {
		b.Emit(evidence.Unseen{Source: "wordpress", Code: s.said, What: s.blinds(), Seen: true})
	}
	if s.said = code; code != "" {
		b.Emit(evidence.Unseen{Source: "wordpress", Code: code, What: s.blinds(), Detail: onceEach(err), Hint: hint.Of(err)})
	}
}

// onceEach is the text of joined errors, each once: what a site's database
// refuses, it refuses to each question.
func onceEach(err error) string {
	var out []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "; ")
}

func (s *wpSite) blinds() string { return "schedule, plugins and tables of the site " + s.site.Name }
