package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hirune/lab/load"
)

// program writes a shell script that stands for hirune.
func program(t *testing.T, script string) Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hirune")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return Program{Path: path, State: "/s", Tape: "/d/tape.hirune"}
}

func TestProgramGivesItsAnswer(t *testing.T) {
	p := program(t, `echo "$STATE_DIRECTORY $*"; echo oops >&2; exit 3`)
	r, err := p.Run(t.Context(), p.With("plan", "--json")...)
	if err != nil || string(r.Out) != "/d plan --state /s --tape /d/tape.hirune --json\n" || string(r.Err) != "oops\n" || r.Exit != 3 || r.RSSKiB <= 0 {
		t.Errorf("got %q, %q, exit %d, %d KiB, %v", r.Out, r.Err, r.Exit, r.RSSKiB, err)
	}
	if got, want := p.With("undo", "--all"), []string{"undo", "--state", "/s", "--all"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q: undo reads no tape", got, want)
	}
	if text := r.says(); !strings.Contains(text, "exit 3") || !strings.Contains(text, "oops") {
		t.Errorf("its complaint: %q", text)
	}
}

func TestProgramIsInterruptedWhenItsTimeIsUp(t *testing.T) {
	p := program(t, `trap 'echo bye; exit 1' INT; while :; do sleep 0.05; done`)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := p.Run(ctx, "apply")
	if !errors.Is(err, context.DeadlineExceeded) || string(r.Out) != "bye\n" || r.Exit != 1 {
		t.Errorf("got %q, exit %d, %v; want its own end on SIGINT", r.Out, r.Exit, err)
	}
}

func TestFilesAreCompared(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func() map[string]string {
		files, err := readFiles(dir, filepath.Join(dir, "nowhere"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	write("a", "1")
	write("b", "1")
	before := read()
	if d := differing(before, read()); len(d) > 0 {
		t.Errorf("nothing has changed: %v", d)
	}
	write("a", "2")
	write("c", "1")
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")}
	if d := differing(before, read()); !reflect.DeepEqual(d, want) {
		t.Errorf("got %v, want %v", d, want)
	}
}

func TestPollEnds(t *testing.T) {
	n := 0
	if err := poll(t.Context(), time.Minute, "three", func() (bool, error) { n++; return n == 2, nil }); err != nil || n != 2 {
		t.Errorf("asked %d times, %v; want 2", n, err)
	}
	if err := poll(t.Context(), 0, "never", func() (bool, error) { return false, nil }); err == nil || !strings.Contains(err.Error(), "never") {
		t.Errorf("got %v, want an error that says what did not come", err)
	}
	bad := errors.New("bad")
	if err := poll(t.Context(), time.Minute, "x", func() (bool, error) { return false, bad }); !errors.Is(err, bad) {
		t.Errorf("got %v, want its own error", err)
	}
}

func TestPrintTellsWhatIsWrong(t *testing.T) {
	var b strings.Builder
	Healed{Scenario: "s", Verdict: "proven", Wrong: []string{"after apply 3 old rows are left"}, Explain: map[string]string{"before": "ALL"}}.Print(&b)
	for _, want := range []string{"loop s", "WRONG: after apply 3 old rows are left", "explain before: ALL"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", b.String(), want)
		}
	}
}

func TestTheLongestWaitOfEachPhase(t *testing.T) {
	shot := func(at, took time.Duration) load.Result {
		return load.Result{Shot: load.Shot{At: at}, Latency: took}
	}
	got := longestWaits([]load.Result{shot(1*time.Second, 20*time.Millisecond), shot(9*time.Second, 4*time.Second), shot(10*time.Second, time.Second), shot(99*time.Second, time.Minute)},
		[]Mark{{control, 0}, {"apply", 10}, {"end", 20}})
	if want := map[string]float64{control: 4000, "apply": 1000}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := longestWaits(nil, nil); len(got) != 0 {
		t.Errorf("got %v of nothing", got)
	}
}
