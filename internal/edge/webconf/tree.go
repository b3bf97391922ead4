package webconf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// Bounds of one server's configuration.
const (
	MaxFileBytes = 1 << 20 // of one file; the rest is not read
	MaxFiles     = 1000
	MaxDepth     = 16 // of includes
)

// maxLinks is how many links the kernel follows, too.
const maxLinks = 40

// Tree reads files as a process sees them: below a prefix, which is empty for
// the host itself. Links are followed inside the prefix, so that neither a
// container nor a fixture leads out of it.
type Tree struct {
	Base string // where the host's files are: "" or a fixture
	Root string // of the process, below Base: "" or "/proc/PID/root" or a chroot
}

// at returns the path to open for a path that the process names.
func (t Tree) at(name string) (string, error) {
	prefix := t.Base + t.Root
	if prefix == "" {
		return path.Clean("/" + name), nil
	}
	return resolve(prefix, name)
}

// Host returns the path by which the host sees the file.
func (t Tree) Host(name string) string {
	if name == "" || t.Root == "" {
		return name
	}
	return t.Root + path.Clean("/"+name)
}

// resolve walks the path's links below prefix. What does not exist is kept as
// it is written.
func resolve(prefix, name string) (string, error) {
	rest, done, links := strings.Split(name, "/"), "", 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir("/" + done)
			continue
		}
		next := path.Join("/", done, part)
		to, err := os.Readlink(prefix + next)
		if err != nil {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("resolve %s: too many links", name)
		}
		if path.IsAbs(to) {
			done = ""
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return prefix + path.Join("/", done), nil
}

// Read returns a regular file's content, at most MaxFileBytes.
func (t Tree) Read(name string) ([]byte, error) {
	p, err := t.at(name)
	if err != nil {
		return nil, err
	}
	// A named pipe in the place of a file must not hold us up.
	f, err := os.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, errors.Unwrap(err))
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("open %s: not a regular file", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxFileBytes))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// Stat tells what a path is, links followed; false if it cannot be seen.
func (t Tree) Stat(name string) (fs.FileInfo, bool) {
	p, err := t.at(name)
	if err != nil || name == "" {
		return nil, false
	}
	st, err := os.Stat(p)
	return st, err == nil
}

// IsDir reports whether the path is a directory that can be seen.
func (t Tree) IsDir(name string) bool {
	st, ok := t.Stat(name)
	return ok && st.IsDir()
}

// IsFile reports whether the path is a regular file that can be seen.
func (t Tree) IsFile(name string) bool {
	st, ok := t.Stat(name)
	return ok && st.Mode().IsRegular()
}

// Same reports whether two paths are one file: RHEL's Apache writes by way of
// /etc/httpd/logs, a link.
func (t Tree) Same(a, b string) bool {
	x, ok1 := t.Stat(a)
	y, ok2 := t.Stat(b)
	return a == b || ok1 && ok2 && os.SameFile(x, y)
}

// List returns the names in a directory, sorted, at most max of them.
func (t Tree) List(name string, max int) []string {
	p, err := t.at(name)
	if err != nil {
		return nil
	}
	entries, _ := os.ReadDir(p)
	var out []string
	for i, e := range entries {
		if i == max {
			break
		}
		out = append(out, e.Name())
	}
	return out
}

// Glob returns the paths that match a pattern, sorted. A pattern without
// wildcards is returned as it is, whether the file exists or not.
func (t Tree) Glob(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}
	}
	matches := []string{"/"}
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		for _, dir := range matches {
			next = append(next, t.globIn(dir, part)...)
		}
		matches = next
	}
	return matches
}

func (t Tree) globIn(dir, part string) []string {
	if !strings.ContainsAny(part, "*?[") {
		if _, ok := t.Stat(path.Join(dir, part)); !ok {
			return nil
		}
		return []string{path.Join(dir, part)}
	}
	var out []string
	for _, name := range t.List(dir, 10*MaxFiles) {
		hidden := strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".")
		if ok, err := filepath.Match(part, name); ok && err == nil && !hidden {
			out = append(out, path.Join(dir, name))
		}
	}
	return out
}
