package block

import (
	"net/netip"
	"slices"
	"time"
)

// Event is what an entry of the book says happened.
type Event string

// Events of the book.
const (
	Banned     Event = "ban"
	Lifted     Event = "lift"   // before its end: it counts for nothing afterwards
	Expired    Event = "expire" // at its end; also where nobody noted it
	AllowedIn  Event = "allow"
	Disallowed Event = "disallow"
)

// Entry is one line of the book.
type Entry struct {
	At     time.Time    `json:"at"`
	Event  Event        `json:"event"`
	Ban    *Ban         `json:"ban,omitempty"`   // of Banned
	Prefix netip.Prefix `json:"prefix,omitzero"` // of all others
	Layer  string       `json:"layer,omitempty"` // of Lifted and Expired; "" : all layers
	Trial  bool         `json:"trial,omitempty"` // of Lifted: only what was on trial
	Why    string       `json:"why,omitempty"`   // one line, made printable
	Run    int          `json:"run,omitempty"`   // of the journal
	By     string       `json:"by,omitempty"`    // ByOwner or ByRecorder
}

// Sound reports whether an entry has what its event needs.
func (e Entry) Sound() bool {
	switch e.Event {
	case Banned:
		return e.Ban != nil && e.Ban.Prefix.IsValid()
	case Lifted, Expired, AllowedIn, Disallowed:
		return e.Prefix.IsValid()
	}
	return false
}

// Book is what the entries amount to.
type Book struct {
	Bans    []Ban // in force, oldest first
	Past    []Ban // that ran to their ends within Memory, oldest first
	Allowed []Protected
	Due     []Ban // of Past, those whose end is not noted yet
}

// Fold reads the book as it stands at a moment. A later ban of the same prefix in
// the same layer takes the place of the earlier one. An entry that is not sound
// is passed over.
func Fold(entries []Entry, now time.Time) Book {
	f := folding{at: map[key]int{}}
	for _, e := range entries {
		if e.Sound() {
			f.take(e)
		}
	}
	var out Book
	for _, b := range f.bans {
		switch {
		case b.gone:
		case !b.ended && b.InForce(now):
			out.Bans = append(out.Bans, b.Ban)
		case b.Trial || now.Sub(b.Until) >= Memory:
		default:
			out.Past = append(out.Past, b.Ban)
			if !b.ended {
				out.Due = append(out.Due, b.Ban)
			}
		}
	}
	out.Allowed = f.allowed
	return out
}

// key tells bans apart. One on trial stands beside the one that it may replace.
type key struct {
	prefix netip.Prefix
	layer  string
	trial  bool
}

// folded is a ban with what became of it.
type folded struct {
	Ban
	ended bool
	gone  bool // taken back, or replaced
}

type folding struct {
	bans    []folded
	at      map[key]int // the latest ban of each prefix
	allowed []Protected
}

func (f *folding) take(e Entry) {
	p := plain(e.Prefix)
	switch e.Event {
	case Banned:
		b := *e.Ban
		b.Prefix = plain(b.Prefix)
		k := key{b.Prefix, b.Layer, b.Trial}
		if i, ok := f.at[k]; ok && !f.bans[i].ended && f.bans[i].InForce(e.At) {
			f.bans[i].gone = true
		}
		f.at[k] = len(f.bans)
		f.bans = append(f.bans, folded{Ban: b})
	case Lifted, Expired:
		f.end(e, p)
	case AllowedIn:
		f.disallow(p)
		f.allowed = append(f.allowed, Protected{Prefix: p, Why: Allowed, Note: e.Why})
	case Disallowed:
		f.disallow(p)
	}
}

// end notes that the latest bans of a prefix are over.
func (f *folding) end(e Entry, p netip.Prefix) {
	for _, k := range []key{{p, LayerFirewall, false}, {p, LayerFirewall, true}, {p, LayerWeb, false}, {p, LayerWeb, true}} {
		i, ok := f.at[k]
		switch {
		case !ok || e.Layer != "" && e.Layer != k.layer || e.Trial && !k.trial:
		case e.Event == Expired:
			f.bans[i].ended = f.bans[i].ended || !f.bans[i].InForce(e.At)
		case f.bans[i].InForce(e.At):
			f.bans[i].gone = true
		}
	}
}

func (f *folding) disallow(p netip.Prefix) {
	f.allowed = slices.DeleteFunc(f.allowed, func(a Protected) bool { return a.Prefix == p })
}

// Compact returns fewer entries that amount to the same at that moment and later.
func Compact(entries []Entry, now time.Time) []Entry {
	b := Fold(entries, now)
	var out []Entry
	for _, a := range b.Allowed {
		out = append(out, Entry{At: now, Event: AllowedIn, Prefix: a.Prefix, Why: a.Note, By: ByOwner})
	}
	due := map[key]bool{}
	for _, p := range b.Due {
		due[key{p.Prefix, p.Layer, false}] = true
	}
	for _, p := range b.Past {
		out = append(out, Entry{At: p.Since, Event: Banned, Ban: &p})
		if !due[key{p.Prefix, p.Layer, false}] {
			out = append(out, Entry{At: p.Until, Event: Expired, Prefix: p.Prefix, Layer: p.Layer})
		}
	}
	for _, p := range b.Bans {
		out = append(out, Entry{At: p.Since, Event: Banned, Ban: &p})
	}
	return out
}
