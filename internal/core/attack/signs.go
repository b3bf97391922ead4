package attack

import "bytes"

// signs are what the path and the query of a request tell by themselves.
type signs uint32

const (
	signSQL          signs = 1 << iota // SQL in a parameter
	signScript                         // a script in a parameter
	signTraverse                       // a way out of the document root
	signFile                           // a file that is nobody's business
	signShell                          // a webshell's name
	signPHP                            // a PHP file
	signUploads                        // a PHP file where no PHP belongs
	signIndex                          // an index.php that only keeps a directory from being listed
	signPlugin                         // below plugins or themes
	signReadme                         // a file that tells a plugin's version
	signAuthor                         // ?author=N
	signUsers                          // a list of users
	signUserMap                        // the site map of users, which search engines read, too
	signRobots                         // robots.txt
	signInstall                        // where code is installed or edited
	signAdmin                          // a page of wp-admin that only users get
	signRandom                         // a name like random letters
	signNoGuess                        // wp-login.php, but no log-in: a forgotten password, a protected page
	signUnknownQuery                   // parameters that are no page's choice and no advertisement's mark
)

// seen is what was found out about one target.
type seen struct {
	url     uint64 // hash of path and query
	pattern uint64 // hash of the path with the names of the parameters; 0: nothing varies
	signs   signs
}

// looker finds the signs. It remembers targets of late by their hash: most
// requests of a site ask for the same few thousand.
type looker struct {
	hash  hasher
	cache []seen
	asked int    // how often libinjection was, for this target
	low   []byte // the path in lower case
	value []byte // a parameter, decoded
}

// How many targets are remembered, a power of two: what is not has to be looked at
// again, which takes longer than to read the line.
const (
	cacheSize      = 1 << 16 // some 1.5 MB
	cacheSizeSmall = 1 << 12
)

func newLooker(h hasher, remembers int) looker {
	return looker{hash: h, cache: make([]seen, remembers), low: make([]byte, 0, lookMost), value: make([]byte, 0, lookMost)}
}

// lookMost is how much of a path or a parameter is looked at: no attack that
// works needs more before it begins.
const lookMost = 2048

// at returns the signs of a path and a query.
func (l *looker) at(path, query []byte) *seen {
	url := l.hash.bytes(l.hash.bytes(1, path), query)
	s := &l.cache[url&uint64(len(l.cache)-1)]
	if s.url != url {
		*s = seen{url: url}
		l.fill(s, path, query)
	}
	return s
}

// Marks of the prefilter: a byte that only certain signs have.
const (
	markDot     = 1 << iota // a file's extension, a hidden file, a way up
	markQuote               // what SQL and scripts cannot do without
	markEscape              // may be one of them
	markUnusual             // below the space, or a backslash
	markSpace               // between words, of SQL or of prose
)

var prefilter = func() (t [256]uint8) {
	for _, c := range `'"()<>;*` + "`" {
		t[c] |= markQuote
	}
	t['.'], t['%'], t['\\'] = markDot, markEscape, markUnusual|markEscape
	t['+'], t[' '], t['-'] = markSpace, markSpace, markSpace
	for c := range 32 {
		t[c] |= markUnusual
	}
	return t
}()

func marks(b []byte) (m uint8) {
	for _, c := range b {
		m |= prefilter[c]
	}
	return m
}

func (l *looker) fill(s *seen, path, query []byte) {
	l.asked = 0
	m := marks(path)
	l.low = lower(l.low[:0], path)
	if m&markDot != 0 {
		s.signs |= fileSigns(l.low)
	}
	if m&(markQuote|markUnusual) != 0 || m&markDot != 0 && bytes.Contains(path, []byte("..")) {
		s.signs |= l.valueSigns(path, true)
	}
	s.signs |= pathSigns(l.low)
	if len(query) > 0 {
		l.query(s, path, query)
	} else if dated(path) {
		s.pattern = l.pattern(path, nil)
	}
}

// query looks at the parameters.
func (l *looker) query(s *seen, path, query []byte) {
	m := marks(query)
	deep := m&(markQuote|markUnusual|markDot|markSpace) != 0 || m&markEscape != 0 && escapes(query)
	rest := query[:min(len(query), lookMost)]
	for len(rest) > 0 {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte{'&'})
		key, value, _ := bytes.Cut(pair, []byte{'='})
		s.signs |= keySigns(key, value, l.low)
		if deep {
			l.value = decode(l.value[:0], pair)
			if i := bytes.IndexByte(l.value, '='); i >= 0 && bytes.IndexByte(pair, '=') >= 0 && len(value) > 0 {
				s.signs |= l.valueSigns(l.value[i+1:], false)
			} else {
				s.signs |= l.valueSigns(l.value, false)
			}
		}
	}
	s.pattern = l.pattern(path, query)
}

// escapes reports whether one of the percent-escapes stands for a byte that an
// attack needs. Those of other scripts' letters do not.
func escapes(q []byte) bool {
	for i := 0; i+2 < len(q); i++ {
		if q[i] != '%' {
			continue
		}
		switch c := unhex(q[i+1], q[i+2]); {
		case c < 0:
		case c <= 32, c == '%', c == '/', c == '\\', c == '.', c == '=', c == '-', prefilter[c]&markQuote != 0:
			return true
		}
		i += 2
	}
	return false
}

// decode appends a parameter as PHP sees it, once more where it was escaped
// twice, which nobody does who means well.
func decode(to, from []byte) []byte {
	start := len(to)
	to = unescape(to, from)
	if bytes.IndexByte(to[start:], '%') >= 0 && escapes(to[start:]) {
		return unescape(to[:start], to[start:])
	}
	return to
}

// unescape works in place, too: what it writes is never longer than what it read.
func unescape(to, from []byte) []byte {
	from = from[:min(len(from), lookMost)]
	for i := 0; i < len(from); i++ {
		c := from[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(from) && unhex(from[i+1], from[i+2]) >= 0:
			c = byte(unhex(from[i+1], from[i+2]))
			i += 2
		case c == '\\' && i+3 < len(from) && from[i+1] == 'x' && unhex(from[i+2], from[i+3]) >= 0:
			c = byte(unhex(from[i+2], from[i+3]))
			i += 3
		case c == '\\' && i+1 < len(from) && (from[i+1] == '"' || from[i+1] == '\\'):
			c = from[i+1]
			i++
		}
		to = append(to, c)
	}
	return to
}

func unhex(a, b byte) int {
	x, y := hexDigit(a), hexDigit(b)
	if x < 0 || y < 0 {
		return -1
	}
	return x<<4 | y
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func lower(to, from []byte) []byte {
	to = append(to, from[:min(len(from), lookMost)]...)
	for i, c := range to {
		if c >= 'A' && c <= 'Z' {
			to[i] = c + 'a' - 'A'
		}
	}
	return to
}
