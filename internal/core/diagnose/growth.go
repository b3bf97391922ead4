package diagnose

import (
	"math"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// growth says why the table of the finding became big enough to hurt: how fast
// it grows, and which requests write it.
func (c *Case) growth(f Finding) *Growth {
	if f.About.Table == "" || f.Steady {
		return nil
	}
	g := &Growth{Table: f.About.Table, Rows: c.Rows(f.About.Schema, f.About.Table), OldRows: -1, RowsPerDay: -1, PerDay: -1}
	curve, ok := c.curve(f.About)
	if !ok {
		if g.Rows < 0 || f.Statement == nil && f.Share.DatabaseTime >= 0 { // how many rows there are says nothing of it
			return nil
		}
		return g
	}
	if cut, ok := c.cutoff(f); ok {
		g.OldRows = int64(curve.keyAt(cut) - float64(curve.MinKey))
		if g.Rows >= 0 {
			g.OldRows = min(g.OldRows, g.Rows)
		}
		g.Say = append(g.Say, Say("why-old-rows", "table", g.Table, "old", Count(g.OldRows), "rows", Count(g.Rows)))
	}
	c.writers(g, curve)
	if g.RowsPerDay > 0 {
		g.Say = append(g.Say, Say("why-rows-grow", "table", g.Table, "rows", Count(g.Rows), "per_day", Count(g.RowsPerDay)))
	}
	if g.Class != "" {
		g.Say = append(g.Say, Say("why-rows-by-posts", "class", g.Class, "rows", Count(g.RowsSeen), "requests", Count(g.ReqsSeen), "days", Number(g.Counted.Duration().Hours()/24)))
	}
	if f.Origin.Hook != "" {
		g.Say = append(g.Say, Say("why-starts-over", "table", g.Table))
	}
	return g
}

// Rows is how many rows a table had when it was first looked at; -1 unknown.
// The server's estimate is off by a third where rows are wide, and moves while
// rows are deleted. Where the keys follow time, rows go only at the old end, and
// the keys count them, as long as the two do not contradict each other.
func (c *Case) Rows(schema, name string) int64 {
	rows := int64(-1)
	for _, t := range recording.Ever[evidence.Table](c.W) {
		if t.Name == name && (schema == "" || t.Schema == "" || t.Schema == schema) {
			rows = t.Rows
			break
		}
	}
	if cv, ok := c.curve(Subject{Schema: schema, Table: name}); ok {
		keys := cv.MaxKey - cv.MinKey + 1
		if rows < 0 || keys >= rows/2 && keys <= 2*rows {
			rows = keys
		}
	}
	return rows
}

// curve is the growth of a table as a line through its probes.
type curve struct{ evidence.TableGrowth }

func (c *Case) curve(about Subject) (curve, bool) {
	var out curve
	ok := false
	for _, g := range recording.Ever[evidence.TableGrowth](c.W) {
		if g.Name == about.Table && (about.Schema == "" || g.Schema == about.Schema) && g.Ordered && len(g.Probes) >= 2 {
			// The first one taken: the purge has not changed it yet.
			if !ok {
				out, ok = curve{g}, true
			}
		}
	}
	return out, ok
}

// keyAt is the primary key that was written at a moment, on the line through
// the probes.
func (g curve) keyAt(t time.Time) float64 {
	s := float64(t.Unix())
	p := g.Probes
	if s <= float64(p[0].UnixS) {
		return float64(p[0].Key)
	}
	for i := 1; i < len(p); i++ {
		a, b := p[i-1], p[i]
		if s <= float64(b.UnixS) && b.UnixS > a.UnixS {
			return float64(a.Key) + (s-float64(a.UnixS))/float64(b.UnixS-a.UnixS)*float64(b.Key-a.Key)
		}
	}
	return float64(p[len(p)-1].Key)
}

// cutoff is the time before which the purge deletes, read from its statement.
func (c *Case) cutoff(f Finding) (time.Time, bool) {
	for _, fl := range recording.Ever[evidence.Filter](c.W) {
		if fl.Table == f.About.Table && fl.Verb == "DELETE" && fl.CutoffUnixS > 0 {
			return time.Unix(fl.CutoffUnixS, 0), true
		}
	}
	return time.Time{}, false
}

// writers counts the rows of the last days against the requests of each class
// in the same time. One row a request, within a factor of two, names the class.
func (c *Case) writers(g *Growth, cv curve) {
	newest := time.Unix(cv.Probes[len(cv.Probes)-1].UnixS, 0)
	span, posts := c.loggedPosts(newest)
	if span.Duration() < time.Hour {
		g.RowsPerDay = perDay(cv, Span{newest.Add(-24 * time.Hour), newest})
		return
	}
	g.Counted = span
	g.RowsSeen = int64(math.Round(cv.keyAt(span.To) - cv.keyAt(span.From)))
	g.RowsPerDay = perDay(cv, span)
	best := math.Log(2.0)
	for class, n := range posts {
		if n < 50 || g.RowsSeen < 50 {
			continue
		}
		if off := math.Abs(math.Log(float64(n) / float64(g.RowsSeen))); off < best {
			best, g.Class, g.ReqsSeen = off, class, n
			g.PerDay = float64(n) / (span.Duration().Hours() / 24)
		}
	}
}

func perDay(cv curve, s Span) float64 {
	days := s.Duration().Hours() / 24
	if days <= 0 {
		return -1
	}
	return (cv.keyAt(s.To) - cv.keyAt(s.From)) / days
}

// loggedPosts counts the POST requests by class that the logs hold up to a
// moment, and over which time.
func (c *Case) loggedPosts(to time.Time) (Span, map[string]int64) {
	posts := map[string]int64{}
	var s Span
	for at, t := range recording.Ever[evidence.Traffic](c.W) {
		if !t.FromHist || at.After(to) {
			continue
		}
		from := at.Add(-time.Duration(t.OverMs) * time.Millisecond)
		if s.Zero() || from.Before(s.From) {
			s.From = from
		}
		s.To = later(s.To, at)
		if t.Posts > 0 && t.Class != evidence.ClassCron {
			posts[t.Class] += t.Posts
		}
	}
	s.To = earlier(s.To, to)
	return s, posts
}

// GrowthClass returns the class of requests that writes the finding's table,
// or "" if the logs do not tell.
func (c *Case) GrowthClass(f Finding) string {
	if g := c.growth(f); g != nil {
		return g.Class
	}
	return ""
}
