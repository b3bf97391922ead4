package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

func job(dir string) remedy.RetentionJob {
	return remedy.RetentionJob{On: remedy.On{Schema: "wordpress", Table: "wp_aiowps_audit_log"}, Path: filepath.Join(dir, "hirune-keep-wp_aiowps_audit_log"),
		Minute: 40, Hour: 3, Column: "created", Keep: 90 * 24 * time.Hour, Binary: "/usr/local/bin/hirune"}
}

// jobs is a doer whose folder is empty, on a host with cron.
func jobs(t *testing.T) Jobs {
	t.Helper()
	here, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Jobs{Dir: t.TempDir(), daemons: []string{here}, trusted: func(string) error { return nil }}
}

// desk keeps what a step notes, as a journal does.
type desk struct{ state json.RawMessage }

func (d *desk) work() *apply.Work {
	return apply.NewWork(d.state, func(v any) error {
		d.state, _ = v.(json.RawMessage)
		return nil
	}, nil, nil, time.Now)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func TestJobIsInstalledAndRemoved(t *testing.T) {
	j, d, ctx := jobs(t), &desk{}, t.Context()
	s := job(j.Dir)
	if got, err := j.Done(ctx, s, nil); got != apply.NotDone || err != nil {
		t.Fatalf("before: %s, %v", got, err)
	}
	for range 2 { // it may be called again after a crash
		if err := j.Do(ctx, s, d.work()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := j.Done(ctx, s, d.state); got != apply.IsDone || err != nil {
		t.Fatalf("after: %s, %v", got, err)
	}
	text, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	want := `# hirune wrote this file. It keeps one table small: each day the rows
# that are older than 90 days are deleted, in small pieces.
# To remove it: hirune undo (hirune history has the number), or delete this file.
40 3 * * * root /usr/local/bin/hirune keep --yes --schema wordpress --table wp_aiowps_audit_log --column created --for 2160h
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	st, err := os.Stat(s.Path)
	if err != nil || st.Mode() != 0o644 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if got := names(t, j.Dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
	for range 2 {
		if err := j.Undo(ctx, s, d.work()); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, j.Dir); len(got) != 0 {
		t.Errorf("not undone: %v", got)
	}
}

// TestWhatIsShownIsWritten compares the file with the script of the plan.
func TestWhatIsShownIsWritten(t *testing.T) {
	j, d := jobs(t), &desk{}
	s := job(j.Dir)
	if err := j.Do(t.Context(), s, d.work()); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for _, l := range s.Script()[2:] {
		shown.WriteString(strings.TrimPrefix(l.Text, "+") + "\n")
	}
	if text, err := os.ReadFile(s.Path); err != nil || string(text) != shown.String() {
		t.Errorf("written\n%s\nshown\n%s\n%v", text, shown.String(), err)
	}
}

func TestAnEarlierJobOfOursComesBack(t *testing.T) {
	j, first, second, ctx := jobs(t), &desk{}, &desk{}, t.Context()
	s := job(j.Dir)
	if err := j.Do(ctx, s, first.work()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(s.Path)
	shorter := s
	shorter.Keep = 30 * 24 * time.Hour
	if got, err := j.Done(ctx, shorter, nil); got != apply.NotDone || err != nil {
		t.Errorf("another time is done: %s, %v", got, err)
	}
	if err := j.Do(ctx, shorter, second.work()); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Done(ctx, shorter, nil); got != apply.IsDone || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if err := j.Undo(ctx, shorter, second.work()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(s.Path); err != nil || string(after) != string(before) {
		t.Errorf("came back as\n%s, %v", after, err)
	}
	if got := names(t, j.Dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestWrongRightsAreMended(t *testing.T) {
	j, d, ctx := jobs(t), &desk{}, t.Context()
	s := job(j.Dir)
	if err := os.WriteFile(s.Path, []byte(s.Content()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.Path, 0o666); err != nil { // cron does not run what others can write
		t.Fatal(err)
	}
	if got, err := j.Done(ctx, s, nil); got != apply.NotDone || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if err := j.Do(ctx, s, d.work()); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Done(ctx, s, nil); got != apply.IsDone || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestForeignFilesAreLeft puts something of others under the name.
func TestForeignFilesAreLeft(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("precious\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(path string) error{
		"a file":                 func(p string) error { return os.WriteFile(p, []byte("* * * * * root true\n"), 0o644) },
		"an empty file":          func(p string) error { return os.WriteFile(p, nil, 0o644) },
		"a link":                 func(p string) error { return os.Symlink(outside, p) },
		"a link to nothing":      func(p string) error { return os.Symlink(outside+"x", p) },
		"a folder":               func(p string) error { return os.Mkdir(p, 0o755) },
		"a link to our own text": func(p string) error { return os.Symlink(ownText(t), p) },
	} {
		j, d, ctx := jobs(t), &desk{}, t.Context()
		s := job(j.Dir)
		if err := put(s.Path); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(s.Path)
		if err := j.Do(ctx, s, d.work()); !errors.Is(err, apply.ErrRefused) || hint.CodeOf(err) != "foreign-file" || d.state != nil {
			t.Errorf("%s: do: got %v, noted %s", name, err, d.state)
		}
		if got, _ := j.Done(ctx, s, nil); got == apply.IsDone {
			t.Errorf("%s counts as done", name)
		}
		if err := j.Undo(ctx, s, d.work()); !errors.Is(err, apply.ErrRefused) {
			t.Errorf("%s: undo: got %v", name, err)
		}
		if after, err := os.Lstat(s.Path); err != nil || !os.SameFile(before, after) || after.ModTime() != before.ModTime() {
			t.Errorf("%s was changed: %v", name, err)
		}
	}
	if text, _ := os.ReadFile(outside); string(text) != "precious\n" {
		t.Errorf("written through a link: %q", text)
	}
}

func ownText(t *testing.T) string {
	p := filepath.Join(t.TempDir(), "own")
	if err := os.WriteFile(p, []byte(job("/etc/cron.d").Content()), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestALinkForTheNewFileIsNotFollowed(t *testing.T) {
	j, d := jobs(t), &desk{}
	s := job(j.Dir)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Symlink(outside, filepath.Join(j.Dir, "."+filepath.Base(s.Path)+".new")); err != nil {
		t.Fatal(err)
	}
	if err := j.Do(t.Context(), s, d.work()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(outside); err == nil {
		t.Error("a link led out of the folder")
	}
}

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*Jobs, *remedy.RetentionJob){
		"no cron":              func(j *Jobs, _ *remedy.RetentionJob) { j.daemons = []string{"/nowhere/cron"} },
		"another folder":       func(_ *Jobs, s *remedy.RetentionJob) { s.Path = "/etc/passwd" },
		"out of the folder":    func(j *Jobs, s *remedy.RetentionJob) { s.Path = j.Dir + "/../x" },
		"a dot in the name":    func(j *Jobs, s *remedy.RetentionJob) { s.Path = filepath.Join(j.Dir, "hirune.keep") },
		"no name":              func(j *Jobs, s *remedy.RetentionJob) { s.Path = j.Dir },
		"a line end":           func(_ *Jobs, s *remedy.RetentionJob) { s.Table = "a\n* * * * * root reboot" },
		"a control character":  func(_ *Jobs, s *remedy.RetentionJob) { s.Schema = "a\x1b" },
		"a backslash":          func(_ *Jobs, s *remedy.RetentionJob) { s.Table = `a\%b` },
		"no such hour":         func(_ *Jobs, s *remedy.RetentionJob) { s.Hour = 24 },
		"no such minute":       func(_ *Jobs, s *remedy.RetentionJob) { s.Minute = -1 },
		"half an hour":         func(_ *Jobs, s *remedy.RetentionJob) { s.Keep = 90 * time.Minute },
		"nothing kept":         func(_ *Jobs, s *remedy.RetentionJob) { s.Keep = 0 },
		"too long":             func(_ *Jobs, s *remedy.RetentionJob) { s.Table = strings.Repeat("'", 300) },
		"a relative program":   func(_ *Jobs, s *remedy.RetentionJob) { s.Binary = "hirune" },
		"a program of anybody": func(j *Jobs, s *remedy.RetentionJob) { j.trusted = nil; s.Binary = anybodys(t, "x/hirune") },
		"no such program":      func(j *Jobs, s *remedy.RetentionJob) { j.trusted = nil; s.Binary = "/usr/bin/no-such-program" },
	} {
		j, d := jobs(t), &desk{}
		s := job(j.Dir)
		change(&j, &s)
		err := j.Do(t.Context(), s, d.work())
		if !errors.Is(err, apply.ErrRefused) || d.state != nil {
			t.Errorf("%s: got %v, noted %s", name, err, d.state)
		}
		if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s: the error holds a control character: %q", name, err)
		}
		if got := names(t, j.Dir); len(got) != 0 {
			t.Errorf("%s: left %v", name, got)
		}
	}
	if err := (Jobs{}).Do(t.Context(), remedy.KillQuery{}, (&desk{}).work()); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("another kind of step: %v", err)
	}
	j := jobs(t)
	j.Dir = filepath.Join(j.Dir, "missing")
	if err := j.Do(t.Context(), job(j.Dir), (&desk{}).work()); !errors.Is(err, apply.ErrRefused) || hint.CodeOf(err) != "no-cron" {
		t.Errorf("no folder: %v", err)
	}
	j = jobs(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Do(ctx, job(j.Dir), (&desk{}).work()); !errors.Is(err, apply.ErrStopped) {
		t.Errorf("stopped: %v", err)
	}
}

func TestProgramsOfRootAloneAreTrusted(t *testing.T) {
	if err := onlyRoot("/bin/sh"); err != nil {
		t.Errorf("/bin/sh: %v", err)
	}
}

// anybodys is a program in a folder that everybody may write to.
func anybodys(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTimer(t *testing.T) {
	s := job("/etc/cron.d")
	s.Table = `a "b" 50% $x\y`
	want := `/etc/systemd/system/hirune-keep-wp_aiowps_audit_log.service:
  [Service]
  Type=oneshot
  ExecStart=/usr/local/bin/hirune keep --yes --schema wordpress --table "a \"b\" 50%% $$x\\y" --column created --for 2160h
/etc/systemd/system/hirune-keep-wp_aiowps_audit_log.timer:
  [Timer]
  OnCalendar=*-*-* 03:40:00
  [Install]
  WantedBy=timers.target
then: systemctl daemon-reload && systemctl enable --now hirune-keep-wp_aiowps_audit_log.timer`
	if got := Timer(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
