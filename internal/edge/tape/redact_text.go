package tape

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
)

var (
	urlInText    = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>)\]]+`)
	emailInText  = regexp.MustCompile(`[\w.+%-]+@[\w-]+(\.[\w-]+)+`)
	quotedInText = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	pairInText   = regexp.MustCompile(`(?i)([\w-]*(?:pass\w*|pwd|token|secret|key|cookie|user\w*|login|auth\w*|session\w*))(\s*[=:]\s*)([^\s,;&]+)`)
	queryInText  = regexp.MustCompile(`\?[^\s?]*=[^\s]*`)
	pathInText   = regexp.MustCompile(`(?:^|[\s=:(\[,;])(/[^\s"'<>:;,()\[\]]+)`)
	addrInText   = regexp.MustCompile(`[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*|\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	wordInText   = regexp.MustCompile(`[\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}_.-]*`)
	hostInText   = regexp.MustCompile(`^[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*\.[\p{L}]{2,24}$`)
)

// words replaces what is personal in a sentence of a program: in the order of
// how much of the text each thing takes, so that none is cut in two.
func (d *redactor) words(s string) string {
	s = urlInText.ReplaceAllStringFunc(s, d.url)
	s = emailInText.ReplaceAllString(s, "?")
	s = quotedInText.ReplaceAllStringFunc(s, func(q string) string { return q[:1] + "?" + q[:1] })
	s = pairInText.ReplaceAllString(s, "$1$2?")
	s = queryInText.ReplaceAllString(s, "")
	s = addrInText.ReplaceAllStringFunc(s, d.address)
	s = pathInText.ReplaceAllStringFunc(s, func(m string) string {
		i := strings.IndexByte(m, '/')
		return m[:i] + d.names.path(m[i:])
	})
	return wordInText.ReplaceAllStringFunc(s, d.word)
}

// address replaces what looks like an address, if it is one: a time of day
// looks much like one of IPv6.
func (d *redactor) address(s string) string {
	if _, err := netip.ParseAddr(s); err != nil {
		return s
	}
	return d.nets.replace(s)
}

// word replaces a name that was learnt, and what looks like a host name.
func (d *redactor) word(w string) string {
	bare := strings.TrimRight(w, ".-")
	end := w[len(bare):]
	low := strings.ToLower(bare)
	switch {
	case d.hosts[low]:
		return d.names.host(low) + end
	case d.users[bare]:
		return d.names.user(bare) + end
	case d.schema[bare]:
		return d.names.schema(bare) + end
	}
	if first, rest, ok := strings.Cut(bare, "."); ok && (d.schema[first] || systemSchemas[strings.ToLower(first)]) {
		return d.names.schema(first) + "." + rest + end
	}
	if hostInText.MatchString(bare) && !fileEndings[path.Ext(low)] {
		return d.names.host(low) + end
	}
	return w
}

// site replaces the name of a site, which may be a host, host:port, or the
// path of a log.
func (d *redactor) site(s string) string {
	if strings.Contains(s, "://") {
		return d.url(s)
	}
	if strings.HasPrefix(s, "/") {
		return d.names.path(s)
	}
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return d.nets.replace(s)
	}
	if h, port, err := net.SplitHostPort(s); err == nil {
		return net.JoinHostPort(d.site(h), port)
	}
	h, rest, found := strings.Cut(s, "/")
	if found {
		return d.names.host(h) + d.names.segments("/"+rest, webWords)
	}
	return d.names.host(h)
}

// url keeps scheme and port; query, fragment and user are gone.
func (d *redactor) url(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "?"
	}
	host := d.site(u.Host)
	return u.Scheme + "://" + host + d.names.urlPath(u.Path)
}

// origin replaces the user whose crontab it is.
func (d *redactor) origin(s string) string {
	if u, ok := strings.CutPrefix(s, "crontab "); ok {
		return "crontab " + d.names.user(u)
	}
	if strings.HasPrefix(s, "/") {
		return d.names.path(s)
	}
	return d.words(s)
}

var flagName = regexp.MustCompile(`^--?[A-Za-z][A-Za-z-]*$`)

// command keeps the words of a command that say what it does: programs,
// sub-commands and options, without what they are given.
func (d *redactor) command(s string) string {
	fields := strings.Fields(s)
	for i, f := range fields {
		name, _, given := strings.Cut(f, "=")
		switch base := strings.ToLower(path.Base(f)); {
		case f == "?" || commandWords[strings.ToLower(f)] || !given && flagName.MatchString(f) && i > 0:
		case strings.HasPrefix(f, "/"):
			fields[i] = d.names.path(f)
		case given && flagName.MatchString(name):
			fields[i] = name + "=?"
		case webWords[base] && !strings.Contains(f, "/"):
		case strings.Contains(f, "://"):
			fields[i] = d.url(f)
		default:
			fields[i] = "?"
		}
	}
	return strings.Join(fields, " ")
}
