package rules

import (
	"slices"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// ChangedJustBefore is an update or an edit whose own code or own statements are
// what fails or takes the time since then. That something was changed proves
// nothing: plugins are updated all the time.
func ChangedJustBefore() diagnose.Rule {
	return diagnose.Rule{
		ID:     "changed-just-before",
		Title:  "a plugin, a package or a setting was changed, and what fails or takes the time since then is its own",
		Source: "public reports: a snippet that ends every page with an error, a plugin that alters its table on every page view",
		Match:  matchChanged,
		Clear:  clearChanged,
		Yields: true,
	}
}

const (
	// changeBase is the confidence where the order is right and something that was not
	// there before the change accounts for the trouble.
	changeBase = 0.65
	// changeFew is how many lines or connections make a rule of it, not a chance.
	changeFew = 3
	// changeShare is the least share of the database's work on the tables of what was
	// changed.
	changeShare = 0.5
)

func matchChanged(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() {
		return nil
	}
	var out []diagnose.Finding
	for _, ch := range c.Changes() {
		f, ok := failsSince(c, ch)
		if !ok {
			f, ok = worksSince(c, ch)
		}
		if ok {
			out = append(out, f)
		}
	}
	// A file that is edited again and again is one cause; so are a plugin and its updates.
	slices.SortStableFunc(out, func(a, b diagnose.Finding) int { return b.Active.From.Compare(a.Active.From) })
	var kept []diagnose.Finding
	for _, f := range out {
		if !slices.ContainsFunc(kept, func(k diagnose.Finding) bool { return k.Claim.Args["name"] == f.Claim.Args["name"] }) {
			kept = append(kept, f)
		}
	}
	return kept
}

// changeFinding is what both mechanisms have in common.
func changeFinding(c *diagnose.Case, ch diagnose.Changed) diagnose.Finding {
	f := diagnose.Finding{
		Origin:     diagnose.Origin{Site: ch.Site, Version: ch.To},
		Share:      diagnose.UnknownShare,
		Active:     diagnose.Span{From: ch.At, To: c.Outage.To},
		Claim:      diagnose.Say("changed-just-before", ch.Said()...),
		Confidence: changeBase,
		Remedies:   []string{"take-back-change"},
	}
	if f.Active.From.After(c.Outage.From) {
		f.Active.From = c.Outage.From // clocks and looks differ by seconds
	}
	switch ch.What {
	case evidence.ChangePlugin:
		f.Origin.Plugin = ch.Name
	case evidence.ChangeTheme:
		f.Origin.File = "themes/" + ch.Name
	case evidence.ChangeConfig:
		f.Origin.File = ch.Name
	}
	if ch.Service != "" {
		f.About.Service = ch.Service
	}
	return f
}

// clearChanged gives the numbers that clear what was changed shortly before: no
// error in its files, no work on its tables, while more was asked of the site.
func clearChanged(c *diagnose.Case) []diagnose.Rejected {
	if c.Outage.Zero() || c.Quiet.Zero() || !roseBefore(c) {
		return nil // PHP itself may have become slower: that is not to be told from here
	}
	var out []diagnose.Rejected
	for _, ch := range c.ChangedBefore(c.Outage.From, diagnose.ChangeReach) {
		if !ch.Watched || ch.What != evidence.ChangePlugin && ch.What != evidence.ChangeTheme || len(out) == 3 {
			continue
		}
		errors := int64(0)
		for _, l := range fatalsOf(c, diagnose.Span{From: ch.At, To: c.Outage.To}) {
			if ch.Names(l.File) {
				errors += l.Count
			}
		}
		share := max(c.DatabaseShare(c.Outage, func(r diagnose.Run) bool { return c.Owns(ch, r.Schema, r.Table) }), 0)
		if errors > 0 || share > 0.05 {
			continue
		}
		out = append(out, diagnose.Rejected{ID: "changed-just-before", Metric: "database_time_share", Window: share,
			Say: diagnose.Say("cleared-change", append(ch.Said(), "errors", diagnose.Count(errors), "share", diagnose.Share01(share))...)})
	}
	return out
}

// roseBefore reports whether much more requests than usual were completed in the outage
// or when it began: before the machine was spent.
func roseBefore(c *diagnose.Case) bool {
	around := diagnose.Span{From: c.Outage.From.Add(-riseLead), To: c.Outage.To}
	if around.From.Before(c.W.From) {
		around.From = c.W.From
	}
	peak := 0.0
	for _, r := range c.Rates(around, diagnose.Dynamic) {
		peak = max(peak, r)
	}
	return peak >= floodLeastRate && peak >= floodFactor*c.QuietRate(diagnose.Dynamic)
}
