package attack

import "hirune/internal/core/diagnose"

// xmlrpcMulticall finds callers that pack many guesses into one call of
// system.multicall: one request then costs as much as many. Since WordPress
// 4.4 all guesses of a call fail once the first did.
var xmlrpcMulticall = Detector{
	ID:     "xmlrpc-multicall",
	Title:  "packs many log-ins into one call of xmlrpc.php",
	Source: "attacks.md part 0.3, 0.4 and part 2; wp-fail2ban's hard filter takes each one",
	judge: func(c *court) {
		faults := c.faults
		if len(faults) == 0 {
			faults = usualFaults
		}
		most := 0
		ch := charge{id: "xmlrpc-multicall", groups: []group{groupXMLRPC}, severity: Medium}
		for _, s := range c.of[groupXMLRPC] {
			if s.trusted() {
				continue
			}
			p := s.sizedPart(func(size int32) bool { return c.bundled(size, faults) >= multicallLeast })
			if p.n < multicallRepeats {
				continue
			}
			for _, z := range s.sizes {
				most = max(most, c.bundled(z.size, faults))
			}
			ch.parts = append(ch.parts, p)
		}
		ch.says = []diagnose.Sentence{diagnose.Say("attack-multicall-calls", "calls", diagnose.Count(most))}
		c.accuse(ch)
	},
}

const (
	// Apps bundle a few calls, guessers dozens or hundreds.
	multicallLeast = 10
	// One answer in two hundred has such a size by chance: a list of posts, say.
	// The same attack comes back with the same number of calls.
	multicallRepeats = 3
)
