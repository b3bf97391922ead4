package alone

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// takeClients has the new network take all of 198.18.0.0/16 for its own: clients of the lab can then come from there. Requests from 127.0.0.0/8 are what
// a site's own programs and a proxy before it look like; those of the world outside do not come from there. Source: RFC 2544, addresses for benchmarks.
func takeClients() error {
	s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open the routes: %w", err)
	}
	defer func() { _ = unix.Close(s) }()
	lo, err := loopback(s)
	if err != nil {
		return err
	}
	if err := unix.Sendto(s, clientsRoute(lo), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("add the clients' route: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(s, answer, 0)
	if err != nil {
		return fmt.Errorf("add the clients' route: %w", err)
	}
	if n < unix.NLMSG_HDRLEN+4 {
		return errors.New("add the clients' route: no answer that can be read")
	}
	// An acknowledgement is an error message whose number is 0; others are negative.
	if code := int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:])); code != 0 {
		return fmt.Errorf("add the clients' route: %w", unix.Errno(-code))
	}
	return nil
}

// loopback is the number of the interface lo.
func loopback(socket int) (uint32, error) {
	lo, err := unix.NewIfreq("lo")
	if err == nil {
		err = unix.IoctlIfreq(socket, unix.SIOCGIFINDEX, lo)
	}
	if err != nil {
		return 0, fmt.Errorf("find the loopback: %w", err)
	}
	return lo.Uint32(), nil
}

// clientsRoute is what `ip route add local 198.18.0.0/16 dev lo` sends. Source: rtnetlink(7).
func clientsRoute(lo uint32) []byte {
	const bits = 16
	body := []byte{unix.AF_INET, bits, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, unix.RT_SCOPE_HOST, unix.RTN_LOCAL, 0, 0, 0, 0}
	attribute := func(kind uint16, value [4]byte) {
		body = binary.NativeEndian.AppendUint16(body, 8) // its length, head included
		body = binary.NativeEndian.AppendUint16(body, kind)
		body = append(body, value[:]...)
	}
	attribute(unix.RTA_DST, [4]byte{198, 18, 0, 0})
	attribute(unix.RTA_OIF, [4]byte(binary.NativeEndian.AppendUint32(nil, lo)))
	out := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	out = binary.NativeEndian.AppendUint16(out, unix.RTM_NEWROUTE)
	out = binary.NativeEndian.AppendUint16(out, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE)
	out = binary.NativeEndian.AppendUint32(out, 1)
	out = binary.NativeEndian.AppendUint32(out, 0)
	return append(out, body...)
}
