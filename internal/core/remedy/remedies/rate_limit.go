package remedies

import (
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// RateLimit answers 429 to who asks for an expensive page too often, before PHP is
// asked: against many addresses that each try little there is nobody to ban.
func RateLimit() remedy.Remedy {
	return remedy.Remedy{
		ID:     "rate-limit",
		Title:  "limit how often a page that costs much may be asked for",
		Source: "nginx, ngx_http_limit_req_module: requests with an empty key are not counted. Apache's own mod_ratelimit limits bandwidth alone, and mod_evasive counts by process",
		Needs:  remedy.Needs{Web: true},
		Plan:   rateLimit,
	}
}

// Endpoints that can be limited; the About.Path of a finding names one, or its
// rule does.
const (
	LimitLogin  = "login"
	LimitXMLRPC = "xmlrpc"
	LimitSearch = "search"
)

// Limits are all of them.
func Limits() []string { return []string{LimitLogin, LimitXMLRPC, LimitSearch} }

// limitRule is the rule of a finding that only says what is to be limited.
const limitRule = "rate-limit:"

// LimitFinding is a finding for an endpoint whose limit the owner asks for.
func LimitFinding(endpoint, site string) diagnose.Finding {
	return diagnose.Finding{Rule: limitRule + endpoint, Origin: diagnose.Origin{Site: site}, Remedies: []string{"rate-limit"}}
}

// limit is how often an endpoint may be asked.
type limit struct {
	id     string
	shown  string // below the site's path
	key    string // of nginx: what is looked at
	match  string // an expression; what matches is counted
	each   int    // from one address in a minute
	all    int    // from everybody together in a minute, for one name of the server
	method string // of the request that proves it
}

// limits: a person logs in once or twice, and a search page takes a while to be
// read. What everybody may do together is what a small server stands for hours:
// a log-in takes about 0.3 s of a worker.
var limits = []limit{
	{LimitLogin, "wp-login.php", "$request_method $uri", `^POST /(.*/)?wp-login\.php(/|$)`, 12, 60, "POST"},
	{LimitXMLRPC, "xmlrpc.php", "$request_method $uri", `^POST /(.*/)?xmlrpc\.php(/|$)`, 12, 60, "POST"},
	{LimitSearch, "?s=hirune", "$args", `(^|&)s=`, 20, 120, "GET"},
}

// burstParts is which part of a minute's number somebody may ask at once.
const burstParts = 3

func limitOf(f diagnose.Finding) limit {
	id := strings.TrimPrefix(f.Rule, limitRule)
	switch f.Rule {
	case "search-flood":
		id = LimitSearch
	case "xmlrpc-login-flood":
		id = LimitXMLRPC
	}
	if i := slices.IndexFunc(limits, func(l limit) bool { return l.id == id }); i >= 0 {
		return limits[i]
	}
	return limits[0]
}

func rateLimit(f diagnose.Finding, w remedy.World, _ remedy.Wishes) remedy.Plan {
	p := remedy.Plan{Remedy: "rate-limit", Because: remedy.BecauseOf(f), At: w.Now}
	if strings.HasPrefix(f.Rule, limitRule) { // nobody has diagnosed anything
		p.Because = remedy.Because{}
	}
	l := limitOf(f)
	if no := l.unfit(w); len(no) > 0 {
		p.Refused = no
		p.Advice = l.byHand(w)
		return p
	}
	content := remedy.Signed(l.nginx())
	if w.Web.Limit.There == content { // nothing to do is no refusal
		p.Says = []diagnose.Sentence{diagnose.Say("limit-there", "path", l.path(w))}
		return p
	}
	p.Says = []diagnose.Sentence{
		diagnose.Say("limit-does", "path", l.path(w), "each", diagnose.Count(l.each), "all", diagnose.Count(l.all)),
		diagnose.Say("limit-who-waits", "path", l.path(w)), diagnose.Say("limit-not-bans"),
	}
	p.Others = []remedy.Other{{ID: "ban-addresses", Possible: true, Why: diagnose.Say("limit-why-not-bans")}}
	p.Steps = []remedy.Planned{l.step(w, content)}
	p.Settle = remedy.Settle{Least: time.Hour}
	return p
}

// path is what is limited, as it is asked for.
func (l limit) path(w remedy.World) string { return w.Web.Path + l.shown }

// unfit says why nothing can be limited here, and what to do instead.
func (l limit) unfit(w remedy.World) []diagnose.Sentence {
	say := diagnose.Say
	switch {
	case w.Web == nil && w.Unread["web"] != "":
		return []diagnose.Sentence{say("limit-unread", "why", w.Unread["web"]), say("instead-limit-lines")}
	case w.Web == nil:
		return []diagnose.Sentence{say("limit-no-server"), say("instead-limit-lines")}
	case w.Web.Server != "nginx" && l.id == LimitXMLRPC:
		return []diagnose.Sentence{say("limit-apache"), say("instead-limit-xmlrpc")}
	case w.Web.Server != "nginx":
		return []diagnose.Sentence{say("limit-apache"), say("instead-limit-login")}
	case w.Site != nil && w.Site.XMLRPC.Local > 0.5:
		return []diagnose.Sentence{say("limit-proxied", "share", diagnose.Share01(w.Site.XMLRPC.Local)), say("instead-limit-teach")}
	case w.Web.Limit.Problem != "" || len(l.pages(w)) == 0:
		why := w.Web.Limit.Problem
		if why == "" {
			why = w.Web.Problem // the site answers nowhere
		}
		return []diagnose.Sentence{say("limit-no-place", "why", why), say("instead-limit-lines")}
	}
	return nil
}

// pages are those that have to answer as before.
func (l limit) pages(w remedy.World) []remedy.Probe {
	return slices.DeleteFunc(slices.Clone(w.Web.Include.Probes), func(p remedy.Probe) bool { return p.Status != 0 })
}

// step is the one step: the edge has found where the file goes.
func (l limit) step(w remedy.World, content string) remedy.Planned {
	s := w.Web.Limit.Include
	s.Content = content
	pages := l.pages(w)
	scheme, rest, _ := strings.Cut(pages[0].URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	over := remedy.Probe{Method: l.method, URL: scheme + "://" + host + l.path(w), Host: pages[0].Host, Status: 429}
	s.Probes = append([]remedy.Probe{over}, pages...)
	says := []diagnose.Sentence{diagnose.Say("limit-step-writes", "file", s.Path)}
	for _, h := range s.Hooks() {
		says = append(says, diagnose.Say("web-step-hook", "file", h.File, "line", diagnose.Count(h.At)))
	}
	says = append(says, diagnose.Say("limit-step-tests"), diagnose.Say("limit-step-proves", "path", l.path(w)))
	est := remedy.Estimate{Takes: 5 * time.Second, TakesCapped: 30 * time.Second, DiskBytes: int64(len(content)), Locks: diagnose.Say("limit-locks"), Risk: remedy.RiskLow}
	return remedy.Planned{ID: "1", Step: s, Estimate: est, Says: says, Undo: diagnose.Say("limit-undo", "file", s.Path)}
}

// byHand are the lines for an owner whose nginx could not be reached.
func (l limit) byHand(w remedy.World) []remedy.Advice {
	if w.Web != nil && w.Web.Server != "nginx" || w.Site != nil && w.Site.XMLRPC.Local > 0.5 {
		return nil
	}
	a := remedy.Advice{ID: "limit-by-hand", Say: diagnose.Say("limit-by-hand"), Lines: strings.Split(strings.TrimSuffix(l.nginx(), "\n"), "\n")}
	if w.Web == nil || w.Web.Limit.Fix == "" {
		return []remedy.Advice{a}
	}
	return []remedy.Advice{{ID: "web-fix", Say: diagnose.Say("web-fix"), Lines: []string{w.Web.Limit.Fix}}, a}
}
