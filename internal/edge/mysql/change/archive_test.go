package change

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

func headOfTest() archiveHead {
	return archiveHead{Format: 1, Schema: "site", Table: "log", Key: "id", Columns: []remedy.Column{{Name: "id", Type: "bigint"}, {Name: "body", Type: "text"}},
		Create: "CREATE TABLE log", Where: "created < 5", Cutoff: time.Unix(5, 0).UTC(), At: time.Unix(9, 0).UTC()}
}

// writeChunks writes chunks of n rows each, keys going up.
func writeChunks(t testing.TB, a *archive, chunks, n int) {
	t.Helper()
	for range chunks {
		a.begin()
		for range n {
			k := a.kept + a.n + 1
			if err := a.add([]sql.RawBytes{fmt.Append(nil, k), bytes.Repeat([]byte{byte(k)}, int(k%50))}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.sync(); err != nil {
			t.Fatal(err)
		}
		a.keep()
	}
}

func openForTest(t testing.TB, path string, known int64) *archive {
	t.Helper()
	a, _, err := openArchive(path, headOfTest(), known, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.close() })
	return a
}

func readForTest(t testing.TB, path string) (file *archiveFile, keys []int64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if file, err = readArchive(bytes.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
	if keys, err = file.keys(0); err != nil {
		t.Fatal(err)
	}
	return file, keys
}

func TestArchiveComesBackAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own", "rows")
	a := openForTest(t, path, 0)
	values := [][]sql.RawBytes{{sql.RawBytes("7"), nil}, {sql.RawBytes("-3"), sql.RawBytes{}}, {sql.RawBytes("2"), sql.RawBytes("\x00'\\\xff")}}
	a.begin()
	for _, v := range values {
		if err := a.add(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.sync(); err != nil {
		t.Fatal(err)
	}
	file, keys := readForTest(t, path)
	if !file.head.same(headOfTest()) || file.head.Create != "CREATE TABLE log" || !file.head.At.Equal(headOfTest().At) {
		t.Errorf("got head %+v, want %+v", file.head, headOfTest())
	}
	if got, want := fmt.Sprint(keys), "[-3 2 7]"; got != want {
		t.Errorf("got keys %s, want %s", got, want)
	}
	dec, err := newUnpacker()
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	rows, err := file.read(dec, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]sql.RawBytes{values[1], values[2], values[0]} {
		if !sameRow(rows[i].values, want) {
			t.Errorf("row %d: got %q, want %q", i, rows[i].values, want)
		}
	}
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if st, err := os.Stat(p); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: got mode %v (%v), want %v", p, st.Mode().Perm(), err, want)
		}
	}
}

func TestArchiveIsCutBackToItsLastWholeChunk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	a := openForTest(t, path, 0)
	writeChunks(t, a, 3, 40)
	whole := a.size
	a.begin()
	if err := a.add([]sql.RawBytes{sql.RawBytes("999"), bytes.Repeat([]byte("x"), 300)}); err != nil {
		t.Fatal(err)
	}
	if err := a.sync(); err != nil {
		t.Fatal(err)
	}
	full := a.size
	a.close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := whole; size < full; size++ { // a crash at any byte of the last frame
		if err := os.WriteFile(path, text[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		b, read, err := openArchive(path, headOfTest(), whole, 0)
		if err != nil {
			t.Fatalf("cut at %d of %d: %v", size, full, err)
		}
		if b.size != whole || b.kept != 120 || len(read.frames) != 3 {
			t.Fatalf("cut at %d: got size %d, %d rows, %d frames; want %d, 120, 3", size, b.size, b.kept, len(read.frames), whole)
		}
		writeChunks(t, b, 1, 5)
		b.close()
		if _, keys := readForTest(t, path); len(keys) != 125 {
			t.Fatalf("cut at %d, then written: got %d keys, want 125", size, len(keys))
		}
	}
	flipped := bytes.Clone(text) // the last frame has its length but not its bytes: it was not synced
	flipped[full-1] ^= 1
	if err := os.WriteFile(path, flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	if b := openForTest(t, path, whole); b.size != whole {
		t.Errorf("got size %d after a frame with wrong bytes, want %d", b.size, whole)
	}
}

func TestArchiveRefusesWhatItMustNotGoOnWith(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(t *testing.T, path string) (archiveHead, int64)
	}{
		{"shorter than the journal knows", func(*testing.T, string) (archiveHead, int64) { return headOfTest(), 1 << 30 }},
		{"of another table", func(*testing.T, string) (archiveHead, int64) {
			h := headOfTest()
			h.Table = "other"
			return h, 0
		}},
		{"another column", func(*testing.T, string) (archiveHead, int64) {
			h := headOfTest()
			h.Columns = append(h.Columns, remedy.Column{Name: "new"})
			return h, 0
		}},
		{"something else", func(t *testing.T, path string) (archiveHead, int64) {
			return headOfTest(), putArchive(t, path, bytes.Repeat([]byte("not ours"), 100))
		}},
		{"damaged before what the journal knows", func(t *testing.T, path string) (archiveHead, int64) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, _ := readForTest(t, path)
			text[file.frames[1].at] ^= 1
			return headOfTest(), putArchive(t, path, text)
		}},
		{"written by another", func(t *testing.T, path string) (archiveHead, int64) {
			openForTest(t, path, 0)
			return headOfTest(), 0
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rows")
			a := openForTest(t, path, 0)
			writeChunks(t, a, 3, 40)
			a.close()
			head, known := c.spoil(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = openArchive(path, head, known, 0)
			if !errors.Is(err, apply.ErrRefused) {
				t.Errorf("got %v, want it refused", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed although it was refused")
			}
		})
	}
}

func putArchive(t *testing.T, path string, text []byte) int64 {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return int64(len(text))
}

func TestArchiveWhoseHeadWasTornIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	openForTest(t, path, 0).close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range text {
		putArchive(t, path, text[:size])
		a := openForTest(t, path, 0)
		writeChunks(t, a, 1, 3)
		a.close()
		if _, keys := readForTest(t, path); len(keys) != 3 {
			t.Fatalf("head cut at %d of %d: got %d keys, want 3", size, len(text), len(keys))
		}
	}
}

func TestArchiveDropsAChunkThatWasRolledBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	a := openForTest(t, path, 0)
	writeChunks(t, a, 1, 10)
	a.begin()
	for k := range 3 * frameRaw / 1000 { // several frames of one chunk
		if err := a.add([]sql.RawBytes{fmt.Append(nil, 1000+k), bytes.Repeat([]byte("y"), 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	if a.size == a.mark {
		t.Fatal("nothing was written yet: the test wants a chunk of several frames")
	}
	if err := a.drop(); err != nil {
		t.Fatal(err)
	}
	writeChunks(t, a, 1, 10)
	if file, keys := readForTest(t, path); len(keys) != 20 || file.end != file.size {
		t.Errorf("got %d keys, %d of %d bytes readable; want 20 keys, all", len(keys), file.end, file.size)
	}
}

func FuzzReadArchive(f *testing.F) {
	path := filepath.Join(f.TempDir(), "rows")
	a := openForTest(f, path, 0)
	writeChunks(f, a, 2, 5)
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-7])
	f.Add([]byte(archiveMagic))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := readArchive(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		if file.end > int64(len(text)) {
			t.Fatalf("the end %d lies behind the file of %d bytes", file.end, len(text))
		}
		dec, err := newUnpacker()
		if err != nil {
			t.Fatal(err)
		}
		defer dec.Close()
		for i := range file.frames {
			rows, err := file.read(dec, i)
			if err == nil && len(rows) != int(file.frames[i].Rows) {
				t.Fatalf("frame %d: got %d rows, want %d", i, len(rows), file.frames[i].Rows)
			}
		}
	})
}

func FuzzParseRows(f *testing.F) {
	f.Add(appendRow(nil, []sql.RawBytes{sql.RawBytes("12"), nil}), uint32(1), 2)
	f.Add([]byte{3, '1', '2', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, uint32(1), 2)
	f.Fuzz(func(t *testing.T, raw []byte, n uint32, width int) {
		if width > 64 {
			return
		}
		rows, err := parseRows(raw, n, width, 0)
		if err == nil && len(rows) != int(n) {
			t.Fatalf("got %d rows, want %d", len(rows), n)
		}
	})
}

func TestQuotedValuesStandInsideTheirQuotes(t *testing.T) {
	s := stored{}
	cases := []struct {
		kind valueKind
		in   string
		want string
	}{
		{asNumber, "-12.50", "-12.50"},
		{asNumber, "1);DROP", "'1);DROP'"}, // out of a file that was tampered with
		{asFloat, "-0", "-0e0"},
		{asFloat, "1.5e-07", "1.5e-07"},
		{asBytes, `it's \ "x"`, `_binary'it\'s \\ "x"'`},
		{asBytes, "", "_binary''"},
		{asJSON, `{"a":"b\"c"}`, `_utf8mb4'{"a":"b\\"c"}'`},
		{asIndex, "18446744073709551615", "18446744073709551615"},
		{asMoment, "0000-00-00", "'0000-00-00'"},
	}
	for _, c := range cases {
		if got := string(s.appendValue(nil, c.kind, []byte(c.in))); got != c.want {
			t.Errorf("%q as %d: got %s, want %s", c.in, c.kind, got, c.want)
		}
	}
	if got := string(s.appendValue(nil, asNumber, nil)); got != "NULL" {
		t.Errorf("got %s for NULL", got)
	}
}
