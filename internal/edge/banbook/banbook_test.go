package banbook

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hirune/internal/core/block"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func ban(s string, length time.Duration) block.Entry {
	return block.Entry{At: now, Event: block.Banned, Ban: &block.Ban{Prefix: netip.MustParsePrefix(s), Layer: block.LayerFirewall, Since: now, Until: now.Add(length),
		Attack: "xmlrpc-brute-force", Why: "4,711 attempts in 10 min", Run: 3, By: block.ByOwner}}
}

func write(t *testing.T, b Book, entries ...block.Entry) {
	t.Helper()
	if err := b.Append(now, entries...); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, b Book) []block.Entry {
	t.Helper()
	entries, _, err := b.Read()
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	b := Book{Dir: filepath.Join(t.TempDir(), "state")}
	if got := read(t, b); len(got) != 0 {
		t.Fatalf("%d entries where there is no book", len(got))
	}
	allow := block.Entry{At: now, Event: block.AllowedIn, Prefix: netip.MustParsePrefix("198.51.100.7/32"), Why: "office"}
	write(t, b, ban("203.0.113.7/32", time.Hour), allow)
	write(t, b, ban("2001:db8::/64", time.Hour))
	got := read(t, b)
	if len(got) != 3 || *got[0].Ban != *ban("203.0.113.7/32", time.Hour).Ban || got[1] != allow {
		t.Errorf("got %+v", got)
	}
	st, err := os.Stat(filepath.Join(b.Dir, Name))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, err %v", st.Mode(), err)
	}
}

func TestUnsoundEntriesAreNotWritten(t *testing.T) {
	b := Book{Dir: t.TempDir()}
	if err := b.Append(now, block.Entry{Event: block.Banned}); err == nil {
		t.Error("a ban of nobody was written")
	}
}

// TestTornAnywhere cuts a book at every byte: what was whole is read, and what is
// written afterwards is not lost.
func TestTornAnywhere(t *testing.T) {
	b := Book{Dir: t.TempDir()}
	write(t, b, ban("203.0.113.7/32", time.Hour), ban("203.0.113.8/32", time.Hour))
	path := filepath.Join(b.Dir, Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		// A line is there when all of it is, its end apart.
		kept := bytes.Count(whole[:n], []byte("\n"))
		if n < len(whole) && whole[n] == '\n' {
			kept++
		}
		if got := read(t, b); len(got) != kept {
			t.Fatalf("cut at %d: %d entries, want %d", n, len(got), kept)
		}
		write(t, b, ban("203.0.113.9/32", time.Hour))
		if got := read(t, b); len(got) != kept+1 {
			t.Fatalf("cut at %d, then written to: %d entries, want %d", n, len(got), kept+1)
		}
	}
}

func TestALongBookIsWrittenAnew(t *testing.T) {
	b := Book{Dir: t.TempDir(), most: 4000}
	path := filepath.Join(b.Dir, Name)
	for i := range 200 {
		write(t, b, ban(fmt.Sprintf("203.0.113.%d/32", i%3), time.Hour))
		if st, err := os.Stat(path); err != nil || st.Size() > 2*b.most {
			t.Fatalf("after %d entries it has %d bytes, err %v", i, st.Size(), err)
		}
	}
	if got := block.Fold(read(t, b), now); len(got.Bans) != 3 {
		t.Errorf("%d bans in force, want 3", len(got.Bans))
	}
	if left, err := filepath.Glob(filepath.Join(b.Dir, "*")); err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v", left)
	}
}

