package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/recording"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/change"
	"hirune/internal/edge/schedule"
	"hirune/internal/edge/webserver"
	"hirune/internal/edge/wordpress"
)

// hands reach what plans are about: the servers of this host, to read what a
// plan has to know, and to change what the user has agreed to. The recorder has
// none.
type hands struct {
	a        *app
	eyes     *eyes
	state    string
	accounts []mysql.Credential
	now      recording.Window // a short look at the host and its sites
	pace     *pacing
	own      own
	closers  []func() error
}

const (
	// reachFor is how long the host is looked at for a plan: rates take two beats.
	reachFor = 2500 * time.Millisecond
	// reachBeat is from beat to beat: four pages are asked for and have come by the
	// end, which is enough to know what one usually takes.
	reachBeat = 500 * time.Millisecond
)

// reach finds what runs here and looks at it for a moment.
func (a *app) reach(ctx context.Context, config, state string) (*hands, error) {
	cfg, err := a.config(config)
	if err != nil {
		return nil, err
	}
	named, err := accounts(cfg)
	if err != nil {
		return nil, err
	}
	limitMemory()
	eyes, err := a.open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	h := &hands{a: a, eyes: eyes, state: state, accounts: a.tryAccounts(eyes.found(), named)}
	line := a.start("looking at the server", reachFor)
	records, err := collect.Sample(ctx, reachCollectors(eyes), reachFor, collect.Options{Interval: reachBeat})
	line.done()
	if err != nil {
		h.close()
		return nil, hint.Wrap(errors.Join(errors.New("interrupted before anything was done"), err), "interrupted", "nothing was changed")
	}
	h.now = recording.New(records)
	return h, nil
}

// reachCollectors are those that a plan learns from.
func reachCollectors(e *eyes) []collect.Timed {
	var out []collect.Timed
	for _, t := range e.collectors {
		switch c := t.Collector.(type) {
		case *collectors.Probes:
			c.Every, t.Every = reachBeat, reachBeat
			out = append(out, t)
		case *collectors.Filesystems:
			c.Bare = true
			out = append(out, t)
		case *collectors.Host, *collectors.Processes, *collectors.Pools, *collectors.WordPress, *collectors.Cgroups:
			out = append(out, t)
		}
	}
	return out
}

// close gives back what was opened.
func (h *hands) close() {
	if h == nil {
		return
	}
	h.pace.close()
	for _, c := range h.closers {
		_ = c() // what was only read, or journaled by its step
	}
	h.eyes.close()
}

// executor carries plans out; tell shows how far it is.
func (h *hands) executor(j apply.Journal, t *teller) *apply.Executor {
	h.closers = append(h.closers, func() error { t.end(); return nil })
	return &apply.Executor{Journal: j, Tell: t.tell, Now: h.a.now, Version: version(), Pace: h.pace.step}
}

// doers are the hands by kind of step, for the server that a plan is about.
func (h *hands) doers(p remedy.Plan) map[string]apply.Doer {
	s := change.Server{Open: func(ctx context.Context, timeout time.Duration, setUp ...string) (*mysql.Hand, error) {
		return h.open(ctx, p.Because.About.Schema, timeout, setUp...)
	}}
	bans := h.a.blockadeOf(h.eyes.found(), h.eyes.finder.Override, h.state)
	bans.confirm = h.a.confirmer(blockFlags{})
	return map[string]apply.Doer{
		remedy.DeleteInChunks{}.Kind():   &change.Chunks{Server: s},
		remedy.KeepAndSwap{}.Kind():      &change.Swap{Server: s},
		remedy.DropTable{}.Kind():        &change.Drop{Server: s},
		remedy.RebuildTable{}.Kind():     &change.Rebuild{Server: s},
		remedy.AddIndex{}.Kind():         &change.Index{Server: s},
		remedy.ExplainStatement{}.Kind(): &change.Explain{Server: s},
		remedy.KillQuery{}.Kind():        &change.Kill{Server: s},
		remedy.MoveCronEvent{}.Kind():    &change.Cron{Server: s, Edit: wordpress.MoveEvent},
		remedy.WriteInclude{}.Kind():     &webserver.Includes{},
		remedy.RetentionJob{}.Kind():     &schedule.Jobs{Dir: schedule.CronDir},
		remedy.BanPrefixes{}.Kind():      bans.ban(),
		remedy.LiftBans{}.Kind():         bans.lift(),
		remedy.AllowPrefixes{}.Kind():    bans.allow(),
	}
}

