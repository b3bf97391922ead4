package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"hirune/internal/core/diagnose"
)

// Schema is the version of the JSON. Fields are added without a new number; a
// field that changes its meaning or goes away raises it.
const Schema = 1

// Document is the verdict as `diagnose --json` writes it. It is never
// translated. Times are RFC 3339 in UTC, null if unknown; shares run from 0 to
// 1, null if unknown; a list is never null. Fields from Outage on are
// additions to the fixed part.
type Document struct {
	Schema     int             `json:"schema"`
	Status     diagnose.Status `json:"status"`
	Window     Interval        `json:"window"`
	Causes     []Cause         `json:"causes"`
	Chain      []ChainLink     `json:"chain"`
	Rejected   []Suspect       `json:"rejected"`
	Recurrence *Recurrence     `json:"recurrence"` // null if it is not known to come again
	Unseen     []Unseen        `json:"unseen"`
	Remedies   []string        `json:"remedies"` // ids, in the order in which they should be done

	Outage   *Interval  `json:"outage"` // null if no visitor suffered
	Quiet    *Interval  `json:"quiet"`
	Episodes []Interval `json:"episodes"`
	Visitors *Visitors  `json:"visitors"` // null if not measured
	WhyNow   *WhyNow    `json:"why_now"`
	Surer    []Claim    `json:"surer"`
	Notes    []Claim    `json:"notes"`
	SelfCPU  *float64   `json:"recorder_cpu_s"`
	Series   []Series   `json:"series"`
}

// Interval is a stretch of time.
type Interval struct {
	From *time.Time `json:"from"`
	To   *time.Time `json:"to"`
}

// Cause is one finding; the strongest comes first.
type Cause struct {
	ID         string   `json:"id"`
	Confidence float64  `json:"confidence"`
	Subject    Subject  `json:"subject"`
	Origin     Origin   `json:"origin"`
	Statement  *Accused `json:"statement,omitempty"`
	Share      Share    `json:"share"`
	Harmless   bool     `json:"harmless"`
	Active     Interval `json:"active"`
	Claim      Claim    `json:"claim"`
	Proofs     []Claim  `json:"proofs"`
	Missing    []Claim  `json:"missing"`
	Remedies   []string `json:"remedies"`
}

// Subject is what a cause is about; fields that do not apply are left out.
type Subject struct {
	Schema  string   `json:"schema,omitempty"`
	Table   string   `json:"table,omitempty"`
	Column  string   `json:"column,omitempty"`
	Session uint64   `json:"session,omitempty"`
	Client  string   `json:"client,omitempty"`
	Clients []string `json:"clients,omitempty"`
	Path    string   `json:"path,omitempty"`
	Service string   `json:"service,omitempty"`
	Process string   `json:"process,omitempty"`
	Remote  string   `json:"remote,omitempty"`
}

// Origin is who does it; fields that do not apply are left out.
type Origin struct {
	Plugin   string `json:"plugin,omitempty"`
	Version  string `json:"version,omitempty"`
	Hook     string `json:"hook,omitempty"`
	Schedule string `json:"schedule,omitempty"`
	Site     string `json:"site,omitempty"`
	User     string `json:"user,omitempty"`
	File     string `json:"file,omitempty"`
}

// Accused is the statement that is at work, with every literal replaced; what a
// plan is made from. Cutoff is the moment that its range literal stands for.
type Accused struct {
	Digest  string     `json:"digest"`
	Verb    string     `json:"verb"`
	At      *time.Time `json:"at"`
	Schema  string     `json:"schema,omitempty"`
	Table   string     `json:"table,omitempty"`
	Equal   []string   `json:"equal,omitempty"`
	Range   []string   `json:"range,omitempty"`
	Wrapped []string   `json:"wrapped,omitempty"`
	Limit   bool       `json:"limit,omitempty"`
	OrderBy []string   `json:"order_by,omitempty"`
	Cutoff  *time.Time `json:"cutoff,omitempty"`
}

// Share is how much of a resource something explains; null if unknown.
type Share struct {
	DatabaseTime *float64 `json:"database_time"`
	CPU          *float64 `json:"cpu"`
	WorkerTime   *float64 `json:"worker_time"`
}

