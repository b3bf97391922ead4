package tail

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// restarted follows the same path from a mark that was kept as JSON.
func restarted(l *log) *log {
	l.t.Helper()
	m, ok := l.tail.Mark()
	if !ok {
		l.t.Fatal("nothing was read, and there is no mark")
	}
	kept, err := json.Marshal(m)
	if err != nil {
		l.t.Fatal(err)
	}
	_ = l.tail.Close()
	var back Mark
	if err := json.Unmarshal(kept, &back); err != nil {
		l.t.Fatal(err)
	}
	again := &log{t: l.t, path: l.path, tail: Resume(l.path, back)}
	l.t.Cleanup(func() { _ = again.tail.Close() })
	return again
}

// stopped has read two lines and half of a third, and is not running.
func stopped(t *testing.T) *log {
	l := newLog(t, "old\n")
	l.write("one 111111111111111111111111111111\ntwo 22222222222222222222222222\nthr")
	l.want("one 111111111111111111111111111111", "two 22222222222222222222222222")
	return l
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestResumeInTheSameFile(t *testing.T) {
	l := stopped(t)
	l.write("ee\nfour\n")
	if r := restarted(l).want("three", "four"); r.Lost {
		t.Error("nothing was lost")
	}
}

func TestResumeAfterARename(t *testing.T) {
	l := stopped(t)
	l.write("ee\n")
	move(t, l.path, l.path+".1")
	l.write("four\n")
	if r := restarted(l).want("three", "four"); r.Lost {
		t.Error("nothing was lost")
	}
}

func TestResumeAfterCopyAndTruncate(t *testing.T) {
	l := stopped(t)
	l.write("ee\n")
	b, err := os.ReadFile(l.path)
	if err == nil {
		err = os.WriteFile(l.path+".1", b, 0o644)
	}
	if err == nil {
		err = os.Truncate(l.path, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	l.write("four\n" + strings.Repeat("five\n", 40)) // longer than it was
	restarted(l).want(append([]string{"three", "four"}, strings.Split(strings.TrimSpace(strings.Repeat("five\n", 40)), "\n")...)...)
}

func TestResumeWhereTheOldFileIsGone(t *testing.T) {
	l := stopped(t)
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	l.write("four\n")
	again := restarted(l)
	if _, err := again.tail.Open(); err != nil {
		t.Fatal(err)
	}
	if r := again.want("four"); !r.Lost {
		t.Error("lines were lost, and it does not say so")
	}
	if r := again.want(); r.Lost {
		t.Error("it says so twice")
	}
}

// A link beside the log may lead anywhere: it is not read.
func TestResumeFollowsNoLinks(t *testing.T) {
	l := stopped(t)
	l.write("ee\n")
	move(t, l.path, l.path+"-elsewhere")
	dir := t.TempDir()
	move(t, l.path+"-elsewhere", dir+"/secret")
	if err := os.Symlink(dir+"/secret", l.path+".1"); err != nil {
		t.Fatal(err)
	}
	l.write("four\n")
	if r := restarted(l).want("four"); !r.Lost {
		t.Error("the link was followed")
	}
}

func TestMarkOfUnreadOldFile(t *testing.T) {
	l := newLog(t, "")
	l.write(strings.Repeat("0123456789abcde\n", 1<<15)) // more than is read at once
	if _, err := l.tail.Read(1, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	move(t, l.path, l.path+".1")
	l.write("new\n")
	n := 0
	if _, err := l.tail.Read(1, func([]byte) { n++ }); err != nil {
		t.Fatal(err)
	}
	again, lines := restarted(l), []string(nil)
	for range 20 {
		if _, err := again.tail.Read(4<<20, func(b []byte) { lines = append(lines, string(b)) }); err != nil {
			t.Fatal(err)
		}
	}
	if len(lines) == 0 || lines[len(lines)-1] != "new" || len(lines) < 1<<13 || lines[0] != "0123456789abcde" {
		t.Errorf("got %d lines, the first %q", len(lines), lines[:min(1, len(lines))])
	}
}
