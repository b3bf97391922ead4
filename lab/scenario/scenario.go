// Package scenario reads what a lab run is to do: one TOML file per outage (or its healthy twin), saying what is set up, what is
// sent and injected when, what visitors must have felt, and what the verdict must be.
package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"hirune/lab/credit"
	"hirune/lab/load"
	"hirune/lab/stack"
)

// Scenario is one file. All moments are seconds from the start of the load.
type Scenario struct {
	Name    string        `toml:"-"` // the file's name without .toml
	Title   string        `toml:"title"`
	Seconds float64       `toml:"seconds"` // how long is recorded
	Stack   stack.Config  `toml:"stack"`
	Plan    credit.Plan   `toml:"plan"` // no vcpus: no cap
	Load    []load.Stream `toml:"load"`
	Inject  []Injection   `toml:"inject"`
	Phases  []Phase       `toml:"phase"`
	Suffer  []Suffering   `toml:"suffer"`
	Verdict Verdict       `toml:"verdict"`
	Cold    *Verdict      `toml:"cold"` // of a diagnosis after it all, by somebody who never recorded; none: not asked
}

// Injection is one mishap.
type Injection struct {
	At      float64 `toml:"at"`
	Do      string  `toml:"do"`
	SQL     string  `toml:"sql"`     // of open-transaction; {table} stands for the plugin's table
	For     float64 `toml:"for"`     // of open-transaction and run: how long it lasts; 0 is to the end
	Run     string  `toml:"run"`     // of run: a shell's script, in which stack.Expand replaces; $MARIADB_PID, $FPM_PID and $WEB_PID are the daemons
	As      string  `toml:"as"`      // of run: the user; root
	Outside bool    `toml:"outside"` // of run: not in the capped group
	Copies  int     `toml:"copies"`  // of run: so many side by side; 1
	Path    string  `toml:"path"`    // of file: below the document root
	Text    string  `toml:"text"`    // of file
	Service string  `toml:"service"` // of restart: mariadb, php-fpm or web
}

// What an injection can do.
const (
	CronDue         = "cron-due"         // the plugin's purge is planned for then; a visitor makes WordPress run it
	OpenTransaction = "open-transaction" // a second client runs SQL in a transaction and then sleeps
	StopDatabase    = "stop-database"    // the operator's orderly stop
	RunScript       = "run"              // a shell script runs beside the site
	WriteFile       = "file"             // a file of the site is written or replaced, as by an update
	Restart         = "restart"          // a daemon is stopped in order and started again
)

var injections = []string{CronDue, OpenTransaction, StopDatabase, RunScript, WriteFile, Restart}

// Phase names a stretch of the run.
type Phase struct {
	Name  string  `toml:"name"`
	From  float64 `toml:"from"`
	Until float64 `toml:"until"`
}

// Suffering is what visitors must have felt in one phase; bounds that are not given do not bind.
type Suffering struct {
	Phase          string    `toml:"phase"`
	Kind           load.Kind `toml:"kind"`
	MinP50Ms       *float64  `toml:"min_p50_ms"`
	MaxP50Ms       *float64  `toml:"max_p50_ms"`
	MinP99Ms       *float64  `toml:"min_p99_ms"`
	MaxP99Ms       *float64  `toml:"max_p99_ms"`
	MinFailedShare *float64  `toml:"min_failed_share"`
	MaxFailedShare *float64  `toml:"max_failed_share"`
}

// Verdict is what hirune must say of the run.
type Verdict struct {
	Exit    int               `toml:"exit"`    // 0 healthy, 1 found, 2 could not judge
	Status  []string          `toml:"status"`  // any of these
	Cause   string            `toml:"cause"`   // id of the first cause; empty: there must be none
	Also    []string          `toml:"also"`    // ids of further causes that must be found
	Forbid  []string          `toml:"forbid"`  // ids that must not be among the causes
	Chain   []string          `toml:"chain"`   // ids of links that the chain should have; counted, see Score
	Rejects []string          `toml:"rejects"` // ids of suspects that should be cleared; counted
	Subject map[string]string `toml:"subject"` // of that cause: field to value; "*" is anything, "a|b*" either a or what begins with b
	Origin  map[string]string `toml:"origin"`
}

