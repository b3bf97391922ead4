package collectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// queue is what waits at a listening socket.
type queue struct {
	waiting int // connections that nobody has accepted
	backlog int // most that may wait
	open    int // connections that were accepted (UNIX only); some kernels count waiting ones too
	served  int // connections that some process holds: accepted, and not closed yet (UNIX only)
}

// socketDiag asks the kernel for sockets by netlink, as ss does. Listening TCP
// sockets alone cost it next to nothing, whereas /proc/net/tcp walks the whole
// table of connections, which is large on a large machine.
type socketDiag struct {
	fd  int // 0: not open
	buf []byte
}

// Values of linux/sock_diag.h, unix_diag.h and inet_diag.h.
const (
	sockDiagByFamily = 20
	stateEstablished = 1
	stateListen      = 10
	unixShowName     = 1
	unixShowQueue    = 16
	unixAttrName     = 0
	unixAttrQueue    = 4
	inetShowInfo     = 1 << 1 // INET_DIAG_INFO is 2: bit 1
	inetAttrInfo     = 2
	// diagTimeout bounds a wait for the kernel's answer, which comes at once.
	diagTimeout = 200 * time.Millisecond
)

// unixQueues returns the queues of the listening UNIX sockets by path.
func (d *socketDiag) unixQueues() (map[string]queue, error) {
	req := make([]byte, 24)
	req[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(req[4:], 1<<stateListen|1<<stateEstablished)
	binary.NativeEndian.PutUint32(req[12:], unixShowName|unixShowQueue)
	out := map[string]queue{}
	err := d.dump(req, func(msg []byte) {
		if len(msg) < 16 {
			return
		}
		state, name, q := msg[2], "", queue{}
		eachAttr(msg[16:], func(kind uint16, v []byte) {
			switch {
			case kind == unixAttrName:
				name = strings.TrimRight(string(v), "\x00")
			case kind == unixAttrQueue && len(v) >= 8:
				q.waiting, q.backlog = int(binary.NativeEndian.Uint32(v)), int(binary.NativeEndian.Uint32(v[4:]))
			}
		})
		if name == "" || name[0] == 0 { // no name, or an abstract one
			return
		}
		all := out[name]
		if state == stateListen {
			all.waiting, all.backlog = q.waiting, q.backlog
		} else {
			all.open++                                                    // the server's end carries the listener's name
			if inode := binary.NativeEndian.Uint32(msg[4:]); inode != 0 { // one that waits is no file yet
				all.served++
			}
		}
		out[name] = all
	})
	return out, err
}

// tcpQueues returns the queues of the listening TCP sockets.
func (d *socketDiag) tcpQueues() (map[netip.AddrPort]queue, error) {
	out := map[netip.AddrPort]queue{}
	err := d.inet([]byte{unix.AF_INET, unix.AF_INET6}, stateListen, 0, func(a netip.AddrPort, msg []byte) {
		out[a] = queue{waiting: int(binary.NativeEndian.Uint32(msg[56:])), backlog: int(binary.NativeEndian.Uint32(msg[60:]))}
	})
	return out, err
}

// owed counts by local port the TCP connections on which the other side waits
// for us: it sent last, or what we sent is still on its way. A connection that
// is merely kept alive does not count.
func (d *socketDiag) owed(ports map[uint16]int, families []byte) error {
	return d.inet(families, stateEstablished, inetShowInfo, func(a netip.AddrPort, msg []byte) {
		if _, ours := ports[a.Port()]; !ours {
			return
		}
		unread, unsent := binary.NativeEndian.Uint32(msg[56:]), binary.NativeEndian.Uint32(msg[60:])
		busy := unread > 0 || unsent > 0
		eachAttr(msg[72:], func(kind uint16, v []byte) {
			busy = busy || kind == inetAttrInfo && sentLast(v)
		})
		if busy {
			ports[a.Port()]++
		}
	})
}

// sentLast reports by a struct tcp_info whether the other side sent last. The
// times are rounded to the kernel's tick, so that a first request may seem to
// come with the connection: then nothing has been answered yet.
func sentLast(v []byte) bool {
	if len(v) < 56 {
		return false
	}
	sentMs, gotMs := binary.NativeEndian.Uint32(v[44:]), binary.NativeEndian.Uint32(v[52:]) // ago
	if gotMs < sentMs || len(v) < 160 {                                                     // short before Linux 4.6
		return gotMs < sentMs
	}
	received, answers := binary.NativeEndian.Uint64(v[128:]), binary.NativeEndian.Uint32(v[156:])
	return received > 0 && answers == 0
}

// inet dumps the TCP sockets in a state. The message is a struct inet_diag_msg
// of 72 bytes with its attributes.
func (d *socketDiag) inet(families []byte, state uint, show byte, do func(local netip.AddrPort, msg []byte)) error {
	for _, family := range families {
		req := make([]byte, 56)
		req[0], req[1], req[2] = family, unix.IPPROTO_TCP, show
		binary.NativeEndian.PutUint32(req[4:], 1<<state)
		err := d.dump(req, func(msg []byte) {
			if len(msg) < 72 {
				return
			}
			size := 4
			if msg[0] == unix.AF_INET6 {
				size = 16
			}
			addr, _ := netip.AddrFromSlice(msg[8 : 8+size])
			do(netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(msg[4:])), msg)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dump sends one request and hands each message of the answer to do.
func (d *socketDiag) dump(req []byte, do func(msg []byte)) error {
	if err := d.open(); err != nil {
		return err
	}
	head := make([]byte, 16, 16+len(req))
	binary.NativeEndian.PutUint32(head, uint32(16+len(req)))
	binary.NativeEndian.PutUint16(head[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(head[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	if err := unix.Sendto(d.fd, append(head, req...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return d.fail("ask for sockets", err)
	}
	for {
		n, _, err := unix.Recvfrom(d.fd, d.buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return d.fail("read the list of sockets", err)
		}
		done, err := eachMessage(d.buf[:n], do)
		if err != nil {
			return d.fail("read the list of sockets", err)
		}
		if done {
			return nil
		}
	}
}

// eachMessage walks the netlink messages in a datagram; done after the last.
func eachMessage(b []byte, do func(msg []byte)) (done bool, err error) {
	for len(b) >= 16 {
		size := int(binary.NativeEndian.Uint32(b))
		if size < 16 || size > len(b) {
			return true, errors.New("a message of the kernel is cut short")
		}
		switch binary.NativeEndian.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			code := unix.Errno(0)
			if size >= 20 {
				code = unix.Errno(-int32(binary.NativeEndian.Uint32(b[16:])))
			}
			return true, code
		case sockDiagByFamily:
			do(b[16:size])
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return false, nil
}

// eachAttr walks netlink attributes.
func eachAttr(b []byte, do func(kind uint16, value []byte)) {
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return
		}
		do(binary.NativeEndian.Uint16(b[2:]), b[4:size])
		b = b[min(len(b), (size+3)&^3):]
	}
}

func (d *socketDiag) open() error {
	if d.fd != 0 {
		return nil
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	wait := unix.NsecToTimeval(diagTimeout.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		unix.Close(fd)
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	d.fd = fd
	if d.buf == nil {
		d.buf = make([]byte, 32<<10)
	}
	return nil
}

// fail closes the socket, so that a late answer is not taken for the next one.
func (d *socketDiag) fail(what string, err error) error {
	if d.fd != 0 {
		unix.Close(d.fd)
		d.fd = 0
	}
	return fmt.Errorf("%s: %w", what, err)
}
