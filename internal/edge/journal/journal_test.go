package journal

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

func entry(run int, e apply.Event) apply.Entry {
	return apply.Entry{At: time.Unix(1_700_000_000, 0).UTC(), Run: run, Event: e}
}

func planned(run int) apply.Entry {
	e := entry(run, apply.RunPlanned)
	e.Plan = &remedy.Plan{Remedy: "add-index", Steps: []remedy.Planned{{ID: "1", Step: remedy.AddIndex{On: remedy.On{Schema: "s", Table: "t"}, Index: "hirune_created", Columns: []string{"created"}}}}}
	return e
}

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func write(t *testing.T, j *Journal, es ...apply.Entry) {
	t.Helper()
	for _, e := range es {
		if err := j.Write(e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEntriesComeBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir)
	if j.Next() != 1 {
		t.Errorf("first run is %d, want 1", j.Next())
	}
	write(t, j, planned(1), entry(1, apply.StepBegun), entry(1, apply.RunEnded))
	j.Close()
	j = open(t, dir)
	rs := apply.Runs(j.Entries())
	if len(rs) != 1 || !rs[0].Ended || j.Next() != 2 {
		t.Fatalf("got %d runs, next %d", len(rs), j.Next())
	}
	if s, ok := rs[0].Plan.Steps[0].Step.(remedy.AddIndex); !ok || s.Index != "hirune_created" || s.Table != "t" {
		t.Errorf("the step came back as %#v", rs[0].Plan.Steps[0].Step)
	}
	st, err := os.Stat(filepath.Join(dir, Name))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: %v", st.Mode(), err)
	}
}

// TestCutAnywhere cuts the file at every byte, as a crash may, and goes on
// writing: what was whole is kept, and what comes after the cut is readable.
func TestCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, Name)
	j := open(t, dir)
	write(t, j, planned(1), entry(1, apply.StepBegun))
	j.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, dir)
		kept := len(j.Entries())
		write(t, j, planned(9))
		j.Close()
		es, bad, err := Read(dir)
		lines := bytes.Count(whole[:cut], []byte("\n"))
		if err != nil || kept < lines || len(es) != kept+1 || es[kept].Run != 9 || bad > 1 {
			t.Fatalf("cut at %d: kept %d of %d lines, then %d entries, %d damaged: %v", cut, kept, lines, len(es), bad, err)
		}
	}
}

func TestOnlyOneWrites(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, want %v", err, ErrInUse)
	}
	write(t, j, planned(1))
	if es, _, err := Read(dir); err != nil || len(es) != 1 {
		t.Errorf("a reader saw %d entries: %v", len(es), err)
	}
}

func TestLinesOfOthersAreCountedAndLeftOut(t *testing.T) {
	dir := t.TempDir()
	text := "{\"run\":1}\nnot json\n\n{\"run\":1,\"event\":\"planned\",\"plan\":{\"remedy\":\"x\",\"steps\":[{\"id\":\"1\",\"kind\":\"of-the-future\",\"step\":{}}]}}\n{\"run\":2,\"event\":\"ended\",\"at\":\"2026-01-01T00:00:00Z\"}\n"
	if err := os.WriteFile(filepath.Join(dir, Name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	es, bad, err := Read(dir)
	if err != nil || len(es) != 1 || bad != 3 {
		t.Fatalf("got %d entries, %d damaged: %v", len(es), bad, err)
	}
}

func TestNoJournalIsNoError(t *testing.T) {
	if es, bad, err := Read(t.TempDir()); err != nil || len(es) != 0 || bad != 0 {
		t.Errorf("got %v, %d, %v", es, bad, err)
	}
}

func TestALinkInPlaceOfTheJournalIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, Name)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Fatal("a symbolic link was followed")
	}
}

// TestAfterATornLineTheNextOneIsWhole: a full disk takes a part of a line; what
// is written when there is room again must not be lost with it.
func TestAfterATornLineTheNextOneIsWhole(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	write(t, j, planned(1))
	st, err := os.Stat(filepath.Join(dir, Name))
	if err != nil {
		t.Fatal(err)
	}
	noMore(t, uint64(st.Size())+20, func() {
		if err := j.Write(planned(2)); err == nil {
			t.Fatal("the line was written beyond the limit")
		}
	})
	write(t, j, entry(1, apply.StepFailed))
	es, bad, err := Read(dir)
	if err != nil || bad != 1 || len(es) != 2 || es[1].Event != apply.StepFailed {
		t.Errorf("got %d entries, %d damaged: %v", len(es), bad, err)
	}
}

// noMore bounds the size of files for a while, as a full disk would.
func noMore(t *testing.T, size uint64, do func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_FSIZE, &was) }()
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	do()
}

// TestAJournalOfOthersIsRefused: what is in it is done with our rights.
func TestAJournalOfOthersIsRefused(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"others may write": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o622))
		},
		"a pipe": func(path string) error { return unix.Mkfifo(path, 0o600) },
		"of another user": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, 65534, -1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := make(filepath.Join(dir, Name)); errors.Is(err, os.ErrPermission) && os.Geteuid() != 0 {
				return // only root can give a file away
			} else if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir); !errors.Is(err, ErrDenied) {
				t.Errorf("got %v, want %v", err, ErrDenied)
			}
		})
	}
}
