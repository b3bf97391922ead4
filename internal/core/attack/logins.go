package attack

import (
	"cmp"
	"slices"
)

const (
	// So many failures before a log-in that went well are a guess that hit: people
	// give up or reset their password earlier. Who reads pages like a person gets
	// more, unless the client is accused of guessing.
	failuresFirst = 5
	failuresHuman = 10
	// Of xmlrpc.php it is only an answer that is not a refusal: it needs more
	// refusals before, and is rare among the answers.
	refusalsFirst = 10
	successRare   = 0.05
	successActors = 2
	// A success tells of the user's blogs: it is longer than a refusal by more
	// than what compression and headers vary.
	successMore = 24
)

// loginsMost bounds how many log-ins a picture lists.
const loginsMost = 100

// loginsAfter are the log-ins that followed on many failures.
func (c *court) loginsAfter() []Login {
	var out []Login
	for _, s := range c.of[groupLogin] {
		out = c.loginOf(out, s, "wp-login")
	}
	for _, f := range c.renamed() {
		for _, s := range f.suspects {
			out = c.loginOf(out, s, f.path)
		}
	}
	for _, s := range c.of[groupXMLRPC] {
		out = c.answeredOf(out, s)
	}
	slices.SortStableFunc(out, func(a, b Login) int {
		return cmp.Or(-boolCompare(a.Admin, b.Admin), cmp.Compare(b.Failures, a.Failures), cmp.Compare(a.At, b.At), a.Client.Compare(b.Client))
	})
	return out[:min(len(out), loginsMost)]
}

func boolCompare(a, b bool) int { return boolIndex(a) - boolIndex(b) }

// loginOf adds the log-in of an actor by a form.
func (c *court) loginOf(out []Login, s *suspect, way string) []Login {
	l := s.login
	least := uint32(failuresFirst)
	if s.human() && c.accused[s.unit] == 0 {
		least = failuresHuman
	}
	best := l.best
	if l.first.adminAt != 0 && best.adminAt == 0 && l.first.failures >= least {
		best = l.first
	}
	if best.at == 0 || best.failures < least {
		return out
	}
	return append(out, Login{
		Client: s.unit.addr(), Way: way, Failures: int64(best.failures), At: int64(best.at), Admin: best.adminAt != 0, AdminAt: int64(best.adminAt), Uploads: int64(l.uploads),
	})
}

// answeredOf adds the answer to an actor that left the refusals, after many.
func (c *court) answeredOf(out []Login, s *suspect) []Login {
	refusals := c.guessedBy(s)
	if refusals < refusalsFirst {
		return out
	}
	var found *sizeUse
	for i := range s.sizes {
		z := &s.sizes[i]
		if z.n > 0 && z.before >= refusalsFirst && c.isSuccess(s, z, refusals) && (found == nil || z.first < found.first) {
			found = z
		}
	}
	if found == nil {
		return out
	}
	return append(out, Login{Client: s.unit.addr(), Way: "xmlrpc", Failures: int64(found.before), At: int64(found.first)})
}

// isSuccess reports whether a size may be that of a log-in that went well: not
// a refusal of any kind, not many calls in one, and one that hardly anybody
// else gets: what many get is another text of refusal, such as that of a door
// that was shut.
func (c *court) isSuccess(s *suspect, z *sizeUse, refusals uint32) bool {
	if isNear(c.faults, z.size) || c.isPing(z.size) || c.bundled(z.size, c.faults) >= multicallLeast || float64(z.n) > successRare*float64(refusals)+1 {
		return false
	}
	for _, f := range c.faults {
		if !c.isPing(f) && z.size < f+successMore {
			return false
		}
	}
	return c.accusedBySize().near(z.size) <= successActors
}

// accusedBySize counts the accused callers of xmlrpc.php that got a size.
func (c *court) accusedBySize() sizeCounts {
	if c.bySize == nil {
		c.bySize = sizeCounts{}
		for _, s := range c.of[groupXMLRPC] {
			for _, z := range s.sizes {
				if z.n > 0 && c.accused[s.unit] != 0 {
					c.bySize[z.size]++
				}
			}
		}
	}
	return c.bySize
}
