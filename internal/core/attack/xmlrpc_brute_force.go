package attack

import "hirune/internal/core/diagnose"

// xmlrpcBruteForce finds addresses that guess passwords through xmlrpc.php.
// Its answers are always 200; a refusal is told by its size, which is learned.
var xmlrpcBruteForce = Detector{
	ID:     "xmlrpc-brute-force",
	Title:  "guesses passwords through xmlrpc.php",
	Source: "attacks.md part 0.3 and part 2; CrowdSec http-bf-wordpress_bf_xmlrpc; WP VIP's limit of 10 in 30 s",
	judge: func(c *court) {
		d := &door{
			group: groupXMLRPC, suspects: c.of[groupXMLRPC], path: "/xmlrpc.php",
			failures: func(s *suspect) uint32 { return c.guessedBy(s) + s.answers.s5 + s.wentAway() },
			part:     whole,
			fired:    c.guessesByXMLRPC,
		}
		var some, many guessed
		d.judge(&some, &many)
		for _, g := range []struct {
			guessed
			id   string
			many bool
		}{{some, "xmlrpc-brute-force", false}, {many, xmlrpcDistributedID, true}} {
			ch := g.charge(c, g.id, g.many)
			if size := modalSize(ch.parts); size > 0 {
				ch.says = append(ch.says, diagnose.Say("attack-one-size", "bytes", diagnose.Bytes(size)))
			}
			c.accuse(ch)
		}
	},
}

// Who says to be an app or another blog gets patience: an app that is opened
// makes a dozen calls at once.
const appBurst = 50

// guessesByXMLRPC is the threshold of one caller.
func (c *court) guessesByXMLRPC(s *suspect) bool {
	switch {
	case s.taken > 0 && 2*s.taken >= s.attempts: // it is known for something else
		return false
	case s.kind == kindJetpack && jetpackNet.Contains(s.unit.addr()):
		return false
	case s.refused >= guessesShut:
		return true
	}
	failures, sized := c.guessedBy(s), s.sized()
	open := failures + s.answers.s5 + s.wentAway()
	switch {
	case s.kind == kindApp || s.kind == kindBlog || s.kind == kindJetpack:
		return failures*5 >= sized*4 && c.passes(s, int(min(failures, s.burst.peak)), appBurst)
	case sized == 0: // nothing but errors, or the log has no sizes
		return c.passes(s, int(s.burst.peak), guessesFlood)
	case failures*2 < sized: // half of the answers is something else: it gets what it asks for
		return false
	case c.passes(s, int(min(s.burst.peak, open)), guessesBurst):
		return true
	}
	return open >= guessesDay && float64(open)/s.days() >= guessesDay
}
