package diagnose

import "time"

// askedBeat is over how long patterns are counted.
const askedBeat = 10 * time.Second

const (
	// askedShare is the share of the requests that must be for one pattern to tell of
	// it, askedLeast how many there must be, and askedRise how much more than before.
	askedShare = 0.4
	askedLeast = 20.0
	askedRise  = 2.5
	// askedLead is how long before visitors suffered it may have begun.
	askedLead = time.Minute
)

// askedMost tells what was asked for most when more came than usual: a lead for who
// looks on, where no cause is found. It accuses nobody.
func (c *Case) askedMost() (Sentence, bool) {
	if c.Outage.Zero() || c.Quiet.Zero() {
		return Sentence{}, false
	}
	lead := Span{later(c.W.From, c.Outage.From.Add(-askedLead)), c.Outage.To}
	during := c.Paths(lead)
	all := 0.0
	for _, p := range during {
		all += p.Requests
	}
	if len(during) == 0 || during[0].Requests < max(askedShare*all, askedLeast) {
		return Sentence{}, false
	}
	most, before := during[0], 0.0
	quiet := Span{c.Quiet.From, earlier(c.Quiet.To, most.Peaked).Add(-askedBeat)} // the beat before the peak may hold the rise
	for _, p := range c.Paths(quiet) {
		if p.Path == most.Path {
			before = p.Requests / max(quiet.Duration().Seconds(), 1)
		}
	}
	if most.Peak < askedRise*max(before, 0.1) {
		return Sentence{}, false
	}
	if quiet.Duration() < askedBeat {
		return Sentence{}, false
	}
	if 2*most.Self >= most.Requests {
		return Say("note-asked-itself", "pattern", most.Shown, "rate", Number(most.Peak), "quiet", Number(before)), true
	}
	return Say("note-asked-most", "pattern", most.Shown, "rate", Number(most.Peak), "quiet", Number(before)), true
}
