// Package accesslog reads the access logs of web servers: it compiles the
// format that a server is configured with to a field splitter, classifies
// requests by what they make the server do, counts them in bounded memory and
// reads rotated logs back to hourly counts.
//
// A log is hostile text. Nothing here uses a regular expression, allocates per
// line, or grows with the number of clients or URLs.
package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"hirune/internal/core/hint"
)

// Entry is one line, split. The slices point into the line, as the server
// wrote it: still escaped. A field that the format does not have is empty.
type Entry struct {
	Client    []byte
	Forwarded []byte // X-Forwarded-For: written by the client, never to be trusted
	VHost     []byte // the server's own name of the virtual host, not the client's Host header
	Time      []byte
	Method    []byte // empty: not an HTTP request
	Target    []byte // path with query string, or what was sent instead of it
	Agent     []byte
	Status    int   // 0 unknown
	Bytes     int64 // of the answer; 0 for "-"
	TookUs    int64 // -1 if not logged

	query []byte // where the format logs it apart from the path
}

// field is what one directive of a format means to us.
type field uint8

const (
	fSkip field = iota
	fClient
	fForwarded
	fVHost
	fTime
	fRequest
	fMethod
	fPath
	fQuery
	fStatus
	fBytes
	fAgent
	fTookUs
	fTookMs
	fTookS // whole seconds or 1.234
	fTookUpstream
)

// step is a literal, then a field up to the literal that follows it.
type step struct {
	lit    string
	field  field
	quoted bool   // ends at the first quote that is not escaped
	end    string // what follows the field; empty: the end of the line
	inner  int    // how often end occurs inside the field itself (strftime formats)
}

// Layout is a compiled format. It is immutable.
type Layout struct {
	steps []step
	when  timeKind
	took  bool
}

// Took reports whether the format logs how long a request took.
func (l *Layout) Took() bool { return l.took }

// Timed reports whether the format logs when a request came, in a way that is understood.
func (l *Layout) Timed() bool { return l.when != timeNone }

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
	if f, ok := named[format]; ok {
		format = f
	}
	parse := apacheTokens
	if !strings.Contains(format, "%") || strings.Contains(format, "$remote_addr") || strings.Contains(format, "$status") {
		parse = nginxTokens
	}
	toks, err := parse(format)
	if err != nil {
		return nil, unusable(format, err)
	}
	l, err := assemble(toks)
	if err != nil {
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
func assemble(toks []token) (*Layout, error) {
	l := &Layout{}
	have := map[field]bool{}
	pending := ""
	for i := range toks {
		if i > 0 && toks[i].field == fQuery && toks[i-1].field == fPath {
			continue // %U%q: one field
		}
		if toks[i].isLit {
			pending += toks[i].lit
			continue
		}
		rest := toks[i+1:]
		if toks[i].field == fPath && len(rest) > 0 && rest[0].field == fQuery {
			rest = rest[1:]
		}
		end := following(rest)
		if end == "" && len(rest) > 0 {
			return nil, errors.New("two fields without anything between them")
		}
		s := step{lit: pending, field: toks[i].field, end: end}
		s.quoted = strings.HasSuffix(pending, `"`) && strings.HasPrefix(end, `"`)
		if toks[i].strf != "" && end != "" {
			s.inner = strings.Count(toks[i].strf, end)
		}
		if s.field == fTime && l.when == timeNone {
			l.when = toks[i].when
		} else if s.field == fTime {
			s.field = fSkip
		}
		have[s.field] = true
		l.steps = append(l.steps, s)
		pending = ""
	}
	l.took = have[fTookUs] || have[fTookMs] || have[fTookS] || have[fTookUpstream]
	if !have[fRequest] && !have[fPath] || !have[fStatus] {
		return nil, errors.New("it has no request or no status")
	}
	return l, nil
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

// Parse splits a line. It reports false where the line does not follow the
// format up to its request and status; what was split by then is in e.
func (l *Layout) Parse(line []byte, e *Entry) bool {
	*e = Entry{TookUs: -1}
	request := false
	for i := range l.steps {
		s := &l.steps[i]
		if !bytes.HasPrefix(line, []byte(s.lit)) {
			break
		}
		line = line[len(s.lit):]
		n, whole := s.length(line)
		if !whole && s.field == fStatus {
			whole = s.end == "" || len(line) == 3
		}
		if !whole && (s.field == fStatus || s.field == fRequest) {
			break
		}
		e.set(s.field, line[:n])
		request = request || s.field == fRequest || s.field == fPath
		line = line[n:]
	}
	if len(e.query) > 0 && e.query[0] != '-' {
		e.join()
	}
	return request && e.Status != 0
}

// length finds the end of the field at the start of b; whole is false where
// the line ends first.
func (s *step) length(b []byte) (n int, whole bool) {
	switch {
	case s.quoted:
		return quoteEnd(b)
	case s.end == "":
		return len(b), true
	case len(s.end) == 1 && s.inner == 0:
		for {
			i := bytes.IndexByte(b[n:], s.end[0])
			if i < 0 {
				return len(b), false
			}
			if n += i; s.field != fForwarded || n == 0 || b[n-1] != ',' { // "a, b" is one list
				return n, true
			}
			n++
		}
	}
	for k := 0; ; k++ {
		i := bytes.Index(b[n:], []byte(s.end))
		if i < 0 {
			return len(b), false
		}
		if n += i; k == s.inner {
			return n, true
		}
		n += len(s.end)
	}
}

// quoteEnd is where the first quote is that no backslash escapes.
func quoteEnd(b []byte) (int, bool) {
	for n := 0; ; n++ {
		i := bytes.IndexByte(b[n:], '"')
		if i < 0 {
			return len(b), false
		}
		n += i
		back := 0
		for back < n && b[n-1-back] == '\\' {
			back++
		}
		if back%2 == 0 {
			return n, true
		}
	}
}
