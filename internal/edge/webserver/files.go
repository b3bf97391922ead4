package webserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hirune/internal/edge/webconf"
)

// label is where SELinux keeps a file's label.
const label = "security.selinux"

// look is what a file is like, as far as a new version of it has to be like it.
type look struct {
	mode     fs.FileMode
	uid, gid int
	label    []byte // nil without one
}

// load reads a regular file whose last name is no symbolic link. Its error
// wraps fs.ErrNotExist where there is none.
func load(path string) (string, look, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", look{}, fmt.Errorf("read %s: %w", shown(path), errors.Unwrap(err))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > webconf.MaxFileBytes {
		return "", look{}, fmt.Errorf("read %s: not a file of a configuration", shown(path))
	}
	l := look{mode: st.Mode().Perm(), label: labelOf(f)}
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		if l.uid, l.gid = int(s.Uid), int(s.Gid); s.Nlink > 1 {
			return "", l, fmt.Errorf("read %s: the file has several names (hard links); writing it anew would part them", shown(path))
		}
	}
	b := make([]byte, st.Size())
	if _, err := f.ReadAt(b, 0); err != nil && len(b) > 0 {
		return "", l, fmt.Errorf("read %s: %w", shown(path), err)
	}
	return string(b), l, nil
}

func labelOf(f *os.File) []byte {
	b := make([]byte, 256)
	n, err := unix.Fgetxattr(int(f.Fd()), label, b)
	if err != nil || n <= 0 {
		return nil
	}
	return b[:n]
}

// like is how a new file of ours is to be: as its neighbours are, owned by who
// writes it, and writable by nobody else.
func like(path string) look {
	out := look{mode: 0o644, uid: os.Geteuid(), gid: os.Getegid()}
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if _, l, err := load(filepath.Join(filepath.Dir(path), e.Name())); err == nil {
			out.mode, out.label = l.mode&0o644|0o600, l.label
			break
		}
	}
	return out
}

// store puts a file's new content in its place in one go: whoever reads the
// file meets the old content or the new, whole.
func store(path, content string, l look) (err error) {
	if err := safeDir(filepath.Dir(path)); err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".hirune")
	_ = os.Remove(tmp) // left by a run that was cut off
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", shown(path), errors.Unwrap(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	if err := errors.Join(fill(f, content, l), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", shown(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", shown(path), err)
	}
	return syncDir(filepath.Dir(path))
}

func fill(f *os.File, content string, l look) error {
	if _, err := f.WriteString(content); err != nil {
		return err
	}
	if err := f.Chown(l.uid, l.gid); err != nil {
		return err
	}
	if err := f.Chmod(l.mode); err != nil {
		return err
	}
	if l.label != nil {
		if err := unix.Fsetxattr(int(f.Fd()), label, l.label, 0); err != nil {
			return fmt.Errorf("keep its SELinux label: %w", err)
		}
	}
	return f.Sync()
}

// safeDir refuses a directory that is reached over a symbolic link or that
// anybody may write to: somebody could put another file in the way.
func safeDir(dir string) error {
	if r := real(dir); r != filepath.Clean(dir) {
		return fmt.Errorf("write to %s: it is %s now", shown(dir), shown(r))
	}
	st, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("write to %s: %w", shown(dir), errors.Unwrap(err))
	}
	if st.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("write to %s: anybody may write there", shown(dir))
	}
	return nil
}

// drop removes a file; that there is none is no error.
func drop(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", shown(path), errors.Unwrap(err))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", shown(dir), errors.Unwrap(err))
	}
	defer d.Close()
	return d.Sync()
}
