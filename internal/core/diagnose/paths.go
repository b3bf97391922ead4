package diagnose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// PathPattern is what was asked of one pattern of addresses in a span; where only the
// parameters differ, all of them together.
type PathPattern struct {
	Path     string  // without the query string
	Shown    string  // the most frequent form, with the names of its parameters
	Class    string  // of most of them
	Requests float64 // completed
	TookMs   float64 // -1 if not logged
	Errors   float64
	Self     float64 // sent by the server itself
	Clients  int64   // most in one interval: at least so many addresses
	Each     float64 // requests of one address in an interval, on average
	Fresh    float64 // share of the requests whose address, parameters included, was new in its interval
	Robot    string  // the most frequent one, where half of them or more say they are of some
	Peak     float64 // most requests a second in one interval
	Peaked   time.Time
	Active   Span // of the intervals in which it was told

	shown, robot float64 // requests of that form; of all robots
	robots       map[string]float64
	class        float64
}

// Asked reports whether its addresses have parameters.
func (p PathPattern) Asked() bool { return strings.Contains(p.Shown, "?") }

// Paths returns the patterns of addresses that were asked for in a span, the
// most frequent first. They are told by the interval: what of one fell into the
// span is taken to be even.
func (c *Case) Paths(s Span) []PathPattern {
	if s.Zero() {
		return nil
	}
	by := map[string]*PathPattern{}
	open := map[string]*interval{}
	for at, u := range recording.All[evidence.PathUse](c.In(Span{s.From, s.To.Add(longBeat)})) {
		over := max(time.Duration(u.OverMs)*time.Millisecond, time.Millisecond)
		part := earlier(s.To, at).Sub(later(s.From, at.Add(-over))).Seconds() / over.Seconds()
		if u.FromHist || part <= 0 {
			continue
		}
		path, _, _ := strings.Cut(u.Pattern, "?")
		p := by[path]
		if p == nil {
			p = &PathPattern{Path: path, Active: Span{at.Add(-over), at}}
			by[path], open[path] = p, &interval{}
		}
		p.add(u, part, Span{at.Add(-over), at}, open[path])
	}
	out := make([]PathPattern, 0, len(by))
	for path, p := range by {
		open[path].close(p)
		if 2*p.robot < p.Requests {
			p.Robot = ""
		}
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b PathPattern) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Path, b.Path))
	})
	return out
}

// interval adds up the forms of one path that are told together.
type interval struct {
	at                        time.Time
	over                      time.Duration
	requests, clients, urls   int64
	eachSum, freshSum, weight float64
}

// close takes the interval into account.
func (i *interval) close(p *PathPattern) {
	if i.requests == 0 {
		return
	}
	n := float64(i.requests)
	p.Clients = max(p.Clients, i.clients)
	i.eachSum, i.freshSum, i.weight = i.eachSum+n*n/float64(max(i.clients, 1)), i.freshSum+min(float64(i.urls), n), i.weight+n
	if rate := n / i.over.Seconds(); rate > p.Peak {
		p.Peak, p.Peaked = rate, i.at.Add(-i.over)
	}
	p.Each, p.Fresh = i.eachSum/i.weight, i.freshSum/i.weight
	i.requests, i.clients, i.urls = 0, 0, 0
}

func (p *PathPattern) add(u evidence.PathUse, part float64, s Span, i *interval) {
	if !s.To.Equal(i.at) {
		i.close(p)
		i.at, i.over = s.To, s.Duration()
	}
	i.requests, i.clients, i.urls = i.requests+u.Requests, i.clients+u.Clients, i.urls+u.Distinct
	n := part * float64(u.Requests)
	p.Requests, p.Errors = p.Requests+n, p.Errors+part*float64(u.Errors)
	p.Self += part * float64(u.Self)
	if u.TookMs < 0 || p.TookMs < 0 {
		p.TookMs = unknown
	} else {
		p.TookMs += part * float64(u.TookMs)
	}
	if n > p.shown || n == p.shown && u.Pattern < p.Shown {
		p.Shown, p.shown = u.Pattern, n
	}
	if n > p.class || n == p.class && u.Class < p.Class {
		p.Class, p.class = u.Class, n
	}
	if u.Robot != "" {
		if p.robots == nil {
			p.robots = map[string]float64{}
		}
		p.robots[u.Robot] += n
		if k := p.robots[u.Robot]; p.Robot == "" || k > p.robots[p.Robot] || k == p.robots[p.Robot] && u.Robot < p.Robot {
			p.Robot = u.Robot
		}
		p.robot += n
	}
	p.Active = Span{earlier(p.Active.From, s.From), later(p.Active.To, s.To)}
}
