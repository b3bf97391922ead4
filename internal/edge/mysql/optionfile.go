package mysql

import (
	"bufio"
	"io"
	"strings"
)

// maxFile bounds a file of credentials, in bytes.
const maxFile = 1 << 20

// readOptions reads the user and password of the groups of an option file
// (my.cnf): later groups win over earlier ones, as with the servers' clients.
// Includes are not followed: credentials stand in the file itself.
func readOptions(r io.Reader, groups ...string) (user, password string) {
	in := false
	sc := bufio.NewScanner(io.LimitReader(r, maxFile))
	sc.Buffer(nil, maxFile)
	for sc.Scan() {
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' || line[0] == ';' || line[0] == '!' {
			continue
		}
		if line[0] == '[' {
			name := strings.TrimSpace(strings.Trim(line, "[]"))
			in = false
			for _, g := range groups {
				in = in || strings.EqualFold(name, g)
			}
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if !in || !found {
			continue
		}
		switch strings.ReplaceAll(strings.ToLower(strings.TrimSpace(key)), "_", "-") {
		case "user":
			user = optionValue(value)
		case "password":
			password = optionValue(value)
		}
	}
	return user, password
}

// optionValue reads a value as the servers' clients do: quotes around it go, a
// backslash escapes, and # begins a comment where there are no quotes.
func optionValue(v string) string {
	v = strings.TrimSpace(v)
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') {
		if i := strings.LastIndexByte(v, v[0]); i > 0 {
			return unescapeOption(v[1:i])
		}
	}
	if i := strings.Index(v, " #"); i >= 0 {
		v = strings.TrimSpace(v[:i])
	}
	return unescapeOption(v)
}

var optionEscapes = strings.NewReplacer(`\\`, `\`, `\s`, " ", `\t`, "\t", `\n`, "\n", `\r`, "\r", `\b`, "\b", `\"`, `"`, `\'`, "'")

func unescapeOption(s string) string { return optionEscapes.Replace(s) }
