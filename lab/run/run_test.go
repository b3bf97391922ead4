package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hirune/lab/load"
)

func TestTableShowsFailuresToo(t *testing.T) {
	var b strings.Builder
	Table(&b, []Outcome{
		{Scenario: "healthy", CappedFrom: -1, Status: "healthy", Last: map[load.Kind]load.Figures{load.Page: {Sent: 9, P50Ms: 20, P99Ms: 31}}},
		{Scenario: "healthy", CappedFrom: 12, Status: "likely", Causes: []string{"search-flood"}, Wrong: []string{"exit code 1, want 0", "a|b"}},
	})
	for _, want := range []string{"| healthy | 1 | 20 / 31 ms / 0 of 9 | never |", "| yes |", "| healthy | 2 |", "12 s", "**no**: exit code 1, want 0; a/b"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", b.String(), want)
		}
	}
}

func TestKeptLogsAreThoseOfTheRun(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "logs")
	for _, name := range []string{"access.log", "access.log.1", "access.log.2.gz", "error.log"} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyLogs(from, to); err != nil {
		t.Fatal(err)
	}
	got, err := filepath.Glob(filepath.Join(to, "*"))
	if err != nil || len(got) != 2 {
		t.Errorf("kept %v, %v; want access.log and error.log", got, err)
	}
}

func TestJobsAreWaitedForAndTheirErrorsJoined(t *testing.T) {
	j := newJobs(t.Context())
	bad := errors.New("bad")
	ended := false
	j.run(func(ctx context.Context) error { <-ctx.Done(); ended = true; return nil })
	j.run(func(context.Context) error { return bad })
	if err := j.end(); !errors.Is(err, bad) || !ended {
		t.Errorf("error %v, ended %v; want the job's error and all ended", err, ended)
	}
}
