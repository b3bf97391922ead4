package attack

// wpLoginBruteForce finds addresses that guess passwords at the log-in form,
// also where it was renamed.
var wpLoginBruteForce = Detector{
	ID:     wpLoginBruteForceID,
	Title:  "guesses passwords at the log-in form",
	Source: "attacks.md part 2; CrowdSec http-bf-wordpress_bf, OSSEC 31509/31510, Wordfence's and LiteSpeed's defaults",
	judge: func(c *court) {
		var some, many guessed
		c.loginDoor(groupLogin, c.of[groupLogin], "/wp-login.php").judge(&some, &many)
		for _, p := range c.renamed() {
			c.loginDoor(groupForm, p.suspects, p.path).judge(&some, &many)
		}
		c.accuse(some.charge(c, wpLoginBruteForceID, false))
		c.accuse(many.charge(c, wpLoginDistributedID, true))
	},
}

const wpLoginBruteForceID = "wp-login-brute-force"

// loginDoor is the door of one form.
func (c *court) loginDoor(g group, suspects []*suspect, path string) *door {
	d := &door{group: g, suspects: suspects, path: path, part: whole, failures: (*suspect).failedForm}
	d.fired = func(s *suspect) bool { return c.guesses(s, s.failedForm(), s.passedForm()) }
	return d
}

// failedForm counts the attempts at a form that failed.
func (s *suspect) failedForm() uint32 {
	return s.answers.s2 + s.answers.s3 - s.passedForm() + s.answers.s5 + s.wentAway()
}

// passedForm counts those that went well: redirects, unless the client read no
// page afterwards. Some plugins answer a wrong password with a redirect, too.
func (s *suspect) passedForm() uint32 {
	if s.bare() {
		return 0
	}
	return s.answers.s3
}

// wentAway counts the attempts whose answer the client did not wait for.
func (s *suspect) wentAway() uint32 { return s.answers.s4 - min(s.refused, s.answers.s4) }
