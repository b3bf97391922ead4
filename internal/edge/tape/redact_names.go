package tape

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// pseudonyms gives names to names. A name that is a pseudonym already keeps
// itself, so that a second export changes nothing.
type pseudonyms struct {
	salt  []byte
	to    map[string]string // group and name → pseudonym
	used  map[string]bool
	roots map[string]string // directory of a site → /srv/site-1
}

func newPseudonyms(salt []byte) *pseudonyms {
	return &pseudonyms{salt: salt, to: map[string]string{}, used: map[string]bool{}, roots: map[string]string{}}
}

var ownName = regexp.MustCompile(`^(site-\d+\.example|pool-\d+|(user|db)_\d+|x-[0-9a-f]{6}(\.[a-z0-9]{1,7})?|site-\d+)$`)

// number returns the pseudonym of a name: the first free one of its form.
func (p *pseudonyms) number(form, name string) string {
	if ownName.MatchString(name) {
		p.used[name] = true
		return name
	}
	if to, ok := p.to[form+name]; ok {
		return to
	}
	for i := 1; ; i++ {
		to := fmt.Sprintf(form, i)
		if !p.used[to] {
			p.used[to] = true
			p.to[form+name] = to
			return to
		}
	}
}

// mark is a pseudonym without a number, for names of which there are many.
func (p *pseudonyms) mark(s string) string {
	if ownName.MatchString(s) {
		return s
	}
	ext := strings.ToLower(path.Ext(s))
	if !fileEndings[ext] {
		ext = ""
	}
	return fmt.Sprintf("x-%06x%s", keyed(p.salt, "name", s)&0xffffff, ext)
}

// host replaces a host name; "www." stays in front.
func (p *pseudonyms) host(h string) string {
	h = strings.ToLower(strings.TrimSuffix(h, "."))
	if h == "" || h == "localhost" || h == "default" || h == "_" {
		return h
	}
	if _, err := netip.ParseAddr(h); err == nil {
		return h // the caller treats addresses
	}
	bare, www := strings.CutPrefix(h, "www.")
	if www {
		return "www." + p.number("site-%d.example", bare)
	}
	return p.number("site-%d.example", h)
}

func (p *pseudonyms) user(u string) string {
	name, _, found := strings.Cut(u, "@")
	if found {
		return p.user(name) + "@?"
	}
	if systemUsers[strings.ToLower(u)] {
		return u
	}
	return p.number("user_%d", u)
}

func (p *pseudonyms) schema(s string) string {
	if systemSchemas[strings.ToLower(s)] {
		return s
	}
	return p.number("db_%d", s)
}

func (p *pseudonyms) pool(s string) string {
	if systemPools[s] {
		return s
	}
	return p.number("pool-%d", s)
}

// path replaces the parts of a path that are no words of the system.
func (p *pseudonyms) path(s string) string {
	for root := s; len(root) > 1; root = path.Dir(root) {
		if to, ok := p.roots[strings.TrimRight(root, "/")]; ok && strings.HasPrefix(s, root) {
			return to + p.segments(strings.TrimPrefix(s, root), systemWords)
		}
		if root == path.Dir(root) {
			break
		}
	}
	return p.segments(s, systemWords)
}

// urlPath replaces the parts of a URL's path that WordPress does not know. A
// query string is cut off.
func (p *pseudonyms) urlPath(s string) string {
	s, _, _ = strings.Cut(s, "?")
	s, _, _ = strings.Cut(s, "#")
	return p.segments(s, webWords)
}

// pattern replaces the parts of a pattern of addresses that WordPress does not
// know, the names of its parameters among them.
func (p *pseudonyms) pattern(s string) string {
	s, names, asked := strings.Cut(s, "?")
	parts := strings.Split(s, "/")
	for i, seg := range parts {
		if !plainPattern.MatchString(seg) {
			parts[i] = p.segments(seg, webWords)
		}
	}
	s = strings.Join(parts, "/")
	if !asked {
		return s
	}
	pairs := strings.Split(names, "&")
	for i, pair := range pairs {
		if name, _, is := strings.Cut(pair, "="); is && name != "s" && name != "p" {
			pairs[i] = p.mark(name) + "="
		}
	}
	return s + "?" + strings.Join(pairs, "&")
}

