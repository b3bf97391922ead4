package diagnose

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Changed is something that was changed, with its moment.
type Changed struct {
	evidence.Change
	At time.Time
	// Watched says that it was changed while the recorder watched: how things were
	// before it was seen, too.
	Watched bool
}

const (
	// ChangeReach is how long after a change its first sign of trouble comes: it takes
	// the next page, the end of a cache, or a reload at most.
	ChangeReach = 15 * time.Minute
	// changeOnce is over how long the writes of one update spread.
	changeOnce = 10 * time.Second
	// optionBeat is how long after the fact a switched plugin may be noticed.
	optionBeat = 75 * time.Second
	// changesTold bounds how many are told; where more changed at once, the site was
	// set up or moved.
	changesTold = 5
)

// Changes returns all that was changed as far as the recording tells, oldest
// first; the writes of one update are one change.
func (c *Case) Changes() []Changed {
	type thing struct{ site, what, name string }
	last := map[thing]int{}
	var out []Changed
	for at, f := range recording.Ever[evidence.Change](c.W) {
		k := thing{f.Site, f.What, f.Name}
		if i, ok := last[k]; ok && at.Sub(out[i].At) <= changeOnce {
			out[i].To = cmp.Or(f.To, out[i].To)
			continue
		}
		last[k] = len(out)
		out = append(out, Changed{Change: f, At: at, Watched: at.Sub(c.W.From) >= slack})
	}
	return out
}

// ChangedBefore returns what was changed within a time before a moment, or as
// little after it as clocks and looks may differ; the last change first.
func (c *Case) ChangedBefore(at time.Time, within time.Duration) []Changed {
	var out []Changed
	for _, ch := range slices.Backward(c.Changes()) {
		late := slack
		if ch.How == "option" {
			late = optionBeat
		}
		if !ch.At.Before(at.Add(-within)) && !ch.At.After(at.Add(late)) {
			out = append(out, ch)
		}
	}
	return out
}

// Owns reports whether a table belongs to what was changed.
func (c *Case) Owns(ch Changed, schema, table string) bool {
	o, ok := c.Owner(schema, table)
	return ok && ch.What == evidence.ChangePlugin && o.Plugin == ch.Name && (ch.Site == "" || o.Site == "" || o.Site == ch.Site)
}

// Names reports whether a PHP file, as evidence.ErrorLine names it, belongs to
// what was changed.
func (ch Changed) Names(file string) bool {
	parts := strings.Split(file, "/")
	name := func() string { return strings.TrimSuffix(parts[1], ".php") }
	switch ch.What {
	case evidence.ChangePlugin:
		return len(parts) > 1 && (parts[0] == "plugins" || parts[0] == "mu-plugins") && name() == ch.Name
	case evidence.ChangeTheme:
		return len(parts) > 1 && parts[0] == "themes" && name() == ch.Name
	case evidence.ChangeConfig:
		return len(parts) == 1 && file != "" && path.Base(ch.Name) == file
	}
	return false
}

// concerns reports whether a change is one of what a finding is about.
func (c *Case) concerns(ch Changed, f Finding) bool {
	switch ch.What {
	case evidence.ChangePlugin:
		return f.Origin.Plugin == ch.Name || f.About.Table != "" && c.Owns(ch, f.About.Schema, f.About.Table)
	case evidence.ChangePackage, evidence.ChangeConfig:
		return ch.Service != "" && f.About.Service == ch.Service
	}
	return false
}

// Said are the parameters of a sentence about the change.
func (ch Changed) Said(more ...any) []any {
	return append([]any{"what", ch.What, "name", ch.Name, "verb", ch.Verb, "from", ch.From, "to", ch.To, "at", ch.At}, more...)
}

// whyChanged adds to why a cause came now that what it is about was changed just
// before, where the time before that change was seen.
func (c *Case) whyChanged(f Finding, g *Growth, rules []Rule) *Growth {
	if slices.ContainsFunc(rules, func(r Rule) bool { return r.ID == f.Rule && r.Yields }) {
		return g // it says so itself
	}
	for _, ch := range c.ChangedBefore(f.Active.From, ChangeReach) {
		if !ch.Watched || !c.concerns(ch, f) {
			continue
		}
		if g == nil {
			g = &Growth{Rows: -1, OldRows: -1, RowsPerDay: -1, PerDay: -1}
		}
		g.Say = append(g.Say, Say("why-changed", ch.Said("after", max(f.Active.From.Sub(ch.At), 0))...))
		return g
	}
	return g
}

// changeNotes names what was changed shortly before visitors suffered, where the
// verdict says nothing of it yet.
func (c *Case) changeNotes(v Verdict) []Sentence {
	if c.Outage.Zero() || v.Status == Proven {
		return nil
	}
	within := ChangeReach
	if v.Status == NotProven {
		within = 24 * time.Hour
	}
	found := c.ChangedBefore(c.Outage.From, within)
	if len(found) > changesTold { // as it was set up, but for what was seen to change since
		found = slices.DeleteFunc(found, func(ch Changed) bool { return !ch.Watched })
	}
	if len(found) > changesTold {
		return nil
	}
	var out []Sentence
	for _, ch := range found {
		known := func(s Sentence) bool { return s.Args["name"] == ch.Name && s.Args["what"] == ch.What }
		said := slices.ContainsFunc(v.Causes, func(f Finding) bool { return known(f.Claim) }) || slices.ContainsFunc(v.Rejected, func(r Rejected) bool { return known(r.Say) }) ||
			v.WhyNow != nil && slices.ContainsFunc(v.WhyNow.Say, known)
		if !said {
			out = append(out, Say("note-changed-before", ch.Said("after", max(c.Outage.From.Sub(ch.At), 0))...))
		}
	}
	return out
}

// yields reports whether a finding of a rule that yields is only why another one
// came now: of the same table or plugin, and as sure.
func yields(f Finding, all []Finding) bool {
	return slices.ContainsFunc(all, func(g Finding) bool {
		same := f.About.Table != "" && g.About.Table == f.About.Table || f.Origin.Plugin != "" && g.Origin.Plugin == f.Origin.Plugin
		return g.Rule != f.Rule && same && g.Confidence >= f.Confidence
	})
}
