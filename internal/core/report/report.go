// Package report says a verdict so that the owner of a site understands it: on
// a terminal, as Markdown for a ticket or a blog, and as JSON for programs.
//
// The words live in two catalogues, English and Japanese, keyed by the ids of
// claims, causes and remedies; a test holds both complete. Text from logs and
// databases is hostile: it is escaped and shortened where it enters a sentence.
// JSON is never translated.
package report

import (
	"time"

	"hirune/internal/core/diagnose"
)

// Languages that the catalogues have.
const (
	English  = "en"
	Japanese = "ja"
)

// Options are how a report is to look. The zero value is English, UTC, 80
// columns, no colour, the first screen only.
type Options struct {
	Lang    string         // English or Japanese; anything else is English
	Loc     *time.Location // zone of all times shown; nil is UTC
	Width   int            // columns of the terminal; 0 is 80; used from 60 to 110
	Color   bool           // ANSI colours; the caller has looked at NO_COLOR and the terminal
	ASCII   bool           // no block characters and arrows, for terminals without UTF-8
	Verbose bool           // all of the evidence instead of the first screen
	Now     time.Time      // for "in 3 h"; zero leaves that out
}

// Widths between which a report is laid out; beyond 110 columns lines are hard
// to read, below 60 the time line says nothing.
const (
	defaultWidth = 80
	minWidth     = 60
	maxWidth     = 110
)

func (o Options) width() int {
	if o.Width == 0 {
		return defaultWidth
	}
	return max(minWidth, min(maxWidth, o.Width))
}

// printer renders words of one language for one verdict.
type printer struct {
	o     Options
	v     diagnose.Verdict
	words map[string]string
	ja    bool
	loc   *time.Location
	day   time.Time                    // times of other days are shown with their date
	quote func(s string, n int) string // makes hostile text safe, at most n runes of it
}

func newPrinter(v diagnose.Verdict, o Options, quote func(string, int) string) *printer {
	p := &printer{o: o, v: v, loc: o.Loc, quote: quote, words: catalogue(o.Lang), ja: o.Lang == Japanese}
	if p.loc == nil {
		p.loc = time.UTC
	}
	p.day = v.Window.To
	if !v.Outage.Zero() {
		p.day = v.Outage.From
	}
	return p
}
