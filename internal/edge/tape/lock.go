package tape

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lock keeps a second recorder away from the tape. It is a flock on a file
// beside the tape: the kernel drops it with the process, however that ends,
// and it does not touch the locks that SQLite takes on the tape itself.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil, wrap(ErrMissing, err, "tape-no-directory", "make the directory first: mkdir -p "+filepath.Dir(path))
	}
	if err != nil {
		return nil, classify(fmt.Errorf("open the lock of the tape: %w", err))
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid := holder(f)
		f.Close()
		if err == unix.EWOULDBLOCK {
			return nil, wrap(ErrInUse, fmt.Errorf("process %s holds %s", pid, path), "tape-in-use",
				"stop that recorder first (kill "+pid+"), or record to another file with --tape FILE")
		}
		return nil, fmt.Errorf("lock the tape %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil {
		// A full disk may refuse the PID; the lock holds all the same.
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// Holder returns the PID of the recorder that writes to the tape, or 0.
func Holder(path string) int {
	f, err := os.Open(path + ".lock")
	if err != nil {
		return 0
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
		return 0
	}
	pid, err := strconv.Atoi(holder(f))
	if err != nil {
		return 0
	}
	return pid
}

func holder(f *os.File) string {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	if pid := strings.TrimSpace(string(b[:n])); pid != "" {
		if _, err := strconv.Atoi(pid); err == nil {
			return pid
		}
	}
	return "unknown"
}
