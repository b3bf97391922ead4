package accesslog

import (
	"bytes"
	"encoding/binary"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
)

// classNames are evidence's words for attack's numbers.
var classNames = [...]string{
	attack.ClassPage: evidence.ClassPage, attack.ClassSearch: evidence.ClassSearch, attack.ClassXMLRPC: evidence.ClassXMLRPC,
	attack.ClassLogin: evidence.ClassLogin, attack.ClassCron: evidence.ClassCron, attack.ClassAjax: evidence.ClassAjax,
	attack.ClassREST: evidence.ClassREST, attack.ClassAdmin: evidence.ClassAdmin, attack.ClassFeed: evidence.ClassFeed,
	attack.ClassComment: evidence.ClassComment, attack.ClassPHP: evidence.ClassPHP, attack.ClassQuery: evidence.ClassQuery,
	attack.ClassStatic: evidence.ClassStatic, attack.ClassBroken: evidence.ClassBroken,
}

// classes is how many there are.
const classes = len(classNames)

// Classifier tells what a request makes the server do. It is not safe for
// concurrent use: it keeps buffers for what must be decoded.
type Classifier struct{ path, query []byte }

// Class returns what the request makes the server do. WordPress may be installed
// in any directory, and a path may be written in many ways that lead to the
// same script: doubled slashes, percent-encoding, a path behind the script.
func (c *Classifier) Class(e *Entry) attack.Class {
	class, _, _ := c.judge(e)
	return class
}

// judge returns the class with the decoded path and the query string as it was
// sent. Both are valid until the next call, and empty where the class is broken.
func (c *Classifier) judge(e *Entry) (class attack.Class, path, query []byte) {
	if len(e.Method) == 0 || len(e.Target) == 0 || string(e.Method) == "CONNECT" {
		return attack.ClassBroken, nil, nil
	}
	if path, query = c.split(e); len(path) == 0 {
		return attack.ClassBroken, nil, nil
	}
	switch path[0] {
	case '/':
		return classOf(path, query), path, query
	case '*':
		return attack.ClassStatic, path, query // OPTIONS *: the server talks to itself
	}
	return attack.ClassBroken, nil, nil
}

// split takes the path and the query string from what was asked for. They are
// decoded into the classifier's buffers where they are not plain: the path
// wholly, the query from what the log made of it.
func (c *Classifier) split(e *Entry) (path, query []byte) {
	path = e.Target
	if path[0] != '/' && len(path) > 8 {
		path = ofAbsolute(path)
	}
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path, query = path[:i], path[i+1:]
		if bytes.IndexByte(query, '\\') >= 0 {
			c.query = e.escapes.decode(c.query[:0], query)
			query = c.query
		}
	}
	if !plain(path) {
		c.path = decodePath(e.escapes.decode(c.path[:0], path))
		path = c.path
	}
	return path, query
}

// plain reports whether a path is what the server made of it: without escapes,
// percent-encoding, doubled slashes, or a #. It looks at eight bytes at a time,
// of which the last are the first of the next eight, so that no pair is missed.
func plain(path []byte) bool {
	const (
		each   = 0x0101010101010101
		window = 8
	)
	if len(path) < window {
		return plainShort(path)
	}
	for i := 0; ; i += window - 1 {
		i = min(i, len(path)-window)
		x := binary.LittleEndian.Uint64(path[i:])
		slashes := zeroBytes(x ^ each*'/')
		if slashes&(slashes>>8)|zeroBytes(x^each*'%')|zeroBytes(x^each*'\\')|zeroBytes(x^each*'#') != 0 {
			return false
		}
		if i == len(path)-window {
			return true
		}
	}
}

// zeroBytes has the highest bit set of each byte that is zero in x.
func zeroBytes(x uint64) uint64 {
	const low = 0x7f7f7f7f7f7f7f7f
	return ^((x&low + low) | x | low)
}

func plainShort(path []byte) bool {
	for i, c := range path {
		if c == '%' || c == '\\' || c == '#' || c == '/' && i > 0 && path[i-1] == '/' {
			return false
		}
	}
	return true
}

// ofAbsolute takes the path out of an absolute URI, as it is sent to a proxy.
func ofAbsolute(t []byte) []byte {
	i := bytes.Index(t[:min(len(t), 12)], []byte("://"))
	if i <= 0 {
		return t
	}
	t = t[i+3:]
	if j := bytes.IndexAny(t, "/?"); j >= 0 {
		return t[j:]
	}
	return []byte("/")
}

// decodePath undoes percent-encoding once, in place, and folds doubled slashes,
// as the server did before it chose a script. What follows a # goes.
func decodePath(p []byte) []byte {
	out := p[:0]
	for i := 0; i < len(p); i++ {
		b := p[i]
		if b == '#' {
			break
		}
		if b == '%' && i+2 < len(p) && hex(p[i+1]) >= 0 && hex(p[i+2]) >= 0 {
			b = byte(hex(p[i+1])<<4 | hex(p[i+2]))
			i += 2
		}
		if b == '/' && len(out) > 0 && out[len(out)-1] == '/' {
			continue
		}
		out = append(out, b)
	}
	return out
}

