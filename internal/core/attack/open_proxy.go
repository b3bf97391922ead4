package attack

// openProxy finds requests that are meant for a proxy. They are noise, and nobody is blocked for one.
var openProxy = Detector{
	ID:     "open-proxy",
	Title:  "takes the server for a proxy",
	Source: "attacks.md part 2; CrowdSec http-open-proxy; bitnami/vms #253",
	judge: func(c *court) {
		ch := charge{id: "open-proxy", groups: []group{groupProxy}, severity: Low}
		for _, s := range c.of[groupProxy] {
			if !s.human() && c.passes(s, int(s.attempts), proxyRequests) {
				ch.parts = append(ch.parts, whole(s, true))
			}
		}
		c.accuse(ch)
	},
}

// proxyRequests is how many are told: one is a program that was set up wrongly.
const proxyRequests = 3
