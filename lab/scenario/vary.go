package scenario

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"hirune/lab/stack"
)

// disguises are names under which the plugin of case 0 goes in varied runs: none of them is in any catalogue.
var disguises = []stack.Plugin{
	{Slug: "door-journal", Title: "Door Journal", Table: "door_journal", Column: "knocked_at", Hook: "door_journal_sweep"},
	{Slug: "guest-ledger", Title: "Guest Ledger", Table: "guestledger_entries", Column: "stamp", Hook: "guestledger_trim_old"},
	{Slug: "porch-light", Title: "Porch Light", Table: "porch_seen", Column: "ts", Hook: "porch_light_daily"},
}

// Vary returns the n-th variation of a scenario: the first is the scenario itself; in the others its own names, sizes, rates and
// moments differ, and what is expected stays. The same n gives the same one.
func (s Scenario) Vary(n uint64) Scenario {
	if n <= 1 {
		return s
	}
	rng := rand.New(rand.NewPCG(n, 77))
	between := func(a, b float64) float64 { return a + rng.Float64()*(b-a) }
	late := math.Round(between(1, 6))
	s.Seconds += late
	s.Load, s.Inject, s.Phases = slices.Clone(s.Load), slices.Clone(s.Inject), slices.Clone(s.Phases)
	for i := range s.Load {
		s.Load[i].Rate *= between(0.92, 1.12)
		s.Load[i].Clients = max(1, int(float64(s.Load[i].Clients)*between(0.8, 1)))
		if s.Load[i].From > 0 {
			s.Load[i].From += late
		}
		if s.Load[i].Until > 0 {
			s.Load[i].Until += late
		}
	}
	for i := range s.Inject {
		s.Inject[i].At += late
	}
	for i := range s.Phases {
		if s.Phases[i].From > 0 { // what was quiet before stays quiet a little longer
			s.Phases[i].From += late
		}
		s.Phases[i].Until += late
	}
	s.Stack.Seed.Rows = int(float64(s.Stack.Seed.Rows) * between(0.9, 1.15))
	return s.disguise(disguises[int(n)%len(disguises)])
}

// disguise gives the plugin other names, here and in what is expected of the verdict.
func (s Scenario) disguise(as stack.Plugin) Scenario {
	was := s.Stack.WithDefaults().Plugin
	now := was
	now.Slug, now.File, now.Title, now.Table, now.Column, now.Hook = as.Slug, as.Slug+".php", as.Title, as.Table, as.Column, as.Hook
	s.Stack.Plugin = now
	// Whole names only: a hook's may begin with the table's.
	names := map[string]string{was.Slug: now.Slug, was.Hook: now.Hook, was.Column: now.Column}
	renamed := func(part map[string]string) map[string]string {
		changed := map[string]string{}
		for k, v := range part {
			changed[k] = v
			if to, ok := names[v]; ok {
				changed[k] = to
			} else if prefix, ok := strings.CutSuffix(v, was.Table); ok {
				changed[k] = prefix + now.Table
			}
		}
		return changed
	}
	s.Verdict.Subject, s.Verdict.Origin = renamed(s.Verdict.Subject), renamed(s.Verdict.Origin)
	if s.Cold != nil {
		cold := *s.Cold
		cold.Subject, cold.Origin = renamed(cold.Subject), renamed(cold.Origin)
		s.Cold = &cold
	}
	return s
}