// Load reads every scenario of a folder, in order of name. It fails if there is none.
func Load(dir fs.FS) ([]Scenario, error) {
	names, err := fs.Glob(dir, "*.toml")
	if err != nil {
		return nil, fmt.Errorf("look for scenarios: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("look for scenarios: there is none")
	}
	slices.Sort(names)
	var out []Scenario
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("read the scenario %s: %w", name, err)
		}
		s, err := Parse(strings.TrimSuffix(path.Base(name), ".toml"), string(text))
		if err != nil {
			return nil, fmt.Errorf("read the scenario %s: %w", name, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// Parse reads one scenario; a key that nothing reads is an error, as it is a slip of the pen.
func Parse(name, text string) (Scenario, error) {
	s := Scenario{Name: name}
	meta, err := toml.Decode(text, &s)
	if err != nil {
		return s, err
	}
	var errs []error
	for _, key := range meta.Undecoded() {
		errs = append(errs, fmt.Errorf("nothing reads %s", key))
	}
	return s, errors.Join(append(errs, s.check())...)
}

func (s Scenario) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Seconds <= 0 || s.Title == "" || len(s.Load) == 0 || len(s.Phases) == 0 || len(s.Suffer) == 0 {
		bad("title, seconds, load, phase and suffer must be given")
	}
	for _, l := range s.Load {
		errs = append(errs, l.Check())
	}
	for _, i := range s.Inject {
		if !slices.Contains(injections, i.Do) || i.At < 0 || i.At >= s.Seconds {
			bad("inject %q at %g: unknown, or outside the run", i.Do, i.At)
		}
		if (i.Do == OpenTransaction) != (i.SQL != "") {
			bad("inject %q: sql belongs to %s", i.Do, OpenTransaction)
		}
		if (i.Do == RunScript) != (i.Run != "") || (i.Do == WriteFile) != (i.Path != "") || (i.Do == Restart) != (i.Service != "") {
			bad("inject %q: run belongs to %s, path to %s, service to %s", i.Do, RunScript, WriteFile, Restart)
		}
	}
	for _, p := range s.Phases {
		if p.From < 0 || p.Until <= p.From || p.Until > s.Seconds {
			bad("phase %q lies outside the run", p.Name)
		}
	}
	for _, u := range s.Suffer {
		if _, ok := s.Phase(u.Phase); !ok {
			bad("suffer: no phase %q", u.Phase)
		}
	}
	for _, v := range []*Verdict{&s.Verdict, s.Cold} {
		if v != nil && ((v.Exit == 1) != (v.Cause != "") || len(v.Status) == 0) {
			bad("verdict: exit 1 and a cause belong together, and status must be given")
		}
	}
	return errors.Join(errs...)
}

// Phase finds a phase by name.
func (s Scenario) Phase(name string) (Phase, bool) {
	for _, p := range s.Phases {
		if p.Name == name {
			return p, true
		}
	}
	return Phase{}, false
}

// Judge lists how the figures of a phase differ from what had to be felt.
func (u Suffering) Judge(f load.Figures) []string {
	var out []string
	check := func(what string, got float64, least, most *float64) {
		if least != nil && got < *least {
			out = append(out, fmt.Sprintf("%s %s: %s is %.4g, must be at least %.4g", u.Phase, u.Kind, what, got, *least))
		}
		if most != nil && got > *most {
			out = append(out, fmt.Sprintf("%s %s: %s is %.4g, must be at most %.4g", u.Phase, u.Kind, what, got, *most))
		}
	}
	if f.Sent == 0 {
		return []string{fmt.Sprintf("%s %s: nothing was sent", u.Phase, u.Kind)}
	}
	check("p50 in ms", f.P50Ms, u.MinP50Ms, u.MaxP50Ms)
	check("p99 in ms", f.P99Ms, u.MinP99Ms, u.MaxP99Ms)
	check("the failed share", f.FailedShare(), u.MinFailedShare, u.MaxFailedShare)
	return out
}
