package collectors

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// Filesystems reads the room on the file systems that the site, its logs, its
// database and its temporary files are on.
type Filesystems struct {
	Root  string                 // prefix of /proc and of the mounts
	Found func() *discover.Found // nil: only / and /tmp

	raw procReader
}

// Name implements collect.Collector.
func (*Filesystems) Name() string { return "filesystem" }

// Blinds implements collect.Blinder.
func (*Filesystems) Blinds() string {
	return "free disk space"
}

// Collect emits one evidence.Filesystem for each file system of interest.
// Network file systems are left out: a dead server would hold us up for ever.
func (c *Filesystems) Collect(_ context.Context, b *collect.Beat) error {
	text, err := c.raw.read(rooted(c.Root, "/proc/self/mountinfo"))
	if err != nil {
		return notHere(fmt.Errorf("read the mounts: %w", err), "no-proc", "is /proc mounted?")
	}
	mounts := parseMounts(text)
	seen := map[string]bool{} // by device
	for _, p := range c.paths() {
		m, ok := mountOf(mounts, p)
		if !ok || seen[m.device] {
			continue
		}
		seen[m.device] = true
		if f, ok := statfs(rooted(c.Root, m.point), m.point); ok {
			b.Emit(f)
		}
	}
	return nil
}

func statfs(at, mount string) (evidence.Filesystem, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil || st.Blocks == 0 {
		return evidence.Filesystem{}, false
	}
	// Frsize is the unit of Blocks; some file systems leave it 0.
	unit := st.Frsize
	if unit == 0 {
		unit = st.Bsize
	}
	kb := func(blocks uint64) int64 { return int64(blocks) * unit / 1024 }
	return evidence.Filesystem{Mount: mount, SizeKB: kb(st.Blocks), FreeKB: kb(st.Bavail), Inodes: int64(st.Files), InodesFree: int64(st.Ffree)}, true
}

// paths lists what has to have room, the root first.
func (c *Filesystems) paths() []string {
	out := []string{"/", "/tmp", "/var/log"}
	var f *discover.Found
	if c.Found != nil {
		f = c.Found()
	}
	if f == nil {
		return out
	}
	for _, d := range f.Databases {
		out = append(out, d.DataDir, d.TmpDir, d.ErrorLog, d.SlowLog)
	}
	for _, w := range f.WebServers {
		for _, l := range w.AccessLogs {
			out = append(out, l.Path)
		}
		out = append(out, w.ErrorLogs...)
	}
	for _, p := range f.Pools {
		out = append(out, p.ErrorLog)
	}
	for _, r := range f.Roots {
		out = append(out, r.Dir)
	}
	return slices.DeleteFunc(out, func(s string) bool { return !path.IsAbs(s) })
}

// mount is one line of /proc/self/mountinfo.
type mount struct {
	point, device, kind string
}

// parseMounts reads
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext4 /dev/root rw
//
// Blanks in a path are written \040.
func parseMounts(text []byte) []mount {
	var out []mount
	procLines(text, func(line []byte) {
		w := procFields{line}
		w.skip(2)
		device := w.next()
		w.skip(1)
		point := w.next()
		_, tail, ok := bytes.Cut(line, []byte(" - "))
		kind := procFields{tail}
		if ok && len(point) > 0 {
			out = append(out, mount{unescapeMount(string(point)), string(device), string(kind.next())})
		}
	})
	return out
}

// mountOf finds the mount that a path lies on: the longest, the last of equals.
func mountOf(mounts []mount, p string) (mount, bool) {
	best, found := mount{}, false
	for _, m := range mounts {
		in := m.point == "/" || p == m.point || strings.HasPrefix(p, m.point+"/")
		if in && len(m.point) >= len(best.point) {
			best, found = m, true
		}
	}
	return best, found && isLocal(best.kind)
}

// isLocal reports whether asking the file system cannot hang and makes sense.
func isLocal(kind string) bool {
	if strings.HasPrefix(kind, "nfs") || strings.HasPrefix(kind, "fuse.") {
		return false
	}
	return !slices.Contains([]string{"cifs", "smb3", "9p", "ceph", "glusterfs", "autofs", "proc", "sysfs", "squashfs", "iso9660", "devtmpfs", "cgroup", "cgroup2"}, kind)
}

func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
