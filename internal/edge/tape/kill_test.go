package tape

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

const childEnv = "HIRUNE_TEST_TAPE"

// TestMain lets the test binary be the recorder that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		from, err := strconv.Atoi(os.Getenv(childEnv + "_FROM"))
		if err == nil {
			err = recordForEver(path, from)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// recordForEver writes a second of facts after the other without waiting, a
// commit after each fourth, and says on stdout how far it is.
func recordForEver(path string, from int) error {
	w, err := OpenWriter(path, Options{Now: second(from)})
	if err != nil {
		return err
	}
	s := newSynth()
	for i := from; ; i++ {
		r := append(s.second(i), evidence.Record{At: second(i), Source: "test", Fact: evidence.SelfCost{OverMs: int64(i)}})
		_ = w.Append(r)
		fmt.Println("a", i)
		if i%4 == 3 {
			if err := w.Commit(second(i)); err != nil {
				return err
			}
			fmt.Println("c", i)
		}
	}
}

func second(i int) time.Time { return t0.Add(time.Duration(i) * time.Second) }

// killOne starts the recorder, kills it at a random moment, and returns the
// last second that it appended and the last that it said was committed.
func killOne(t *testing.T, path string, from int, after time.Duration) (appended, committed int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path, fmt.Sprintf("%s_FROM=%d", childEnv, from))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	appended, committed = from-1, -1
	var kill *time.Timer
	for sc := bufio.NewScanner(out); sc.Scan(); {
		if kill == nil { // the clock starts with the first fact
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		var what string
		var i int
		if _, err := fmt.Sscan(sc.Text(), &what, &i); err != nil {
			continue // cut off by the kill
		}
		if what == "a" {
			appended = i
		} else {
			committed = i
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() == 1 {
		t.Fatalf("the recorder ended by itself: %v", err)
	}
	return appended, committed
}

func TestKill9LosesOnlyTheLastSeconds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	rnd := rand.New(rand.NewPCG(7, 7))
	from, missing := 0, 0
	for round := range 40 {
		appended, committed := killOne(t, path, from, time.Duration(rnd.IntN(60_000))*time.Microsecond)
		if round%2 == 0 { // each second time the next recorder repairs what was left
			integrity(t, path)
		}
		last := max(lastSecond(t, path), from-1) // what came before was lost by an earlier kill
		if last < committed {
			t.Fatalf("round %d: the tape ends at second %d, but %d was committed", round, last, committed)
		}
		if lost := appended - last; lost > 5 {
			t.Fatalf("round %d: %d seconds are missing, want 5 at most", round, lost)
		}
		missing += appended - last
		from = appended + 1
	}
	seen := selfSeconds(t, path)
	if got, want := len(seen), from-missing; got < want {
		t.Errorf("after 40 kills: got %d seconds on the tape, want %d", got, want)
	}
	t.Logf("%d seconds recorded, %d lost in 40 kills", from, missing)
	integrity(t, path)
}

func selfSeconds(t *testing.T, path string) map[int64]int {
	t.Helper()
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, st, err := r.Records(t0.Add(-time.Hour), t0.Add(1e6*time.Second))
	if err != nil || len(st.Damaged) > 0 || st.Unknown > 0 {
		t.Fatalf("read the tape: %+v, %v", st, err)
	}
	out := map[int64]int{}
	for _, r := range got {
		if f, ok := r.Fact.(evidence.SelfCost); ok {
			out[f.OverMs]++
		}
	}
	for i, n := range out {
		if n != 1 {
			t.Fatalf("second %d is on the tape %d times", i, n)
		}
	}
	return out
}

func lastSecond(t *testing.T, path string) int {
	t.Helper()
	last := -1
	for i := range selfSeconds(t, path) {
		last = max(last, int(i))
	}
	return last
}

func integrity(t *testing.T, path string) {
	t.Helper()
	db, err := connect(path, "mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var say string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&say); err != nil || say != "ok" {
		t.Fatalf("integrity check of %s: %q, %v", path, say, err)
	}
}
