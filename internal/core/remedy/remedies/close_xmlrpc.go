package remedies

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// acceptCallers is what the user accepts by name to close the endpoint although
// somebody would break.
const acceptCallers = "xmlrpc-callers"

const (
	shortLog     = 7.0 // days of log below which a caller of once a week may not show
	callersNamed = 12  // callers that a plan names
	allowedMost  = 64  // addresses that one file lets through
)

// CloseXMLRPC refuses xmlrpc.php in the web server, so that an attempt costs no
// PHP worker, no statement and no row.
func CloseXMLRPC() remedy.Remedy {
	return remedy.Remedy{
		ID:     "close-xmlrpc",
		Title:  "refuse xmlrpc.php in the web server",
		Source: "WordPress' xmlrpc.php boots the whole of WordPress for each attempt; a plugin that refuses it runs after PHP has begun. Web servers: <If> is merged last (Apache 2.4 manual, Configuration Sections); server-level rewrite directives run before a location is chosen (nginx, ngx_http_rewrite_module)",
		Needs:  remedy.Needs{Web: true},
		Plan:   closeXMLRPC,
	}
}

func closeXMLRPC(f diagnose.Finding, w remedy.World, wish remedy.Wishes) remedy.Plan {
	p := remedy.Plan{Remedy: "close-xmlrpc", Because: remedy.BecauseOf(f), At: w.Now}
	if w.Web != nil && w.Web.Closed { // nothing to do is no refusal
		p.Says = []diagnose.Sentence{diagnose.Say("web-already-closed", "path", script(w.Web)), diagnose.Say("instead-web-undo")}
		return p
	}
	if no := unfit(w); len(no) > 0 {
		p.Refused = no
		p.Advice = closeByHand(w)
		return p
	}
	c := closing{web: *w.Web, callers: callersOf(f, w), wish: wish}
	c.read(w)
	if no := c.refuse(); len(no) > 0 {
		p.Refused = no
		return p
	}
	p.Says, p.Others = c.says(), c.others()
	p.Steps = []remedy.Planned{c.step()}
	p.Settle = remedy.Settle{Least: time.Hour}
	return p
}

// unfit says why nothing can be closed here, whoever uses it.
func unfit(w remedy.World) []diagnose.Sentence {
	switch {
	case w.Web == nil && w.Unread["web"] != "":
		return []diagnose.Sentence{diagnose.Say("web-unread", "why", w.Unread["web"]), diagnose.Say("instead-web-lines")}
	case w.Web == nil || w.Web.Server != "apache" && w.Web.Server != "nginx":
		return []diagnose.Sentence{diagnose.Say("web-no-server"), diagnose.Say("instead-web-lines")}
	case w.Web.Problem != "":
		return []diagnose.Sentence{diagnose.Say("web-no-place", "why", w.Web.Problem), diagnose.Say("instead-web-lines")}
	case !writable(w.Web.DocRoot) || !writable(w.Web.Path):
		return []diagnose.Sentence{diagnose.Say("web-odd-name", "file", w.Web.DocRoot+w.Web.Path), diagnose.Say("instead-web-lines")}
	}
	return nil
}

// closing is what the plan is made from.
type closing struct {
	web     remedy.Web
	wish    remedy.Wishes
	callers []remedy.Caller
	days    float64 // of log that were read
	counted int64
	local   float64
	cut     bool
	jetpack bool   // the plugin is active
	unread  string // why the site itself could not be asked who uses it
	allow   []netip.Prefix
	bad     []diagnose.Sentence // wishes that cannot be met
}

func (c *closing) read(w remedy.World) {
	if w.Site != nil {
		c.days, c.counted = w.Site.XMLRPC.Days, w.Site.XMLRPC.Requests
		c.local, c.cut = w.Site.XMLRPC.Local, w.Site.XMLRPC.Cut
		c.jetpack = usesJetpack(w.Site)
	}
	c.unread = w.Unread["callers"]
	for _, s := range c.wish.Allow {
		p, no := allowedPrefix(s)
		if no.ID != "" {
			c.bad = append(c.bad, no)
			continue
		}
		c.let(p)
	}
	if c.wish.AllowAll {
		c.letCallers()
	}
	if len(c.allow) > allowedMost {
		c.bad = append(c.bad, diagnose.Say("web-allow-many", "count", diagnose.Count(len(c.allow)), "most", diagnose.Count(allowedMost)))
	}
	if len(c.allow) > 0 && c.local > 0.5 {
		c.bad = append(c.bad, diagnose.Say("web-proxied", "share", diagnose.Share01(c.local)))
	}
}

