package accesslog

import "bytes"

// set keeps one field. What cannot be read counts as not logged.
func (e *Entry) set(f field, b []byte) {
	switch f {
	case fClient:
		e.Client = b
	case fForwarded:
		e.Forwarded = b
	case fVHost:
		e.VHost = b
	case fTime:
		e.Time = b
	case fRequest:
		e.request(b)
	case fMethod:
		if isMethod(b) {
			e.Method = b
		}
	case fPath:
		e.Target = b
	case fQuery:
		e.query = b
	case fStatus:
		if n, ok := number(b); ok && n >= 100 && n <= 999 {
			e.Status = int(n)
		}
	case fBytes:
		e.Bytes, _ = number(b)
	case fAgent:
		e.Agent = b
	case fReferer:
		e.Referer = b
	case fTookUs, fTookMs, fTookS, fTookUpstream:
		e.took(f, b)
	case fSkip, fPeer:
	}
}

func (e *Entry) took(f field, b []byte) {
	if f == fTookUpstream { // "0.010, 0.020 : 0.003": of several servers, the first will do
		if e.TookUs >= 0 {
			return
		}
		if i := bytes.IndexAny(b, ", :"); i >= 0 {
			b = b[:i]
		}
	}
	unit := int64(1)
	switch f {
	case fTookMs:
		unit = 1000
	case fTookS, fTookUpstream:
		unit = 1_000_000
	default:
	}
	if us, ok := decimal(b, unit); ok {
		e.TookUs = us
	}
}

// request splits "GET /path HTTP/1.1". A version is not asked for: HTTP/0.9
// has none. Anything else leaves Method empty and the whole in Target.
func (e *Entry) request(b []byte) {
	i := 0
	for i < len(b) && i <= methodMost && ofMethod(b[i]) {
		i++
	}
	if i == 0 || i == len(b) || b[i] != ' ' {
		e.Target = b
		return
	}
	target := b[i+1:]
	if n := len(target) - len(" HTTP/1.1"); n >= 0 && string(target[n:n+6]) == " HTTP/" {
		target = target[:n]
	} else if j := bytes.LastIndexByte(target, ' '); j >= 0 && bytes.HasPrefix(target[j+1:], []byte("HTTP/")) {
		target = target[:j]
	}
	e.Method, e.Target = b[:i], target
}

const methodMost = 20

func isMethod(b []byte) bool {
	for _, c := range b {
		if !ofMethod(c) {
			return false
		}
	}
	return len(b) > 0 && len(b) <= methodMost && string(b) != "-"
}

func ofMethod(c byte) bool { return c >= 'A' && c <= 'Z' || c == '-' || c == '_' }

// join puts a query string that was logged apart behind its path.
func (e *Entry) join() {
	q := e.query
	if q[0] == '?' {
		q = q[1:]
	}
	if bytes.IndexByte(e.Target, '?') < 0 {
		e.joined = append(append(append(e.joined[:0], e.Target...), '?'), q...)
		e.Target = e.joined
	}
}

// number reads decimal digits; at most 18 of them, so that it cannot overflow.
func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// decimal reads 12 or 12.345 in the given unit of microseconds.
func decimal(b []byte, unit int64) (int64, bool) {
	whole, frac, found := bytes.Cut(b, []byte{'.'})
	n, ok := number(whole)
	if !ok || n > 1e12 {
		return 0, false
	}
	us := n * unit
	if !found {
		return us, true
	}
	for _, c := range frac {
		if c < '0' || c > '9' {
			return 0, false
		}
		unit /= 10
		us += int64(c-'0') * unit
	}
	return us, true
}
