package remedies

import (
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// says is what the user has to know before, the most telling first.
func (c *closing) says() []diagnose.Sentence {
	say := diagnose.Say
	out := []diagnose.Sentence{say("web-closes", "path", script(&c.web), "server", c.web.Server)}
	if !c.web.Present {
		out = append(out, say("web-absent", "path", script(&c.web)))
	}
	if c.web.ByPHP {
		out = append(out, say("web-refused-by-php", "path", script(&c.web)))
	}
	out = append(out, c.saysWho()...)
	out = append(out, say("web-stays-open"), say("web-attempts-go-on"), say("web-other-sites"))
	if c.local > 0.5 {
		out = append(out, say("web-behind-proxy", "share", diagnose.Share01(c.local)))
	}
	return out
}

// saysWho tells who uses it, who may go on, and who is given up.
func (c *closing) saysWho() []diagnose.Sentence {
	say := diagnose.Say
	var out []diagnose.Sentence
	broken := c.broken()
	switch {
	case !c.web.Present:
	case len(broken) > 0:
		out = append(append(out, say("web-given-up", "name", acceptCallers)), broken...)
	case c.days <= 0:
		out = append(out, say("web-log-unread"))
	case len(c.callers) == 0 && !c.jetpack:
		out = append(out, say("web-nobody", "days", diagnose.Number(c.days), "requests", diagnose.Count(c.counted)))
	}
	if c.days > 0 && (c.days < shortLog || c.cut) {
		out = append(out, say("web-short-log", "days", diagnose.Number(c.days)))
	}
	if c.unread != "" && c.web.Present {
		out = append(out, say("web-site-unread", "why", c.unread))
	}
	if len(c.allow) > 0 {
		out = append(out, say("web-let-through", "addresses", strings.Join(c.allowed(), ", ")))
	}
	return append(out, c.saysLimits()...)
}

// saysLimits tells what letting addresses through cannot do.
func (c *closing) saysLimits() []diagnose.Sentence {
	if len(c.allow) == 0 {
		return nil
	}
	var out []diagnose.Sentence
	seen := map[string]bool{}
	for _, k := range c.callers {
		id := map[string]string{"app": "web-apps-move", "pingback": "web-pingbacks-end"}[k.ID]
		if k.Address == "" && k.ID != "jetpack" {
			id = "web-no-address"
		}
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, diagnose.Say(id))
		}
	}
	return out
}

// others are the ways that were not taken.
func (c *closing) others() []remedy.Other {
	return []remedy.Other{
		{ID: "refuse-by-plugin", Possible: true, Why: diagnose.Say("web-why-not-plugin")},
		{ID: "ban-addresses", Possible: true, Why: diagnose.Say("web-why-not-bans")},
		{ID: "delete-file", Possible: true, Why: diagnose.Say("web-why-not-delete")},
	}
}
