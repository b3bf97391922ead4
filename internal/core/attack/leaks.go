package attack

import (
	"cmp"
	"slices"
)

// found are files that answered and should not have, the first one first.
type found []*trace

func (f found) by(u unit) bool {
	return slices.ContainsFunc(f, func(t *trace) bool { return slices.Contains(t.units[:t.n], u) })
}

// tracesOf are the traces of a kind.
func (c *court) tracesOf(is func(*trace) bool) found {
	var out found
	for i := range c.t.traces.of {
		if e := &c.t.traces.of[i]; c.t.traces.top.tags[i] != 0 && is(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *trace) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.path.String(), b.path.String()))
	})
	return out
}

// blankMore is how much an answer has more than the smallest of all that
// counts as an answer: WordPress' own files, and the index.php that keep
// directories from being listed, answer with nothing. Where the log counts
// headers, nothing has their size.
const blankMore = 40

// speaks reports whether an answer had a body.
func (c *court) speaks(bytes int64) bool {
	if c.t.least < smallHeaders { // sizes are those of bodies
		return bytes > 0
	}
	return bytes > c.t.least+blankMore
}

// smallHeaders is less than the headers of any answer have.
const smallHeaders = 100

// uploaded are PHP files where none belongs that answered something.
func (c *court) uploaded() found {
	return c.tracesOf(func(e *trace) bool {
		return e.signs&signUploads != 0 && (e.posts > 0 || e.signs&signIndex == 0 && c.speaks(e.bytes))
	})
}

// softMost is how many secret files may answer with the same size: more are a
// site that answers everything with one page.
const softMost = 2

// leaks are secret files that answered something.
func (c *court) leaks() found {
	all := c.tracesOf(func(e *trace) bool { return e.signs&signFile != 0 && c.speaks(e.bytes) })
	return slices.DeleteFunc(all, func(e *trace) bool {
		same := 0
		for i := range c.t.traces.of {
			o := &c.t.traces.of[i]
			if c.t.traces.top.tags[i] != 0 && o.signs&signFile != 0 && o.least == o.bytes && o.bytes == e.bytes {
				same++
			}
		}
		return same > softMost
	})
}
