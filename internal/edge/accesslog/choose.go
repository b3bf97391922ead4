package accesslog

import (
	"bytes"
	"slices"
	"time"
)

// candidates are tried where nothing is configured, in this order: the most
// telling first. A line of a longer format also fits a shorter one, with the
// rest unread.
var candidates = compiled(
	jsonFormat,
	`%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	`%v %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	`%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
)

// timed are candidates that end with a duration which is in seconds beyond
// doubt, because it has a fraction. Whether a whole number is microseconds,
// seconds or bytes cannot be told.
var timed = compiled(
	`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time`,
	`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" $request_time`,
)

// forwarded are candidates for lines that name the client by a header alone: a
// list of addresses where the client's should be, or JSON without any other.
var forwarded = compiled(
	`%{X-Forwarded-For}i %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`,
	jsonForwarded,
)

func compiled(formats ...string) []*Layout {
	out := make([]*Layout, len(formats))
	for i, f := range formats {
		l, err := Compile(f)
		if err != nil {
			panic(err) // a constant of this file
		}
		out[i] = l
	}
	return out
}

// fits reports whether a line is in a layout, with a time that can be read.
func (p *Parser) fits(l *Layout, line []byte, e *Entry) bool {
	if !l.Parse(line, e) {
		return false
	}
	c := clock{kind: l.when, loc: p.clock.loc}
	_, ok := c.unix(e.Time)
	return ok
}

// surely reports whether a line is in a candidate beyond doubt: with what
// nothing else has in its place.
func (p *Parser) surely(l *Layout, line []byte, e *Entry) bool {
	if !p.fits(l, line, e) {
		return false
	}
	switch {
	case slices.Contains(forwarded, l):
		return len(e.Client) == 0 && (l.json && len(e.Forwarded) > 0 || bytes.IndexByte(e.Forwarded, ',') > 0)
	case slices.Contains(timed, l):
		return e.TookUs >= 0 && inSeconds(line) && address(e.Client).IsValid()
	}
	return address(e.Client).IsValid() && !bytes.HasSuffix(e.VHost, []byte{','}) // "a, b" is a list of addresses
}

// inSeconds reports whether a line ends as nginx writes durations: 0.123.
func inSeconds(line []byte) bool {
	line = line[bytes.LastIndexByte(line, ' ')+1:]
	return len(line) > 4 && line[len(line)-4] == '.'
}

const headLines = 300

// linesOf are the first lines of a head; the last may be cut off.
func linesOf(head []byte) (out [][]byte) {
	for len(head) > 0 && len(out) < headLines {
		line, rest, whole := bytes.Cut(head, []byte{'\n'})
		if whole || len(out) == 0 {
			out = append(out, bytes.TrimSuffix(line, []byte{'\r'}))
		}
		head = rest
	}
	return out
}

// choose says what format the lines are in: layouts to be tried in this order,
// the first for all lines and the rest for single ones that it does not fit.
// It is nil where no line is in any that is known. strict says that clients
// are addresses: a line that gives another one is in another format.
func choose(configured []*Layout, loc *time.Location, head []byte) (out []*Layout, strict bool) {
	lines := linesOf(head)
	p := Parser{clock: clock{loc: loc}}
	var e Entry
	count := func(of []*Layout, fits func(*Layout, []byte, *Entry) bool) (best *Layout, most int) {
		for _, l := range of {
			n := 0
			for _, line := range lines {
				if fits(l, line, &e) {
					n++
				}
			}
			if n > most {
				best, most = l, n
			}
		}
		return best, most
	}
	others := slices.Concat(configured, candidates, forwarded)
	first, n := count(configured, p.fits)
	guess, m := count(candidates, p.surely)
	switch {
	case first != nil && 2*n >= m:
		_, named := count([]*Layout{first}, p.surely)
		if m >= n && 2*named <= n && first.client { // what it calls the client is none, and another finds one
			break
		}
		if first.ForwardedOnly() { // another might take the header for the client
			others = configured
		}
		return front(first, others), 2*named > n
	case first == nil:
		if l, n := count(forwarded, p.surely); n > 0 { // one list of addresses is enough
			return front(l, forwarded), false
		}
		if l, k := count(timed, p.surely); 10*k > 9*m {
			guess = l
		}
	}
	if guess != nil {
		return front(guess, others), true
	}
	if last, n := count(candidates[len(candidates)-1:], p.fits); n > 0 { // clients by name
		return front(last, others), false
	}
	return nil, false
}

// front puts one layout before the others.
func front(first *Layout, others []*Layout) []*Layout {
	return append([]*Layout{first}, slices.DeleteFunc(slices.Clone(others), func(l *Layout) bool { return l == first })...)
}
