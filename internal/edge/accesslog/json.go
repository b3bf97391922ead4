package accesslog

import "bytes"

// jsonFormat is the name of a layout for lines that are JSON objects with keys
// that servers usually give; the other is the same for those that name the
// client by a header alone.
const (
	jsonFormat    = "json"
	jsonForwarded = "json-forwarded"
)

// jsonDepth bounds how deep objects and lists may lie in each other.
const jsonDepth = 16

// place is where in a line a key stands: what Caddy puts into "request" and
// its "headers", others have at the top.
type place uint8

const (
	atTop place = iota
	inRequest
	inHeaders
	elsewhere
)

// object splits a line that is a JSON object. It reports false where it is not
// one, or has no request or no status.
func (e *Entry) object(line []byte) bool {
	e.escapes = escapesJSON
	j := objectReader{e: e, b: line}
	if !j.object(atTop, 0) {
		return false
	}
	if j.caddy && j.timed { // its durations are seconds; what others mean by the word is unknown
		e.took(fTookS, j.duration)
	}
	if len(e.query) > 0 && e.query[0] != '-' {
		e.join()
	}
	return len(e.Target) > 0 && e.Status != 0
}

// objectReader reads one JSON object front to back.
type objectReader struct {
	e            *Entry
	b            []byte // what is still to be read
	rank         [fTookUpstream + 1]uint8
	duration     []byte
	caddy, timed bool
}

func (j *objectReader) space() {
	for len(j.b) > 0 && (j.b[0] == ' ' || j.b[0] == '\t' || j.b[0] == '\r' || j.b[0] == '\n') {
		j.b = j.b[1:]
	}
}

// next takes the byte c, after space.
func (j *objectReader) next(c byte) bool {
	j.space()
	if len(j.b) == 0 || j.b[0] != c {
		return false
	}
	j.b = j.b[1:]
	return true
}

func (j *objectReader) text() (s []byte, ok bool) {
	if !j.next('"') {
		return nil, false
	}
	n, whole := quoteEnd(j.b)
	if !whole {
		return nil, false
	}
	s, j.b = j.b[:n], j.b[n+1:]
	return s, true
}

func (j *objectReader) object(at place, depth int) bool {
	if depth > jsonDepth || !j.next('{') {
		return false
	}
	if j.next('}') {
		return true
	}
	for {
		key, ok := j.text()
		if !ok || !j.next(':') || !j.value(at, key, depth+1) {
			return false
		}
		if j.next('}') {
			return true
		}
		if !j.next(',') {
			return false
		}
	}
}

// value reads what a key has and keeps what it means.
func (j *objectReader) value(at place, key []byte, depth int) bool {
	j.space()
	if len(j.b) == 0 {
		return false
	}
	switch j.b[0] {
	case '{':
		return j.object(within(at, key), depth)
	case '[':
		return j.list(at, key, depth)
	case '"':
		s, ok := j.text()
		if ok {
			j.keep(at, key, s)
		}
		return ok
	}
	n := bytes.IndexAny(j.b, ",}] \t\r\n")
	if n <= 0 {
		return false
	}
	s := j.b[:n]
	j.b = j.b[n:]
	if s[0] == '-' || s[0] >= '0' && s[0] <= '9' {
		j.keep(at, key, s)
		return true
	}
	return string(s) == "null" || string(s) == "true" || string(s) == "false"
}

func within(at place, key []byte) place {
	switch {
	case at == atTop && string(key) == "request":
		return inRequest
	case at == inRequest && string(key) == "headers":
		return inHeaders
	}
	return elsewhere
}

// list reads a list; of a header's values the first counts.
func (j *objectReader) list(at place, key []byte, depth int) bool {
	if depth > jsonDepth || !j.next('[') {
		return false
	}
	if j.next(']') {
		return true
	}
	if at != inHeaders {
		at = elsewhere
	}
	for {
		if !j.value(at, key, depth+1) {
			return false
		}
		at = elsewhere
		if j.next(']') {
			return true
		}
		if !j.next(',') {
			return false
		}
	}
}

