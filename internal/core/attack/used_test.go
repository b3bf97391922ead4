package attack

import (
	"math"
	"testing"
)

// usedWeek is a week of minutes that starts at unix day 20000: PHP uses a half CPU,
// and two in the hours in which it is attacked.
func usedWeek(t Attack) []UsedMinute {
	var out []UsedMinute
	const start = 20_000 * 86_400
	for at := int64(start); at < start+7*86_400; at += 60 {
		m := UsedMinute{At: at, PHPMs: 30_000, DatabaseMs: 6_000}
		if at/3600%24 < 6 {
			m.PHPMs = 3_000 // the night is quiet
		}
		if at >= t.From && at <= t.To {
			m.PHPMs = 120_000
		}
		out = append(out, m)
	}
	return out
}

func TestCompareUsed(t *testing.T) {
	const start = 20_000 * 86_400
	noon := Attack{ID: "a", Verdict: Hurts, From: start + 5*86_400 + 12*3600, To: start + 5*86_400 + 14*3600}
	night := Attack{ID: "a", Verdict: Hurts, From: start + 5*86_400 + 2*3600, To: start + 5*86_400 + 4*3600}
	always := Attack{ID: "a", Verdict: Hurts, From: start, To: start + 7*86_400}
	short := Attack{ID: "a", Verdict: Hurts, From: noon.From, To: noon.From + 600}
	noise := Attack{ID: "b", Verdict: Harmless, From: start, To: start + 7*86_400}
	other := Attack{ID: "b", Verdict: Unknown, From: start, To: start + 6*86_400}
	for name, c := range map[string]struct {
		t     Attack
		all   []Attack
		usual float64
		ok    bool
	}{
		"at noon":                       {noon, []Attack{noon}, 0.5, true},
		"at night":                      {night, []Attack{night}, 0.05, true},
		"beside harmless noise":         {noon, []Attack{noon, noise}, 0.5, true},
		"no quiet day":                  {always, []Attack{always}, 0, false},
		"another attack on most days":   {noon, []Attack{noon, other}, 0, false},
		"too short to say anything of":  {short, []Attack{short}, 0, false},
		"not recorded at all, later on": {Attack{From: start + 9*86_400, To: start + 10*86_400}, nil, 0, false},
	} {
		got, ok := CompareUsed(usedWeek(c.t), c.t, c.all)
		if ok != c.ok {
			t.Errorf("%s: got %+v, %v", name, got, ok)
			continue
		}
		if ok && (math.Abs(got.PHP.During-2) > 0.01 || math.Abs(got.PHP.Usual-c.usual) > 0.01 || math.Abs(got.Database.During-got.Database.Usual) > 1e-9) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestCompareUsedOfUnknownServices(t *testing.T) {
	const start = 20_000 * 86_400
	a := Attack{ID: "a", Verdict: Hurts, From: start + 5*86_400, To: start + 6*86_400}
	minutes := usedWeek(a)
	for i := range minutes {
		minutes[i].DatabaseMs = -1
	}
	got, ok := CompareUsed(minutes, a, []Attack{a})
	if !ok || got.Database.During != -1 || got.PHP.During < 1 {
		t.Errorf("got %+v, %v", got, ok)
	}
}
