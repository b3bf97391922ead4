package discover

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"hirune/internal/edge/webconf"
)

// ngxPasses are the addresses that nginx hands requests to by proxy_pass. Names
// that have to be looked up, sockets and variables are left out.
func ngxPasses(main []webconf.Directive) []string {
	var out []string
	for _, http := range webconf.Named(main, "http") {
		groups := map[string][]string{}
		for _, u := range webconf.Named(http.Block, "upstream") {
			for _, s := range webconf.Named(u.Block, "server") {
				if len(u.Args) > 0 && len(s.Args) > 0 {
					groups[u.Args[0]] = append(groups[u.Args[0]], s.Args[0])
				}
			}
		}
		eachPass(http.Block, 0, func(to string) {
			scheme, rest, ok := strings.Cut(to, "://")
			if !ok {
				return
			}
			rest, _, _ = strings.Cut(rest, "/")
			members, grouped := groups[rest]
			if !grouped {
				members = []string{rest}
			}
			for _, m := range members {
				if a, ok := passAddress(m, scheme); ok {
					out = appendNew(out, a)
				}
			}
		})
	}
	return out
}

// eachPass hands out what proxy_pass names in a block and in those inside.
func eachPass(block []webconf.Directive, depth int, each func(string)) {
	if depth > webconf.MaxDepth {
		return
	}
	for _, d := range webconf.Flat(block) {
		if d.Name == "proxy_pass" && len(d.Args) > 0 {
			each(d.Args[0])
		}
		eachPass(d.Block, depth+1, each)
	}
}

// passAddress is "host:port" of an address, or of "localhost".
func passAddress(s, scheme string) (string, bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), map[string]string{"http": "80", "https": "443"}[scheme]
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	a, err := netip.ParseAddr(host)
	if err != nil || atoi(port) <= 0 {
		return "", false
	}
	return net.JoinHostPort(a.String(), port), true
}

// Fronts pairs each web server that listens on loopback alone with those that hand
// requests to it: index of the one behind, indexes of those before it.
func (f Found) Fronts() map[int][]int {
	out := map[int][]int{}
	for i, back := range f.WebServers {
		if !onLoopback(back.Listen) {
			continue
		}
		for k, front := range f.WebServers {
			if k != i && slices.ContainsFunc(front.Passes, func(to string) bool { return reaches(to, back.Listen) }) {
				out[i] = append(out[i], k)
			}
		}
	}
	return out
}

// onLoopback reports whether nobody outside of this host can reach an address.
func onLoopback(listen []string) bool {
	return len(listen) > 0 && !slices.ContainsFunc(listen, func(l string) bool {
		a, err := netip.ParseAddrPort(l)
		return err != nil || !a.Addr().IsLoopback()
	})
}

func reaches(to string, listen []string) bool {
	want, err := netip.ParseAddrPort(to)
	return err == nil && slices.ContainsFunc(listen, func(l string) bool {
		a, err := netip.ParseAddrPort(l)
		return err == nil && a == want
	})
}