// keep sets the field that a key stands for. Where several stand for one, that
// of the highest rank counts, and the first of equal ones.
func (j *objectReader) keep(at place, key, val []byte) {
	f, rank := meaningOf(at, key)
	if string(key) == "duration" && at == atTop {
		j.duration, j.timed = val, true
	}
	j.caddy = j.caddy || at == inRequest && string(key) == "uri"
	if f == fSkip || rank <= j.rank[f] || len(val) == 0 {
		return
	}
	j.rank[f] = rank
	switch f {
	case fClient:
		val = withoutPort(val)
	case fTookUpstream: // nanoseconds
		if ns, ok := number(val); ok {
			j.e.TookUs = ns / 1000
		}
		return
	case fMethod:
		j.e.Method = nil // "request" says it, too
	default:
	}
	j.e.set(f, val)
}

// meaningOf says what Caddy, Traefik and the usual formats of nginx mean by a
// key; rank 0: nothing that is known.
func meaningOf(at place, key []byte) (f field, rank uint8) {
	switch at {
	case atTop:
		return meaningTop(key)
	case inRequest:
		switch string(key) {
		case "client_ip": // worked out from the trusted proxies
			return fClient, 3
		case "remote_ip":
			return fClient, 2
		case "remote_addr": // of older versions, with the port
			return fClient, 1
		case "method":
			return fMethod, 1
		case "uri":
			return fPath, 3
		}
	case inHeaders:
		switch string(key) {
		case "User-Agent":
			return fAgent, 1
		case "Referer":
			return fReferer, 1
		case "X-Forwarded-For":
			return fForwarded, 1
		}
	case elsewhere:
	}
	return fSkip, 0
}

// meaningTop is meaningOf for keys at the top. Traefik's ClientHost is what the
// forwarding header says where there is one.
func meaningTop(key []byte) (f field, rank uint8) {
	switch string(key) {
	case "remote_addr", "remote_ip", "ClientAddr":
		return fClient, 3
	case "client_ip", "clientip", "client", "remote", "ip":
		return fClient, 2
	case "ClientHost", "http_x_forwarded_for", "x_forwarded_for", "xff", "forwarded_for", "http_x_real_ip":
		return fForwarded, 1
	case "time_iso8601", "time_local", "msec", "StartUTC":
		return fTime, 3
	case "time", "ts", "timestamp", "@timestamp", "date":
		return fTime, 2
	case "request", "request_line":
		return fRequest, 1
	case "request_method", "method", "RequestMethod", "verb":
		return fMethod, 1
	case "request_uri", "RequestPath":
		return fPath, 3
	case "uri":
		return fPath, 2
	case "path", "url":
		return fPath, 1
	case "args", "query_string":
		return fQuery, 1
	case "status", "DownstreamStatus":
		return fStatus, 2
	case "status_code", "response_code", "code":
		return fStatus, 1
	case "bytes_sent", "DownstreamContentSize", "size":
		return fBytes, 3
	case "body_bytes_sent", "bytes", "response_size":
		return fBytes, 2
	case "http_user_agent", "user_agent", "request_User-Agent", "useragent", "userAgent", "agent":
		return fAgent, 1
	case "http_referer", "http_referrer", "referer", "referrer", "request_Referer":
		return fReferer, 1
	case "server_name", "vhost":
		return fVHost, 1
	case "request_time":
		return fTookS, 1
	case "duration_ms", "elapsed_ms", "latency_ms", "took_ms":
		return fTookMs, 1
	case "duration_us":
		return fTookUs, 1
	case "Duration":
		return fTookUpstream, 1
	}
	return fSkip, 0
}

// withoutPort takes the port off 192.0.2.1:80 and [2001:db8::1]:80.
func withoutPort(b []byte) []byte {
	if len(b) > 0 && b[0] == '[' {
		return b[1:until(b, ']')]
	}
	if i := bytes.IndexByte(b, ':'); i > 0 && bytes.IndexByte(b[i+1:], ':') < 0 {
		return b[:i]
	}
	return b
}
