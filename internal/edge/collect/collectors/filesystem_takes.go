package collectors

import (
	"context"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
)

const (
	takesEntries = 30_000                 // files and directories in one look
	takesTime    = 700 * time.Millisecond // of one look; on a cold disk it sees less
	takesDepth   = 8                      // directories below each other
	takesSampled = 2_000                  // session files whose size is read; the others are counted
	takesLargest = 5                      // are told, and the two with most files
	takesLeastKB = 1 << 10                // less fills no disk
)

// takesLook adds up what the known suspects take of one file system. It looks at
// names and sizes only, and gives up early rather than disturb.
type takesLook struct {
	ctx    context.Context
	dev    uint64
	until  time.Time
	left   int
	short  bool // it gave up
	sums   map[takesKey]*evidence.Taken
	looked map[string]bool
}

type takesKey struct{ what, path string }

// takes looks at what lies on a file system, and returns the largest of it.
func (c *Filesystems) takes(ctx context.Context, p *place) []evidence.Taken {
	var st unix.Stat_t
	if err := unix.Stat(rooted(c.Root, p.point), &st); err != nil {
		return nil
	}
	l := &takesLook{ctx: ctx, dev: st.Dev, until: time.Now().Add(takesTime), left: takesEntries, sums: map[takesKey]*evidence.Taken{}, looked: map[string]bool{}}
	// What is most often to blame, and cheap to see, first; the site's own files last.
	for _, what := range []string{holdsDatabase, holdsDatabaseTmp, holdsLogs, holdsTmp, holdsSessions, holdsSite} {
		for _, h := range p.dirs {
			if h.what == what && !l.looked[what+h.path] {
				l.looked[what+h.path] = true
				l.holding(h, rooted(c.Root, h.path))
			}
		}
	}
	if p.scarce {
		l.deleted(rooted(c.Root, "/proc"), p)
	}
	return l.largest()
}

func (l *takesLook) holding(h holding, at string) {
	switch h.what {
	case holdsDatabase:
		l.database(at, h.path)
	case holdsLogs:
		l.logs(at, h.path)
	case holdsSessions:
		if h.path != "/tmp" { // there they lie among others
			l.sessions(at, h.path)
		}
	case holdsSite:
		l.tree(at, h.path, evidence.TakenSite, 2)
	default:
		l.tree(at, h.path, evidence.TakenTmp, 1)
	}
}

// spent reports whether the look has to end.
func (l *takesLook) spent() bool {
	if l.left--; l.left <= 0 || l.left%64 == 0 && (time.Now().After(l.until) || l.ctx.Err() != nil) {
		l.short, l.left = true, 0
	}
	return l.short
}

func (l *takesLook) add(what, name string, kb, files int64) {
	k := takesKey{what, name}
	t := l.sums[k]
	if t == nil {
		t = &evidence.Taken{What: what, Path: name}
		l.sums[k] = t
	}
	t.KB, t.Files = t.KB+kb, t.Files+files
}

// onIt returns what a path takes, if it lies on the file system that is looked at.
func (l *takesLook) onIt(at string) (st unix.Stat_t, ok bool) {
	err := unix.Lstat(at, &st)
	return st, err == nil && st.Dev == l.dev
}

func kbOf(st unix.Stat_t) int64 { return st.Blocks / 2 } // blocks of 512 bytes

// names lists a directory without sorting it, in pieces: one with a million
// files must not take the memory of the recorder.
func (l *takesLook) names(at string, each func(name string) bool) {
	d, err := os.OpenFile(at, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(512)
		for _, n := range names {
			if !each(n) {
				return
			}
		}
		if err != nil || len(names) == 0 {
			return
		}
	}
}

// tree adds up a directory by its first levels of directories.
func (l *takesLook) tree(at, shown, what string, levels int) {
	st, ok := l.onIt(at)
	if !ok || l.spent() {
		return
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		l.add(what, shown, kbOf(st), 1)
		return
	}
	l.below(at, shown, "", what, levels, takesDepth)
}

