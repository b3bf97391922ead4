package tape

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

func TestWhatIsNoTapeIsToldApart(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	newer := newTape(t, 5)
	exec1(t, newer, fmt.Sprintf("PRAGMA user_version=%d", schemaVersion+1))
	other := file("other.db", nil)
	exec1(t, other, "CREATE TABLE customers (name TEXT)")
	whole, err := os.ReadFile(newTape(t, 200))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		want       error
	}{
		{"missing", filepath.Join(dir, "none"), ErrMissing},
		{"a directory", dir, ErrForeign},
		{"text", file("text", bytes.Repeat([]byte("hello\n"), 2000)), ErrForeign},
		{"empty", file("empty", nil), ErrForeign},
		{"another database", other, ErrForeign},
		{"newer", newer, ErrNewer},
		{"its first page only", file("first", whole[:4096]), ErrDamaged},
		{"half a page", file("half", whole[:2000]), ErrDamaged},
	} {
		r, err := OpenReader(c.path)
		if err == nil {
			var st Stats
			_, st, err = r.Records(t0, second(1000))
			if err == nil && len(st.Damaged) > 0 {
				err = st.Damaged[0].Why
			}
			r.Close()
		}
		if !errors.Is(err, c.want) || err != nil && hint.Of(err) == "" {
			t.Errorf("%s: got %v, hint %q; want %v", c.name, err, hint.Of(err), c.want)
		}
	}
}

