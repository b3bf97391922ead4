package accesslog

import (
	"errors"
	"fmt"
	"strings"
)

// apacheTokens reads a LogFormat, as written in the configuration or with its
// quotes already unescaped.
func apacheTokens(f string) ([]token, error) {
	f = strings.NewReplacer(`\"`, `"`, `\t`, "\t", `\\`, `\`).Replace(f)
	var out []token
	for f != "" {
		i := strings.IndexByte(f, '%')
		if i < 0 {
			return append(out, lit(f)), nil
		}
		if i > 0 {
			out = append(out, lit(f[:i]))
		}
		toks, n, err := apacheDirective(f[i:])
		if err != nil {
			return nil, err
		}
		out = append(out, toks...)
		f = f[i+n:]
	}
	return out, nil
}

// apacheDirective reads one directive: %, conditions, <, >, {argument}, letter.
func apacheDirective(s string) (toks []token, length int, err error) {
	i := 1
	for i < len(s) && strings.IndexByte("!,0123456789<>", s[i]) >= 0 {
		i++
	}
	arg := ""
	if i < len(s) && s[i] == '{' {
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			return nil, 0, errors.New("a { without its }")
		}
		arg = s[i+1 : i+j]
		i += j + 1
	}
	if i >= len(s) {
		return nil, 0, errors.New("it ends in the middle of a directive")
	}
	if s[i] == '^' {
		if i+3 > len(s) {
			return nil, 0, errors.New("it ends in the middle of a directive")
		}
		return []token{{field: fSkip}}, i + 3, nil
	}
	return apacheField(s[i], arg), i + 1, nil
}

// apacheField says what a directive means. An unknown one is skipped over.
// Source: the documentation of mod_log_config and mod_logio, Apache 2.4.
func apacheField(letter byte, arg string) []token {
	one := func(f field) []token { return []token{{field: f}} }
	switch letter {
	case '%':
		return []token{lit("%")}
	case 'a':
		if arg == "" { // %{c}a: the peer before mod_remoteip
			return one(fClient)
		}
	case 'h':
		return one(fPeer)
	case 'v', 'V':
		if letter == 'v' {
			return one(fVHost)
		}
	case 'r':
		return one(fRequest)
	case 'm':
		return one(fMethod)
	case 'U':
		return one(fPath)
	case 'q':
		return one(fQuery)
	case 's':
		return one(fStatus)
	case 'b', 'B', 'O':
		return one(fBytes)
	case 'D':
		return one(fTookUs)
	case 'T':
		return one(apacheTook(arg))
	case 't':
		return apacheTime(arg)
	case 'i':
		switch strings.ToLower(arg) {
		case "user-agent":
			return one(fAgent)
		case "referer":
			return one(fReferer)
		case "x-forwarded-for", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip":
			return one(fForwarded)
		}
	}
	return one(fSkip)
}

// apacheTook is the unit of %{arg}T; without one it is whole seconds.
func apacheTook(arg string) field {
	switch arg {
	case "us":
		return fTookUs
	case "ms":
		return fTookMs
	}
	return fTookS
}

// apacheTime reads %t and %{format}t. The brackets of %t become literals.
func apacheTime(arg string) []token {
	arg = strings.TrimPrefix(strings.TrimPrefix(arg, "begin:"), "end:")
	switch arg {
	case "":
		return []token{lit("["), {field: fTime, when: timeCommon, strf: "d/b/Y:T z"}, lit("]")}
	case "sec":
		return []token{{field: fTime, when: timeUnix}}
	case "msec":
		return []token{{field: fTime, when: timeUnixMs}}
	case "usec":
		return []token{{field: fTime, when: timeUnixUs}}
	case "msec_frac", "usec_frac":
		return []token{{field: fSkip}}
	}
	return []token{{field: fTime, when: strftimeKind(arg), strf: arg}}
}

func strftimeKind(f string) timeKind {
	f = strings.NewReplacer("%F", "%Y-%m-%d", "%T", "%H:%M:%S").Replace(f)
	switch {
	case strings.HasPrefix(f, "%d/%b/%Y:%H:%M:%S"):
		return timeCommon
	case strings.HasPrefix(f, "%Y-%m-%dT%H:%M:%S"), strings.HasPrefix(f, "%Y-%m-%d %H:%M:%S"):
		return timeISO
	case f == "%s":
		return timeUnix
	}
	return timeNone
}

// nginxTokens reads a log_format string.
// Source: the documentation of ngx_http_log_module and ngx_http_core_module.
func nginxTokens(f string) ([]token, error) {
	for _, p := range []string{"escape=json", "escape=default", "escape=none"} {
		f = strings.TrimSpace(strings.TrimPrefix(f, p))
	}
	f = strings.NewReplacer(`\"`, `"`, `\t`, "\t").Replace(f)
	var out []token
	for f != "" {
		i := strings.IndexByte(f, '$')
		if i < 0 {
			return append(out, lit(f)), nil
		}
		if i > 0 {
			out = append(out, lit(f[:i]))
		}
		f = f[i+1:]
		braced := strings.HasPrefix(f, "{")
		if braced {
			f = f[1:]
		}
		n := 0
		for n < len(f) && (f[n] == '_' || f[n] >= '0' && f[n] <= '9' || f[n] >= 'a' && f[n] <= 'z' || f[n] >= 'A' && f[n] <= 'Z') {
			n++
		}
		if n == 0 {
			return nil, fmt.Errorf("a $ without a name")
		}
		out = append(out, nginxField(f[:n]))
		if f = f[n:]; braced {
			f = strings.TrimPrefix(f, "}")
		}
	}
	return out, nil
}

func nginxField(name string) token {
	switch name {
	case "time_local":
		return token{field: fTime, when: timeCommon, strf: "d/b/Y:T z"}
	case "time_iso8601":
		return token{field: fTime, when: timeISO}
	case "msec":
		return token{field: fTime, when: timeUnix}
	}
	return token{field: nginxFields[name]} // unknown: fSkip
}

var nginxFields = map[string]field{
	"remote_addr":            fClient,
	"http_x_forwarded_for":   fForwarded,
	"http_x_real_ip":         fForwarded,
	"http_cf_connecting_ip":  fForwarded,
	"http_true_client_ip":    fForwarded,
	"http_referer":           fReferer,
	"server_name":            fVHost,
	"request":                fRequest,
	"request_method":         fMethod,
	"request_uri":            fPath,
	"uri":                    fPath,
	"args":                   fQuery,
	"query_string":           fQuery,
	"status":                 fStatus,
	"body_bytes_sent":        fBytes,
	"bytes_sent":             fBytes,
	"http_user_agent":        fAgent,
	"request_time":           fTookS,
	"upstream_response_time": fTookUpstream,
}
