package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// ordinary are the classes of requests that visitors make; those that only
// programs flood have rules of their own.
var ordinary = []string{evidence.ClassPage, evidence.ClassQuery, evidence.ClassFeed, evidence.ClassAjax, evidence.ClassREST, evidence.ClassPHP, evidence.ClassComment, evidence.ClassAdmin}

// classOrdinary is how these classes are told together.
const classOrdinary = "page"

// RequestFlood is a few clients that ask for ordinary pages faster than the
// server can build them.
func RequestFlood() diagnose.Rule {
	return diagnose.Rule{
		ID:     "request-flood",
		Title:  "a few addresses ask for ordinary pages much faster than people do, and take all workers",
		Source: "public case 35: 19,292 of 22,706 requests by one address; the lab",
		Needs:  map[string]string{evidence.Traffic{}.Kind(): "missing-traffic"},
		Match: func(c *diagnose.Case) []diagnose.Finding {
			f := floodIn(c, classOrdinary, ordinary...)
			// 1. Demand, most of it by a few: many are a crowd, or a crawler trap.
			if c.Outage.Zero() || !f.guilty() || f.clientsShare < 0.5 {
				return nil
			}
			// 2. They were not as busy before: a proxy in front of the site sends all
			// of its visitors from one address, always.
			if !cameAnew(c, f) || sentToItself(c) >= 0.3 {
				return nil
			}
			out := f.finding(c, "request-flood", 0.8)
			if !f.compared() {
				out.Confidence = min(out.Confidence, 0.6) // without a quiet time nobody knows who is always there
			}
			out.Remedies = []string{"block-clients", "page-cache"}
			return []diagnose.Finding{out}
		},
	}
}

// cameAnew reports whether the busiest clients of a flood asked much less in the
// quiet time.
func cameAnew(c *diagnose.Case, f flood) bool {
	if c.Quiet.Zero() {
		return true
	}
	before := map[string]float64{}
	for _, k := range c.Clients(c.Quiet, f.classes...) {
		before[k.Address] = float64(k.Requests) / max(c.Quiet.Duration().Seconds(), 1)
	}
	was, now := 0.0, 0.0
	for _, k := range f.clients[:min(len(f.clients), 5)] {
		was += before[k.Address]
		now += float64(k.Requests) / max(f.active.Duration().Seconds(), 1)
	}
	return now >= floodFactor*was
}

// sentToItself is the share of the outage's requests that the server sent to itself.
func sentToItself(c *diagnose.Case) float64 {
	all, self := int64(0), int64(0)
	for class, r := range c.Traffic(c.Outage) {
		if diagnose.Dynamic(class) {
			all, self = all+r.Count, self+r.Self
		}
	}
	return float64(self) / float64(max(all, 1))
}