// ChainLink is one arrow from the cause to the visitor.
type ChainLink struct {
	ID    string     `json:"id"`
	Role  string     `json:"role"`
	From  *time.Time `json:"from"`
	To    *time.Time `json:"to"`
	Share Share      `json:"share"`
	Claim Claim      `json:"claim"`
}

// Suspect is a rejected explanation with the number that clears it.
type Suspect struct {
	ID       string   `json:"id"`
	Metric   string   `json:"metric"`
	Baseline *float64 `json:"baseline"`
	Window   *float64 `json:"window"`
	Claim    Claim    `json:"claim"`
}

// Recurrence is when it comes again.
type Recurrence struct {
	At       string     `json:"at"`
	Next     *time.Time `json:"next"`
	Schedule string     `json:"schedule"`
	Seen     int        `json:"seen"`
}

// Unseen is a source that could not be read.
type Unseen struct {
	Source string `json:"source"`
	Hint   string `json:"hint"`
	Code   string `json:"code"`
	What   string `json:"what"`
}

// Visitors is how visitors fared.
type Visitors struct {
	How        string   `json:"how"`
	QuietMs    *float64 `json:"quiet_ms"`
	OutageMs   *float64 `json:"outage_ms"`
	WorstMs    *float64 `json:"worst_ms"`
	FailShare  *float64 `json:"fail_share"`
	QuietFail  *float64 `json:"quiet_fail_share"`
	StillGoing bool     `json:"still_going"`
}

// WhyNow is what made it big enough to hurt.
type WhyNow struct {
	Table      string   `json:"table"`
	Rows       *float64 `json:"rows"`
	OldRows    *float64 `json:"old_rows"`
	RowsPerDay *float64 `json:"rows_per_day"`
	Class      string   `json:"class"`
	PerDay     *float64 `json:"requests_per_day"`
	RowsSeen   *float64 `json:"rows_seen"`
	ReqsSeen   *float64 `json:"requests_seen"`
	Counted    Interval `json:"counted"`
	Claims     []Claim  `json:"claims"`
}

// Claim is a sentence as its id and parameters. The name of a parameter ends in
// its unit where the value needs one: _s, _ms, _bytes; shares and counts need none.
type Claim struct {
	ID   string         `json:"id"`
	Args map[string]any `json:"args"`
}

// Series is one line of the time line; a value is null if unknown.
type Series struct {
	ID     string     `json:"id"`
	Unit   string     `json:"unit"`
	From   *time.Time `json:"from"`
	StepS  float64    `json:"step_s"`
	Values []*float64 `json:"values"`
}

// JSON writes the verdict as a Document, indented, with a line end. Characters
// that a terminal could obey or hide are written as \u escapes. The error is
// the writer's.
func JSON(w io.Writer, v diagnose.Verdict) error {
	raw, err := json.MarshalIndent(document(v), "", "  ")
	if err != nil {
		return fmt.Errorf("encode the verdict as JSON: %w", err)
	}
	_, err = w.Write(append(escapeJSON(raw), '\n'))
	return err
}

// ParseJSON reads what JSON wrote, of this schema or a later one.
func ParseJSON(r io.Reader) (Document, error) {
	var d Document
	if err := json.NewDecoder(r).Decode(&d); err != nil {
		return Document{}, fmt.Errorf("read the verdict from JSON: %w", err)
	}
	if d.Schema < 1 || d.Status == "" {
		return Document{}, fmt.Errorf("read the verdict from JSON: schema %d without a status", d.Schema)
	}
	return d, nil
}

// escapeJSON escapes what is not printable. Outside of strings our JSON has
// only printable ASCII, spaces and line ends.
func escapeJSON(in []byte) []byte {
	var b bytes.Buffer
	for len(in) > 0 {
		r, n := utf8.DecodeRune(in)
		in = in[n:]
		switch {
		case r == '\n' || !unprintable(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// known is nil for a value that is unknown: negative or not finite.
func known(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return nil
	}
	x = math.Round(x*1e6) / 1e6
	return &x
}

// instant is nil for a time that is unknown or that RFC 3339 cannot write.
func instant(t time.Time) *time.Time {
	t = t.UTC().Truncate(time.Millisecond)
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return nil
	}
	return &t
}

func interval(s diagnose.Span) Interval { return Interval{instant(s.From), instant(s.To)} }

func optional(s diagnose.Span) *Interval {
	if s.Zero() {
		return nil
	}
	i := interval(s)
	return &i
}
