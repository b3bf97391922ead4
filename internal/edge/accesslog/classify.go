package accesslog

import (
	"bytes"

	"hirune/internal/core/evidence"
)

// Classifier tells what a request makes the server do. It is not safe for
// concurrent use: it keeps a buffer for paths that must be decoded.
type Classifier struct{ buf []byte }

// Class returns one of the evidence.Class values. WordPress may be installed
// in any directory, and a path may be written in many ways that lead to the
// same script: doubled slashes, percent-encoding, a path behind the script.
func (c *Classifier) Class(e *Entry) string {
	if len(e.Method) == 0 || len(e.Target) == 0 || bytes.Equal(e.Method, []byte("CONNECT")) || !upper(e.Method) {
		return evidence.ClassBroken
	}
	path, query := c.split(e.Target)
	if len(path) == 0 {
		return evidence.ClassBroken
	}
	if path[0] == '*' {
		return evidence.ClassStatic // OPTIONS *: the server talks to itself
	}
	if path[0] != '/' {
		return evidence.ClassBroken
	}
	return class(path, query)
}

// Path returns the path of a target without its query string, decoded where
// that matters. It is valid until the next call.
func (c *Classifier) Path(target []byte) []byte {
	p, _ := c.split(target)
	return p
}

// split takes the path and the query string from what was asked for; the
// path is decoded into the classifier's buffer where it is not plain.
func (c *Classifier) split(t []byte) (path, query []byte) {
	if len(t) > 8 && t[0] != '/' {
		if i := bytes.Index(t[:min(len(t), 12)], []byte("://")); i > 0 { // absolute URI, as sent to a proxy
			t = t[i+3:]
			if j := bytes.IndexAny(t, "/?"); j >= 0 {
				t = t[j:]
			} else {
				t = []byte("/")
			}
		}
	}
	path = t
	if i := bytes.IndexByte(t, '?'); i >= 0 {
		path, query = t[:i], t[i+1:]
	}
	if i := bytes.IndexByte(path, '#'); i >= 0 {
		path = path[:i]
	}
	if bytes.IndexByte(path, '%') >= 0 || bytes.IndexByte(path, '\\') >= 0 || bytes.Contains(path, []byte("//")) {
		path = c.plain(path)
	}
	return path, query
}

// plain decodes percent-encoding and the log's own escapes (\xhh, \\, \") once
// and folds doubled slashes, as the server did before it chose a script.
func (c *Classifier) plain(p []byte) []byte {
	out := c.buf[:0]
	for i := 0; i < len(p); i++ {
		b := p[i]
		switch {
		case b == '\\' && i+3 < len(p) && p[i+1] == 'x' && hex(p[i+2]) >= 0 && hex(p[i+3]) >= 0:
			b = byte(hex(p[i+2])<<4 | hex(p[i+3]))
			i += 3
		case b == '\\' && i+1 < len(p):
			b = p[i+1]
			i++
		case b == '%' && i+2 < len(p) && hex(p[i+1]) >= 0 && hex(p[i+2]) >= 0:
			b = byte(hex(p[i+1])<<4 | hex(p[i+2]))
			i += 2
		}
		if b == '/' && len(out) > 0 && out[len(out)-1] == '/' {
			continue
		}
		out = append(out, b)
	}
	c.buf = out
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

// scripts are the entry points of WordPress that cost something special.
var scripts = map[string]string{
	"xmlrpc.php":           evidence.ClassXMLRPC,
	"wp-login.php":         evidence.ClassLogin,
	"wp-cron.php":          evidence.ClassCron,
	"admin-ajax.php":       evidence.ClassAjax,
	"wp-comments-post.php": evidence.ClassComment,
}

func class(path, query []byte) string {
	script, rest := scriptOf(path)
	switch c, known := scripts[string(script)]; {
	case known:
		return c
	case len(script) > 0 && bytes.Contains(path, []byte("/wp-admin/")):
		return evidence.ClassAdmin
	case len(script) > 0 && !bytes.Equal(script, []byte("index.php")):
		return evidence.ClassPHP
	case len(script) == 0 && static(path):
		return evidence.ClassStatic
	case len(script) > 0:
		path = rest // index.php/path
	}
	if c := classOfPath(path); c != "" {
		return c
	}
	return classOfQuery(query)
}

// scriptOf returns the name of the .php file in the path and what follows it.
func scriptOf(path []byte) (name, rest []byte) {
	for from := 0; ; {
		i := bytes.Index(path[from:], []byte(".php"))
		if i < 0 {
			return nil, nil
		}
		end := from + i + len(".php")
		if end == len(path) || path[end] == '/' {
			return path[bytes.LastIndexByte(path[:end], '/')+1 : end], path[end:]
		}
		from = end
	}
}

func classOfPath(path []byte) string {
	switch {
	case has(path, "/wp-json"):
		return evidence.ClassREST
	case has(path, "/wp-admin"):
		return evidence.ClassAdmin
	case has(path, "/feed") && feedEnd(path):
		return evidence.ClassFeed
	case bytes.HasPrefix(path, []byte("/search/")) && len(path) > len("/search/"):
		return evidence.ClassSearch
	}
	return ""
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
	switch string(path[bytes.LastIndexByte(path, '/')+1:]) {
	case "feed", "rss", "rss2", "atom", "rdf":
		return true
	}
	return false
}

// plainKeys are query variables of WordPress that only choose a page.
var plainKeys = map[string]bool{
	"p": true, "page_id": true, "cat": true, "tag": true, "author": true, "paged": true, "page": true, "m": true, "name": true,
	"pagename": true, "attachment_id": true, "post_type": true, "category_name": true, "year": true, "monthnum": true, "day": true,
	"preview": true, "replytocom": true, "cpage": true,
}

func classOfQuery(query []byte) string {
	found := evidence.ClassPage
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		key, _, _ := bytes.Cut(pair, []byte{'='})
		switch {
		case len(key) == 0 || plainKeys[string(key)]:
		case string(key) == "s":
			return evidence.ClassSearch
		case string(key) == "rest_route":
			return evidence.ClassREST
		case string(key) == "wc-ajax":
			return evidence.ClassAjax
		case string(key) == "feed":
			return evidence.ClassFeed
		default:
			found = evidence.ClassQuery
		}
	}
	return found
}

var staticExt = map[string]bool{
	"css": true, "js": true, "mjs": true, "map": true, "png": true, "jpg": true, "jpeg": true, "gif": true, "webp": true, "avif": true,
	"svg": true, "ico": true, "bmp": true, "woff": true, "woff2": true, "ttf": true, "eot": true, "otf": true, "mp3": true, "mp4": true,
	"webm": true, "ogg": true, "mov": true, "m4a": true, "wav": true, "pdf": true, "zip": true, "gz": true, "tgz": true, "rar": true, "7z": true,
	"doc": true, "docx": true, "xls": true, "xlsx": true, "ppt": true, "pptx": true, "txt": true, "csv": true, "json": true, "html": true,
	"htm": true, "webmanifest": true, "wasm": true, "swf": true, "sql": true, "xsl": true,
}

// static tells a file by its extension. XML is not in the list: WordPress
// builds its site maps.
func static(path []byte) bool {
	base := path[bytes.LastIndexByte(path, '/')+1:]
	i := bytes.LastIndexByte(base, '.')
	if i < 0 || len(base)-i > 12 {
		return false
	}
	var low [12]byte
	ext := low[:copy(low[:], base[i+1:])]
	for j, c := range ext {
		if c >= 'A' && c <= 'Z' {
			ext[j] = c + 'a' - 'A'
		}
	}
	return staticExt[string(ext)]
}
