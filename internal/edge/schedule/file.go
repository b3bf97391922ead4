package schedule

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
)

// jobMode is the one mode that every cron takes.
const jobMode = 0o644

// mostRead bounds what is read of a file under our name; ours have some 500 bytes.
const mostRead = 64 << 10

// found is what is under a job's name.
type found struct {
	there bool
	text  string
	right bool // mode and owner are what cron asks for
}

// readJob reads a job's file. Anything but a plain file is refused: a link could
// lead anywhere.
func readJob(dir, name string) (found, error) {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return found{}, inDir(dir)
	case errors.Is(err, syscall.ELOOP):
		return found{}, foreign(path)
	case err != nil:
		return found{}, denied("read the job", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return found{}, fmt.Errorf("read the job: %w", err)
	}
	if !st.Mode().IsRegular() {
		return found{}, foreign(path)
	}
	text, err := io.ReadAll(io.LimitReader(f, mostRead))
	if err != nil {
		return found{}, fmt.Errorf("read the job: %w", err)
	}
	own, ok := st.Sys().(*syscall.Stat_t)
	return found{there: true, text: string(text), right: st.Mode().Perm() == jobMode && ok && int(own.Uid) == os.Geteuid()}, nil
}

// inDir returns an error unless the folder is there.
func inDir(dir string) error {
	st, err := os.Stat(dir)
	switch {
	case err == nil && st.IsDir():
		return nil
	case err == nil:
		err = syscall.ENOTDIR
	}
	return hint.Wrap(fmt.Errorf("look for jobs of cron in %s: %w: %w", dir, apply.ErrRefused, err), "no-cron", "install cron (Debian: apt install cron; RHEL: dnf install cronie)")
}

// writeJob puts the text in place at once. over says that a file of ours is
// replaced; otherwise there must be none.
func writeJob(dir, name, text string, over bool) error {
	// cron reads no file whose name begins with a dot
	fresh, path := filepath.Join(dir, "."+name+".new"), filepath.Join(dir, name)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a crash
		return denied("write the job", err)
	}
	defer os.Remove(fresh)
	if err := writeNew(fresh, text); err != nil {
		return denied("write the job", err)
	}
	put := os.Link // which fails where there is a file
	if over {
		put = os.Rename
	}
	err := put(fresh, path)
	if errors.Is(err, fs.ErrExist) {
		return foreign(path)
	}
	if err != nil {
		return denied("write the job", err)
	}
	return syncDir(dir)
}

func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, jobMode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Chmod(jobMode), f.Sync(), f.Close()) // Chmod: the umask may have taken rights away
}

func removeJob(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return denied("remove the job", err)
	}
	return syncDir(dir)
}

// syncDir makes a change of names durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

func denied(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	if errors.Is(err, fs.ErrPermission) {
		return hint.Wrap(err, "denied", "run it with sudo")
	}
	return err
}
