package attack

// crossSiteScripting finds clients that send scripts in parameters.
var crossSiteScripting = Detector{
	ID:     "cross-site-scripting",
	Title:  "tries to place scripts",
	Source: "attacks.md part 2; libinjection (Galbreath, 2012); CrowdSec http-xss-probing takes 5",
	judge: func(c *court) {
		c.accuse(c.contentCharge("cross-site-scripting", groupScript, Medium, injectLines))
	},
}
