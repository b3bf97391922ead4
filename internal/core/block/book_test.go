package block

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func banned(s string, since, length time.Duration) Entry {
	b := Ban{Prefix: pfx(s), Layer: LayerFirewall, Since: now.Add(since), By: ByOwner, Attack: AttackByHand}
	if length > 0 {
		b.Until = b.Since.Add(length)
	}
	return Entry{At: b.Since, Event: Banned, Ban: &b}
}

func lifted(s string, at time.Duration) Entry {
	return Entry{At: now.Add(at), Event: Lifted, Prefix: pfx(s)}
}

func onTrial(e Entry) Entry {
	e.Ban.Trial = true
	return e
}

func TestFold(t *testing.T) {
	allow := func(s string, e Event) Entry { return Entry{At: now, Event: e, Prefix: pfx(s), Why: "office"} }
	for _, c := range []struct {
		name                string
		entries             []Entry
		bans, past, allowed int
		due                 int
	}{
		{"nothing", nil, 0, 0, 0, 0},
		{"in force", []Entry{banned("203.0.113.7/32", -time.Minute, time.Hour)}, 1, 0, 0, 0},
		{"for ever", []Entry{banned("203.0.113.7/32", -1000*time.Hour, 0)}, 1, 0, 0, 0},
		{"ran out, and nobody noted it", []Entry{banned("203.0.113.7/32", -2*time.Hour, time.Hour)}, 0, 1, 0, 1},
		{"ran out, and it is noted", []Entry{banned("203.0.113.7/32", -2*time.Hour, time.Hour), {At: now, Event: Expired, Prefix: pfx("203.0.113.7/32")}}, 0, 1, 0, 0},
		{"long ago", []Entry{banned("203.0.113.7/32", -32*24*time.Hour, time.Hour)}, 0, 0, 0, 0},
		{"lifted", []Entry{banned("203.0.113.7/32", -time.Minute, time.Hour), lifted("203.0.113.7/32", 0)}, 0, 0, 0, 0},
		{"lifted after its end", []Entry{banned("203.0.113.7/32", -2*time.Hour, time.Hour), lifted("203.0.113.7/32", 0)}, 0, 1, 0, 1},
		{"lifted and banned again", []Entry{banned("203.0.113.7/32", -3*time.Minute, time.Hour), lifted("203.0.113.7/32", -2*time.Minute), banned("203.0.113.7/32", -time.Minute, time.Hour)}, 1, 0, 0, 0},
		{"replaced", []Entry{banned("203.0.113.7/32", -3*time.Minute, time.Hour), banned("203.0.113.7/32", -time.Minute, 2*time.Hour)}, 1, 0, 0, 0},
		{"another prefix stays", []Entry{banned("203.0.113.7/32", -time.Minute, time.Hour), lifted("203.0.113.8/32", 0)}, 1, 0, 0, 0},
		{"a clock that was set back after the end", []Entry{banned("203.0.113.7/32", -time.Minute, 2*time.Minute), {At: now.Add(2 * time.Minute), Event: Expired, Prefix: pfx("203.0.113.7/32")}}, 0, 1, 0, 0},
		{"on trial", []Entry{onTrial(banned("203.0.113.7/32", -time.Second, time.Minute))}, 1, 0, 0, 0},
		{"on trial, and not confirmed", []Entry{onTrial(banned("203.0.113.7/32", -2*time.Minute, time.Minute))}, 0, 0, 0, 0},
		{"a trial does not end the ban before", []Entry{banned("203.0.113.7/32", -time.Hour, 2*time.Hour), onTrial(banned("203.0.113.7/32", -2*time.Minute, time.Minute))}, 1, 0, 0, 0},
		{"only the trial is lifted", []Entry{banned("203.0.113.7/32", -time.Hour, 2*time.Hour), onTrial(banned("203.0.113.7/32", -time.Second, time.Minute)), {At: now, Event: Lifted, Prefix: pfx("203.0.113.7/32"), Trial: true}}, 1, 0, 0, 0},
		{"allowed twice", []Entry{allow("203.0.113.7/32", AllowedIn), allow("203.0.113.7/32", AllowedIn)}, 0, 0, 1, 0},
		{"allowed and not", []Entry{allow("203.0.113.7/32", AllowedIn), allow("203.0.113.7/32", Disallowed)}, 0, 0, 0, 0},
		{"unsound", []Entry{{Event: Banned}, {Event: Lifted}, {Event: "odd", Prefix: pfx("203.0.113.7/32")}, {Event: Banned, Ban: &Ban{}}}, 0, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := Fold(c.entries, now)
			if len(b.Bans) != c.bans || len(b.Past) != c.past || len(b.Allowed) != c.allowed || len(b.Due) != c.due {
				t.Errorf("got %+v, want %d bans, %d past, %d allowed, %d due", b, c.bans, c.past, c.allowed, c.due)
			}
		})
	}
}

// TestCompactKeepsWhatTheBookSays folds random books, and their compact forms,
// now and later.
func TestCompactKeepsWhatTheBookSays(t *testing.T) {
	for seed := range uint64(500) {
		w := world{rand.New(rand.NewPCG(seed, 3))}
		var entries []Entry
		at := now.Add(-40 * 24 * time.Hour)
		for range w.rng.IntN(60) {
			at = at.Add(time.Duration(w.rng.IntN(30)) * time.Hour)
			p := pfx([]string{"203.0.113.7/32", "203.0.113.0/24", "2001:db8::/64"}[w.rng.IntN(3)])
			e := Entry{At: at, Event: []Event{Banned, Banned, Banned, Lifted, Expired, AllowedIn, Disallowed}[w.rng.IntN(7)], Prefix: p}
			if e.Event == Banned {
				e.Ban = &Ban{Prefix: p, Layer: LayerFirewall, Since: at, Until: at.Add(time.Duration(1+w.rng.IntN(100)) * time.Hour)}
			}
			entries = append(entries, e)
		}
		short := Compact(entries, now)
		for _, later := range []time.Duration{0, time.Hour, 50 * time.Hour, 20 * 24 * time.Hour} {
			want, got := Fold(entries, now.Add(later)), Fold(short, now.Add(later))
			want.Due, got.Due = nil, nil
			if !reflect.DeepEqual(sorted(got), sorted(want)) {
				t.Fatalf("seed %d, %v later: got %+v\nwant %+v", seed, later, got, want)
			}
		}
	}
}

// sorted is what a book says, without the order of what is over.
func sorted(b Book) map[string]bool {
	out := map[string]bool{}
	for _, x := range b.Bans {
		out["ban "+x.Prefix.String()+x.Until.String()] = true
	}
	for _, x := range b.Past {
		out["past "+x.Prefix.String()+x.Until.String()] = true
	}
	for _, x := range b.Allowed {
		out["allowed "+x.Prefix.String()] = true
	}
	return out
}
