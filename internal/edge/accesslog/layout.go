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
	"slices"
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
	Referer   []byte
	Status    int   // 0 unknown
	Bytes     int64 // of the answer; 0 for "-"
	TookUs    int64 // -1 if not logged

	escapes escapes // of Target
	query   []byte  // where the format logs it apart from the path
	joined  []byte  // room for both
	used    int     // how long the number was that digits took, with what follows it
}

// field is what one directive of a format means to us.
type field uint8

const (
	fSkip field = iota
	fClient
	fPeer // the client too, but perhaps as a name: gives way to fClient
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
	fReferer
	fTookUs
	fTookMs
	fTookS // whole seconds or 1.234
	fTookUpstream
)

// step is a field up to the literal that follows it.
type step struct {
	field field
	way   way
	end   string // what follows the field; empty: the end of the line
	inner int    // how often end occurs inside the field itself (strftime formats)
}

// way is how the end of a field is found.
type way uint8

const (
	toByte   way = iota // at the first byte of end, of which it has only one
	toText              // at end
	toQuote             // at the first quote that is not escaped
	toEnd               // with the line
	asList              // at end, but not behind a comma: "a, b" is one
	asDash              // as toText, and mostly a single -
	asDate              // as toText, and mostly of the length of %t
	asNumber            // as toText, and mostly digits
)

// Layout is a compiled format. It is immutable.
type Layout struct {
	text    string
	lead    string // what stands before the first field
	steps   []step
	when    timeKind
	escapes escapes
	took    bool
	client  bool // the client is logged, and not by a header alone
	json    bool // each line is a JSON object, its keys in any order
}

// ForwardedOnly reports whether the format names the client by nothing but a
// header, which anybody can write.
func (l *Layout) ForwardedOnly() bool { return !l.client && l.has(fForwarded) }

func (l *Layout) has(f field) bool {
	return slices.ContainsFunc(l.steps, func(s step) bool { return s.field == f })
}

// Took reports whether the format logs how long a request took.
func (l *Layout) Took() bool { return l.took }

// Timed reports whether the format logs when a request came, in a way that is understood.
func (l *Layout) Timed() bool { return l.when != timeNone }

// Parse splits a line. It reports false where the line does not follow the
// format up to its request and status; what was split by then is in e.
func (l *Layout) Parse(line []byte, e *Entry) bool {
	e.reset(l.escapes)
	if l.json {
		return e.object(line)
	}
	if len(line) < len(l.lead) || string(line[:len(l.lead)]) != l.lead {
		return false
	}
	line = line[len(l.lead):]
	request := false
	for i := range l.steps {
		s := &l.steps[i]
		if s.way == asNumber && e.digits(s, line) {
			line = line[e.used:]
			continue
		}
		n, whole := s.length(line)
		if !whole && (s.field == fRequest || s.field == fStatus && n != 3) {
			break
		}
		switch s.field {
		case fSkip:
		case fClient:
			e.Client = line[:n]
		case fTime:
			e.Time = line[:n]
		case fRequest:
			e.request(line[:n])
			request = true
		case fReferer:
			e.Referer = line[:n]
		case fAgent:
			e.Agent = line[:n]
		default:
			e.set(s.field, line[:n])
			request = request || s.field == fPath
		}
		line = line[n:]
		if !whole || s.way == toQuote && !s.endsAt(line) {
			break
		}
		line = line[len(s.end):]
	}
	if len(e.query) > 0 && e.query[0] != '-' {
		e.join()
	}
	return request && e.Status != 0
}

// digits takes a status or a size that is plainly written, with what follows it.
func (e *Entry) digits(s *step, line []byte) bool {
	n, v := 0, int64(0)
	for n < len(line) && n < 18 && line[n] >= '0' && line[n] <= '9' {
		v = v*10 + int64(line[n]-'0')
		n++
	}
	if n == 0 || !s.endsAt(line[n:]) {
		return false
	}
	if e.used = n + len(s.end); s.field == fBytes {
		e.Bytes = v
	} else if v >= 100 && v <= 999 {
		e.Status = int(v)
	}
	return true
}

// reset empties the entry, but for its room.
func (e *Entry) reset(k escapes) {
	e.Client, e.Forwarded, e.VHost, e.Time, e.Method = nil, nil, nil, nil, nil
	e.Target, e.Agent, e.Referer, e.query = nil, nil, nil, nil
	e.Status, e.Bytes, e.TookUs, e.escapes = 0, 0, -1, k
}

// length finds the end of the field at the start of b; whole is false where
// the line ends first.
func (s *step) length(b []byte) (n int, whole bool) {
	switch s.way {
	case toByte:
		if n = bytes.IndexByte(b, s.end[0]); n >= 0 {
			return n, true
		}
		return len(b), false
	case toQuote:
		if len(b) > 1 && b[0] == '-' && b[1] == '"' { // most have no referer
			return 1, true
		}
		return quoteEnd(b)
	case toEnd:
		return len(b), true
	case asList:
		return listEnd(b, s.end[0])
	case asDash:
		if len(b) > 1 && b[0] == '-' && s.endsAt(b[1:]) {
			return 1, true
		}
	case asDate:
		if n = len("22/Nov/2026:12:00:00 +0900"); len(b) > n && s.endsAt(b[n:]) {
			return n, true
		}
	case toText, asNumber:
	}
	return s.search(b)
}

// endsAt reports whether the end stands there. Most are of one to three bytes.
func (s *step) endsAt(b []byte) bool {
	n := len(s.end)
	if len(b) < n || b[0] != s.end[0] || n > 1 && b[1] != s.end[1] {
		return false
	}
	return n < 3 || string(b[2:n]) == s.end[2:]
}

// search looks for end, or for one of its further occurrences.
func (s *step) search(b []byte) (n int, whole bool) {
	for k := 0; ; n++ {
		i := bytes.IndexByte(b[n:], s.end[0])
		if i < 0 {
			return len(b), false
		}
		if n += i; !s.endsAt(b[n:]) {
			continue
		}
		if k == s.inner {
			return n, true
		}
		k++
		n += len(s.end) - 1
	}
}

// listEnd is where the separator is that no comma precedes: "a, b" is one list.
func listEnd(b []byte, end byte) (n int, whole bool) {
	for ; ; n++ {
		i := bytes.IndexByte(b[n:], end)
		if i < 0 {
			return len(b), false
		}
		if n += i; n == 0 || b[n-1] != ',' {
			return n, true
		}
	}
}

// quoteEnd is where the first quote is that no backslash escapes.
func quoteEnd(b []byte) (int, bool) {
	for n := 0; ; n++ {
		i := bytes.IndexByte(b[n:], '"')
		if i < 0 {
			return len(b), false
		}
		if n += i; n == 0 || b[n-1] != '\\' {
			return n, true
		}
		back := 1
		for back < n && b[n-1-back] == '\\' {
			back++
		}
		if back%2 == 0 {
			return n, true
		}
	}
}