// below adds the entries of one directory to the directory shown above them.
func (l *takesLook) below(at, shown, rel, what string, levels, depth int) {
	l.names(at, func(name string) bool {
		if l.spent() {
			return false
		}
		st, ok := l.onIt(at + "/" + name)
		if !ok {
			return true
		}
		key := rel
		if strings.Count(rel, "/") < levels {
			key = rel + "/" + name
		}
		isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		if !isDir && rel == "" && st.Size < takesLeastKB<<10 {
			key = "" // small files of the top count for it
		}
		l.add(what, strings.TrimSuffix(shown, "/")+key, kbOf(st), 1)
		if isDir && depth > 0 {
			l.below(at+"/"+name, shown, key, what, levels, depth-1)
		}
		return true
	})
}

// sessions counts session files, and takes the size of the first for that of all.
func (l *takesLook) sessions(at, shown string) {
	if _, ok := l.onIt(at); !ok {
		return
	}
	var files, sized, kb int64
	l.names(at, func(name string) bool {
		if files++; sized < takesSampled {
			if st, ok := l.onIt(at + "/" + name); ok {
				sized, kb = sized+1, kb+kbOf(st)
			}
		}
		// A name alone costs little: many more of them can be counted.
		return files%8 != 0 || !l.spent()
	})
	l.add(evidence.TakenSessions, shown, kb*files/max(sized, 1), files)
	l.sums[takesKey{evidence.TakenSessions, shown}].More = l.short
}

// rotated is what a log's name ends in once it is no longer written.
var rotated = regexp.MustCompile(`([.-][0-9]+|\.old|\.gz|\.xz|\.bz2|\.zst)+$`)

// logs adds up a log with its rotated ones, or all logs of a directory.
func (l *takesLook) logs(at, shown string) {
	dir, shownDir := at, shown
	if st, ok := l.onIt(at); !ok {
		return
	} else if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		dir, shownDir = path.Dir(at), path.Dir(shown)
	}
	if l.looked["logs in "+shownDir] {
		return
	}
	l.looked["logs in "+shownDir] = true
	l.logsIn(dir, shownDir, 2)
}

func (l *takesLook) logsIn(dir, shown string, depth int) {
	l.names(dir, func(name string) bool {
		st, ok := l.onIt(dir + "/" + name)
		switch {
		case l.spent():
			return false
		case !ok:
		case st.Mode&unix.S_IFMT == unix.S_IFREG:
			l.add(evidence.TakenLog, shown+"/"+rotated.ReplaceAllString(name, ""), kbOf(st), 1)
		case st.Mode&unix.S_IFMT == unix.S_IFDIR && depth > 0 && !l.looked["logs in "+shown+"/"+name]:
			l.looked["logs in "+shown+"/"+name] = true
			l.logsIn(dir+"/"+name, shown+"/"+name, depth-1)
		}
		return true
	})
}

// binlog is a binary log: "binlog.000123", "mysql-bin.000001".
var binlog = regexp.MustCompile(`\.[0-9]{6,}$`)

// databaseFile is one of the server's own: tablespaces, redo and undo, Aria's log.
var databaseFile = regexp.MustCompile(`^(ib|undo|aria_log|#|binlog\.|relay|mysql\.ibd|tc\.log|ddl_recovery|multi-master|auto\.cnf)|\.(index|pem|pid|flag|info|state)$`)

// database adds up the data directory: binary logs, each table, and the rest.
func (l *takesLook) database(at, shown string) {
	if _, ok := l.onIt(at); !ok {
		return
	}
	l.names(at, func(name string) bool {
		if l.spent() {
			return false
		}
		st, ok := l.onIt(at + "/" + name)
		isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		switch {
		case !ok:
		case isDir && !strings.HasPrefix(name, "#"):
			l.tables(at+"/"+name, shown+"/"+name)
		case isDir:
			l.below(at+"/"+name, shown, "/"+name, evidence.TakenDatabase, 0, 1)
		case binlog.MatchString(name):
			l.add(evidence.TakenBinlog, shown, kbOf(st), 1)
		case strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".err"):
			l.add(evidence.TakenLog, shown+"/"+name, kbOf(st), 1)
		case databaseFile.MatchString(name):
			l.add(evidence.TakenDatabase, shown+"/"+name, kbOf(st), 1)
		default:
			l.add(evidence.TakenOther, shown+"/"+name, kbOf(st), 1)
		}
		return true
	})
}

