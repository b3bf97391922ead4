package discover

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// sockets is what listens in one network namespace, by inode.
type sockets struct {
	tcp  map[string]netip.AddrPort
	unix map[string]string // path; an abstract name begins with @
}

// readSockets reads the tables of the process' network namespace.
func readSockets(base string, pid int) sockets {
	s := sockets{tcp: map[string]netip.AddrPort{}, unix: map[string]string{}}
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		b, _ := os.ReadFile(procPath(base, pid, name))
		parseTCP(string(b), s.tcp)
	}
	b, _ := os.ReadFile(procPath(base, pid, "net/unix"))
	parseUnix(string(b), s.unix)
	return s
}

// parseTCP takes the listening rows of /proc/net/tcp:
//
//	0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000 105 0 50753 1 …
func parseTCP(text string, out map[string]netip.AddrPort) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != "0A" {
			continue
		}
		if a, ok := parseHexAddr(f[1]); ok {
			out[f[9]] = a
		}
	}
}

// parseHexAddr reads "0100007F:0CEA": groups of four bytes in host order, which
// is little endian on every machine that we are built for.
func parseHexAddr(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	p, perr := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || perr != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	a, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), ok
}

// parseUnix takes the listening rows of /proc/net/unix:
//
//	0000000000000000: 00000002 00000000 00010000 0001 01 50753 /run/mysqld/mysqld.sock
func parseUnix(text string, out map[string]string) {
	const accepts = 0x10000 // __SO_ACCEPTCON
	for line := range strings.Lines(text) {
		rest, f := strings.TrimRight(line, "\n"), [7]string{}
		for i := range f {
			f[i], rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		}
		flags, err := strconv.ParseUint(f[3], 16, 32)
		if err == nil && flags&accepts != 0 && rest != "" {
			out[f[6]] = rest
		}
	}
}

// listens returns what a process listens on: TCP in the order of the ports,
// then UNIX paths.
func (s sockets) listens(p *process) (tcp []netip.AddrPort, unix []string) {
	for _, f := range p.files {
		if a, ok := s.tcp[f.inode]; ok && f.inode != "" {
			tcp = append(tcp, a)
		}
		if u, ok := s.unix[f.inode]; ok && f.inode != "" && !strings.HasPrefix(u, "@") {
			unix = append(unix, u)
		}
	}
	slices.SortFunc(tcp, func(a, b netip.AddrPort) int {
		if a.Port() != b.Port() {
			return int(a.Port()) - int(b.Port())
		}
		return a.Addr().Compare(b.Addr())
	})
	slices.Sort(unix)
	return slices.Compact(tcp), slices.Compact(unix)
}

// reachable returns the address by which this host reaches a listener.
func reachable(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		a = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return a.String()
}
