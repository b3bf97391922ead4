package accesslog

import (
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/edge/tail"
)

// gapLines are numbered lines from..to of some 60 bytes.
func gapLines(from, to int) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("line %08d of a log, with the usual name of a browser", i))
	}
	return out
}

func asText(lines []string) string { return strings.Join(lines, "\n") + "\n" }

func pack(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	_, err = z.Write(text)
	if err := errors.Join(err, z.Close(), f.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// copyTruncate is what logrotate does with copytruncate.
func copyTruncate(t *testing.T, path, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, text, time.Now())
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
}

func addTo(t *testing.T, path string, lines []string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(asText(lines))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAGapIsReadOnce stops after line 100, lets the log go on in many ways, and
// expects the lines from 101 on, each once, in steps of any size.
func TestAGapIsReadOnce(t *testing.T) {
	cases := map[string]struct {
		meanwhile func(t *testing.T, path string)
		last      int
		lost      bool
	}{
		"nothing": {func(*testing.T, string) {}, 100, false},
		"the same file": {func(t *testing.T, p string) {
			addTo(t, p, gapLines(101, 150))
		}, 150, false},
		"renamed": {func(t *testing.T, p string) {
			addTo(t, p, gapLines(101, 150))
			rename(t, p, p+".1")
			addTo(t, p, gapLines(151, 170))
		}, 170, false},
		"renamed, nothing after": {func(t *testing.T, p string) {
			rename(t, p, p+".1")
			put(t, p, nil, time.Now())
		}, 100, false},
		"copied and truncated": {func(t *testing.T, p string) {
			addTo(t, p, gapLines(101, 150))
			copyTruncate(t, p, p+".1")
			addTo(t, p, gapLines(151, 400)) // longer than it was
		}, 400, false},
		"packed": {func(t *testing.T, p string) {
			addTo(t, p, gapLines(101, 150))
			copyTruncate(t, p, p+".1")
			pack(t, p+".1")
			addTo(t, p, gapLines(151, 170))
		}, 170, false},
		"rotated three times": {func(t *testing.T, p string) {
			addTo(t, p, gapLines(101, 150))
			rename(t, p, p+".3")
			pack(t, p+".3")
			addTo(t, p+".2", gapLines(151, 160))
			pack(t, p+".2")
			addTo(t, p+".1", gapLines(161, 165))
			addTo(t, p, gapLines(166, 170))
		}, 170, false},
		"being packed": {func(t *testing.T, p string) {
			addTo(t, p, gapLines(101, 150))
			put(t, p+".1", nil, time.Now())
			copyTruncate(t, p, p+".1")
			put(t, p+".1.gz", []byte("\x1f\x8b\x08\x00"), time.Now())
			addTo(t, p, gapLines(151, 170))
		}, 170, false},
		"gone": {func(t *testing.T, p string) {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
			addTo(t, p, gapLines(151, 400))
		}, 0, true},
		"a link": {func(t *testing.T, p string) {
			secret := filepath.Join(t.TempDir(), "secret")
			rename(t, p, secret)
			if err := os.Symlink(secret, p+".1"); err != nil {
				t.Fatal(err)
			}
			addTo(t, p, gapLines(151, 400))
		}, 0, true},
	}
	for name, c := range cases {
		for _, step := range []int64{1, 300, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d bytes a step", name, step), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "access.log")
				addTo(t, path, gapLines(1, 100))
				mark := markOf(t, path)
				c.meanwhile(t, path)
				got, err := gapOf(t, path, mark, step)
				if c.lost != errors.Is(err, ErrMarkLost) || !c.lost && err != nil {
					t.Fatalf("got %v", err)
				}
				if want := gapLines(101, c.last); !slices.Equal(got, want) {
					t.Errorf("got %d lines, from %.20q; want %d", len(got), first(got), len(want))
				}
			})
		}
	}
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

func markOf(t *testing.T, path string) tail.Mark {
	t.Helper()
	follower := tail.New(path)
	defer follower.Close()
	if _, err := follower.Open(); err != nil {
		t.Fatal(err)
	}
	m, ok := follower.Mark()
	if !ok {
		t.Fatal("there is no mark")
	}
	return m
}

func gapOf(t *testing.T, path string, m tail.Mark, step int64) ([]string, error) {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	g := NewGap(path, m, fi.Size())
	defer g.Close()
	var got []string
	for range 100_000 {
		done, err := g.Step(t.Context(), step, func(line []byte) { got = append(got, string(line)) })
		if done {
			return got, err
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it does not come to an end")
	return nil, nil
}

// TestAGapThatIsLeftOpen lets its files go.
func TestAGapThatIsLeftOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	addTo(t, path, gapLines(1, 100))
	m := markOf(t, path)
	addTo(t, path, gapLines(101, 200))
	before := openFiles(t)
	g := NewGap(path, m, 1<<20)
	if _, err := g.Step(t.Context(), 1, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	if openFiles(t) != before+1 {
		t.Fatal("no file is held open")
	}
	g.Close()
	if openFiles(t) != before {
		t.Error("a file stays open")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(all)
}
