package main

import (
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/edge/tape"
)

// spent fills in what attacks took of the host: of the last hour of them that was
// recorded an estimate, and of all of their time the CPU against quiet days. There
// is nothing of it without a recording.
func (a *app) spent(q *siege, pic attack.Picture) (map[string]attack.Spent, map[string]attack.Used) {
	var end time.Time
	for _, t := range pic.Attacks {
		if to := time.Unix(t.To, 0); to.After(end) {
			end = to
		}
	}
	if q.away || end.IsZero() {
		return nil, nil
	}
	r, _, err := a.tapeToRead("")
	if err != nil {
		return nil, nil
	}
	defer r.Close()
	return spentOn(r, end), usedOn(r, pic)
}

func spentOn(r *tape.Reader, end time.Time) map[string]attack.Spent {
	span, err := r.Span()
	if err != nil || span.To.IsZero() {
		return nil
	}
	if end = end.Add(2 * time.Minute); end.After(span.To) { // attacks are told by the minute
		end = span.To
	}
	records, _, err := r.Records(end.Add(-costsBack), end)
	if err != nil {
		return nil
	}
	var c *diagnose.Case
	return attack.EstimateSpent(attack.SpentIn{Records: records, Writes: func(schema, table string) string {
		if c == nil {
			c = &diagnose.Case{W: growthOf(r, end)}
		}
		return c.Writes(schema, table)
	}})
}

// growthOf is what a tape tells of how tables grow, and of who wrote them: nothing
// where it cannot be read.
func growthOf(r *tape.Reader, before time.Time) recording.Window {
	known, _, err := r.Context(before)
	if err != nil {
		return recording.New(nil)
	}
	past, _, err := r.History()
	if err != nil {
		past = nil
	}
	var out []evidence.Record
	for _, rec := range append(known, past...) {
		switch rec.Fact.(type) {
		case evidence.TableGrowth, evidence.Table, evidence.Filter, evidence.Traffic:
			out = append(out, rec)
		}
	}
	return recording.New(out)
}

// usedOn compares the CPU that PHP and the database used in the time of each attack
// with the same hours of days without one that hurt.
func usedOn(r *tape.Reader, pic attack.Picture) map[string]attack.Used {
	minutes, err := r.Minutes(time.Unix(pic.From, 0), time.Unix(pic.To, 0))
	if err != nil {
		return nil
	}
	all := make([]attack.UsedMinute, 0, len(minutes))
	for _, m := range minutes {
		all = append(all, attack.UsedMinute{At: m.From.Unix(), PHPMs: m.PHPMs, DatabaseMs: m.DatabaseMs})
	}
	out := map[string]attack.Used{}
	for _, t := range pic.Attacks {
		if u, ok := attack.CompareUsed(all, t, pic.Attacks); ok {
			out[t.ID] = u
		}
	}
	return out
}
