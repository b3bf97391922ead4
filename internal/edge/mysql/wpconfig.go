package mysql

import (
	"io"
	"strings"
)

// readWPConfig finds the account in a wp-config.php without executing it: the
// literal strings of define('DB_NAME', …) and so on. Comments are passed over;
// a value that is not a literal stays empty.
func readWPConfig(r io.Reader) (c Credential) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return c
	}
	ts := phpTokens(string(b))
	for i := 0; i+4 < len(ts); i++ {
		if !strings.EqualFold(ts[i].text, "define") || ts[i].str || ts[i+1].text != "(" || !ts[i+2].str || ts[i+3].text != "," || !ts[i+4].str {
			continue
		}
		switch ts[i+2].text {
		case "DB_NAME":
			c.Schema = ts[i+4].text
		case "DB_USER":
			c.User = ts[i+4].text
		case "DB_PASSWORD":
			c.Password = ts[i+4].text
		}
	}
	return c
}

type phpToken struct {
	text string
	str  bool
}

// phpTokens cuts PHP into words, strings and single characters.
func phpTokens(s string) []phpToken {
	var out []phpToken
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\'' || c == '"':
			text, next := phpString(s, i)
			out = append(out, phpToken{text, true})
			i = next
		case c == '#' || strings.HasPrefix(s[i:], "//"):
			i = after(s, i, "\n")
		case strings.HasPrefix(s[i:], "/*"):
			i = after(s, i+2, "*/")
		case isNameByte(c):
			j := i
			for j < len(s) && isNameByte(s[j]) {
				j++
			}
			out = append(out, phpToken{s[i:j], false})
			i = j
		case c <= ' ':
			i++
		default:
			out = append(out, phpToken{string(c), false})
			i++
		}
	}
	return out
}

func after(s string, i int, mark string) int {
	if j := strings.Index(s[i:], mark); j >= 0 {
		return i + j + len(mark)
	}
	return len(s)
}

// phpString reads a string in single or double quotes. Of the escapes it knows
// those of the quote and the backslash, and $ in double quotes.
func phpString(s string, i int) (text string, next int) {
	var b strings.Builder
	q := s[i]
	for i++; i < len(s) && s[i] != q; i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == q || s[i+1] == '\\' || q == '"' && s[i+1] == '$') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), i + 1
}
