package report

import (
	"io"
	"strings"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/diagnose"
)

// AttacksDocument is what `attacks --json` writes, and what is kept for
// `hirune block`. It is never translated; see Document for times, unknown
// amounts and lists. Fields from Asked on are additions to the fixed part.
type AttacksDocument struct {
	Schema    int            `json:"schema"`
	Logs      []LogView      `json:"logs"`
	Attacks   []AttackView   `json:"attacks"`
	BreakIn   BreakInView    `json:"break_in"`
	Benign    []BenignView   `json:"benign"`
	Proposals []ProposalView `json:"proposals"`

	Asked    *time.Time `json:"asked"`
	Window   Interval   `json:"window"` // of the first and the last request
	Totals   TotalsView `json:"totals"`
	Verdict  string     `json:"verdict"`  // the worst of the attacks: hurts, unknown, harmless; none
	Costs    string     `json:"costs"`    // log, tape, pools; "" not measured
	Nameless bool       `json:"nameless"` // most requests have no address: nobody can be told from another
	Files    bool       `json:"files"`    // files that were named: nothing of the machine was looked at
	Clues    []ClueView `json:"clues"`
	Logins   []LoginDoc `json:"logins"`
	Unseen   []Missing  `json:"unseen"`
}

// LogView is one file that was read, or not: then error says why.
type LogView struct {
	Path     string     `json:"path"`
	Lines    int64      `json:"lines"`
	Rejected int64      `json:"rejected_lines"`
	From     *time.Time `json:"from"`
	To       *time.Time `json:"to"`
	Format   string     `json:"format"`
	Long     int64      `json:"long_lines"`
	Outside  int64      `json:"outside_lines"`
	Samples  []string   `json:"rejected_samples"`
	Error    string     `json:"error,omitempty"`
	Hint     string     `json:"hint,omitempty"`
}

// AttackView is one kind of attack.
type AttackView struct {
	ID          string       `json:"id"`
	Actors      []ActorView  `json:"actors"`
	ActorsTotal int64        `json:"actors_total"`
	Attempts    int64        `json:"attempts"`
	Paths       []string     `json:"paths"`
	Harm        HarmView     `json:"harm"`
	Verdict     string       `json:"verdict"`
	From        *time.Time   `json:"from"`
	To          *time.Time   `json:"to"`
	PeakMinute  int64        `json:"peak_minute"`
	Severity    int          `json:"severity"` // 1 low to 4 critical
	Spread      bool         `json:"spread"`   // many that each do little
	PathCounts  []PathView   `json:"path_counts"`
	Answers     AnswersView  `json:"answers"`
	Cluster     *ClusterView `json:"cluster"`
	Load        *LoadView    `json:"load"`
	Claims      []Claim      `json:"claims"`
}

// ActorView is one address, /64 or wider network.
type ActorView struct {
	Prefix   string     `json:"prefix"`
	Attempts int64      `json:"attempts"`
	From     *time.Time `json:"from"`
	To       *time.Time `json:"to"`
	Agent    string     `json:"agent"`
	Worker   *float64   `json:"worker_s"`
	Fired    bool       `json:"fired"`
	Views    int64      `json:"views"`
	Bot      string     `json:"bot,omitempty"`
}

// HarmView is what an attack costs as shares of all in its time, 0 to 1.
type HarmView struct {
	WorkerTime *float64 `json:"worker_time"`
	Requests   *float64 `json:"requests"`
	Busy       *float64 `json:"busy_workers"`
	Measured   bool     `json:"measured"` // by durations in the log; else estimated

	// Estimates of what the attack took while it was recorded; null without a recording.
	CPU      *float64  `json:"cpu"`           // of PHP's CPU time
	Database *float64  `json:"database_time"` // of the database's time
	Recorded *Interval `json:"recorded"`      // what the two rest on
	// CPUs in use in all of its time, by all requests together, against the same hours of quiet days.
	PHPCPUs      *LoadView `json:"php_cpus"`
	DatabaseCPUs *LoadView `json:"database_cpus"`
}

// PathView is a path with its number of attempts.
type PathView struct {
	Path  string `json:"path"`
	Count int64  `json:"count"`
}

// AnswersView counts what attempts were answered.
type AnswersView struct {
	S2xx int64 `json:"2xx"`
	S3xx int64 `json:"3xx"`
	S4xx int64 `json:"4xx"`
	S5xx int64 `json:"5xx"`
}

// ClusterView is what many actors have in common.
type ClusterView struct {
	Agent    string   `json:"agent"`
	Path     string   `json:"path"`
	Size     int64    `json:"size"`
	Prefixes []string `json:"prefixes"`
}

// LoadView compares requests that cost PHP, a second.
type LoadView struct {
	During *float64 `json:"during"`
	Usual  *float64 `json:"usual"`
}

