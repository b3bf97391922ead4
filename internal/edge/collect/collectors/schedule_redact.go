package collectors

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	redacted    = "***"
	maxCommand  = 200 // runes of a command that are kept
	maxSpecText = 120
)

// secretPatterns are the places in a command line where secrets stand, each
// with what is put in place. They err on the side of taking too much.
var secretPatterns = []struct {
	find *regexp.Regexp
	put  string
}{
	// scheme://user:password@host
	{regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s'"@]+@`), "${1}" + redacted + "@"},
	// query string of an address
	{regexp.MustCompile(`(https?://[^\s'"?]*)\?[^\s'"]*`), "${1}?" + redacted},
	// Authorization: Bearer x, X-Api-Key: x
	{regexp.MustCompile(`(?i)\b((?:proxy-)?authorization|cookie|x-[a-z-]*(?:key|token|secret))\s*:\s*[^'"]+`), "${1}: " + redacted},
	// --password=x, --password x, PASSWORD=x, api_key: x, MYSQL_PWD=x
	{regexp.MustCompile(`(?i)([\w-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|auth)[\w-]*)(\s*[=:]\s*|\s+)("[^"]*"|'[^']*'|[^\s;|&]+)`), "${1}${2}" + redacted},
	// curl -u user:password, wget --user=x
	{regexp.MustCompile(`(\s(?:-u|--user)[ =]?)("[^"]*"|'[^']*'|[^\s:'"]+:\S+)`), "${1}" + redacted},
	// mysql -psecret, -p'secret'; -p alone asks
	{regexp.MustCompile(`(\s-p)("[^"]*"|'[^']*'|[^\s/'"-]\S*)`), "${1}" + redacted},
}

// redactCommand takes secrets out of a command line and makes it safe to keep:
// one line, no control characters, bounded.
func redactCommand(s string) string {
	s = oneLine(s, 4*maxCommand)
	for _, p := range secretPatterns {
		s = p.find.ReplaceAllString(s, p.put)
	}
	return oneLine(s, maxCommand)
}

// oneLine drops what does not print and cuts after max runes.
func oneLine(s string, max int) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimSpace(s) {
		if r == '\t' {
			r = ' '
		}
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			continue
		}
		if n++; n > max {
			return b.String() + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}
