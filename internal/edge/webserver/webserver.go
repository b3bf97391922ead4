// Package webserver finds where a running Apache or nginx takes in a file of our
// own, writes it, tests and reloads the configuration, and asks the site.
//
// Survey only reads. Includes carries a step out: the configuration has to pass
// its own test before anything is written and before it is loaded, and the site
// has to give the answers that the step wants; else everything is put back.
// Nothing needs systemd: a graceful reload is a signal to the server's parent.
// The configuration is read for its structure, so that no distribution's layout
// is taken for granted; what it cannot be sure of it does not use.
package webserver

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// In is what discovery knows of a site and of the web server that serves it.
type In struct {
	Server   string // evidence.ServiceApache or evidence.ServiceNginx
	Instance string
	PID      int    // of the parent
	Config   string // its main configuration file
	Host     string // the site's name; empty: the server's default site
	Listen   string // host:port that serves it
	TLS      bool
	DocRoot  string // of its virtual host
	Site     string // WordPress' own directory; empty: DocRoot
	URL      string // the site's address, where it is known: its path tells where an alias leads
	Network  bool   // a multisite, which also answers in directories
	Proc     string // where processes are seen; empty: /proc
}

// Layouts of a configuration, for the words of a report.
const (
	LayoutDebian  = "debian"
	LayoutRHEL    = "rhel"
	LayoutBitnami = "bitnami"
	LayoutOther   = "other"
)

// place is where our file goes, and how to reach the site.
type place struct {
	path    string
	hooks   []remedy.Hook
	root    string     // document root as the configuration writes it
	ends    []endpoint // where else the site answers
	problem string
	fix     string
}

// Survey reads the running server's configuration, finds a place for a file of
// our own, and asks the site whether its xmlrpc.php is closed already. Where
// there is no place, Problem and Fix say so; an error means that the server or
// its configuration cannot be seen, and wraps evidence.ErrAbsent.
func Survey(ctx context.Context, in In) (remedy.Web, error) {
	web := remedy.Web{Server: in.Server, Instance: in.Instance, Layout: LayoutOther, DocRoot: in.DocRoot, Below: in.Network}
	where := nginxPlace
	switch in.Server {
	case evidence.ServiceNginx:
	case evidence.ServiceApache:
		where = apachePlace
	default:
		return web, fmt.Errorf("survey the web server %q: %w: only Apache and nginx are known", in.Server, evidence.ErrAbsent)
	}
	p, err := processAt(in.Proc, in.PID)
	if err != nil {
		return web, hint.Wrap(fmt.Errorf("look at the web server (pid %d): %w: %w", in.PID, evidence.ErrAbsent, err), "web-unseen", "is it running? run hirune with sudo")
	}
	if p.elsewhere {
		web.Problem = "the web server runs in a container; its configuration belongs to the container's image"
		return web, nil
	}
	if web.Path, err = pathOf(in); err != nil {
		web.Problem = err.Error()
		return web, nil
	}
	pl, err := where(in, p)
	if err != nil {
		return web, fmt.Errorf("read the configuration of %s: %w: %w", in.Server, evidence.ErrAbsent, err)
	}
	web.Layout, web.Problem, web.Fix = layoutOf(in.Config, pl.path), pl.problem, pl.fix
	if pl.root != "" {
		web.DocRoot = pl.root
	}
	web.Present = isRegular(filepath.Join(siteDir(in), "xmlrpc.php"))
	web.Include = remedy.WriteInclude{Server: in.Server, Instance: in.Instance, Path: pl.path, Test: p.test(in.Server), Signal: signalOf(in.Server), PID: p.pid}
	hooked(&web.Include, pl.hooks)
	if web.Limit, err = limitPlace(in, p); err != nil {
		return web, fmt.Errorf("read the configuration of %s: %w: %w", in.Server, evidence.ErrAbsent, err)
	}
	ask(ctx, &web, endpoints(in, pl))
	return web, nil
}

// hooked puts the lines for files of others into the step.
func hooked(s *remedy.WriteInclude, hooks []remedy.Hook) {
	if len(hooks) == 0 {
		return
	}
	s.HookFile, s.HookLine, s.HookNext, s.HookAt = hooks[0].File, hooks[0].Line, hooks[0].Next, hooks[0].At
	s.More = hooks[1:]
}

// endpoints are where the site answers: as discovery has it first.
func endpoints(in In, pl place) []endpoint {
	out := []endpoint{{address: in.Listen, tls: in.TLS, host: in.Host}}
	if in.Listen == "" {
		out = nil
	}
	for _, e := range pl.ends {
		if e.host == "" {
			e.host = in.Host
		}
		if slices.Contains(out, e) || len(out) == endpointsMost {
			continue
		}
		out = append(out, e)
	}
	return out
}

// endpointsMost bounds how many addresses of one site are asked.
const endpointsMost = 4