// BreakInView is the answer to "did they get in?".
type BreakInView struct {
	Status   string         `json:"status"` // confirmed, likely, look, nothing_found; "" not looked at
	Evidence []EvidenceView `json:"evidence"`
	Unseen   []Missing      `json:"unseen"`
}

// EvidenceView is one thing that speaks for a break-in.
type EvidenceView struct {
	ID     string     `json:"id"`
	Weight string     `json:"weight"`
	At     *time.Time `json:"at"`
	Client string     `json:"client,omitempty"`
	User   string     `json:"user,omitempty"`
	Path   string     `json:"path,omitempty"`
	Claim  Claim      `json:"claim"`
	Do     *Claim     `json:"do"`
}

// Missing is a source that could not be read.
type Missing struct {
	Source string `json:"source"`
	Why    string `json:"why"`
}

// BenignView is traffic that looks odd and is fine.
type BenignView struct {
	ID       string `json:"id"`
	Requests int64  `json:"requests"`
	Name     string `json:"name,omitempty"`
}

// ProposalView is one thing that may be done, or must not be: then refused says
// why, in English, and prefixes is empty.
type ProposalView struct {
	ID       string       `json:"id"`
	Layer    string       `json:"layer"`
	Prefixes []string     `json:"prefixes"`
	Why      string       `json:"why"` // in English
	Attack   string       `json:"attack"`
	Command  string       `json:"command"`
	Refused  string       `json:"refused"`
	Optional bool         `json:"optional"` // nothing has to be done
	Bans     []BanView    `json:"bans"`
	Spared   []SparedView `json:"spared"`
	Claim    Claim        `json:"claim"`
}

// BanView is one prefix with its evidence in English.
type BanView struct {
	Prefix   string     `json:"prefix"`
	Attempts int64      `json:"attempts"`
	From     *time.Time `json:"from"`
	To       *time.Time `json:"to"`
	Why      string     `json:"why"`
}

// SparedView is one prefix that must not be banned.
type SparedView struct {
	Prefix string `json:"prefix"`
	Why    string `json:"why"`
}

// ClueView is a trace in the log.
type ClueView struct {
	ID     string     `json:"id"`
	Path   string     `json:"path"`
	Client string     `json:"client"`
	At     *time.Time `json:"at"`
	Count  int64      `json:"count"`
	Bytes  int64      `json:"bytes"`
	Posts  int64      `json:"posts"`
}

// LoginDoc is a client that guessed and then got in, by the look of the log.
type LoginDoc struct {
	Client   string     `json:"client"`
	Way      string     `json:"way"`
	Failures int64      `json:"failures"`
	At       *time.Time `json:"at"`
	Admin    bool       `json:"admin"`
	Uploads  int64      `json:"uploads"`
}

// TotalsView is all that was read.
type TotalsView struct {
	Requests int64    `json:"requests"`
	Dynamic  int64    `json:"dynamic_requests"`
	Clients  int64    `json:"clients"` // estimated
	Worker   *float64 `json:"worker_s"`
	Timed    bool     `json:"timed"`
	Forgot   int64    `json:"forgot_actors"`
}

// AttacksJSON writes the answers as an AttacksDocument. The error is the writer's.
func AttacksJSON(w io.Writer, v Attacks) error {
	p := newAttacksPrinter(v, Options{})
	worst, _ := p.worst()
	switch {
	case worst != "":
	case p.blind() || p.nameless():
		worst = attack.Unknown
	default:
		worst = "none"
	}
	pic := v.Picture
	return writeJSON(w, AttacksDocument{
		Schema: Schema, Logs: each(v.Logs, logView), Attacks: each(pic.Attacks, p.attackView),
		BreakIn:   BreakInView{string(v.BreakIn.Status), each(v.BreakIn.Evidence, evidenceView), each(v.BreakIn.Unseen, missingView)},
		Benign:    each(pic.Benign, func(b attack.Benign) BenignView { return BenignView{b.ID, b.Requests, b.Name} }),
		Proposals: each(v.Proposals, p.proposalView),
		Asked:     instant(v.At), Window: Interval{unixTime(pic.From), unixTime(pic.To)}, Totals: totals(pic), Verdict: string(worst), Costs: v.Costs, Nameless: v.Nameless, Files: v.Away,
		Clues: each(pic.Clues, clueView), Logins: each(pic.Logins, loginDoc), Unseen: each(v.Unseen, missingView),
	})
}

// unixTime is nil for a time that is unknown.
func unixTime(s int64) *time.Time {
	if s <= 0 {
		return nil
	}
	return instant(time.Unix(s, 0))
}

func logView(l AttackLog) LogView {
	return LogView{l.Path, l.Lines, l.Rejected, instant(l.From), instant(l.To), l.Format, l.Long, l.Outside, ids(l.Samples), l.Fault, l.Hint}
}

