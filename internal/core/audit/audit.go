// Package audit says what will bring a site down next, and when: tables that
// outgrow their clean-up, memory that does not hold all workers, a disk that fills,
// credit that is spent faster than it is earned, jobs that never run.
//
// It is a pure function: a recording in, risks out. A risk is no verdict: nobody
// suffers from it yet, or nobody is known to. What cannot be told is said, too.
package audit

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/recording"
)

// Kinds of When.
const (
	Already = "already" // it is so now
	OnDate  = "date"    // at At, if all goes on as it does
	OnRush  = "rush"    // as soon as as much is asked as is allowed
)

// When is the time at which a risk comes true.
type When struct {
	Kind string
	At   time.Time // of OnDate; zero otherwise
}

// Risk is one thing that will bring the site down.
type Risk struct {
	ID       string // kebab-case, stable for ever; about the same subject it is told once
	When     When
	Say      diagnose.Sentence
	Evidence []diagnose.Sentence
	Remedies []string // ids, in their order
}

// Report is all that was found, and what could not be told.
type Report struct {
	At      time.Time
	Risks   []Risk              // what is so already first, then by date
	Unknown []diagnose.Sentence // what was not seen, and what would change that
}

// Options are what the recording itself does not tell.
type Options struct {
	Now time.Time
	// Baseline is the share of all CPUs that the plan earns for ever, 0 to 1; 0: unknown.
	Baseline float64
	// Busy is the mean share of all CPUs in use, and BusyOver over how long that is
	// known.
	Busy     float64
	BusyOver time.Duration
}

// horizon is how far ahead a date is worth a word.
const horizon = 365 * 24 * time.Hour

// view is the recording with the moment that is judged.
type view struct {
	*diagnose.Case
	w   recording.Window
	o   Options
	out *Report
}

// Look says what will bring the site down next.
func Look(w recording.Window, o Options) Report {
	r := Report{At: o.Now, Risks: []Risk{}}
	v := view{diagnose.NewCase(w, diagnose.Options{}), w, o, &r}
	for _, look := range []func(){v.tables, v.memory, v.connections, v.credit, v.room, v.logged, v.xmlrpc, v.cron, v.options} {
		look()
	}
	rank := map[string]int{Already: 0, OnDate: 1, OnRush: 2}
	slices.SortStableFunc(r.Risks, func(a, b Risk) int {
		return cmp.Or(cmp.Compare(rank[a.When.Kind], rank[b.When.Kind]), a.When.At.Compare(b.When.At), cmp.Compare(a.ID, b.ID))
	})
	return r
}

func (v view) found(r Risk) { v.out.Risks = append(v.out.Risks, r) }

func (v view) unknown(s diagnose.Sentence) { v.out.Unknown = append(v.out.Unknown, s) }

// in is the moment after so many days; false beyond the horizon.
func (v view) in(days float64) (When, bool) {
	switch {
	case days <= 0:
		return When{Kind: Already}, true
	case days*24 > horizon.Hours():
		return When{}, false
	}
	return When{Kind: OnDate, At: v.o.Now.Add(time.Duration(days * 24 * float64(time.Hour))).Truncate(time.Hour)}, true
}
