package attack

import (
	"cmp"
	"slices"
)

// benignOf are the names of what looks odd and is no attack, by what its
// agent says.
func benignOf(k kind) string {
	switch k {
	case kindSearch:
		return "search-bot"
	case kindFeed:
		return "feed-reader"
	case kindMonitor:
		return "monitor"
	case kindPreload:
		return "cache-preload"
	case kindLinks:
		return "link-checker"
	case kindApp:
		return "app"
	case kindJetpack:
		return "jetpack"
	default:
		return ""
	}
}

// askedPerBot is how many of the busiest clients of a search engine's name are
// verified.
const askedPerBot = 5

// benign sums what looks odd and is no attack. What was accused is not in it.
func (c *court) benign() []Benign {
	sum := map[Benign]int64{} // Requests is 0 in the key
	add := func(id, name string, n int64) {
		if n > 0 {
			sum[Benign{ID: id, Name: name}] += n
		}
	}
	add("own-cron", "", c.t.own[1])
	add("own-requests", "", c.t.own[0])
	add("tls-on-http", "", c.t.tls)
	guilty := c.guilty()
	for i, n := range c.t.kinds {
		e := &agentNames[i]
		id := benignOf(e.kind)
		if id == "" {
			continue
		}
		if e.kind == kindSearch {
			var good bool
			if id, good = c.searchEngine(e.name); !good {
				continue
			}
		}
		add(id, e.shown(), n-guilty[i])
	}
	out := make([]Benign, 0, len(sum))
	for b, n := range sum {
		b.Requests = n
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Benign) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// guilty are the requests of accused clients by the name that they use.
func (c *court) guilty() map[int]int64 {
	out := map[int]int64{}
	seen := map[unit]bool{}
	for _, s := range c.all {
		if s.name < 0 || c.accused[s.unit] == 0 || seen[s.unit] {
			continue
		}
		seen[s.unit] = true
		out[int(s.name)] += int64(s.requests)
	}
	return out
}

// searchEngine verifies the busiest clients of a name: "verified-bot" where one
// is what it says, "search-bot" where nobody knows; false where all are refuted.
func (c *court) searchEngine(bot string) (string, bool) {
	busiest := c.clientsWhere(func(k *client) bool { return c.botOf(k) == bot })
	unknown := len(busiest) == 0
	for _, k := range busiest[:min(len(busiest), askedPerBot)] {
		switch c.verified(k.unit, bot) {
		case 1:
			return "verified-bot", true
		case 0:
			unknown = true
		}
	}
	return "search-bot", unknown
}
