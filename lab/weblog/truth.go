package weblog

import (
	"cmp"
	"slices"
	"time"
)

// Truth is what a log holds.
type Truth struct {
	Format  string    `json:"format"` // as the server's configuration has it
	Seed    uint64    `json:"seed"`
	Lines   int64     `json:"lines"`
	Bytes   int64     `json:"bytes"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Clients int64     `json:"clients"` // different visitors: addresses, or /64 networks of IPv6
	IPv6    int64     `json:"ipv6_lines"`
	Attacks []*Part   `json:"attacks"`
	Benign  []*Part   `json:"benign"`
	Visits  *Part     `json:"visits"` // of people
	// BreakIn is who got in; nil: nobody did.
	BreakIn *BreakIn `json:"break_in,omitempty"`
}

// Part is all lines of one kind.
type Part struct {
	ID     string           `json:"id"`
	Lines  int64            `json:"lines"`
	Posts  int64            `json:"posts"`
	Actors int              `json:"actors"` // addresses, or /64 networks
	First  time.Time        `json:"first"`
	Last   time.Time        `json:"last"`
	Paths  map[string]int64 `json:"paths,omitempty"` // of attacks, without query, at most pathsMost
	TookUs int64            `json:"took_us"`
	Some   []string         `json:"some,omitempty"` // of the actors

	first, last int64
}

// BreakIn is one who guessed right.
type BreakIn struct {
	Client   string    `json:"client"`
	Failures int       `json:"failures"`
	At       time.Time `json:"at"`
	Shell    string    `json:"shell"`
}

const (
	pathsMost = 12
	someMost  = 5
)

// book counts a line.
func (t *Truth) book(p *Part, r *request, us int64, bytes int) {
	t.Lines++
	t.Bytes += int64(bytes)
	if r.from.v6 {
		t.IPv6++
	}
	if p.Lines == 0 || us < p.first {
		p.first = us
	}
	p.last = max(p.last, us)
	p.Lines++
	p.TookUs += r.tookUs
	if r.method == "POST" {
		p.Posts++
	}
	if p.Paths != nil {
		path := pathOf(r.target)
		if _, known := p.Paths[path]; known || len(p.Paths) < pathsMost {
			p.Paths[path]++
		}
	}
}

func pathOf(target string) string {
	for i := range len(target) {
		if target[i] == '?' {
			return target[:i]
		}
	}
	return target
}

// joined notes that one more takes part.
func (p *Part) joined(c *client) {
	p.Actors++
	if len(p.Some) < someMost {
		p.Some = append(p.Some, c.addr)
	}
}

func (g *generator) attack(id string) *Part {
	p := &Part{ID: id, Paths: map[string]int64{}}
	g.truth.Attacks = append(g.truth.Attacks, p)
	return p
}

func (g *generator) benign(id string) *Part {
	p := &Part{ID: id}
	g.truth.Benign = append(g.truth.Benign, p)
	return p
}

// result completes what was counted.
func (g *generator) result() Truth {
	t := g.truth
	t.Format, t.Seed, t.Clients = Formats[g.opt.Format], g.opt.Seed, g.pool.used
	parts := append(append([]*Part{t.Visits}, t.Attacks...), t.Benign...)
	for _, p := range parts {
		if p.Lines == 0 {
			continue
		}
		p.First, p.Last = g.moment(p.first), g.moment(p.last)
		if t.From.IsZero() || p.First.Before(t.From) {
			t.From = p.First
		}
		if p.Last.After(t.To) {
			t.To = p.Last
		}
	}
	none := func(p *Part) bool { return p.Lines == 0 }
	t.Attacks, t.Benign = slices.DeleteFunc(t.Attacks, none), slices.DeleteFunc(t.Benign, none)
	slices.SortFunc(t.Attacks, func(a, b *Part) int { return cmp.Compare(b.Lines, a.Lines) })
	return t
}

// moment is a time of the log, to the second.
func (g *generator) moment(us int64) time.Time {
	return g.opt.From.Add(time.Duration(us/1e6) * time.Second)
}
