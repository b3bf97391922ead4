package stack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// takePorts picks two free loopback ports below the range that the kernel hands out to clients. An abstract socket holds each
// number for this stack's life: it keeps another lab from picking it between the look and the daemon's bind, and dies with us.
func (s *Stack) takePorts(ctx context.Context) error {
	var config net.ListenConfig
	for port := 18000; port < 30000; port++ {
		l, err := config.Listen(ctx, "unix", "@hirune-lab-port-"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		if !free(ctx, port) {
			_ = l.Close()
			continue
		}
		s.reserve = append(s.reserve, l)
		if s.Port == 0 {
			s.Port = port
			continue
		}
		s.DBPort = port
		return nil
	}
	return errors.New("find two free ports on 127.0.0.1 between 18000 and 30000: none")
}

func free(ctx context.Context, port int) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func secret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}