// tableFiles are what the files of tables end in. Source: the engines of MariaDB
// and MySQL.
var tableFiles = []string{".ibd", ".frm", ".MYD", ".MYI", ".MAD", ".MAI", ".par", ".ARZ", ".ARM", ".CSV", ".CSM", ".TRG", ".TRN", ".opt", ".sdi"}

// tables adds up the files of one schema by table; a partition counts for its
// table. What is none of the database's is told as that.
func (l *takesLook) tables(at, shown string) {
	l.names(at, func(name string) bool {
		if l.spent() {
			return false
		}
		st, ok := l.onIt(at + "/" + name)
		switch {
		case !ok:
		case slices.Contains(tableFiles, path.Ext(name)):
			table, _, _ := strings.Cut(name, "#")
			l.add(evidence.TakenTable, strings.TrimSuffix(table, path.Ext(table)), kbOf(st), 1)
		default:
			l.add(evidence.TakenOther, shown+"/"+name, kbOf(st), 1)
		}
		return true
	})
}

// deleted adds up files that are deleted and still open: they take room that no
// listing of a directory shows. A database deletes its temporary files at once.
func (l *takesLook) deleted(proc string, p *place) {
	l.left, l.short = takesEntries, false
	seen := map[uint64]bool{}
	l.names(proc, func(pid string) bool {
		if pid[0] < '1' || pid[0] > '9' {
			return true
		}
		comm, _ := os.ReadFile(proc + "/" + pid + "/comm")
		l.names(proc+"/"+pid+"/fd", func(fd string) bool {
			if l.spent() {
				return false
			}
			name := proc + "/" + pid + "/fd/" + fd
			to, err := os.Readlink(name)
			if err != nil || !strings.HasSuffix(to, " (deleted)") {
				return true
			}
			var st unix.Stat_t
			if unix.Stat(name, &st) != nil || st.Dev != l.dev || seen[st.Ino] || st.Mode&unix.S_IFMT != unix.S_IFREG {
				return true
			}
			seen[st.Ino] = true
			what, who := evidence.TakenDeleted, strings.TrimSpace(string(comm))
			if i := slices.IndexFunc(p.dirs, func(h holding) bool { return h.what == holdsDatabaseTmp && strings.HasPrefix(to, h.path+"/") }); i >= 0 {
				what, who = evidence.TakenTmp, p.dirs[i].path
			}
			l.add(what, who, kbOf(st), 1)
			return true
		})
		return !l.short
	})
}

// largest returns the largest sums, and of what holds many files those with most.
func (l *takesLook) largest() []evidence.Taken {
	all := make([]evidence.Taken, 0, len(l.sums))
	for _, t := range l.sums {
		// Sessions are told however few they are: it is their growth that says most.
		if t.KB >= takesLeastKB || t.Files >= 100 || t.What == evidence.TakenSessions {
			t.More = t.More || l.short && (t.What == evidence.TakenSite || t.What == evidence.TakenTmp)
			all = append(all, *t)
		}
	}
	order := func(size func(evidence.Taken) int64) func(a, b evidence.Taken) int {
		return func(a, b evidence.Taken) int {
			if d := size(b) - size(a); d != 0 {
				return sign(d)
			}
			return strings.Compare(a.What+a.Path, b.What+b.Path)
		}
	}
	slices.SortFunc(all, order(func(t evidence.Taken) int64 { return t.KB }))
	out := slices.Clone(all[:min(len(all), takesLargest)])
	slices.SortFunc(all, order(func(t evidence.Taken) int64 { return t.Files }))
	for _, t := range all[:min(len(all), 2)] {
		if !slices.Contains(out, t) && t.Files >= 100 {
			out = append(out, t)
		}
	}
	for _, t := range all {
		if t.What == evidence.TakenSessions && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
