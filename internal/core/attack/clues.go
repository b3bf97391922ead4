package attack

import (
	"cmp"
	"slices"
)

// cluesMost bounds how many clues a picture lists.
const cluesMost = 100

// historyLeast is how long, in seconds, the log must go back before an attack
// for a path to count as never seen before.
const historyLeast = 86400

// clues are the files that answered, as traces of a break-in.
func (c *court) clues() []Clue {
	var out []Clue
	leaks, uploads := c.leaks(), c.uploaded()
	began := c.began()
	for _, e := range c.tracesOf(func(*trace) bool { return true }) {
		id := ""
		switch {
		case slices.Contains(uploads, e):
			id = "php-in-uploads"
		case slices.Contains(leaks, e):
			id = "leaked-file"
		case e.signs&signFile != 0:
		case e.signs&signShell != 0 && (c.speaks(e.bytes) || e.posts > 0):
			id = "shell-answered"
		case c.isNew(e, began):
			id = "new-php"
		}
		if id != "" {
			out = append(out, Clue{
				ID: id, Path: e.path.String(), Client: c.clueClient(e).addr(), At: int64(e.first), Count: int64(e.count), Bytes: e.bytes, Posts: int64(e.posts),
			})
		}
	}
	rank := map[string]int{"shell-answered": 1, "php-in-uploads": 0, "new-php": 2, "leaked-file": 3}
	slices.SortStableFunc(out, func(a, b Clue) int { return cmp.Or(cmp.Compare(rank[a.ID], rank[b.ID]), cmp.Compare(a.At, b.At)) })
	return out[:min(len(out), cluesMost)]
}

// clueClient is the accused one of those who had an answer, or the first.
func (c *court) clueClient(e *trace) unit {
	for _, u := range e.units[:e.n] {
		if c.accused[u] != 0 {
			return u
		}
	}
	return e.units[0]
}

// began is the moment of the first attempt that is held against anybody.
func (c *court) began() uint32 {
	var first uint32
	for _, at := range c.accused {
		first = earlier(first, at)
	}
	return first
}

// isNew reports whether a PHP file answered that nobody had called before the
// attack: an accused client, or one that sends something to it and reads nothing.
// Other plugins' files are called by services such as those of payment.
func (c *court) isNew(e *trace, began uint32) bool {
	if began == 0 || e.first < began || e.more || e.signs&signPHP == 0 || !c.speaks(e.bytes) && e.posts == 0 {
		return false
	}
	for _, u := range e.units[:e.n] {
		if at := c.accused[u]; at != 0 && e.first >= at && (e.posts > 0 || e.signs&signPlugin == 0) {
			return true
		}
	}
	if began-c.t.from < historyLeast || e.posts == 0 || e.signs&signPlugin != 0 {
		return false
	}
	k := c.t.clients.get(c.t.hash.pair(e.units[0].hi, e.units[0].lo))
	return k != nil && k.views == 0 && k.assets == 0 && k.admin == 0
}
