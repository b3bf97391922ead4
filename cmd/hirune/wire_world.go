package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/recording"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql/survey"
	"hirune/internal/edge/webserver"
)

// world reads what the remedy has to know for the finding.
func (h *hands) world(ctx context.Context, w wanted, wish remedy.Wishes) remedy.World {
	out := remedy.World{Now: h.a.now(), Loc: time.Local, Host: h.host(), Unread: map[string]string{}, StateDir: h.state, Binary: binary()}
	unread := func(part string, err error) {
		if err == nil {
			return
		}
		out.Unread[part] = err.Error()
		if advice := hint.Of(err); advice != "" {
			out.Unread[part] += " (" + advice + ")"
		}
	}
	site, root := h.site(w.finding.About.Schema, w.finding.Origin.Site)
	if site.Name != "" {
		out.Site = h.siteOf(site)
	}
	if w.remedy.Needs.Database {
		unread("database", h.survey(ctx, w.finding, wish, &out))
	}
	if w.remedy.Needs.Web && root != nil {
		unread("web", h.web(ctx, site, *root, &out))
	}
	return out
}

// survey reads the database server, the finding's table, and how many rows would go.
func (h *hands) survey(ctx context.Context, f diagnose.Finding, wish remedy.Wishes, out *remedy.World) error {
	t, err := h.target(f.About.Schema)
	if err != nil {
		return err
	}
	hand, err := h.open(ctx, f.About.Schema, survey.AnswerLimit, survey.SetUp()...)
	if err != nil {
		return err
	}
	defer hand.Close()
	r, err := survey.Read(ctx, hand, survey.Want{Instance: t.Instance, Schema: f.About.Schema, Table: f.About.Table, Column: f.About.Column, Free: freeBytes})
	out.Server, out.Table = r.Server, r.Table
	maps.Copy(out.Unread, r.Unread)
	for purpose, dir := range map[string]string{remedy.DiskData: r.Dirs.Data, remedy.DiskTmp: r.Dirs.Tmp} {
		if free := freeBytes(dir); free >= 0 {
			out.Host.FreeBytes[purpose] = free
		}
	}
	if err != nil || r.Table == nil {
		return err
	}
	if d, ok := remedies.Doomed(f, *out, wish); ok {
		if err := survey.Weigh(ctx, hand, r.Table, d); err != nil {
			out.Unread["doomed"] = err.Error()
		}
	}
	return nil
}

// site is the site of a schema, or of that name, or the only one there is.
func (h *hands) site(schema, name string) (evidence.Site, *discover.Root) {
	var all []evidence.Site
	for _, s := range recording.Ever[evidence.Site](h.now) {
		if !slices.ContainsFunc(all, func(o evidence.Site) bool { return o.Root == s.Root }) {
			all = append(all, s)
		}
	}
	pick := slices.IndexFunc(all, func(s evidence.Site) bool {
		return schema != "" && s.Schema == schema || schema == "" && name != "" && (s.Name == name || s.Root == name)
	})
	if pick < 0 && len(all) == 1 {
		pick = 0
	}
	if pick < 0 {
		return evidence.Site{}, nil
	}
	for _, r := range h.eyes.found().Roots {
		if r.WPConfig != "" && filepath.Clean(r.Dir) == filepath.Clean(all[pick].Root) {
			return all[pick], &r
		}
	}
	return all[pick], nil
}

// siteOf adds what the site's own tables tell.
func (h *hands) siteOf(s evidence.Site) *remedy.Site {
	out := &remedy.Site{Site: s}
	last := map[string]evidence.CronEvent{}
	for _, e := range recording.Ever[evidence.CronEvent](h.now) {
		if e.Site == s.Name || e.Site == s.Root {
			last[e.Hook] = e
		}
	}
	for _, e := range last {
		out.Events = append(out.Events, e)
	}
	slices.SortFunc(out.Events, func(a, b evidence.CronEvent) int { return strings.Compare(a.Hook, b.Hook) })
	for _, o := range recording.Ever[evidence.Owner](h.now) {
		if o.Site == s.Name || o.Site == s.Root {
			out.Owners = append(out.Owners, o)
		}
	}
	out.Jetpack = slices.Contains(s.Plugins, "jetpack")
	return out
}