// plainPattern is what stands for numbers, or for what nothing answers.
var plainPattern = regexp.MustCompile(`^[N*.,_-]*(\.php)?$`)

var plainNumber = regexp.MustCompile(`^(v?\d{1,4}|\d{1,2}(\.\d{1,3}){1,2}|)$`)

func (p *pseudonyms) segments(s string, known map[string]bool) string {
	parts := strings.Split(s, "/")
	for i, seg := range parts {
		if !known[strings.ToLower(seg)] && !plainNumber.MatchString(seg) && seg != "." && seg != ".." {
			parts[i] = p.mark(seg)
		}
	}
	return strings.Join(parts, "/")
}

var agentWord = regexp.MustCompile(`[\p{L}\p{M}][\p{L}\p{M}\p{N}_-]*`)
var agentKind = regexp.MustCompile(`(?i)^[a-z-]{0,24}(bot|crawler|spider|scan|curl|wget|python|requests|http|client)[a-z-]{0,12}$`)

// agent keeps the words of a user agent that many share.
func (p *pseudonyms) agent(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	s = strings.ToValidUTF8(s, "")
	s = urlInText.ReplaceAllString(s, "")
	s = emailInText.ReplaceAllString(s, "")
	return agentWord.ReplaceAllStringFunc(s, func(w string) string {
		if agentWords[strings.ToLower(w)] || agentKind.MatchString(w) {
			return w
		}
		return "x"
	})
}

// hostOf is the host name in a site's name, which may be host:port, a URL, or
// the path of a log; then there is none.
func hostOf(s string) string {
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil {
			return ""
		}
		return strings.ToLower(u.Hostname())
	}
	if strings.HasPrefix(s, "/") {
		return ""
	}
	s, _, _ = strings.Cut(s, "/")
	if h, _, err := net.SplitHostPort(s); err == nil {
		s = h
	}
	return strings.ToLower(s)
}

// digest takes out of SQL what should not be there any more: literals and
// comments; and replaces the names of databases in front of a table.
func (p *pseudonyms) digest(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		j := tokenEnd(s, i)
		out.WriteString(p.token(s[i:j], s[j:]))
		i = j
	}
	return out.String()
}

// token is what one token of SQL becomes; rest is what follows it.
func (p *pseudonyms) token(tok, rest string) string {
	switch c := tok[0]; {
	case c == '\'' || c == '"':
		return "?"
	case c >= '0' && c <= '9':
		return "?"
	case strings.HasPrefix(tok, "/*"), c == '#', strings.HasPrefix(tok, "--"):
		return ""
	case c == '`' || wordByte(c):
		name := strings.Trim(tok, "`")
		after := strings.TrimLeft(rest, " ")
		quote := strings.Repeat("`", (len(tok)-len(name))/2)
		if _, known := p.to["db_%d"+name]; known && strings.HasPrefix(after, ".") {
			return quote + p.schema(name) + quote
		}
		if _, known := p.to["user_%d"+name]; known && strings.HasPrefix(after, "@") {
			return quote + p.user(name) + quote
		}
	}
	return tok
}

// tokenEnd is where the token of SQL that begins at i ends.
func tokenEnd(s string, i int) int {
	c := s[i]
	switch {
	case c == '\'' || c == '"' || c == '`':
		return quoteEnd(s, i)
	case strings.HasPrefix(s[i:], "/*"):
		return after(s, i+2, "*/")
	case c == '#', strings.HasPrefix(s[i:], "-- "):
		return after(s, i, "\n")
	case wordByte(c):
		for i < len(s) && (wordByte(s[i]) || s[i] == '.' && c >= '0' && c <= '9') {
			i++
		}
		return i
	}
	return i + 1
}

func quoteEnd(s string, i int) int {
	q := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && q != '`':
			i++
		case s[i] == q && i+1 < len(s) && s[i+1] == q:
			i++
		case s[i] == q:
			return i + 1
		}
	}
	return len(s)
}

func after(s string, from int, end string) int {
	if from > len(s) {
		return len(s)
	}
	if n := strings.Index(s[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(s)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
