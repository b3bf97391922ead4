package rules

import (
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

const (
	// trapClients is how many addresses walk in a trap at least, and trapEach how many
	// requests each of them sends in an interval, unless they say that they are robots.
	trapClients = 20
	trapEach    = 3.0
	// trapFresh is the share of the requests that ask for an address of their own:
	// visitors ask for the same ones, which a cache holds.
	trapFresh = 0.5
	// trapFiles is how many plain files a visitor loads with a page, at least: with a
	// cached style sheet here and there. Crawlers load none.
	trapFiles = 0.5
	trapLeast = 20.0 // requests, below which there is no pattern
)

// CrawlerTrap is a pattern of addresses without an end, each of which PHP has to
// work out: very many clients walk in it, about one request each, or robots that
// say so.
func CrawlerTrap() diagnose.Rule {
	return diagnose.Rule{
		ID:     "crawler-trap",
		Title:  "crawlers walk in addresses without an end, and no cache can answer them",
		Source: "public cases 39 (a calendar), 41 (filters of a shop), 42 (probes for scripts that do not exist); woocommerce#53327",
		Needs:  map[string]string{evidence.Traffic{}.Kind(): "missing-traffic", evidence.PathUse{}.Kind(): "missing-paths"},
		Match:  matchCrawlerTrap,
		Clear:  clearCrawlerTrap,
	}
}

// trap is a pattern of addresses as it was in the outage and before.
type trap struct {
	diagnose.PathPattern
	missing bool // nothing answers its addresses
	share   float64
	timed   bool
	quiet   float64 // requests a second; -1 without a quiet time
	now     float64
	active  diagnose.Span
	cost    float64
}

func matchCrawlerTrap(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() {
		return nil
	}
	for _, t := range traps(c) {
		// 1. Its addresses have no end: each request asks for one of its own, or for one that is not there.
		// 2. Very many ask, each a little, or robots that say so; and they are no people, who load pictures and styles.
		if !t.endless() || !t.walked() {
			continue
		}
		// 3. It was not so before, it is most of the work, and work is what was scarce.
		if t = t.compared(c); t.byPeople(c) || !t.guilty(c) || !t.more(c) {
			continue
		}
		return []diagnose.Finding{t.finding(c)}
	}
	return nil
}

// traps returns the patterns of the outage that cost PHP, the most frequent first.
func traps(c *diagnose.Case) []trap {
	lead := diagnose.Span{From: later(c.W.From, c.Outage.From.Add(-riseLead)), To: c.Outage.To}
	during := map[string]diagnose.PathPattern{}
	for _, p := range c.Paths(c.Outage) {
		during[p.Path] = p
	}
	all := c.Traffic(c.Outage)
	load := c.Load(c.Outage)
	var out []trap
	for _, p := range c.Paths(lead) {
		switch p.Class {
		case evidence.ClassSearch, evidence.ClassXMLRPC, evidence.ClassLogin, evidence.ClassCron, evidence.ClassComment:
			continue // they have rules of their own
		case evidence.ClassAjax, evidence.ClassREST, evidence.ClassAdmin:
			if p.Robot == "" {
				continue // the scripts of open pages ask for these, each time for an address of its own
			}
		}
		t := trapOf(p)
		t.active = c.Outage
		in := during[p.Path]
		t.now = in.Requests / max(c.Outage.Duration().Seconds(), 1)
		t.share, t.timed = shareOf(all, in)
		t.cost = load.ShareOf(load.PHP + load.Database)
		out = append(out, t)
	}
	return out
}

func trapOf(p diagnose.PathPattern) trap {
	return trap{PathPattern: p, missing: strings.HasSuffix(p.Path, "*") || strings.HasSuffix(p.Path, "/*.php"), quiet: -1}
}

// compared adds what was before: how often it was asked for, and since when more.
func (t trap) compared(c *diagnose.Case) trap {
	t.began(c)
	t.quiet = quietPath(c, t)
	return t
}

// shareOf is the share of a pattern in the workers' time, or in the requests.
func shareOf(all map[string]diagnose.Requests, p diagnose.PathPattern) (share float64, timed bool) {
	took, count := 0.0, 0.0
	timed = p.TookMs >= 0
	for class, r := range all {
		if diagnose.Dynamic(class) {
			took, count, timed = took+float64(r.TookMs), count+float64(r.Count), timed && r.TookMs >= 0
		}
	}
	switch {
	case timed && took > 0:
		return min(p.TookMs/took, 1), true
	case count > 0:
		return min(p.Requests/count, 1), false
	}
	return -1, false
}

// began finds when the pattern's requests became many: the patterns are told by
// the interval, the requests of its class by the second.
func (t *trap) began(c *diagnose.Case) {
	usual := c.QuietRate(func(k string) bool { return k == t.Class })
	from := later(c.W.From, c.Outage.From.Add(-riseLead))
	for i, r := range c.Rates(diagnose.Span{From: from, To: c.Outage.From}, func(k string) bool { return k == t.Class }) {
		if at := from.Add(time.Duration(i) * riseStep); r >= max(2*usual, floodLeastRate) && !at.Before(t.PathPattern.Active.From) && at.Before(t.active.From) {
			t.active.From = at
		}
	}
}

// quietPath is how often the pattern was asked for in the quiet time, up to when
// it became more; -1 without a quiet time.
func quietPath(c *diagnose.Case, t trap) float64 {
	s := c.Quiet
	if t.active.From.Before(s.To) && t.active.From.After(s.From) {
		s.To = t.active.From
	}
	if s.Zero() {
		return -1
	}
	for _, p := range c.Paths(s) {
		if p.Path == t.Path {
			return p.Requests / max(s.Duration().Seconds(), 1)
		}
	}
	return 0
}

// more reports whether more was completed in all when it began than usual: pages
// that cannot be found any more are asked for by those who always came.
func (t trap) more(c *diagnose.Case) bool {
	if t.quiet < 0 || !t.missing {
		return true
	}
	most := 0.0
	for _, r := range c.Rates(diagnose.Span{From: t.active.From.Add(-riseStep), To: c.Outage.To}, diagnose.Dynamic) {
		most = max(most, r)
	}
	return most >= 1.5*c.QuietRate(diagnose.Dynamic)
}

// endless reports whether the pattern has more addresses than anybody finishes.
func (t trap) endless() bool {
	if t.Requests < trapLeast {
		return false
	}
	varies := t.Asked() || strings.Contains(t.Path, "N-N")
	return t.missing || varies && t.Fresh >= trapFresh
}

// walked reports whether it is walked as crawlers do.
func (t trap) walked() bool {
	return t.Robot != "" || t.Clients >= trapClients && t.Each <= trapEach || t.missing && t.Path != "/*"
}

// byPeople reports whether plain files came along with the pages.
func (t trap) byPeople(c *diagnose.Case) bool {
	static := func(class string) bool { return class == evidence.ClassStatic }
	files, usual := mean(c.Rates(t.active, static)), max(c.QuietRate(static), 0)
	return files-usual >= trapFiles*max(t.now-max(t.quiet, 0), 0.1)
}

func (t trap) guilty(c *diagnose.Case) bool {
	if t.Peak < floodLeastRate || t.cost >= 0 && t.cost < floodCost || !c.Starved(c.Outage) && c.Workers(c.Outage) < 0.99 {
		return false
	}
	if t.quiet < 0 {
		return t.share >= floodShareAlone
	}
	usual := max(t.quiet, 0.1)
	return t.Peak >= floodFactor*usual && t.now >= diagnose.DemandFactor*usual && t.share >= floodShare
}

func (t trap) finding(c *diagnose.Case) diagnose.Finding {
	locked := c.LockedShare(c.Outage)
	f := diagnose.Finding{
		About: diagnose.Subject{Path: t.Shown}, Active: t.active, Confidence: 0.75,
		Share:    diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: t.share * (1 - locked)},
		Claim:    diagnose.Say("crawler-trap", "pattern", t.Shown, "clients", diagnose.Count(t.Clients), "rate", diagnose.Number(t.Peak)),
		Remedies: []string{"close-trap", "page-cache"},
	}
	if t.cost >= 0 {
		f.Share.CPU = t.cost * max(t.share, 0)
	}
	if t.missing {
		f.Claim = diagnose.Say("link-missing-probes", "clients", diagnose.Count(t.Clients), "rate", diagnose.Number(t.Peak))
		f.Remedies = []string{"answer-404", "close-trap"}
		if strings.HasSuffix(t.Path, ".php") {
			f.Remedies = []string{"answer-404"} // the site has no links to them that could end
		}
		f.Proof = append(f.Proof, diagnose.Say("proof-trap-missing", "pattern", t.Shown, "requests", diagnose.Count(t.Requests+0.5)))
	} else {
		f.Proof = append(f.Proof, diagnose.Say("proof-trap-fresh", "pattern", t.Shown, "requests", diagnose.Count(t.Requests+0.5), "share", diagnose.Share01(t.Fresh)))
	}
	if t.Robot != "" {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-trap-robot", "robot", t.Robot))
	} else if t.Clients >= trapClients {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-trap-clients", "clients", diagnose.Count(t.Clients), "each", diagnose.Number(t.Each)))
	}
	if t.quiet >= 0 {
		f.Proof = append(f.Proof, diagnose.Say("proof-trap-rate", "pattern", t.Shown, "quiet", diagnose.Number(t.quiet), "outage", diagnose.Number(t.Peak)))
	} else {
		f.Missing = append(f.Missing, diagnose.Say("missing-quiet"))
	}
	said := "proof-trap-share"
	if !t.timed {
		said = "proof-trap-requests"
		f.Missing = append(f.Missing, diagnose.Say("missing-durations"))
	}
	f.Proof = append(f.Proof, diagnose.Say(said, "pattern", t.Shown, "share", diagnose.Share01(t.share)))
	if t.share >= 0.6 {
		f.Confidence += 0.05
	}
	if load := c.Load(c.Outage); t.cost >= 0.4 {
		f.Confidence += 0.08
		quiet := c.Load(c.Quiet)
		f.Proof = append(f.Proof, diagnose.Say("proof-php-cpu", "share", diagnose.Share01(load.ShareOf(load.PHP)), "quiet", diagnose.Share01(quiet.ShareOf(quiet.PHP))))
	}
	if t.quiet < 0 {
		f.Confidence = min(f.Confidence, 0.7)
	}
	return f
}

// clearCrawlerTrap gives the numbers of the most frequent pattern that could be a
// trap and was none: it came no more often than before.
func clearCrawlerTrap(c *diagnose.Case) []diagnose.Rejected {
	if c.Outage.Zero() || c.Quiet.Zero() {
		return nil
	}
	for _, t := range traps(c) {
		if !t.endless() || t.share < 0.05 {
			continue
		}
		if t = t.compared(c); t.quiet <= 0 || t.now > diagnose.DemandFactor*t.quiet {
			continue
		}
		return []diagnose.Rejected{{ID: "crawler-trap", Metric: "requests_per_second", Baseline: t.quiet, Window: t.now,
			Say: diagnose.Say("cleared-trap", "pattern", t.Shown, "quiet", diagnose.Number(t.quiet), "outage", diagnose.Number(t.now), "share", diagnose.Share01(t.share))}}
	}
	return nil
}
