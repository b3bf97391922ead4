package attack

import (
	"bytes"
	"unsafe"

	"github.com/corazawaf/libinjection-go"
)

// valueSigns looks into a decoded parameter, or into a path.
func (l *looker) valueSigns(v []byte, isPath bool) signs {
	var s signs
	if traverses(v, isPath) {
		s |= signTraverse
	}
	if len(v) < injectLeast || l.asked >= askedMost {
		return s
	}
	quoted := marks(v)&markQuote != 0 || !isPath && bytes.Contains(v, []byte("--")) || bytes.IndexByte(v, '#') >= 0 || bytes.IndexByte(v, '=') >= 0
	if (quoted || numeric(v)) && sqlWord(v) {
		l.asked++
		if isSQL(v) {
			s |= signSQL
		}
	}
	if quoted && mayScript(v) {
		l.asked++
		if isScript(v) {
			s |= signScript
		}
	}
	return s
}

// askedMost bounds the work that one request can make: hundreds of parameters
// with a quote in each would cost more than the request.
const askedMost = 16

// numeric reports whether a text begins as a number that goes on: SQL behind a
// number needs no quote.
func numeric(v []byte) bool {
	return (v[0] == '-' || v[0] >= '0' && v[0] <= '9') && bytes.IndexByte(v, ' ') > 0
}

// injectLeast is the shortest text that libinjection finds anything in.
const injectLeast = 4

// isSQL and isScript ask libinjection. It takes strings; the bytes are the
// looker's own buffer or the reader's, and it keeps nothing of them.
func isSQL(v []byte) bool {
	found, shape := libinjection.IsSQLi(unsafe.String(unsafe.SliceData(v), len(v)))
	return found && shape != "1c" // a number before two hyphens is a name, as 10--20
}

func isScript(v []byte) bool {
	return libinjection.IsXSS(unsafe.String(unsafe.SliceData(v), len(v)))
}

// mayScript reports whether a text has what a script cannot do without: a tag,
// an attribute in quotes, an address that runs.
func mayScript(v []byte) bool {
	return bytes.IndexByte(v, '<') >= 0 || bytes.IndexByte(v, '=') >= 0 && bytes.ContainsAny(v, `"'`) || hasFold(v, "script:")
}

// sqlWords are what an injection needs besides its quote. libinjection judges
// by the shape of tokens, and prose has such shapes now and then.
var sqlWords = []string{
	"union", "select", "sleep", "benchmark", "waitfor", "insert", "update", "delete", "drop ", "order by", "having", "group by", "extractvalue",
	"updatexml", "concat", "information_schema", "load_file", "pg_sleep", "xp_", "||", "&&", "--", "/*", "#", "like", "null", "rlike", "procedure", "0x",
}

func sqlWord(v []byte) bool {
	for _, w := range sqlWords {
		if hasFold(v, w) {
			return true
		}
	}
	return hasWord(v, "or") || hasWord(v, "and") || hasWord(v, "xor")
}

// hasWord finds a word that is not part of a longer one.
func hasWord(v []byte, w string) bool {
	for i := 0; i+len(w) <= len(v); i++ {
		if foldEqual(v[i:i+len(w)], w) && (i == 0 || !letter(v[i-1])) && (i+len(w) == len(v) || !letter(v[i+len(w)])) {
			return true
		}
	}
	return false
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

// hasFold finds a text in lower case, whatever the case of v.
func hasFold(v []byte, w string) bool {
	for i := 0; i+len(w) <= len(v); i++ {
		if v[i]|0x20 == w[0]|0x20 && foldEqual(v[i:i+len(w)], w) {
			return true
		}
	}
	return false
}

func foldEqual(v []byte, w string) bool {
	for i := range len(w) {
		c := v[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != w[i] {
			return false
		}
	}
	return true
}

// wanted are files outside of the site, and PHP's ways to them, in lower case.
var wanted = []string{
	"/etc/passwd", "/etc/shadow", "/etc/hosts", "/proc/self/", "/var/log/", "win.ini", "boot.ini", "wp-config.php", "php://", "file://", "expect://", "phar://", "data://text",
	"zip://",
}

// traverses finds a way out. In a path one step up is enough: browsers resolve
// it before they ask. A parameter may hold one by a link that is badly made.
func traverses(v []byte, isPath bool) bool {
	ups := bytes.Count(v, []byte("../")) + bytes.Count(v, []byte(`..\`))
	if isPath && (bytes.HasSuffix(v, []byte("/..")) || ups > 0) || ups >= upsMost {
		return true
	}
	if isPath || prose(v) {
		return false
	}
	for _, w := range wanted {
		if hasFold(v, w) {
			return true
		}
	}
	return false
}

// prose reports whether a parameter is a sentence: somebody may search for how
// to edit such a file.
func prose(v []byte) bool {
	return len(v) > 0 && bytes.IndexByte(v, ' ') > 0 && (letter(v[0]) || v[0] >= '0' && v[0] <= '9')
}

// upsMost is how many steps up a parameter may not have.
const upsMost = 2