// open logs in to the server of a schema, to change it.
func (h *hands) open(ctx context.Context, schema string, timeout time.Duration, setUp ...string) (*mysql.Hand, error) {
	t, err := h.target(schema)
	if err != nil {
		return nil, err
	}
	hand, err := mysql.OpenHand(ctx, t, h.accounts, timeout, setUp...)
	if err == nil {
		h.own.add(hand)
	}
	return hand, err
}

// target is the database server of a schema; see targetIn.
func (h *hands) target(schema string) (mysql.Target, error) {
	return targetIn(h.eyes.found(), schema)
}

// targetIn is the database server of a schema: that of the site that uses it, or
// the only one there is. Where two servers may be meant, neither is taken.
func targetIn(found *discover.Found, schema string) (mysql.Target, error) {
	var out []mysql.Target
	for _, r := range found.Roots {
		if r.WPConfig == "" {
			continue
		}
		s, err := wordpress.ReadSite(r.Dir, r.WPConfig, r.Host)
		if err != nil || schema != "" && s.Config.DBName != schema {
			continue
		}
		if t := databaseOf(s, found); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	if d := found.Databases; len(out) == 0 && len(d) == 1 {
		out = []mysql.Target{{Instance: d[0].Instance, Flavour: d[0].Flavour, Socket: d[0].Socket, Address: d[0].Address, ExtraPort: d[0].ExtraPort}}
	}
	switch {
	case len(out) == 1 && (schema != "" || len(found.Databases) <= 1):
		return out[0], nil
	case len(out) > 1 && schema != "":
		return mysql.Target{}, hint.Wrap(fmt.Errorf("find the database server of %q: %d servers have a site with a database of that name", schema, len(out)), "which-database", "leave the other sites out: sites under [ignore] in the configuration")
	}
	return mysql.Target{}, hint.Wrap(fmt.Errorf("find the database server of %q: %d run here, and no site names it", schema, len(found.Databases)), "which-database", "see: hirune doctor")
}

// freeBytes is the room for an ordinary user on the file system of a path; -1 unknown.
func freeBytes(path string) int64 {
	var st unix.Statfs_t
	if path == "" || unix.Statfs(path, &st) != nil {
		return -1
	}
	return int64(st.Bavail) * st.Bsize
}

// host is the machine as a plan has to know it.
func (h *hands) host() remedy.Host {
	out := remedy.Host{FreeBytes: map[string]int64{}, NoCron: !schedule.Jobs{}.Installed(), Jobs: schedule.Jobs{Dir: schedule.CronDir}.List()}
	if m, _, ok := recording.Last[evidence.Host](h.now.Whole(), nil); ok {
		out.CPUs, out.MemoryBytes, out.SwapBytes = m.CPUs, m.MemTotalKB<<10, m.SwapKB<<10
	}
	seen := map[string]bool{}
	for _, p := range recording.All[evidence.WorkerPool](h.now) {
		if p.Service == evidence.ServicePHP && !seen[p.Instance+p.Pool] {
			seen[p.Instance+p.Pool] = true
			out.Pools = append(out.Pools, p)
		}
	}
	for _, u := range recording.All[evidence.ServiceUse](h.now) {
		if u.Service == evidence.ServicePHP && u.Processes > 0 {
			out.WorkerRSS = u.RSSKB << 10 / int64(u.Processes)
		}
	}
	for _, w := range h.eyes.found().WebServers {
		out.MaxWorkers = max(out.MaxWorkers, w.MaxWorkers)
	}
	if free := freeBytes(existing(h.state)); free >= 0 {
		out.FreeBytes[remedy.DiskArchive] = free
	}
	return out
}

// existing is the path, or its nearest folder that is there.
func existing(path string) string {
	for !exists(path) && len(path) > 1 {
		path = filepath.Dir(path)
	}
	return path
}

// binary is the path of this program.
func binary() string {
	path, err := os.Executable()
	if err != nil {
		return "hirune"
	}
	return path
}
