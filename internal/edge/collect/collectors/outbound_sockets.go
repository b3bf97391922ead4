package collectors

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"hirune/internal/core/evidence"
)

const (
	pollMost    = 32      // entries of a poll list that are read
	socketsMost = 2 << 20 // bytes of a list of sockets that are read
)

// memoryOf reads a few bytes that a system call of a process points to; nil
// where that may not be read.
func memoryOf(dir string, at uint64, size int) []byte {
	if at == 0 || size <= 0 || at > 1<<62 {
		return nil
	}
	f, err := os.Open(dir + "/mem")
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, size)
	if n, err := f.ReadAt(b, int64(at)); err != nil && err != io.EOF || n < size {
		return nil
	}
	return b
}

// pollFDs takes the descriptors of a list of struct pollfd {int; short; short}.
func pollFDs(b []byte) []int {
	var out []int
	for ; len(b) >= 8; b = b[8:] {
		if fd := int32(binary.NativeEndian.Uint32(b)); fd >= 0 {
			out = append(out, int(fd))
		}
	}
	return out
}

// setFDs takes the descriptors of an fd_set.
func setFDs(b []byte) []int {
	var out []int
	for i := 0; i+8 <= len(b); i += 8 {
		word := binary.NativeEndian.Uint64(b[i:])
		for bit := range 64 {
			if word&(1<<bit) != 0 {
				out = append(out, i*8+bit)
			}
		}
	}
	return out
}

// inetSocket is one line of /proc/PID/net/tcp and the like.
type inetSocket struct {
	local, remote netip.AddrPort
	state         string // as evidence.Outbound has it
	unread        int64  // bytes
	inode         uint64
}

// sockets finds the connections with the given inodes, as a process sees them:
// it may live in a network of its own.
func (c *Outbound) sockets(p *proc, wanted map[uint64]int) []inetSocket {
	var out []inetSocket
	if len(wanted) == 0 {
		return nil
	}
	for _, list := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open(rooted(c.Table.Root, "/proc/"+strconv.Itoa(p.pid)+"/net/"+list))
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(io.LimitReader(f, socketsMost))
		for lines.Scan() && len(out) < outboundMost {
			if s, ok := parseInet(lines.Text()); ok && wanted[s.inode] > 0 {
				out = append(out, s)
			}
		}
		_ = f.Close()
	}
	return out
}

// parseInet reads a line of /proc/net/tcp{,6} or udp{,6}; false for what is no
// connection that somebody may wait for:
//
//	sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//	 0: 0100007F:1F90 010200C0:01BB 02 00000001:00000000 01:000000A1 00000002    33        0 61841 …
func parseInet(line string) (inetSocket, bool) {
	f := strings.Fields(line)
	if len(f) < 10 || len(f[3]) != 2 {
		return inetSocket{}, false
	}
	var s inetSocket
	switch f[3] {
	case "01":
		s.state = evidence.OutboundOpen
	case "02":
		s.state = evidence.OutboundConnecting
	default:
		return inetSocket{}, false
	}
	var ok1, ok2 bool
	s.local, ok1 = hexAddr(f[1])
	s.remote, ok2 = hexAddr(f[2])
	_, unread, ok3 := strings.Cut(f[4], ":")
	n, err1 := strconv.ParseInt(unread, 16, 64)
	inode, err2 := strconv.ParseUint(f[9], 10, 64)
	s.unread, s.inode = n, inode
	return s, ok1 && ok2 && ok3 && err1 == nil && err2 == nil && inode != 0
}

// hexAddr reads "0100007F:1F90": words of four bytes in the machine's order.
func hexAddr(s string) (netip.AddrPort, bool) {
	addr, port, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(addr)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || err2 != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		word := binary.BigEndian.Uint32(raw[i:])
		binary.NativeEndian.PutUint32(raw[i:], word)
	}
	a, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}
