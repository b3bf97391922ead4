package accesslog

import (
	"errors"
	"fmt"
	"strings"

	"hirune/internal/core/hint"
)

// named are formats that both servers know by name.
var named = map[string]string{
	"common":         `%h %l %u %t "%r" %>s %b`,
	"combined":       `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`,
	"combinedio":     `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O`,
	"vhost_combined": `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
}

// Compile reads an Apache LogFormat, an nginx log_format (with or without its
// escape= parameter) or the name of a well-known one.
// It fails, with a hint, where the format does not tell requests and status.
func Compile(format string) (*Layout, error) {
	format = strings.TrimSpace(format)
	switch format {
	case jsonFormat:
		return &Layout{text: format, escapes: escapesJSON, when: timeAny, client: true, json: true}, nil
	case jsonForwarded:
		return &Layout{text: format, escapes: escapesJSON, when: timeAny, steps: []step{{field: fForwarded}}, json: true}, nil
	}
	if f, ok := named[format]; ok {
		format = f
	}
	parse, kind := apacheTokens, escapesLog
	if !strings.Contains(format, "%") || strings.Contains(format, "$remote_addr") || strings.Contains(format, "$status") {
		parse = nginxTokens
		switch {
		case strings.HasPrefix(format, "escape=json"):
			kind = escapesJSON
		case strings.HasPrefix(format, "escape=none"):
			kind = escapesNone
		}
	}
	toks, err := parse(format)
	if err != nil {
		return nil, unusable(format, err)
	}
	l := &Layout{text: format, escapes: kind}
	if err := l.assemble(toks); err != nil {
		return nil, unusable(format, err)
	}
	return l, nil
}

func unusable(format string, err error) error {
	return hint.Wrap(fmt.Errorf("compile the log format %.200q: %w", format, err), "log-format",
		"let the server write its access log in the combined format, best with the duration (Apache: %D, nginx: $request_time) at the end")
}

// token is a literal or, with kind set, a field.
type token struct {
	lit   string
	field field
	when  timeKind
	strf  string // the strftime format of a time
	isLit bool
}

func lit(s string) token { return token{lit: s, isLit: true} }

// assemble joins literals and fields to steps.
func (l *Layout) assemble(toks []token) error {
	have := map[field]bool{}
	for _, t := range toks {
		have[t.field] = true
	}
	l.lead = following(toks)
	before := l.lead
	for i, t := range toks {
		if t.isLit || t.field == fQuery && i > 0 && toks[i-1].field == fPath {
			continue // %U%q: one field
		}
		rest := toks[i+1:]
		if t.field == fPath && len(rest) > 0 && rest[0].field == fQuery {
			rest = rest[1:]
		}
		s := step{field: l.meaning(t, have[fClient]), end: following(rest)}
		if s.end == "" && len(rest) > 0 {
			return errors.New("two fields without anything between them")
		}
		if t.strf != "" && s.end != "" {
			s.inner = strings.Count(t.strf, s.end)
		}
		s.way = s.find(t, l.escapes != escapesNone && strings.HasSuffix(before, `"`))
		before = s.end
		l.steps = append(l.steps, s)
	}
	l.took = have[fTookUs] || have[fTookMs] || have[fTookS] || have[fTookUpstream]
	l.client = have[fClient] || have[fPeer]
	if !have[fRequest] && !have[fPath] || !have[fStatus] {
		return errors.New("it has no request or no status")
	}
	return nil
}

// find says how the end of the field is found.
func (s *step) find(t token, quoted bool) way {
	switch {
	case s.end == "":
		return toEnd
	case quoted && s.end[0] == '"':
		return toQuote
	case s.inner > 0:
		return toText
	case s.field == fForwarded:
		return asList
	case s.field == fSkip:
		return asDash
	case s.field == fTime && t.when == timeCommon:
		return asDate
	case s.field == fStatus || s.field == fBytes:
		return asNumber
	case len(s.end) == 1:
		return toByte
	}
	return toText
}

// meaning is what a token's field is to this layout: the first time counts, and
// an address counts more than what may be a name.
func (l *Layout) meaning(t token, address bool) field {
	switch {
	case t.field == fTime && l.when == timeNone:
		l.when = t.when
	case t.field == fTime, t.field == fPeer && address:
		return fSkip
	case t.field == fPeer:
		return fClient
	}
	return t.field
}

// following is the literal between a field and the next.
func following(toks []token) string {
	var end strings.Builder
	for _, t := range toks {
		if !t.isLit {
			break
		}
		end.WriteString(t.lit)
	}
	return end.String()
}
