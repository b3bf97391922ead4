package tape

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// newTape records so many synthetic seconds and returns the tape's path.
func newTape(t testing.TB, seconds int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tape")
	writeHour(t, path, seconds)
	return path
}

func all(t testing.TB, path string) ([]evidence.Record, Stats) {
	t.Helper()
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, st, err := r.Records(t0.Add(-1000*time.Hour), t0.Add(1000*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return got, st
}

func exec1(t testing.TB, path, query string, args ...any) {
	t.Helper()
	db, err := connect(path, "mode=rw")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s, want := newSynth(), 0
	for i := range 150 {
		rs := s.second(i)
		want += len(rs)
		_ = w.Append(rs)
		if err := w.Commit(second(i)); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 { // while the recorder runs: tail only, block and tail
			if got, st := all(t, path); len(got) != want || len(st.Damaged) > 0 {
				t.Fatalf("after %d seconds: got %d facts, want %d; %+v", i+1, len(got), want, st)
			}
		}
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, _, err := r.Records(second(60), second(70))
	if err != nil || len(got) == 0 || got[0].At.Before(second(60)) || got[len(got)-1].At.After(second(70)) {
		t.Errorf("ten seconds: got %d facts, err %v", len(got), err)
	}
	span, err := r.Span()
	if err != nil || span.From.Sub(t0) > time.Second || second(149).Sub(span.To) > time.Second {
		t.Errorf("got the span %v, err %v", span, err)
	}
	if r.Version() != "1.2.3" {
		t.Errorf("got version %q, want 1.2.3", r.Version())
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v; want 0600", st.Mode(), err)
	}
}

func TestAnyoneWithSqliteCanOpenIt(t *testing.T) {
	bin, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3 here")
	}
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s := newSynth()
	for i := range 130 {
		_ = w.Append(s.second(i))
		if err := w.Commit(second(i)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), bin, "-readonly", path,
		"SELECT count(*)>=2, min(cpu_share)>0, min(requests)>0 FROM minute; SELECT count(*) FROM statement; SELECT count(*)>0 FROM tail").CombinedOutput()
	if want := fmt.Sprintf("1|1|1\n%d\n1\n", len(digests)); err != nil || string(out) != want {
		t.Errorf("sqlite3 says %q, %v; want %q", out, err, want)
	}
	_ = w.Append(s.second(131))
	if err := w.Commit(second(131)); err != nil {
		t.Errorf("after a foreign reader: %v", err)
	}
}

func TestAReaderThatStaysDoesNotDisturbTheRecorder(t *testing.T) {
	path := newTape(t, 70)
	db, err := connect(path, "mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM block").Scan(&n); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWriter(path, Options{Now: second(70)})
	if err != nil {
		t.Fatal(err)
	}
	s := newSynth()
	for i := 70; i < 400; i++ {
		_ = w.Append(s.second(i))
		if err := w.Commit(second(i)); err != nil {
			t.Fatalf("beside a reader: %v", err)
		}
	}
	_ = tx.Rollback()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestTwoRecordersOnOneTape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenWriter(path, Options{Now: t0})
	if pid := fmt.Sprint(os.Getpid()); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), pid) || !strings.Contains(hint.Of(err), pid) {
		t.Errorf("got %v, want %v with process %s", err, ErrInUse, pid)
	}
	if got := Holder(path); got != os.Getpid() {
		t.Errorf("holder: got %d, want %d", got, os.Getpid())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := Holder(path); got != 0 {
		t.Errorf("holder after the end: got %d, want 0", got)
	}
	if w, err = OpenWriter(path, Options{Now: t0}); err != nil {
		t.Fatal(err)
	}
	w.Close()
}

func TestTheClockMayGoBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	s, want := newSynth(), 0
	for i := range 200 {
		at := i
		if i >= 90 {
			at = i - 5000
		}
		rs := s.second(at)
		want += len(rs)
		_ = w.Append(rs)
		if err := w.Commit(second(at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := all(t, path)
	if len(got) != want {
		t.Errorf("got %d facts, want %d", len(got), want)
	}
	for i := 1; i < len(got); i++ {
		if got[i].At.Before(got[i-1].At) {
			t.Fatalf("fact %d of %v comes after one of %v", i, got[i].At, got[i-1].At)
		}
	}
}

func TestOldLogLinesDoNotStretchTheMinutes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	old := evidence.Record{At: t0.Add(-72 * time.Hour), Source: "accesslog", Fact: evidence.Traffic{Class: evidence.ClassPage, FromHist: true}}
	_ = w.Append(append(newSynth().second(0), old))
	if err := errors.Join(w.Commit(t0), w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, st, err := r.History()
	if err != nil || len(got) != 1 || st.Blocks != 1 {
		t.Errorf("got %d facts from %d rows, %v; want 1 from 1", len(got), st.Blocks, err)
	}
	if got, _ := all(t, path); slices.ContainsFunc(got, func(r evidence.Record) bool { return fromHistory(r.Fact) }) {
		t.Error("history is among the records, too")
	}
	if span, err := r.Span(); err != nil || span.From.Before(t0) {
		t.Errorf("got the span %v, %v; want it from %v", span, err, t0)
	}
}

func TestTheTapeStaysWithinItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	const bound = 1 << 20
	w, err := OpenWriter(path, Options{Now: t0, MaxBytes: bound})
	if err != nil {
		t.Fatal(err)
	}
	s := newSynth()
	for i := range 2 * 3600 {
		_ = w.Append(s.second(i))
		if i%5 == 4 {
			if err := w.Commit(second(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil || st.Size() > bound+bound/4 {
		t.Errorf("got %d bytes, %v; want about %d", st.Size(), err, bound)
	}
	got, _ := all(t, path)
	if len(got) == 0 || got[len(got)-1].At.Before(second(2*3600-1)) || got[0].At.Before(second(600)) {
		t.Errorf("the facts left are from %v to %v; want the newest", got[0].At, got[len(got)-1].At)
	}
	db, err := connect(path, "mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var minutes int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM minute").Scan(&minutes); err != nil || minutes < 120 {
		t.Errorf("got %d minutes, %v; want all 120", minutes, err)
	}
}

func TestContextFindsWhatExistsHoweverOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	put := func(at time.Time, fs ...evidence.Fact) {
		for _, f := range fs {
			_ = w.Append([]evidence.Record{{At: at, Source: "test", Fact: f}})
		}
		if err := w.Commit(at); err != nil {
			t.Fatal(err)
		}
	}
	site := evidence.Site{Name: "a", Root: "/srv/a"}
	table := func(name string, rows int64) evidence.Table {
		return evidence.Table{Schema: "wp", Name: name, Rows: rows}
	}
	put(t0, site, table("posts", 1), table("gone", 9), evidence.ServiceState{Service: "database", Up: true},
		evidence.Plan{Digest: "d", Table: "posts", Access: "ALL"}, evidence.Unseen{Source: "log", Code: "denied"})
	day := 24 * time.Hour
	put(t0.Add(day), site, table("posts", 2))
	put(t0.Add(2*day), site, table("posts", 3), evidence.ServiceState{Service: "database", Up: false}, evidence.Unseen{Source: "late", Code: "x"})
	put(t0.Add(5*day), site, table("posts", 6), table("new", 1))
	for _, closed := range []bool{false, true} { // from the tail too
		if closed {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			at   time.Duration
			want string
		}{
			{time.Hour, "gone=9 late=- new=1 posts=1 up=true"},
			{day + time.Hour, "gone=9 late=- new=1 posts=2 up=true"},
			{5*day + time.Hour, "gone=- late=x new=1 posts=6 up=false"},
		} {
			if got := contextOf(t, path, t0.Add(c.at)); got != c.want {
				t.Errorf("after %v, closed %t: got %s, want %s", c.at, closed, got, c.want)
			}
		}
	}
}

func contextOf(t *testing.T, path string, at time.Time) string {
	t.Helper()
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rs, st, err := r.Context(at)
	if err != nil || len(st.Damaged) > 0 {
		t.Fatalf("context: %+v, %v", st, err)
	}
	rows, up, late, plans := map[string]string{"gone": "-", "new": "-", "posts": "-"}, "-", "-", 0
	for _, r := range rs {
		switch f := r.Fact.(type) {
		case evidence.Table:
			rows[f.Name] = fmt.Sprint(f.Rows)
		case evidence.ServiceState:
			up = fmt.Sprint(f.Up)
		case evidence.Unseen:
			if f.Source == "late" {
				late = f.Code
			}
		case evidence.Plan:
			plans++
		}
	}
	if plans != 1 {
		t.Errorf("got %d plans, want 1", plans)
	}
	return fmt.Sprintf("gone=%s late=%s new=%s posts=%s up=%s", rows["gone"], late, rows["new"], rows["posts"], up)
}

func TestVerdictsAreKeptBesideARecorder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, v := range []string{`{"status":"healthy"}`, `{"status":"proven"}`} {
		if err := SaveVerdict(path, second(i), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, at, err := r.LastVerdict(); err != nil || string(b) != `{"status":"proven"}` || !at.Equal(second(1)) {
		t.Errorf("got %s at %v, %v", b, at, err)
	}
}
