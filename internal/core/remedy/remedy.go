// Package remedy turns a finding into a plan: steps as plain data, with what
// each takes, locks, risks and cannot undo.
//
// A remedy touches nothing. It gets the finding and a World, which is what an
// edge has just read of the server, and returns a Plan. So a dry run is printing
// the plan, approval is signing it, and its test is a golden file. Package apply
// carries a plan out; the exact SQL and files are made here, so that what is
// shown is what is done.
package remedy

import (
	"time"

	"hirune/internal/core/diagnose"
)

// Remedy is one way to help. It is a value: its documentation is part of it.
type Remedy struct {
	ID     string // kebab-case, stable for ever; what a Finding names in Remedies
	Title  string // one line
	Source string // where the knowledge comes from
	// Needs says what the remedy has to know of the world.
	Needs Needs
	// Plan answers the finding. It always returns a plan: one that cannot be
	// carried out has Refused set, and no steps.
	Plan func(diagnose.Finding, World, Wishes) Plan
}

// Needs is what a remedy has to know of the world before it can plan.
type Needs struct {
	Database bool // the server, its sessions, and the finding's table
	Web      bool // the web server, and who uses the endpoint
	Host     bool // memory, pools, CPUs
}

// Wishes are what the user decides. The zero value is the default of each.
type Wishes struct {
	Keep      time.Duration // keep rows that are younger than this; 0: the plugin's own retention
	Strategy  string        // Chunks, Swap, Truncate; "" : by estimate
	NoArchive bool          // do not keep the deleted rows, although then nothing brings them back
	Allow     []string      // XML-RPC: addresses or prefixes that may still use it
	AllowAll  bool          // XML-RPC: let everybody who uses it rightly through
	Force     []string      // ids of warnings that the user has read and accepts
	At        string        // time of day "03:40" for jobs; "" : a quiet hour
}

// Strategies of a purge.
const (
	Chunks   = "chunks"   // delete key ranges in place
	Swap     = "swap"     // copy the survivors to a new table and swap the names
	Truncate = "truncate" // no row survives: swap with an empty table
)

// Plan is what is to be done about one finding.
type Plan struct {
	Remedy  string              `json:"remedy"`
	Because Because             `json:"because"`
	Steps   []Planned           `json:"steps"` // in their order; irreversible ones come last
	Says    []diagnose.Sentence `json:"-"`     // why this way, what will come back, what to know before
	Others  []Other             `json:"-"`     // the other ways, and why not
	Advice  []Advice            `json:"-"`     // lines for the owner to change by hand
	Refused []diagnose.Sentence `json:"-"`     // why nothing is done, then what to do instead
	Settle  Settle              `json:"settle"`
	At      time.Time           `json:"at"` // when the world was read
}

// Doable reports whether there is anything to apply.
func (p Plan) Doable() bool { return len(p.Refused) == 0 && len(p.Steps) > 0 }

// Because is the finding that a plan answers, as far as verification needs it.
type Because struct {
	Rule    string           `json:"rule"`
	About   diagnose.Subject `json:"about"`
	Origin  diagnose.Origin  `json:"origin"`
	Digest  string           `json:"digest,omitempty"` // of the accused statement
	Running time.Duration    `json:"running_ns,omitempty"`
	Active  diagnose.Span    `json:"active"`
}

// BecauseOf takes from a finding what a plan keeps of it.
func BecauseOf(f diagnose.Finding) Because {
	b := Because{Rule: f.Rule, About: f.About, Origin: f.Origin, Active: f.Active, Running: f.Active.Duration()}
	if f.Statement != nil {
		b.Digest = f.Statement.Digest
	}
	return b
}

// Settle says when it can be known whether the plan helped.
type Settle struct {
	Hook  string        `json:"hook,omitempty"` // wp-cron hook that has to run again; empty: none
	Site  string        `json:"site,omitempty"`
	Due   time.Time     `json:"due,omitzero"`       // its next due time; zero: unknown
	Every time.Duration `json:"every_ns,omitempty"` // between two runs; 0 unknown
	After time.Duration `json:"after_ns,omitempty"` // how long to watch after the job has run
	Least time.Duration `json:"least_ns,omitempty"` // without a job: how long the trouble must stay away
}

// Planned is a step with what it means to the server.
type Planned struct {
	ID       string // unique within the plan: "1", "2", …
	Step     Step
	Estimate Estimate
	Says     []diagnose.Sentence // plain words: what it does and why
	Undo     diagnose.Sentence   // how it is undone, or why it cannot be
}

// Estimate is what a step is expected to take. Unknown amounts are -1.
type Estimate struct {
	Takes        time.Duration // with CPU to spare
	TakesCapped  time.Duration // when the CPU is capped; 0: the same
	Rows         int64         // that it changes
	DiskBytes    int64         // that it needs meanwhile
	FreesBytes   int64         // given back to the file system
	Stall        time.Duration // the longest that a visitor may have to wait because of it
	Locks        diagnose.Sentence
	Risk         Risk
	Irreversible bool // asked for by name before it is done
}

// Risk says how much could go wrong.
type Risk string

// Risks, from none upwards.
const (
	RiskNone   Risk = "none"   // it only reads
	RiskLow    Risk = "low"    // it stops by itself, and can be undone
	RiskMedium Risk = "medium" // visitors may notice, or undoing takes long
	RiskHigh   Risk = "high"   // it cannot be undone, or something is lost
)

// Other is a way that was not taken.
type Other struct {
	ID       string // a strategy
	Estimate Estimate
	Possible bool
	Why      diagnose.Sentence // why not
}

// Advice is something that the owner does by hand: exact lines for one file.
type Advice struct {
	ID    string // an id of Sayings
	Say   diagnose.Sentence
	File  string   // where the lines go; "" for a command
	Lines []string // as they have to be written
}
