package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/diagnose"
)

// Attacks is what `hirune attacks` tells: who attacks, whether it matters,
// whether somebody got in, and what may be done.
type Attacks struct {
	At        time.Time // of the question
	Since     time.Time // zero: all that the logs hold
	Picture   attack.Picture
	BreakIn   attack.BreakIn
	Proposals []attack.Proposal
	Loads     map[string]attack.Load  // by the attack's id
	Spent     map[string]attack.Spent // of those that were recorded
	Used      map[string]attack.Used
	Logs      []AttackLog
	Unseen    []attack.Unseen // of the logs; those of the site are the break-in's
	Costs     string          // where the cost of a request comes from: CostLog, CostTape, CostPools; "" unknown
	Away      bool            // files that were named: nothing of this machine was looked at
	Top       int             // actors told for each attack
	Who       bool            // the first screen tells them, too
	Nameless  bool            // most requests have no address: without one nobody can be told from another
	Saved     string          // file that holds the JSON for later; "" none
	// Typed is a command as it has to be typed here; nil: as it is.
	Typed func(string) string
}

// AttackLog is one file that was read, or not.
type AttackLog struct {
	Path     string
	Format   string
	Lines    int64
	Rejected int64 // of them, in no known format or without a time
	Long     int64 // of them, longer than is looked at
	Outside  int64 // of them, before or after the time asked for
	From, To time.Time
	Samples  []string // of rejected lines
	Fault    string   // why it could not be read, or not to its end; "" none
	Hint     string
}

// Where the cost of a request comes from.
const (
	CostLog   = "log"   // durations in the log
	CostTape  = "tape"  // durations that were recorded
	CostPools = "pools" // busy PHP workers against requests, as recorded
)

// attacksLines is how long the first screen is at most, the prompt left out.
const attacksLines = 24

// over is how long an attack must have been quiet to be called over.
const over = time.Hour

// AttacksText writes the answers for a terminal: the first screen, or with
// o.Verbose all that is known. The error is the writer's.
func AttacksText(w io.Writer, v Attacks, o Options) error {
	p := newAttacksPrinter(v, o)
	b := p.page()
	for !o.Verbose && !v.Who && p.tight < tightest && strings.Count(b.String(), "\n") > attacksLines {
		p.tight++
		b = p.page()
	}
	return p.finish(w, b)
}

// tightest is how often the first screen can be made shorter: without what is
// fine, with fewer kinds of attack, then with less of each answer.
const tightest = 4

func (p *attacksPrinter) page() *strings.Builder {
	var b strings.Builder
	for _, l := range wrap(p.mark()+" "+p.headline(), p.o.width()) {
		fmt.Fprintln(&b, p.style(p.mood(), l))
	}
	for _, x := range p.answers() {
		p.writeBlock(&b, x)
	}
	p.table(&b)
	if p.o.Verbose {
		p.full(&b)
	} else if p.a.Who {
		p.who(&b)
	}
	for _, x := range p.foot() {
		p.writeBlock(&b, x)
	}
	return &b
}

// attacksPrinter words one picture.
type attacksPrinter struct {
	*printer
	a     Attacks
	tight int // 0 to tightest
}

func newAttacksPrinter(v Attacks, o Options) *attacksPrinter {
	p := &attacksPrinter{newPrinter(diagnose.Verdict{}, o, clean), v, 0}
	p.day = time.Unix(v.Picture.To, 0)
	return p
}

// asked is the end of what was looked at: attacks are over measured against it.
func (p *attacksPrinter) asked() time.Time {
	if p.a.Away || p.a.At.IsZero() {
		return time.Unix(p.a.Picture.To, 0)
	}
	return p.a.At
}

func (p *attacksPrinter) isOver(t attack.Attack) bool {
	return p.asked().Sub(time.Unix(t.To, 0)) > over
}

// worst is the verdict on all attacks together, and whether all of those that
// have it are over; "" where there is none.
func (p *attacksPrinter) worst() (v attack.Verdict, ended bool) {
	for _, v := range []attack.Verdict{attack.Hurts, attack.Unknown, attack.Harmless} {
		some, ended := false, true
		for _, t := range p.a.Picture.Attacks {
			if t.Verdict == v {
				some, ended = true, ended && p.isOver(t)
			}
		}
		if some {
			return v, ended
		}
	}
	return "", false
}

// unsure stands for unknown where it was measured: the numbers lie between.
const unsure attack.Verdict = "unsure"

// measured reports whether the cost of an attack is known whose verdict is not.
func (p *attacksPrinter) measured() bool {
	return slices.ContainsFunc(p.a.Picture.Attacks, func(t attack.Attack) bool { return t.Verdict == attack.Unknown && t.Harm.WorkerTime >= 0 })
}

// blind reports whether no request could be read at all.
func (p *attacksPrinter) blind() bool { return p.a.Picture.Total.Requests == 0 }

