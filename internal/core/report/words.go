package report

import (
	"maps"
	"slices"
	"strings"

	"hirune/internal/core/diagnose"
)

// catalogue returns the words of a language by key. The keys:
//
//	claim.ID          a sentence of diagnose.Claims or remedy.Sayings
//	short.ID          the same in a few words, without parameters, for the chain
//	cause.ID.title    a cause's name; cause.ID.means says it to an owner
//	remedy.ID.title   a remedy's name; .does what it brings, .how what to do by hand
//	source.NAME       a source of evidence; code.CODE why it could not be read
//	series.ID, class.NAME, service.NAME, access.TYPE, unit.NAME, status.NAME
//	ui.NAME           headings and phrases of the report itself
//
// In a template {name} is a parameter, {name#one|many} a parameter with its
// noun, and [ … ] a part that is left out when a parameter in it is unknown.
func catalogue(lang string) map[string]string {
	parts := []map[string]string{enClaims, enAdvice, enFrame, enPurge, enWeb, enPlan, enVerify, enAttacks, enAttackClaims, enBlock, enBreakIn, enBanWeb,
		enLocks, enQueries, enWorkers, enHost, enDemand, enChanges, enAudit, enCold}
	if lang == Japanese {
		parts = []map[string]string{jaClaims, jaAdvice, jaFrame, jaPurge, jaWeb, jaPlan, jaVerify, jaAttacks, jaAttackClaims, jaBlock, jaBreakIn, jaBanWeb,
			jaLocks, jaQueries, jaWorkers, jaHost, jaDemand, jaChanges, jaAudit, jaCold}
	}
	all := map[string]string{}
	for _, m := range parts {
		maps.Copy(all, m)
	}
	return all
}

// say renders a claim. An id without words is shown with its parameters: a
// newer rule must not be silent under an older catalogue.
func (p *printer) say(s diagnose.Sentence) string {
	if s.ID == "" {
		return ""
	}
	if t, ok := p.words["claim."+s.ID]; ok {
		out := p.render(t, s.Args)
		if strings.HasPrefix(t, "{service}") || strings.HasPrefix(t, "{class}") {
			return p.capital(out)
		}
		return out
	}
	var out strings.Builder
	out.WriteString(p.quote(s.ID, nameRunes))
	for _, k := range slices.Sorted(maps.Keys(s.Args)) {
		if v, ok := p.value(k, s.Args[k]); ok {
			out.WriteString(" " + p.quote(k, nameRunes) + "=" + v)
		}
	}
	return out.String()
}

// t renders a phrase of the report's own.
func (p *printer) t(key string, pairs ...any) string {
	return p.render(p.words[key], diagnose.Say("", pairs...).Args)
}

// render fills a template. Values are put in after the template was taken
// apart, so that hostile text cannot be read as a template.
func (p *printer) render(tmpl string, args diagnose.Args) string {
	var b strings.Builder
	for tmpl != "" {
		plain, rest, found := strings.Cut(tmpl, "[")
		s, _ := p.fill(plain, args)
		b.WriteString(s)
		if !found {
			break
		}
		var optional string
		optional, tmpl, _ = strings.Cut(rest, "]")
		if s, known := p.fill(optional, args); known {
			b.WriteString(s)
		}
	}
	if p.ja {
		return tight(b.String())
	}
	return b.String()
}

// tight takes out the space between two wide characters: templates have it for
// the Latin names that mostly stand there.
func tight(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if r == ' ' && i > 0 && i+1 < len(runes) && runeWidth(runes[i-1]) == 2 && runeWidth(runes[i+1]) == 2 {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// fill replaces the placeholders of a template without optional parts, and
// reports whether all of their values are known.
func (p *printer) fill(tmpl string, args diagnose.Args) (string, bool) {
	var b strings.Builder
	all := true
	for {
		plain, rest, found := strings.Cut(tmpl, "{")
		b.WriteString(plain)
		if !found {
			return b.String(), all
		}
		var hole string
		hole, tmpl, _ = strings.Cut(rest, "}")
		name, noun, hasNoun := strings.Cut(hole, "#")
		s, known := p.value(name, args[name])
		if !known {
			s, all = p.words["ui.unknown"], false
		}
		if hasNoun {
			one, many, _ := strings.Cut(noun, "|")
			if s == "1" {
				many = one
			}
			s += " " + many
		}
		b.WriteString(s)
	}
}

// Template returns the words of a claim with its placeholders, {name} and
// {name#one|many}, as the generated page of rules shows them; "" if the language
// has none.
func Template(lang, claim string) string { return catalogue(lang)["claim."+claim] }
