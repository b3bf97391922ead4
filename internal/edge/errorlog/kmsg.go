package errorlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// Kmsg reads the kernel's own buffer of messages: where no log daemon writes
// them to a file. It costs a system call when there is nothing new.
type Kmsg struct {
	path string
	fd   int
	open bool
	buf  []byte
}

// NewKmsg returns a reader of the buffer at path, /dev/kmsg on Linux.
func NewKmsg(path string) *Kmsg { return &Kmsg{path: path, buf: make([]byte, 8<<10)} }

// Read hands out the messages that were not read yet, all that the buffer
// holds at the first call, at most most of them, with the time since the
// machine started. The error wraps evidence.ErrAbsent where there is no such
// buffer or it may not be read.
func (k *Kmsg) Read(most int, each func(sinceBoot time.Duration, message []byte)) error {
	if !k.open {
		fd, err := syscall.Open(k.path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err != nil {
			err = fmt.Errorf("read the kernel's messages from %s: %w: %w", k.path, evidence.ErrAbsent, err)
			if errors.Is(err, fs.ErrPermission) {
				return hint.Wrap(err, "kernel-log-unreadable", "run hirune as root, or: sysctl kernel.dmesg_restrict=0")
			}
			return hint.Wrap(err, "kernel-log-missing", "let the host's log daemon write the kernel's messages to /var/log/kern.log")
		}
		k.fd, k.open = fd, true
	}
	for range most {
		n, err := syscall.Read(k.fd, k.buf)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EINTR): // overwritten, or longer than the buffer
			continue
		case err != nil:
			return fmt.Errorf("read the kernel's messages from %s: %w", k.path, err)
		case n == 0:
			return nil
		}
		if at, msg, ok := kmsgRecord(k.buf[:n]); ok {
			each(at, msg)
		}
	}
	return nil
}

// Close lets the buffer go.
func (k *Kmsg) Close() error {
	if !k.open {
		return nil
	}
	k.open = false
	return syscall.Close(k.fd)
}

// kmsgRecord reads "6,1234,5678901,-;message" and drops what users wrote.
func kmsgRecord(b []byte) (time.Duration, []byte, bool) {
	head, msg, ok := bytes.Cut(b, []byte{';'})
	f := strings.SplitN(string(head), ",", 4)
	if !ok || len(f) < 3 {
		return 0, nil, false
	}
	prio, err1 := strconv.ParseUint(f[0], 10, 32)
	us, err2 := strconv.ParseInt(f[2], 10, 64)
	if err1 != nil || err2 != nil || prio>>3 != 0 { // facility 0 is the kernel
		return 0, nil, false
	}
	msg, _, _ = bytes.Cut(msg, []byte{'\n'})
	return time.Duration(us) * time.Microsecond, msg, true
}
