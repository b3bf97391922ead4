package tail

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

type log struct {
	t    *testing.T
	path string
	tail *Tailer
}

func newLog(t *testing.T, content string) *log {
	l := &log{t: t, path: filepath.Join(t.TempDir(), "access.log")}
	l.write(content)
	l.tail = New(l.path)
	t.Cleanup(func() { _ = l.tail.Close() })
	l.want()
	return l
}

func (l *log) write(s string) {
	l.t.Helper()
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(s); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) want(lines ...string) Result {
	l.t.Helper()
	var got []string
	r, err := l.tail.Read(4<<20, func(b []byte) { got = append(got, string(b)) })
	if err != nil {
		l.t.Fatal(err)
	}
	if !slices.Equal(got, lines) {
		l.t.Fatalf("got %.60q, want %.60q", got, lines)
	}
	return r
}

func TestStartsAtTheEndAndWaitsForTheNewline(t *testing.T) {
	l := newLog(t, "old\nhalf")
	l.write(" done\nnew\r\npart")
	l.want("half done", "new")
	l.want()
	l.write("ial\n")
	l.want("partial")
}

func TestRotationReadsTheOldFileFirst(t *testing.T) {
	l := newLog(t, "old\n")
	old, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	fmt.Fprint(old, "last of old\n")
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		t.Fatal(err)
	}
	l.write("first of new\n")
	if r := l.want("last of old", "first of new"); !r.Rotated {
		t.Error("the rotation was not reported")
	}
	fmt.Fprint(old, "from an old worker\n")
	l.want("from an old worker")
	fmt.Fprint(old, "unfinished")
	for range oldPatient - 1 {
		l.want()
	}
	l.want("unfinished")
}

func TestTruncation(t *testing.T) {
	for name, after := range map[string]string{"shorter": "a\n", "longer than before": strings.Repeat("b", 40) + "\n"} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t, "0123456789 the old content\n")
			if err := os.Truncate(l.path, 0); err != nil {
				t.Fatal(err)
			}
			l.write(after)
			if r := l.want(strings.TrimSpace(after)); !r.Truncated {
				t.Error("the truncation was not reported")
			}
		})
	}
}

func TestDeletedThenCreated(t *testing.T) {
	l := newLog(t, "old\n")
	held, _ := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	defer held.Close()
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(held, "into the deleted file\n")
	l.want("into the deleted file")
	l.write("into the new file\n")
	l.want("into the new file")
}

func TestMissingAtFirst(t *testing.T) {
	l := &log{t: t, path: filepath.Join(t.TempDir(), "later.log")}
	l.tail = New(l.path)
	defer l.tail.Close()
	_, err := l.tail.Read(1<<20, func([]byte) { t.Error("a line from nowhere") })
	if !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != "log-missing" || hint.Of(err) == "" {
		t.Fatalf("got %v (code %q)", err, hint.CodeOf(err))
	}
	l.write("all of it counts\n")
	l.want("all of it counts")
}

func TestNotReadable(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{fifo: "log-not-a-file", dir: "log-not-a-file"} {
		if _, err := New(path).Read(1, nil); !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != code {
			t.Errorf("%s: got %v (code %q), want %s", path, err, hint.CodeOf(err), code)
		}
	}
	// root may read anything, so the refusal itself is checked on its wording
	err := absent("/var/log/x.log", os.ErrPermission)
	if !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != "log-unreadable" || !strings.Contains(hint.Of(err), "/var/log/x.log") {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
}

func TestHugeAndBinaryLines(t *testing.T) {
	l := newLog(t, "")
	l.write(strings.Repeat("x", 1<<20) + "\nafter\n\x00\xff\x1b[31m\n")
	l.want(strings.Repeat("x", MaxLine), "after", "\x00\xff\x1b[31m")
	l.write(strings.Repeat("y", MaxLine+10))
	l.want(strings.Repeat("y", MaxLine))
	l.write("rest of it\nnext\n")
	l.want("next")
}

func TestLagIsReportedAndCaughtUp(t *testing.T) {
	l := newLog(t, "")
	l.write(strings.Repeat("0123456789abcde\n", 1<<16)) // 1 MiB
	var lines int64
	r, err := l.tail.Read(chunk, func([]byte) { lines++ })
	if err != nil || r.Lag == 0 || r.Bytes > 2*chunk {
		t.Fatalf("got %+v, %v; want a lag after about %d bytes", r, err, chunk)
	}
	for i := 0; r.Lag > 0 && i < 100; i++ {
		if r, err = l.tail.Read(chunk, func([]byte) { lines++ }); err != nil {
			t.Fatal(err)
		}
	}
	if lines != 1<<16 {
		t.Fatalf("got %d lines, want %d", lines, 1<<16)
	}
}

func TestBefore(t *testing.T) {
	l := newLog(t, "one\ntwo\nthree\n")
	for max, want := range map[int64][]string{100: {"one", "two", "three"}, 9: {"three"}} {
		var got []string
		if err := l.tail.Before(max, func(b []byte) { got = append(got, string(b)) }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("last %d bytes: got %q, want %q", max, got, want)
		}
	}
}

func BenchmarkIdleRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "log")
	if err := os.WriteFile(path, []byte("line\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	t := New(path)
	defer t.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Read(1<<20, func([]byte) {}); err != nil {
			b.Fatal(err)
		}
	}
}