func TestTheRecorderNeverOverwritesAForeignFile(t *testing.T) {
	p := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(p, []byte("dear all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWriter(p, Options{Now: t0}); !errors.Is(err, ErrForeign) {
		t.Errorf("got %v, want %v", err, ErrForeign)
	}
	if b, err := os.ReadFile(p); err != nil || string(b) != "dear all" {
		t.Errorf("the file now holds %q, %v", b, err)
	}
}

func TestATruncatedTapeGivesWhatIsLeft(t *testing.T) {
	path := newTape(t, 600)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)/2+100], 0o600); err != nil {
		t.Fatal(err)
	}
	got, st := all(t, path)
	if len(got) < 1000 || len(st.Damaged) == 0 {
		t.Errorf("got %d facts and %d damages; want thousands, and some", len(got), len(st.Damaged))
	}
	// The recorder goes on all the same, with the old tape kept.
	w, err := OpenWriter(path, Options{Now: second(700)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := 700; i < 900; i++ {
		_ = w.Append(newSynth().second(i))
		if err := w.Commit(second(i)); err != nil {
			t.Fatalf("on a truncated tape: %v", err)
		}
	}
	if w.Aside() == "" {
		t.Error("the damaged tape was not moved aside")
	} else if st, err := os.Stat(w.Aside()); err != nil || st.Size() == 0 {
		t.Errorf("the damaged tape is gone: %v", err)
	}
}

func TestADamagedBlockIsLeftOutAndCounted(t *testing.T) {
	path := newTape(t, 300)
	before, _ := all(t, path)
	exec1(t, path, "UPDATE block SET data = zeroblob(200) WHERE id=2")
	exec1(t, path, "UPDATE block SET data = substr(data,1,length(data)/2) WHERE id=3")
	exec1(t, path, "UPDATE block SET facts = -5, data='not a blob' WHERE id=4")
	got, st := all(t, path)
	if len(st.Damaged) != 3 || st.Damaged[0].From.IsZero() || len(got) == 0 || len(got) >= len(before) {
		t.Errorf("got %d of %d facts, damages %v; want three with their time", len(got), len(before), st.Damaged)
	}
}

func TestFactsOfANewerHiruneAreCounted(t *testing.T) {
	path := newTape(t, 10)
	p, err := newPacker(false)
	if err != nil {
		t.Fatal(err)
	}
	// [ "teleport", 1770045000000, "x", {} ] in CBOR
	raw := append([]byte{0x84, 0x68}, "teleport"...)
	raw = append(raw, 0x1b, 0, 0, 1, 0x9c, 0x1f, 0xb9, 0x32, 0x40, 0x61, 'x', 0xa0)
	exec1(t, path, "INSERT INTO block (from_ms,to_ms,version,facts,data) VALUES (?,?,2,1,?)", t0.UnixMilli(), t0.UnixMilli(), p.pack(nil, raw))
	if got, st := all(t, path); st.Unknown != 1 || len(got) == 0 || len(st.Damaged) > 0 {
		t.Errorf("got %d facts, %+v; want one unknown", len(got), st)
	}
}

func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	s, failed, recovered := newSynth(), 0, false
	for i := range 1200 {
		_ = w.Append(s.second(i))
		if i == 300 { // the rest of the disk is taken by others
			_ = os.WriteFile(ballast, make([]byte, 2<<20), 0o600)
		}
		if i == 500 {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		}
		err := w.Commit(second(i))
		if err != nil && !errors.Is(err, ErrFull) {
			t.Fatalf("second %d: got %v, want %v", i, err, ErrFull)
		}
		if err != nil && hint.CodeOf(err) != "disk-full" {
			t.Fatalf("got code %q, want disk-full", hint.CodeOf(err))
		}
		if err != nil {
			failed++
		}
		recovered = err == nil
		if i == 450 { // in the middle of it the tape can be read
			if got, st := all(t, path); len(got) < 5000 || len(st.Damaged) > 0 {
				t.Fatalf("on a full disk: got %d facts, %+v", len(got), st)
			}
		}
		if i == 700 {
			break
		}
	}
	if failed == 0 || !recovered {
		t.Errorf("%d commits failed, recovered %t; want some, true", failed, recovered)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, st := all(t, path)
	seen := map[int64]bool{}
	for _, r := range got {
		if f, ok := r.Fact.(evidence.DBStatus); ok {
			seen[f.UptimeS] = true
		}
	}
	if len(st.Damaged) > 0 || len(seen) != 701 || w.Lost() != 0 {
		t.Errorf("got %d seconds of 701, %d facts lost, %+v", len(seen), w.Lost(), st)
	}
	integrity(t, path)
}

// smallDisk mounts a file system of that size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount a small disk: %v; CI must run this as root", err)
		}
		t.Skipf("mount a small disk: %v; run this as root", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestWithoutRights(t *testing.T) {
	path := newTape(t, 5)
	asNobody(t, func() {
		if _, err := OpenReader(path); !errors.Is(err, ErrDenied) || hint.Of(err) == "" {
			t.Errorf("reader: got %v, want %v with a hint", err, ErrDenied)
		}
		if _, err := OpenWriter(path, Options{Now: t0}); !errors.Is(err, ErrDenied) || hint.Of(err) == "" {
			t.Errorf("writer: got %v, want %v with a hint", err, ErrDenied)
		}
	})
	if got, _ := all(t, path); len(got) == 0 {
		t.Error("the tape has suffered")
	}
}

// asNobody runs do with the rights of an ordinary user to files. They belong
// to the thread, which ends with its goroutine.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

func TestAReadOnlyMediumCanBeRead(t *testing.T) {
	dir := smallDisk(t, "4m")
	path := filepath.Join(dir, "tape")
	writeHour(t, path, 60)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if got, st := all(t, path); len(got) == 0 || len(st.Damaged) > 0 {
		t.Errorf("got %d facts, %+v", len(got), st)
	}
	if _, err := OpenWriter(path, Options{Now: t0}); !errors.Is(err, ErrDenied) {
		t.Errorf("writer: got %v, want %v", err, ErrDenied)
	}
}

// FuzzReader damages a tape at will: the reader must neither fail to return
// nor panic nor take much memory.
func FuzzReader(f *testing.F) {
	path := newTape(f, 130)
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		f.Add(uint32(rnd.IntN(len(whole))), byte(rnd.IntN(256)), uint16(rnd.IntN(4096)), uint32(rnd.IntN(len(whole))))
	}
	f.Fuzz(func(t *testing.T, at uint32, with byte, length uint16, cut uint32) {
		b := bytes.Clone(whole)
		for i := 0; i < int(length) && int(at)+i < len(b); i++ {
			b[int(at)+i] ^= with + byte(i)
		}
		if cut%4 == 0 && int(cut) < len(b) {
			b = b[:cut]
		}
		p := filepath.Join(t.TempDir(), "tape")
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenReader(p)
		if err != nil {
			return
		}
		defer r.Close()
		_, _ = r.Span()
		_, _, _ = r.Records(t0, second(1000))
		_, _, _ = r.Context(second(100))
		_, _, _ = r.LastVerdict()
	})
}

func TestATapeThatIsRemovedWhileItIsWrittenIsMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	path := filepath.Join(dir, "tape")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	s := newSynth()
	for i := range 200 {
		if i == 90 {
			for _, ext := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(path + ext); err != nil {
					t.Fatal(err)
				}
			}
		}
		if i == 130 { // with its folder
			if err := os.Rename(dir, dir+".away"); err != nil {
				t.Fatal(err)
			}
		}
		if i == 140 {
			if err := errors.Join(os.RemoveAll(dir+".away"), os.Mkdir(dir, 0o700)); err != nil {
				t.Fatal(err)
			}
		}
		_ = w.Append(s.second(i))
		if err := w.Commit(second(i)); (err != nil) != (i >= 130 && i < 140) {
			t.Fatalf("second %d: %v", i, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, st := all(t, path)
	if len(got) == 0 || len(st.Damaged) > 0 || got[0].At.After(second(122)) || got[len(got)-1].At.Before(second(199)) {
		t.Errorf("got %d facts from %v to %v, %+v; want all from the minute in which it was removed", len(got), got[0].At, got[len(got)-1].At, st)
	}
	integrity(t, path)
}