var errNoWeb = errors.New("no web server was found that serves the site")

// web surveys the web server in front of a site.
func (h *hands) web(ctx context.Context, s evidence.Site, r discover.Root, out *remedy.World) error {
	in, ok := webOf(h.eyes.found(), r)
	if !ok {
		return hint.Wrap(errNoWeb, "no-web", "see: hirune doctor")
	}
	in.URL, in.Network = s.URL, s.Multisite
	if out.Site != nil {
		out.Site.XMLRPC = h.callers(ctx, in)
		if err := h.siteCallers(ctx, r, &out.Site.XMLRPC); err != nil {
			out.Unread["callers"] = err.Error()
		}
	}
	web, err := webserver.Survey(ctx, in)
	if err != nil {
		return err
	}
	out.Web = &web
	return nil
}

// Callers are read from so much history, for so long at most: an endpoint that
// an app uses once a month would otherwise be closed to it.
const (
	callersBack = 30 * 24 * time.Hour
	callersFor  = 20 * time.Second
)

// callers is who uses the site's xmlrpc.php rightly, from its access logs.
func (h *hands) callers(ctx context.Context, site webserver.In) remedy.Callers {
	ctx, cancel := context.WithTimeout(ctx, callersFor)
	defer cancel()
	in := accesslog.CallersIn{Since: h.a.now().Add(-callersBack), Now: h.a.now(), Loc: time.Local, Own: ownAddresses()}
	for _, l := range logsOf(h.eyes.found(), site) {
		in.Logs = append(in.Logs, accesslog.CallersLog{Path: l.Path, Format: l.Format})
	}
	got := accesslog.ReadCallers(ctx, in)
	out := remedy.Callers{Days: got.Days, Requests: got.Requests, Local: got.Local, Cut: got.Cut}
	for _, c := range got.Found {
		out.Rightly = append(out.Rightly, remedy.Caller{ID: c.Says, Address: c.Address, Requests: c.Requests, Last: c.Last})
	}
	return out
}

// logsOf are the access logs of a site; where none is known to be its own, all of
// its web server's.
func logsOf(found *discover.Found, site webserver.In) []discover.AccessLog {
	var all, its []discover.AccessLog
	for _, w := range found.WebServers {
		if w.Instance != site.Instance {
			continue
		}
		for _, l := range w.AccessLogs {
			all = append(all, l)
			if l.Site == site.Host {
				its = append(its, l)
			}
		}
	}
	if len(its) == 0 {
		return all
	}
	return its
}

// ownAddresses tells the addresses of this host, as they are now.
func ownAddresses() func(netip.Addr) bool {
	mine := map[netip.Addr]bool{}
	addrs, _ := net.InterfaceAddrs() // without them the site's own calls count as a visitor's, which errs on the safe side
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			mine[p.Addr()] = true
		}
	}
	return func(a netip.Addr) bool { return mine[a.Unmap()] }
}

// webOf finds the web server and the virtual host that serve a root.
func webOf(found *discover.Found, r discover.Root) (webserver.In, bool) {
	for _, w := range found.WebServers {
		for _, d := range w.DocRoots {
			dir, err := filepath.EvalSymlinks(d.Dir)
			if err != nil {
				dir = d.Dir
			}
			if !within(r.Dir, dir) && !within(r.Dir, d.Dir) {
				continue
			}
			in := webserver.In{Server: w.Service, Instance: w.Instance, PID: w.PID, Config: w.Config, Host: d.Site, Listen: d.Listen, TLS: d.TLS, DocRoot: d.Dir, Site: r.Dir}
			if in.Host == "" {
				in.Host = r.Host
			}
			return in, true
		}
	}
	return webserver.In{}, false
}

// within reports whether a path is the folder or below it.
func within(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
