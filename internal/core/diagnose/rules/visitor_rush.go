package rules

import (
	"slices"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

const (
	// rushMost is the share of the pages that the busiest five clients may ask for:
	// beyond, it is not known that they are many.
	rushMost = 0.3
	// rushOther is the share of the pages that robots, or patterns without an end,
	// may be asked for: beyond, it is not people who came.
	rushOther = 0.3
	// rushSure is the most confidence: who they are and why they came is not recorded.
	rushSure = 0.88
)

// visited are the classes of what people read.
var visited = []string{evidence.ClassPage, evidence.ClassQuery}

// VisitorRush is that many more people than usual want to read the site, and the
// machine cannot build so many pages: nobody is to be blocked.
func VisitorRush() diagnose.Rule {
	return diagnose.Rule{
		ID:       "visitor-rush",
		Title:    "many more people than usual read the site, and the machine cannot build so many pages",
		Source:   "the lab: 34 pages a second from thousands of addresses, which load the plain files too",
		Needs:    map[string]string{evidence.Traffic{}.Kind(): "missing-traffic", evidence.PathUse{}.Kind(): "missing-paths"},
		Match:    matchVisitorRush,
		Residual: true,
	}
}

func matchVisitorRush(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() || c.Quiet.Zero() {
		return nil
	}
	f := floodIn(c, classOrdinary, visited...)
	// 1. Much more was completed when it began: what piles up later is an effect. It is what the machine could not bear.
	before := peakBefore(c)
	_, _, _, came := c.Rush()
	if !f.compared() || before < max(floodFactor*max(f.quiet, 0.1), floodLeastRate) || f.now < diagnose.DemandFactor*f.quiet && !came {
		return nil
	}
	if !f.starved || f.cost >= 0 && f.cost < floodCost || f.share < 0.6 {
		return nil
	}
	// 2. They are people: many, who load the pictures and styles of what they read, and no robots.
	files, usual, people := filesToo(c, f, before)
	many := readers(c, f)
	if !people || f.front == "" && (many < trapClients || f.clientsShare > rushMost) || byPrograms(c, f) || sentToItself(c) >= rushOther {
		return nil
	}
	f.clients, f.peak = nil, before
	out := f.finding(c, "visitor-rush", 0.72)
	out.Claim = diagnose.Say("visitor-rush", "rate", diagnose.Number(before), "quiet", diagnose.Number(f.quiet))
	out.Proof = append(out.Proof, diagnose.Say("proof-rush-files", "files", diagnose.Number(files), "quiet", diagnose.Number(usual)))
	if f.front == "" {
		out.Confidence += 0.05
		out.Proof = append(out.Proof, diagnose.Say("proof-rush-many", "clients", diagnose.Count(many)))
	}
	out.Confidence = min(out.Confidence, rushSure)
	out.Remedies = []string{"page-cache"}
	if _, squeezed := c.Squeezed(); squeezed {
		out.Remedies = append(out.Remedies, "bigger-plan")
	}
	return []diagnose.Finding{out}
}

// peakBefore is the most pages a second that were completed in any few seconds up
// to when visitors began to suffer.
func peakBefore(c *diagnose.Case) float64 {
	only := func(class string) bool { return slices.Contains(visited, class) }
	most := 0.0
	for _, r := range c.Rates(diagnose.Span{From: later(c.W.From, c.Outage.From.Add(-riseLead)), To: c.Outage.From.Add(riseStep)}, only) {
		most = max(most, r)
	}
	return most
}

// filesToo tells how many plain files a second came along, and whether they rose
// with the pages as they do with people's browsers.
func filesToo(c *diagnose.Case, f flood, pages float64) (files, usual float64, ok bool) {
	static := func(class string) bool { return class == evidence.ClassStatic }
	usual = max(c.QuietRate(static), 0)
	for _, r := range c.Rates(diagnose.Span{From: f.active.From, To: c.Outage.From.Add(riseStep)}, static) {
		files = max(files, r)
	}
	return files, usual, files-usual >= trapFiles*(pages-f.quiet)
}

// readers is how many addresses asked for one pattern of pages in an interval, at
// least, each of them a little.
func readers(c *diagnose.Case, f flood) int64 {
	most := int64(0)
	for _, p := range c.Paths(f.active) {
		if slices.Contains(f.classes, p.Class) && p.Each <= trapEach {
			most = max(most, p.Clients)
		}
	}
	return most
}

// byPrograms reports whether robots, or patterns without an end, are much of what
// was asked for; so it is where nobody counted the patterns.
func byPrograms(c *diagnose.Case, f flood) bool {
	all, theirs := 0.0, 0.0
	for _, p := range c.Paths(f.active) {
		all += p.Requests
		if t := trapOf(p); p.Robot != "" || t.endless() {
			theirs += p.Requests
		}
	}
	return all == 0 || theirs > rushOther*all
}