// scribble writes behind the book, past Append.
func scribble(t *testing.T, b Book, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(b.Dir, Name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestWhatCannotBeRead has a book written anew over and over, with a line in it
// that cannot be read.
func TestWhatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		kept       string // "" : it is gone after the book was written anew
	}{
		{"of a newer hirune", `{"event":"pardon","prefix":"203.0.113.7/32"}` + "\n", "pardon"},
		{"torn", `{"at":"2026-06-01T12:00:00Z","event":"torn`, ""},
		{"torn behind a part", `{"at":"2026-06-01T12:00:00Z","event":"ban","ban":{"why":"torn"}`, ""},
		{"torn, and ended since", `{"at":"2026-06-01T12:00:00Z","event":"torn` + "\n", ""},
		{"zeros of a power cut", "torn" + strings.Repeat("\x00", 4096), ""},
		{"too long", `{"event":"torn","why":"` + strings.Repeat("x", lineMost) + `"}` + "\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := Book{Dir: t.TempDir(), most: 4000}
			path := filepath.Join(b.Dir, Name)
			write(t, b, ban("203.0.113.7/32", time.Hour), ban("203.0.113.8/32", time.Hour))
			scribble(t, b, c.text)
			if entries, damaged, err := b.Read(); len(entries) != 2 || damaged != 1 || err != nil {
				t.Fatalf("%d entries, %d lines that could not be read, err %v; want 2 and 1", len(entries), damaged, err)
			}
			for i := range 200 {
				write(t, b, ban(fmt.Sprintf("198.51.100.%d/32", i%3), time.Hour))
			}
			text, err := os.ReadFile(path)
			if err != nil || int64(len(text)) > 2*b.most {
				t.Errorf("it has %d bytes, and is not written anew, err %v", len(text), err)
			}
			if c.kept != "" && bytes.Count(text, []byte(c.kept)) != 1 || bytes.Contains(text, []byte("torn")) {
				t.Errorf("got %.300s, want %q in it once and nothing torn", text, c.kept)
			}
			if got := block.Fold(read(t, b), now); len(got.Bans) != 5 {
				t.Errorf("%d bans in force, want 5", len(got.Bans))
			}
		})
	}
}

// TestALongLineTakesLittleMemory reads a line of 64 MB.
func TestALongLineTakesLittleMemory(t *testing.T) {
	const size = 64 << 20
	b := Book{Dir: t.TempDir()}
	write(t, b, ban("203.0.113.7/32", time.Hour))
	if err := os.Truncate(filepath.Join(b.Dir, Name), size); err != nil {
		t.Fatal(err)
	}
	write(t, b, ban("203.0.113.8/32", time.Hour)) // which writes it anew
	if err := os.Truncate(filepath.Join(b.Dir, Name), size); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	entries, damaged, err := b.Read()
	runtime.ReadMemStats(&after)
	if len(entries) != 2 || damaged != 1 || err != nil {
		t.Errorf("%d entries, %d lines that could not be read, err %v; want 2 and 1", len(entries), damaged, err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 8*lineMost {
		t.Errorf("it took %d bytes of memory, more than %d", got, 8*lineMost)
	}
}

func TestALineThatNobodyCouldReadIsNotWritten(t *testing.T) {
	b := Book{Dir: t.TempDir()}
	e := block.Entry{At: now, Event: block.AllowedIn, Prefix: netip.MustParsePrefix("198.51.100.7/32"), Why: strings.Repeat("x", lineMost)}
	if err := b.Append(now, e); err == nil {
		t.Error("it was written")
	}
	if got := read(t, b); len(got) != 0 {
		t.Errorf("%d entries", len(got))
	}
}

func TestManyMayWrite(t *testing.T) {
	b := Book{Dir: t.TempDir(), most: 3000}
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 20 {
				if err := b.Append(now, ban(fmt.Sprintf("203.0.%d.%d/32", w, i), time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := block.Fold(read(t, b), now); len(got.Bans) != 160 {
		t.Errorf("%d bans, want 160", len(got.Bans))
	}
}

func TestAForeignBookIsRefused(t *testing.T) {
	b := Book{Dir: t.TempDir()}
	path := filepath.Join(b.Dir, Name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(now, ban("203.0.113.7/32", time.Hour)); !errors.Is(err, ErrDenied) {
		t.Errorf("writable for all: %v", err)
	}
	if err := errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(now, ban("203.0.113.7/32", time.Hour)); err == nil {
		t.Error("a link was followed")
	}
	if _, _, err := b.Read(); err == nil {
		t.Error("a link was read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"at":"2026-06-01T12:00:00Z","event":"ban","ban":{"prefix":"203.0.113.7/32","layer":"firewall","since":"2026-06-01T12:00:00Z"}}` + "\n"))
	f.Add([]byte(`{"event":"allow","prefix":"::1/128"}` + "\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, _, err := parse(bytes.NewReader(text))
		if err != nil {
			return
		}
		b := block.Fold(entries, now)
		for _, p := range block.Cover(b.Bans, b.Allowed, block.LayerFirewall, now) {
			if block.IsReserved(p.Prefix.Addr()) {
				t.Errorf("%v is to be refused", p.Prefix)
			}
		}
	})
}