func (p *attacksPrinter) attackView(t attack.Attack) AttackView {
	top := t.Actors
	if p.a.Top > 0 {
		top = top[:min(len(top), p.a.Top)]
	}
	return AttackView{
		ID: t.ID, Actors: each(top, actorView), ActorsTotal: t.ActorsTotal, Attempts: t.Attempts,
		Paths: each(t.Paths, func(x attack.PathCount) string { return x.Path }), Verdict: string(t.Verdict),
		Harm: p.harmView(t),
		From: unixTime(t.From), To: unixTime(t.To), PeakMinute: t.PeakMinute, Severity: int(t.Severity), Spread: attack.Spread(t),
		PathCounts: each(t.Paths, func(x attack.PathCount) PathView { return PathView{x.Path, x.Count} }),
		Answers:    AnswersView(t.Answers), Cluster: clusterView(t.Cluster), Load: p.loadView(t.ID), Claims: each(t.Says, claim),
	}
}

func (p *attacksPrinter) harmView(t attack.Attack) HarmView {
	v := HarmView{WorkerTime: known(t.Harm.WorkerTime), Requests: known(t.Harm.Requests), Busy: known(t.Harm.Busy), Measured: t.Harm.Measured}
	if s, ok := p.a.Spent[t.ID]; ok {
		v.CPU, v.Database, v.Recorded = known(s.PHP), known(s.Database), &Interval{instant(s.From), instant(s.To)}
	}
	if u, ok := p.a.Used[t.ID]; ok {
		v.PHPCPUs, v.DatabaseCPUs = loadOf(u.PHP), loadOf(u.Database)
	}
	return v
}

func actorView(a attack.Actor) ActorView {
	return ActorView{a.Prefix.String(), a.Attempts, unixTime(a.From), unixTime(a.To), a.Agent, known(float64(a.TookUs) / 1e6), a.Fired, a.Views, a.Bot}
}

func clusterView(c *attack.Cluster) *ClusterView {
	if c == nil {
		return nil
	}
	v := ClusterView{c.Agent, c.Path, c.Size, []string{}}
	for _, x := range c.Prefixes {
		v.Prefixes = append(v.Prefixes, x.String())
	}
	return &v
}

func (p *attacksPrinter) loadView(id string) *LoadView {
	l, ok := p.a.Loads[id]
	if !ok {
		return nil
	}
	return loadOf(l)
}

func loadOf(l attack.Load) *LoadView {
	if l.During < 0 {
		return nil
	}
	return &LoadView{known(l.During), known(l.Usual)}
}

func evidenceView(e attack.Evidence) EvidenceView {
	return EvidenceView{e.ID, string(e.Weight), unixTime(e.At), e.Client, e.User, e.Path, claim(e.Say), claimOf(e.Do)}
}

func missingView(u attack.Unseen) Missing { return Missing{u.Source, u.Why} }

func (p *attacksPrinter) proposalView(x attack.Proposal) ProposalView {
	v := ProposalView{
		ID: x.ID, Layer: x.Layer, Prefixes: []string{}, Why: p.english(x.Why), Attack: x.Attack, Command: x.Command, Refused: p.english(x.Refused), Optional: x.Optional,
		Bans: []BanView{}, Spared: []SparedView{}, Claim: claim(x.Why),
	}
	for _, b := range x.Bans {
		v.Prefixes = append(v.Prefixes, b.Prefix.String())
		v.Bans = append(v.Bans, BanView{b.Prefix.String(), b.Attempts, unixTime(b.From), unixTime(b.To), p.english(b.Why)})
	}
	for _, s := range x.Spared {
		v.Spared = append(v.Spared, SparedView{s.Prefix.String(), s.Why})
	}
	return v
}

// english is a sentence in plain spaces.
func (p *attacksPrinter) english(s diagnose.Sentence) string {
	return strings.ReplaceAll(p.say(s), nbsp, " ")
}

func clueView(c attack.Clue) ClueView {
	v := ClueView{ID: c.ID, Path: c.Path, At: unixTime(c.At), Count: c.Count, Bytes: c.Bytes, Posts: c.Posts}
	if c.Client.IsValid() {
		v.Client = c.Client.String()
	}
	return v
}

func loginDoc(l attack.Login) LoginDoc {
	v := LoginDoc{Way: l.Way, Failures: l.Failures, At: unixTime(l.At), Admin: l.Admin, Uploads: l.Uploads}
	if l.Client.IsValid() {
		v.Client = l.Client.String()
	}
	return v
}

func totals(p attack.Picture) TotalsView {
	v := TotalsView{Requests: p.Total.Requests, Dynamic: p.Total.Dynamic, Clients: p.Clients, Timed: p.Timed, Forgot: p.Forgot}
	if p.Timed || p.Total.TookUs > 0 {
		v.Worker = known(float64(p.Total.TookUs) / 1e6)
	}
	return v
}
