// Package diagnose walks the chain of waiting from what the visitor sees down
// to what holds everything up, and then asks why now.
//
// It is a pure function: a recording in, a Verdict out. Rules (package rules)
// propose causes and clear suspects; the engine here finds when visitors
// suffered, compares that time with a quiet time, puts what moved into its
// order, and ranks. It says "not proven" where the evidence does not bear a
// cause, and names what is missing.
package diagnose

import (
	"time"

	"hirune/internal/core/evidence"
)

// Status says how sure the verdict is.
type Status string

// The statuses, from the strongest claim to none.
const (
	Proven      Status = "proven"       // cause, mechanism and order are all in evidence
	Likely      Status = "likely"       // a link of the chain is missing
	NotProven   Status = "not_proven"   // visitors suffered; no cause is borne by the evidence
	Healthy     Status = "healthy"      // nothing was found
	CannotJudge Status = "cannot_judge" // what would have to be seen was not
)

// Span is a stretch of time; To may equal From.
type Span struct{ From, To time.Time }

// Duration is the length of the span.
func (s Span) Duration() time.Duration { return s.To.Sub(s.From) }

// Zero reports whether the span is not set.
func (s Span) Zero() bool { return s.From.IsZero() }

// Contains reports whether t is in the span, its ends included.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.From) && !t.After(s.To) }

// Verdict is the answer.
type Verdict struct {
	Status     Status
	Window     Span       // what was looked at
	Outage     Span       // when visitors suffered; zero if they did not
	Quiet      Span       // what it was compared with; zero if there was nothing
	Episodes   []Span     // all times when visitors suffered, oldest first
	Visitors   Visitors   // how they suffered
	Causes     []Finding  // strongest first
	Chain      []Link     // in the order of time
	Rejected   []Rejected // suspects with the number that clears each
	WhyNow     *Growth    // what made it big enough to hurt
	Recurrence *Recurrence
	Notes      []Sentence // worth knowing, no part of the chain
	Surer      []Sentence // what would make the verdict surer
	Unseen     []Unseen
	Remedies   []string // ids, in the order in which they should be done
	Series     []Series // for the time line
	SelfCPUMs  int64    // what the recorder itself used in the window; -1 unknown
}

// Visitors is how visitors fared in the outage, against the quiet time.
type Visitors struct {
	How        string  // what it was measured by: "probe", "access-log"; empty if it was not
	QuietMs    float64 // median time for a page; -1 unknown
	OutageMs   float64
	WorstMs    float64
	FailShare  float64 // of the requests in the outage, 0 to 1
	QuietFail  float64
	StillGoing bool // the recording ends within the outage
}

// Finding is a cause, borne by records.
type Finding struct {
	Rule       string  // id of the rule, which is the id of the cause
	Confidence float64 // 0 to 1; 0.9 and more is proven
	About      Subject
	Origin     Origin
	Statement  *Statement // that is accused; nil if none was seen
	Share      Share
	Active     Span       // when it was at work
	Claim      Sentence   // what is claimed
	Proof      []Sentence // what bears it, strongest first
	Missing    []Sentence // what would be needed to be surer
	Remedies   []string   // ids, in their order
	Steps      []Link     // between the cause and the visitor that the rule itself knows
	Harmless   bool       // visitors did not suffer from it yet
	Steady     bool       // how large its table is plays no part
}

// Statement is the accused statement, as far as a remedy has to know it.
type Statement struct {
	Digest string
	Verb   string
	Filter evidence.Filter // what it filters its table by; empty if that is not known
	At     time.Time       // when it was seen to run; its cutoff is of that moment
}

// Subject is what a finding is about. Only the fields that apply are set.
type Subject struct {
	Schema  string
	Table   string
	Column  string
	Session uint64 // connection id
	Client  string // address
	Clients []string
	Path    string
	Service string
	Process string
	Remote  string // address and port of another machine
}

// Origin is who does it, and when.
type Origin struct {
	Plugin   string
	Version  string
	Hook     string
	Schedule string // "daily", or a crontab line
	Site     string
	User     string // of the database session
	File     string // where the plugin's code names both the hook and the table
}

// Share is how much of a resource the finding explains, 0 to 1; -1 unknown.
type Share struct {
	DatabaseTime float64
	CPU          float64
	WorkerTime   float64
}

// UnknownShare is a Share of which nothing is known.
var UnknownShare = Share{DatabaseTime: -1, CPU: -1, WorkerTime: -1}

// Roles of a link in the chain.
const (
	RoleCause  = "cause"
	RoleStep   = "step"
	RoleEffect = "effect"
)

// Link is one arrow of the chain from the cause to the visitor.
type Link struct {
	ID    string // stable, e.g. "cpu-capped"
	Role  string
	Span  Span
	Share Share
	Say   Sentence
}

// Rejected is a suspect that the evidence clears.
type Rejected struct {
	ID       string // of the suspect, e.g. "request-flood"
	Metric   string // what was measured, e.g. "requests_per_second"
	Baseline float64
	Window   float64
	Say      Sentence
}

// Growth is why a table became big enough to hurt.
type Growth struct {
	Table      string
	Rows       int64   // now, estimated; -1 unknown
	OldRows    int64   // doomed by the purge, estimated; -1 unknown
	RowsPerDay float64 // of late; -1 unknown
	Class      string  // endpoint class that writes it; empty if unknown
	PerDay     float64 // requests of that class a day; -1 unknown
	RowsSeen   int64   // rows and requests that were counted against each other
	ReqsSeen   int64
	Counted    Span // over which time
	Say        []Sentence
}

// Recurrence is when it comes again.
type Recurrence struct {
	At       string    // time of day in the recording's zone, "15:30:05"
	Next     time.Time // zero if unknown
	Schedule string    // "daily", …
	Seen     int       // how many times it was seen
	Say      Sentence
}

// Unseen is what could not be seen, and what would change that.
type Unseen struct {
	Source string
	Code   string
	What   string
	Hint   string
}

// Series is one line of the time line, evenly spaced.
type Series struct {
	ID     string // "visitor_ms", "database_cpu", "workers", … (grid.go)
	Unit   string // "ms", "share", "cpus", "count", "per_s"
	From   time.Time
	Step   time.Duration
	Values []float64 // -1 unknown
}
