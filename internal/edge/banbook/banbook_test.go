package banbook

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
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

func TestLinesOfANewerHiruneAreKept(t *testing.T) {
	b := Book{Dir: t.TempDir(), most: 10}
	write(t, b, ban("203.0.113.7/32", time.Hour))
	path := filepath.Join(b.Dir, Name)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, `{"event":"pardon","prefix":"203.0.113.7/32"}`)
	f.Close()
	write(t, b, ban("203.0.113.8/32", time.Hour))
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte("pardon")) || !bytes.Contains(text, []byte("113.8")) {
		t.Errorf("got %s, err %v", text, err)
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