// nameless reports whether nothing was found because nobody can be told apart.
func (p *attacksPrinter) nameless() bool { return p.a.Nameless && len(p.a.Picture.Attacks) == 0 }

// headline answers in one line, what is worst first.
func (p *attacksPrinter) headline() string {
	var parts []string
	in := p.words["ui.in-"+string(p.a.BreakIn.Status)] // of the site alone, where no request could be read
	if in != "" {
		parts = append(parts, in)
	}
	if p.blind() {
		return p.sentences(append(parts, p.words["ui.attacks-blind"]))
	}
	v, ended := p.worst()
	if v == attack.Unknown && p.measured() {
		v = unsure
	}
	said := p.words["ui.attacked-"+string(v)]
	switch {
	case p.nameless():
		said = p.words["ui.attacks-nameless"]
	case in != "" && (v == "" || v == attack.Harmless): // to call that harmless would be read of the break-in
		said = p.words["ui.attacked-cheap"]
	case v == "":
		said = p.words["ui.attacked-none"]
	case ended && v != attack.Harmless:
		said = p.words["ui.was-attacked-"+string(v)]
	}
	return p.sentences(append(parts, said))
}

func (p *attacksPrinter) mood() string {
	v, _ := p.worst()
	switch s := p.a.BreakIn.Status; {
	case s == attack.Confirmed || s == attack.LikelyIn || v == attack.Hurts:
		return red
	case p.blind() || p.nameless():
		return yellow
	case s == attack.LookAtThis || v == attack.Unknown:
		return yellow
	}
	return green
}

// mark says the mood without colour.
func (p *attacksPrinter) mark() string {
	if (p.blind() || p.nameless()) && p.mood() == yellow {
		return "?"
	}
	return map[string]string{green: "✔", red: "✘", yellow: "!"}[p.mood()]
}

// answers are the four questions.
func (p *attacksPrinter) answers() []block {
	if p.blind() {
		return []block{p.textBlock("ui.see-to", p.words["ui.attacks-no-request"], 9)}
	}
	list := []block{
		p.textBlock("ui.q-when", p.period(), 9),
		p.textBlock("ui.q-attacked", p.attacked(), 9),
		p.textBlock("ui.q-hurts", p.hurts(), 9),
		p.gotIn(),
		p.todo(),
	}
	return slices.DeleteFunc(list, func(x block) bool { return len(x.lines) == 0 })
}

func (p *attacksPrinter) period() string {
	s, grain := p.a.Picture.Span(), time.Minute
	if s.Duration() < 10*grain {
		grain = time.Second
	}
	length := s.Duration().Round(grain)
	if length == 0 {
		length = -1 // one request: it has none
	}
	return p.t("ui.attacks-period", "from", raw(p.minute(s.From)), "to", raw(p.minute(s.To)), "zone", raw(p.zone(s.To)),
		"length", length, "requests", diagnose.Count(p.a.Picture.Total.Requests), "n", known1(p.a.Picture.Clients))
}

// known1 is unknown for a number that cannot be 0.
func known1(n int64) diagnose.Count {
	if n == 0 {
		return -1
	}
	return diagnose.Count(n)
}

// minute is a day and a time of day, with the year where it is another one.
func (p *attacksPrinter) minute(t time.Time) string {
	t, layout := t.In(p.loc), "2 Jan 15:04"
	if p.ja {
		layout = "1月2日 15:04"
	}
	if t.Year() != p.day.In(p.loc).Year() {
		layout = map[bool]string{false: "2 Jan 2006 15:04", true: "2006年1月2日 15:04"}[p.ja]
	}
	return t.Format(layout)
}

func (p *attacksPrinter) attacked() string {
	all := p.a.Picture.Attacks
	switch {
	case p.nameless():
		return p.words["ui.attacked-nameless"]
	case len(all) == 0:
		return p.words["ui.attacked-no"]
	}
	var attempts, last int64
	for _, t := range all {
		attempts, last = attempts+t.Attempts, max(last, t.To)
	}
	parts := []string{p.t("ui.attacked-yes", "kinds", diagnose.Count(len(all)), "attempts", diagnose.Count(attempts),
		"share", diagnose.Share01(float64(attempts)/float64(max(p.a.Picture.Total.Requests, attempts))))}
	if p.asked().Sub(time.Unix(last, 0)) > over {
		parts = append(parts, p.t("ui.attacked-ended", "at", raw(p.minute(time.Unix(last, 0)))))
	} else {
		parts = append(parts, p.words["ui.attacked-now"])
	}
	return p.sentences(parts)
}

// title is the name of a kind of attack.
func (p *attacksPrinter) title(id string) string {
	if w, ok := p.words["attack."+id+".title"]; ok {
		return w
	}
	return p.quote(id, nameRunes)
}
