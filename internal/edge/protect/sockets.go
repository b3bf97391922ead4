package protect

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// States of a socket in /proc/net/tcp. Source: include/net/tcp_states.h.
const (
	established = "01"
	listening   = "0A"
)

// socket is one row of /proc/net/tcp or tcp6.
type socket struct {
	local, peer netip.AddrPort
	state       string
	inode       string
}

// sockets reads the TCP sockets of our network namespace.
func (h Host) sockets() ([]socket, error) {
	var out []socket
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(h.path(name))
		if errors.Is(err, fs.ErrNotExist) && name == "/proc/net/tcp6" {
			continue // no IPv6 here
		}
		if err != nil {
			return nil, fmt.Errorf("read the connections: %w", err)
		}
		found, err := parseSockets(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read the connections in %s: %w", name, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// parseSockets takes the rows that listen or are established:
//
//	0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000 105 0 50753 1 …
func parseSockets(r io.Reader) ([]socket, error) {
	var out []socket
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 10 || f[3] != established && f[3] != listening {
			continue
		}
		local, ok := hexAddr(f[1])
		peer, okPeer := hexAddr(f[2])
		if ok && okPeer {
			out = append(out, socket{local, peer, f[3], f[9]})
		}
	}
	return out, sc.Err()
}

// hexAddr reads "0100007F:0CEA": groups of four bytes in host order, which is
// little endian on every machine that we are built for.
func hexAddr(s string) (netip.AddrPort, bool) {
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
