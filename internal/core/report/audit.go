package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/audit"
	"hirune/internal/core/diagnose"
)

// AuditText writes for a terminal what will bring a site down next: what is so
// already, then what has a date, the next rush, and what is not known. With
// o.Verbose it says how to do what helps. The error is the writer's.
func AuditText(w io.Writer, r audit.Report, o Options) error {
	p := newPrinter(diagnose.Verdict{}, o, clean)
	p.day = r.At
	var b strings.Builder
	if len(r.Risks) == 0 {
		p.styled(&b, green, "✔ ", p.words["ui.audit-none"])
	} else {
		p.styled(&b, bold, "", p.words["ui.audit-title"])
	}
	head := ""
	for _, k := range r.Risks {
		if h := p.dueWhen(k.When, r.At); h != head {
			fmt.Fprintln(&b)
			p.styled(&b, map[string]string{audit.Already: red, audit.OnDate: yellow}[k.When.Kind], "", p.capital(h))
			head = h
		}
		p.risk(&b, k)
	}
	p.helps(&b, r)
	if len(r.Unknown) > 0 {
		fmt.Fprintln(&b)
		p.styled(&b, dim, "", p.words["ui.audit-unknown"])
	}
	for _, s := range r.Unknown {
		p.hang(&b, "  ? ", "    ", p.say(s))
	}
	return p.finish(w, &b)
}

// dueWhen is the time at which a risk comes true, in a few words.
func (p *printer) dueWhen(w audit.When, now time.Time) string {
	switch w.Kind {
	case audit.OnDate:
		return p.t("ui.audit-date", "day", raw(p.date(w.At)), "days", diagnose.Count(max(w.At.Sub(now).Hours()/24, 0)))
	case audit.OnRush:
		return p.words["ui.audit-rush"]
	}
	return p.words["ui.audit-already"]
}

func (p *printer) risk(b *strings.Builder, k audit.Risk) {
	p.hang(b, "  ! ", "    ", p.say(k.Say))
	for _, e := range k.Evidence {
		p.hang(b, "    - ", "      ", p.say(e))
	}
}

// helps lists the remedies of all risks, each once.
func (p *printer) helps(b *strings.Builder, r audit.Report) {
	var ids []string
	for _, k := range r.Risks {
		for _, id := range k.Remedies {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	fmt.Fprintln(b)
	p.styled(b, bold, "", p.words["ui.audit-what"])
	for _, id := range ids {
		p.hang(b, "  → ", "    ", p.remedy(id, "title"))
		if p.o.Verbose {
			p.hang(b, "    ", "    ", p.remedy(id, "how"))
		}
	}
	if !p.o.Verbose {
		p.hang(b, "    ", "    ", p.words["ui.audit-how"])
	}
}

// AuditDocument is what `audit --json` writes; see Document for times, unknown
// amounts and lists.
type AuditDocument struct {
	Schema  int        `json:"schema"`
	At      *time.Time `json:"at"`
	Risks   []RiskJSON `json:"risks"`
	Unknown []Claim    `json:"unknown"`
}

// RiskJSON is one risk. When is "already", "date" or "rush"; Date is null but for
// "date".
type RiskJSON struct {
	ID       string     `json:"id"`
	When     string     `json:"when"`
	Date     *time.Time `json:"date"`
	Claim    Claim      `json:"claim"`
	Evidence []Claim    `json:"evidence"`
	Remedies []string   `json:"remedies"`
}

// AuditJSON writes an audit as an AuditDocument. The error is the writer's.
func AuditJSON(w io.Writer, r audit.Report) error {
	risk := func(k audit.Risk) RiskJSON {
		return RiskJSON{ID: k.ID, When: k.When.Kind, Date: instant(k.When.At), Claim: claim(k.Say), Evidence: each(k.Evidence, claim), Remedies: append([]string{}, k.Remedies...)}
	}
	return writeJSON(w, AuditDocument{Schema: Schema, At: instant(r.At), Risks: each(r.Risks, risk), Unknown: each(r.Unknown, claim)})
}
