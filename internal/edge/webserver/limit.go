package webserver

import (
	"fmt"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/webconf"
)

// limitName is the name of our file.
const limitName = "hirune-limit.conf"

// limitPlace finds where nginx takes in a file that limits how often somebody may
// ask: at the level of the http block, from where every block inherits a limit that
// has none of its own. Limits of the owner's are left as they are; ours would
// change what they answer.
// Source: nginx, ngx_http_limit_req_module.
func limitPlace(in In, p process) (remedy.Limit, error) {
	if in.Server != evidence.ServiceNginx {
		return remedy.Limit{}, nil
	}
	l, err := httpLevel(in, limitName)
	if err != nil {
		return remedy.Limit{}, err
	}
	out := remedy.Limit{Problem: l.problem, Fix: l.fix}
	out.Include = remedy.WriteInclude{Server: in.Server, Instance: in.Instance, Path: l.path, Test: p.test(in.Server), Signal: signalOf(in.Server), PID: p.pid}
	hooked(&out.Include, l.hooks)
	if text, _, err := load(l.path); err == nil && remedy.Ours(text) {
		out.There = text
	}
	if d, ok := limits(l.http.Block); ok && out.Problem == "" {
		out.Problem = fmt.Sprintf("line %d of %s has a limit of its own (%s), which hirune does not touch", d.Line, shown(d.File), d.Name)
		out.Fix = ""
	}
	return out, nil
}

// limits finds the first limit that is not of our file.
func limits(ds []webconf.Directive) (webconf.Directive, bool) {
	for _, d := range webconf.Flat(ds) {
		if (d.Name == "limit_req" || d.Name == "limit_req_status") && !strings.HasSuffix(d.File, "/"+limitName) {
			return d, true
		}
		if inner, ok := limits(d.Block); ok {
			return inner, true
		}
	}
	return webconf.Directive{}, false
}