func hex(c byte) int {
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

// classOf judges a path that begins with a slash.
func classOf(path, query []byte) attack.Class {
	script, rest := scriptOf(path)
	if len(script) == 0 {
		if isStatic(path) {
			return attack.ClassStatic
		}
		rest = path
	}
	switch string(script) { // the entry points of WordPress that cost something special
	case "", "index.php":
		if inAdmin(path) && len(script) > 0 {
			return attack.ClassAdmin
		}
		if c := classOfPath(rest); c != attack.ClassPage {
			return c
		}
		return classOfQuery(query)
	case "xmlrpc.php":
		return attack.ClassXMLRPC
	case "wp-login.php":
		return attack.ClassLogin
	case "wp-cron.php":
		return attack.ClassCron
	case "admin-ajax.php":
		return attack.ClassAjax
	case "wp-comments-post.php":
		return attack.ClassComment
	}
	if inAdmin(path) {
		return attack.ClassAdmin
	}
	return attack.ClassPHP
}

func inAdmin(path []byte) bool { return bytes.Contains(path, []byte("/wp-admin/")) }

// scriptOf returns the name of the .php file in the path and what follows it.
func scriptOf(path []byte) (name, rest []byte) {
	for from := 0; ; {
		i := bytes.IndexByte(path[from:], '.')
		if i < 0 {
			return nil, nil
		}
		from += i + 1
		end := from + 3
		if end > len(path) {
			return nil, nil
		}
		if string(path[from:end]) == "php" && (end == len(path) || path[end] == '/') {
			return path[lastSlash(path[:end])+1 : end], path[end:]
		}
	}
}

func lastSlash(b []byte) int {
	i := len(b) - 1
	for i >= 0 && b[i] != '/' {
		i--
	}
	return i
}

// classOfPath judges a path without a script; a page is what nothing else is known of.
func classOfPath(path []byte) attack.Class {
	switch {
	case has(path, "/wp-json"):
		return attack.ClassREST
	case has(path, "/wp-admin"):
		return attack.ClassAdmin
	case feedEnd(path) && has(path, "/feed"):
		return attack.ClassFeed
	case len(path) > len("/search/") && string(path[:len("/search/")]) == "/search/":
		return attack.ClassSearch
	}
	return attack.ClassPage
}

// has reports whether the path has the directory or file name.
func has(path []byte, name string) bool {
	i := bytes.Index(path, []byte(name))
	return i >= 0 && (i+len(name) == len(path) || path[i+len(name)] == '/')
}

// feedEnd reports whether the path ends in /feed or /feed/rss2 and the like:
// a page may have "feed" in the middle of its address.
func feedEnd(path []byte) bool {
	path = bytes.TrimSuffix(path, []byte("/"))
	switch string(path[lastSlash(path)+1:]) {
	case "feed", "rss", "rss2", "atom", "rdf":
		return true
	}
	return false
}

func classOfQuery(query []byte) attack.Class {
	found := attack.ClassPage
	for len(query) > 0 {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		key := pair
		if i := bytes.IndexByte(pair, '='); i >= 0 {
			key = pair[:i]
		}
		if len(key) == 0 || choosesPage(key) {
			continue
		}
		switch string(key) {
		case "s":
			return attack.ClassSearch
		case "rest_route":
			return attack.ClassREST
		case "wc-ajax":
			return attack.ClassAjax
		case "feed":
			return attack.ClassFeed
		}
		found = attack.ClassQuery
	}
	return found
}

// choosesPage tells the query variables of WordPress that only choose a page.
func choosesPage(key []byte) bool {
	switch string(key) {
	case "p", "page_id", "cat", "tag", "author", "paged", "page", "m", "name",
		"pagename", "attachment_id", "post_type", "category_name", "year", "monthnum", "day",
		"preview", "replytocom", "cpage":
		return true
	}
	return false
}

// isStatic tells a file by its extension. XML is not in the list: WordPress
// builds its site maps.
func isStatic(path []byte) bool {
	var low [12]byte
	n := len(low)
	for i := len(path) - 1; ; i-- {
		if i < 0 || path[i] == '/' || n == 0 && path[i] != '.' {
			return false
		}
		if path[i] == '.' {
			break
		}
		c := path[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		n--
		low[n] = c
	}
	switch string(low[n:]) {
	case "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "webp", "avif",
		"svg", "ico", "bmp", "woff", "woff2", "ttf", "eot", "otf", "mp3", "mp4",
		"webm", "ogg", "mov", "m4a", "wav", "pdf", "zip", "gz", "tgz", "rar", "7z",
		"doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "csv", "json", "html",
		"htm", "webmanifest", "wasm", "swf", "sql", "xsl":
		return true
	}
	return false
}
