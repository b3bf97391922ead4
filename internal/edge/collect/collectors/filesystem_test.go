package collectors

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// siteTree is a host with what fills disks, below a directory.
func siteTree(t *testing.T) (*Filesystems, string) {
	t.Helper()
	root := t.TempDir()
	big := strings.Repeat("x", 3<<20)
	tree := fakeTree{
		"proc/self/mountinfo": "22 1 254:0 / / rw - ext4 /dev/vda rw\n",
		"db/binlog.000001":    big, "db/binlog.000002": big, "db/ibdata1": big, "db/shop/wp_posts.ibd": big + big, "db/shop/wp_hits#P#p0.ibd": big, "db/shop/wp_hits#P#p1.ibd": big,
		"logs/access.log": big, "logs/access.log.1": big, "logs/access.log.2.gz": big, "logs/error.log": "x", "tmp/dump.sql": big,
		"www/wp-content/uploads/2026/05/a.jpg": big, "www/wp-content/backups/all.zip": big + big + big, "www/index.php": "x", "www/wp-includes/x.php": "x",
	}
	for i := range 300 {
		tree[fmt.Sprintf("sessions/sess_%d", i)] = "user|i:1;"
	}
	tree.write(t, root)
	found := &discover.Found{
		Databases:  []discover.Database{{DataDir: "/db", TmpDir: "/tmp"}},
		WebServers: []discover.WebServer{{AccessLogs: []discover.AccessLog{{Path: "/logs/access.log"}}}},
		Pools:      []discover.Pool{{SessionDir: "/sessions"}},
		Roots:      []discover.Root{{Dir: "/www"}},
	}
	return &Filesystems{Root: root, Found: func() *discover.Found { return found }}, root
}

func filesystemsOf(t *testing.T, c *Filesystems, at time.Time) []evidence.Filesystem {
	t.Helper()
	var out []evidence.Filesystem
	for _, f := range mustProcBeat(t, c, at) {
		out = append(out, f.(evidence.Filesystem))
	}
	return out
}

func TestWhatTakesTheRoom(t *testing.T) {
	c, _ := siteTree(t)
	got := filesystemsOf(t, c, procStart)
	if len(got) != 1 || !slices.Equal(got[0].Holds, []string{holdsRoot, holdsTmp, holdsLogs, holdsDatabase, holdsDatabaseTmp, holdsSessions, holdsSite}) {
		t.Fatalf("got %+v", got)
	}
	kb := map[string]int64{}
	var sessions evidence.Taken
	for _, n := range got[0].Takes {
		kb[n.What+" "+n.Path] = n.KB
		if n.What == evidence.TakenSessions {
			sessions = n
		}
	}
	want := map[string]int64{"site /www/wp-content/backups": 9 << 10, "log /logs/access.log": 9 << 10, "binlog /db": 6 << 10, "table wp_posts": 6 << 10, "table wp_hits": 6 << 10}
	for name, least := range want {
		if kb[name] < least || kb[name] > least+64 {
			t.Errorf("%s: got %d KB, want about %d of %v", name, kb[name], least, got[0].Takes)
		}
	}
	if sessions.Files != 300 || sessions.Path != "/sessions" || sessions.More {
		t.Errorf("got sessions %+v", sessions)
	}
}

// A file system with room is told once a minute, and at once when its room moves.
func TestRoomIsToldWhenItMoves(t *testing.T) {
	c, _ := siteTree(t)
	if n := len(filesystemsOf(t, c, procStart)); n != 1 {
		t.Fatalf("at the start: got %d facts", n)
	}
	if n := len(filesystemsOf(t, c, procStart.Add(5*time.Second))); n != 0 {
		t.Errorf("after 5 s: got %d facts, want none", n)
	}
	c.places[0].last.FreeKB += c.places[0].last.SizeKB / 20
	if n := len(filesystemsOf(t, c, procStart.Add(10*time.Second))); n != 1 {
		t.Errorf("it lost a twentieth: got %d facts", n)
	}
	got := filesystemsOf(t, c, procStart.Add(70*time.Second))
	if len(got) != 1 || got[0].Takes != nil {
		t.Errorf("after a minute: got %+v, want one without a look at what takes it", got)
	}
	c.Bare = true
	if n := len(filesystemsOf(t, c, procStart.Add(71*time.Second))); n != 1 {
		t.Errorf("bare: got %d facts", n)
	}
}

// The real thing: a small file system that fills up, in the files of a session
// directory and then in a file that is deleted while it is open.
func TestSmallFilesystemThatFillsUp(t *testing.T) {
	at := t.TempDir()
	if err := unix.Mount("hirune-test", at, "tmpfs", 0, "size=8M,nr_inodes=200"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	defer func() { _ = unix.Unmount(at, unix.MNT_DETACH) }()
	found := &discover.Found{Pools: []discover.Pool{{SessionDir: at}}}
	c := &Filesystems{Found: func() *discover.Found { return found }}
	look := func(after time.Duration) evidence.Filesystem {
		for _, f := range filesystemsOf(t, c, procStart.Add(after)) {
			if f.Mount == at {
				return f
			}
		}
		return evidence.Filesystem{}
	}
	if f := look(0); f.SizeKB != 8<<10 || f.Inodes != 200 || !slices.Equal(f.Holds, []string{holdsSessions}) {
		t.Fatalf("empty: got %+v", f)
	}
	for i := range 199 {
		if err := os.WriteFile(filepath.Join(at, fmt.Sprint("sess_", i)), []byte("x"), 0o600); err != nil {
			break
		}
	}
	if f := look(5 * time.Second); f.InodesFree != 0 || len(f.Takes) != 1 || f.Takes[0].What != evidence.TakenSessions || f.Takes[0].Files < 190 {
		t.Fatalf("no inodes: got %+v", f)
	}
	for i := range 50 {
		_ = os.Remove(filepath.Join(at, fmt.Sprint("sess_", i)))
	}
	look(20 * time.Second)
	file, err := os.Create(filepath.Join(at, "gone"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, full := file.Write(make([]byte, 9<<20))
	if full == nil {
		t.Fatal("the small file system holds more than its size")
	}
	if err := os.Remove(file.Name()); err != nil {
		t.Fatal(err)
	}
	f := look(25 * time.Second)
	if f.FreeKB != 0 || !slices.ContainsFunc(f.Takes, func(n evidence.Taken) bool { return n.What == evidence.TakenDeleted && n.KB > 6<<10 }) {
		t.Errorf("full: got %+v", f)
	}
}

func BenchmarkFilesystems(b *testing.B) {
	c := &Filesystems{}
	now := time.Now()
	start := cpuTime()
	for b.Loop() {
		now = now.Add(5 * time.Second)
		if err := c.Collect(b.Context(), collect.NewBeat(now, c.Name(), func(evidence.Record) {})); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-start)/1e6/float64(b.N), "cpu-ms/op")
}