// callersOf are those who would break, without the addresses that the finding
// accuses.
func callersOf(f diagnose.Finding, w remedy.World) []remedy.Caller {
	if w.Site == nil || w.Web == nil || !w.Web.Present {
		return nil // what is not there serves nobody
	}
	return slices.DeleteFunc(slices.Clone(w.Site.XMLRPC.Rightly), func(c remedy.Caller) bool {
		return c.Address != "" && (c.Address == f.About.Client || slices.Contains(f.About.Clients, c.Address))
	})
}

// usesJetpack reports whether a plugin is active that is called through
// xmlrpc.php by WordPress.com.
func usesJetpack(s *remedy.Site) bool {
	return s.Jetpack || slices.ContainsFunc(s.Plugins, func(p string) bool { return p == "jetpack" || strings.HasPrefix(p, "jetpack-") })
}

// refuse says why not: a wish that cannot be met, or somebody who would break
// and was neither let through nor given up.
func (c *closing) refuse() []diagnose.Sentence {
	if len(c.bad) > 0 {
		return append(c.bad, diagnose.Say("instead-web-let", "name", acceptCallers))
	}
	if !c.web.Present || c.accepted() {
		return nil
	}
	out := c.broken()
	if len(out) == 0 && c.days <= 0 {
		out = append(out, diagnose.Say("web-log-unread"))
	}
	if len(out) == 0 {
		return nil
	}
	if len(c.wish.Allow) == 0 && !c.wish.AllowAll {
		out = append([]diagnose.Sentence{diagnose.Say("web-would-break", "path", script(&c.web))}, out...)
	} else {
		out = append([]diagnose.Sentence{diagnose.Say("web-would-still-break", "path", script(&c.web))}, out...)
	}
	return append(out, diagnose.Say("instead-web-let", "name", acceptCallers))
}

func (c *closing) accepted() bool { return slices.Contains(c.wish.Force, acceptCallers) }

// broken names those who would be refused, as the plan stands.
func (c *closing) broken() []diagnose.Sentence {
	var out []diagnose.Sentence
	more, elsewhere := 0, false
	for _, k := range c.callers {
		through := c.letsThrough(k)
		elsewhere = elsewhere || !through && k.ID == "jetpack" && c.has(jetpackRange)
		switch {
		case through:
		case len(out) == callersNamed:
			more++
		default:
			out = append(out, callerSays(k))
		}
	}
	if more > 0 {
		out = append(out, diagnose.Say("web-more-callers", "count", diagnose.Count(more)))
	}
	if elsewhere {
		out = append(out, diagnose.Say("web-jetpack-elsewhere"))
	}
	if c.jetpack && !c.has(jetpackRange) {
		out = append(out, diagnose.Say("web-jetpack-active"))
	}
	return out
}

func callerSays(k remedy.Caller) diagnose.Sentence {
	return diagnose.Say("web-caller", "caller", k.ID, "requests", diagnose.Count(k.Requests), "last", k.Last, "address", k.Address)
}

// step is the one step: the edge has found where the file goes, the content is
// made here.
func (c *closing) step() remedy.Planned {
	s := c.web.Include
	s.Content = remedy.Signed(c.body())
	est := remedy.Estimate{
		Takes: 5 * time.Second, TakesCapped: 30 * time.Second, DiskBytes: int64(len(s.Content)),
		Locks: diagnose.Say("web-locks-nothing"), Risk: remedy.RiskLow,
	}
	says := []diagnose.Sentence{diagnose.Say("web-step-writes", "file", s.Path)}
	for _, h := range s.Hooks() {
		says = append(says, diagnose.Say("web-step-hook", "file", h.File, "line", diagnose.Count(h.At)))
	}
	says = append(says, diagnose.Say("web-step-tests"), diagnose.Say("web-step-proves", "path", script(&c.web)))
	return remedy.Planned{ID: "1", Step: s, Estimate: est, Says: says, Undo: diagnose.Say("web-undo", "file", s.Path)}
}

// script is the address that is closed.
func script(w *remedy.Web) string { return w.Path + "xmlrpc.php" }
