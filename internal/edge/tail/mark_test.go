package tail

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// kept is the mark of a log as it comes back from a file.
func kept(t *testing.T, l *log) Mark {
	t.Helper()
	m, ok := l.tail.Mark()
	if !ok {
		t.Fatal("there is no mark")
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Mark
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func in(t *testing.T, m Mark, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return m.In(f)
}

func TestAMarkIsFoundAgain(t *testing.T) {
	l := newLog(t, "")
	l.write(strings.Repeat("0123456789\n", 300) + "half")
	if _, err := l.tail.Read(1<<20, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	m := kept(t, l)
	if m.Offset != 3300 || m.Middle || m.Length() != markBytes {
		t.Fatalf("got %+v", m)
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(text), "0123456789\nhalf", "0123456780\nhalf", 1)
	for name, c := range map[string]struct {
		text string
		want bool
	}{"copy": {string(text), true}, "copy that went on": {string(text) + "more\n", true}, "shorter": {string(text[:3200]), false}, "other": {other, false}} {
		path := l.path + ".1"
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := in(t, m, path); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if !m.Fits(text[:3300]) || m.Fits(text[2300:3299]) || m.Fits(nil) {
		t.Error("the bytes before the mark are not told from others")
	}
}

// An empty file has no bytes to know it by.
func TestAMarkOfAnEmptyFile(t *testing.T) {
	l := newLog(t, "")
	m := kept(t, l)
	if !in(t, m, l.path) {
		t.Error("the same file is not known again")
	}
	other := l.path + ".1"
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if in(t, m, other) {
		t.Error("another empty file is taken for it")
	}
}

func TestNoMarkBeforeItWasOpened(t *testing.T) {
	if _, ok := New("/nonexistent").Mark(); ok {
		t.Error("got a mark of nothing")
	}
}

// TestAMarkOfARotatedFile is taken where old workers still write to the old file.
func TestAMarkOfARotatedFile(t *testing.T) {
	l := newLog(t, "")
	l.write(strings.Repeat("0123456789abcde\n", 1<<15)) // more than is read at once
	if _, err := l.tail.Read(1, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		t.Fatal(err)
	}
	l.write("new\n")
	if _, err := l.tail.Read(1, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	if m := kept(t, l); m.Offset == 0 || !in(t, m, l.path+".1") {
		t.Errorf("got %+v, want a place in the rotated file", m)
	}
}

func TestNoMarkOfAFileThatWasTruncated(t *testing.T) {
	l := newLog(t, "one\ntwo\n")
	if err := os.Truncate(l.path, 0); err != nil {
		t.Fatal(err)
	}
	if m, ok := l.tail.Mark(); ok {
		t.Errorf("got %+v", m)
	}
}
