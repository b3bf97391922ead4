package collectors

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

const (
	roomEvery  = time.Minute      // how often a file system with room is told
	scarceTold = 10 * time.Second // and one that is short of it
	placeEvery = time.Minute      // how often it is worked out what lies where
	// scarceRoom is the free share below which room is scarce, and roomMoved the
	// share by which it must have changed to be told at once.
	scarceRoom = 0.05
	roomMoved  = 0.01
	// What takes the room is looked at when the recorder starts, when room gets
	// scarce, and this often.
	maxHoldings      = 500 // paths that are remembered
	takesEvery       = time.Hour
	takesEveryScarce = 5 * time.Minute
)

// Filesystems reads the room on the file systems that the site, its logs, its
// database and its temporary files are on. It is cheap to ask often: what lies
// where is worked out once a minute, and a file system is told when its room
// changes.
type Filesystems struct {
	Root  string                 // prefix of /proc and of the mounts
	Found func() *discover.Found // nil: only / and /tmp
	Bare  bool                   // tell the room at each call, and not what takes it

	raw      procReader
	known    []holding // what was found since the start: a service that has ended needs its room all the same
	places   []place
	placedAt time.Time
}

// place is one file system of interest.
type place struct {
	mount
	holds   []string
	dirs    []holding
	last    evidence.Filesystem // as it was told
	toldAt  time.Time
	takesAt time.Time
	scarce  bool
}

// holding is a path and what of the site it is.
type holding struct{ what, path string }

// What of the site a file system can hold: evidence.Filesystem.Holds.
const (
	holdsRoot        = "root"
	holdsSite        = "site"
	holdsDatabase    = "database"
	holdsDatabaseTmp = "database-tmp"
	holdsSessions    = "sessions"
	holdsTmp         = "tmp"
	holdsLogs        = "logs"
)

// Name implements collect.Collector.
func (*Filesystems) Name() string { return "filesystem" }

// Blinds implements collect.Blinder.
func (*Filesystems) Blinds() string {
	return "free disk space"
}

// Collect emits one evidence.Filesystem for each file system of interest whose
// room has changed or that was not told for a while. Network file systems are
// left out: a dead server would hold us up for ever.
func (c *Filesystems) Collect(ctx context.Context, b *collect.Beat) error {
	if b.Now.Sub(c.placedAt) >= placeEvery || c.placedAt.IsZero() || b.Now.Before(c.placedAt) {
		if err := c.place(b.Now); err != nil {
			return err
		}
	}
	for i := range c.places {
		p := &c.places[i]
		f, ok := statfs(rooted(c.Root, p.point), p.point)
		if !ok {
			continue
		}
		short := freeShare(f) < scarceRoom
		began := short && !p.scarce
		p.scarce = short
		if !c.Bare && !p.due(b.Now, f, began) {
			continue
		}
		f.Holds = p.holds
		if every := p.lookEvery(); !c.Bare && (began || p.takesAt.IsZero() || b.Now.Sub(p.takesAt) >= every) {
			f.Takes, p.takesAt = c.takes(ctx, p), b.Now
		}
		p.last, p.toldAt = f, b.Now
		b.Emit(f)
	}
	return nil
}

// place works out which file systems are of interest, and what is on each.
func (c *Filesystems) place(now time.Time) error {
	text, err := c.raw.read(rooted(c.Root, "/proc/self/mountinfo"))
	if err != nil {
		return notHere(fmt.Errorf("read the mounts: %w", err), "no-proc", "is /proc mounted?")
	}
	mounts := parseMounts(text)
	old := c.places
	c.places, c.placedAt = nil, now
	for _, h := range c.paths() {
		if !slices.Contains(c.known, h) && len(c.known) < maxHoldings {
			c.known = append(c.known, h)
		}
	}
	for _, h := range c.known {
		m, ok := mountOf(mounts, h.path)
		if !ok {
			continue
		}
		i := slices.IndexFunc(c.places, func(p place) bool { return p.device == m.device })
		if i < 0 {
			p := place{mount: m}
			if j := slices.IndexFunc(old, func(p place) bool { return p.device == m.device && p.point == m.point }); j >= 0 {
				p.last, p.toldAt, p.takesAt, p.scarce = old[j].last, old[j].toldAt, old[j].takesAt, old[j].scarce
			}
			i, c.places = len(c.places), append(c.places, p)
		}
		p := &c.places[i]
		if !slices.Contains(p.holds, h.what) {
			p.holds = append(p.holds, h.what)
		}
		if !slices.Contains(p.dirs, h) {
			p.dirs = append(p.dirs, h)
		}
	}
	return nil
}

// due reports whether a file system is worth a fact now.
func (p *place) due(now time.Time, f evidence.Filesystem, began bool) bool {
	since := now.Sub(p.toldAt)
	switch {
	case p.toldAt.IsZero() || began || since >= roomEvery || since < 0:
		return true
	case p.scarce && since >= scarceTold:
		return true
	}
	moved := freeShare(p.last) - freeShare(f)
	return moved >= roomMoved || moved <= -roomMoved || p.scarce && (f.FreeKB == 0) != (p.last.FreeKB == 0)
}

func (p *place) lookEvery() time.Duration {
	if p.scarce {
		return takesEveryScarce
	}
	return takesEvery
}

// freeShare is the share of a file system that is free, of space or of inodes,
// whichever is less.
func freeShare(f evidence.Filesystem) float64 {
	share := float64(f.FreeKB) / float64(max(f.SizeKB, 1))
	if f.Inodes > 0 {
		share = min(share, float64(f.InodesFree)/float64(f.Inodes))
	}
	return share
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
func (c *Filesystems) paths() []holding {
	out := []holding{{holdsRoot, "/"}, {holdsTmp, "/tmp"}, {holdsLogs, "/var/log"}}
	var f *discover.Found
	if c.Found != nil {
		f = c.Found()
	}
	if f == nil {
		return out
	}
	add := func(what string, paths ...string) {
		for _, p := range paths {
			if path.IsAbs(p) {
				out = append(out, holding{what, p})
			}
		}
	}
	for _, d := range f.Databases {
		add(holdsDatabase, d.DataDir)
		add(holdsDatabaseTmp, d.TmpDir)
		add(holdsLogs, d.ErrorLog, d.SlowLog)
	}
	for _, w := range f.WebServers {
		for _, l := range w.AccessLogs {
			add(holdsLogs, l.Path)
		}
		add(holdsLogs, w.ErrorLogs...)
	}
	for _, p := range f.Pools {
		add(holdsLogs, p.ErrorLog, p.PHPErrorLog)
		add(holdsSessions, p.SessionDir)
		add(holdsTmp, p.UploadDir)
	}
	for _, r := range f.Roots {
		add(holdsSite, r.Dir)
	}
	return out
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
