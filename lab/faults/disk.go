package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"hirune/lab/run"
)

// stateMB is the size of the small disk: enough for a plan to begin, and for all of it once the ballast is gone.
const stateMB = 1024

// fullDisk keeps hirune's folder on a disk of its own, and fills that to the last page at a random moment.
func fullDisk(ctx context.Context, w *ward) error {
	dir := w.Program.State
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=700", stateMB)); err != nil {
		return fmt.Errorf("mount a small disk: %w", err)
	}
	at := w.moment()
	b, err := w.begin()
	if err != nil {
		return err
	}
	err = run.Pause(ctx, at)
	filled, err2 := fill(filepath.Join(dir, "ballast"))
	b.ended(w, 3*60e9)
	w.out.Moment = fmt.Sprintf("%d MB at %.2f", filled>>20, at.Seconds())
	return errors.Join(err, err2, w.checkStay(ctx), os.Remove(filepath.Join(dir, "ballast")))
}

// fill writes until there is no room.
func fill(path string) (n int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("make the ballast: %w", err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		m, err := f.Write(block)
		n += int64(m)
		if errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			return n, fmt.Errorf("write the ballast: %w", err)
		}
	}
	return n, nil
}

// unmount takes a disk away that a fault has mounted; it is no error that there is none.
func unmount(dir string) { _ = unix.Unmount(dir, unix.MNT_DETACH) }
