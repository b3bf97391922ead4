package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// CronDir is where cron reads the jobs of packages and of the system.
const CronDir = "/etc/cron.d"

// Jobs installs and removes jobs of hirune as files of cron.
type Jobs struct {
	Dir string // "" is CronDir

	daemons []string                // files of which one is there where cron is installed; nil: the usual ones
	trusted func(path string) error // nil: only root can change the program
}

var _ apply.Doer = Jobs{}

// daemons are the programs that read CronDir, and systemd's generator that makes
// timers of it.
var daemons = []string{
	"/usr/sbin/cron", "/usr/sbin/crond", "/usr/bin/crond", "/usr/sbin/fcron", "/usr/bin/cronie",
	"/usr/lib/systemd/system-generators/systemd-crontab-generator", "/lib/systemd/system-generators/systemd-crontab-generator",
}

// jobState is what a job's step notes before it writes.
type jobState struct {
	Had    bool   `json:"had,omitempty"`    // there was a job of ours under that name
	Before string `json:"before,omitempty"` // its text
}

// Do implements apply.Doer. It refuses where the file is somebody else's, where
// nothing would run it, and where others than root can change the program.
func (j Jobs) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	job, name, err := j.job(s)
	if err != nil {
		return err
	}
	if err := j.check(job); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(apply.ErrStopped, ctx.Err())
	}
	have, err := readJob(j.dir(), name)
	if err != nil {
		return err
	}
	want := job.Content()
	if have.text == want && have.right {
		return nil
	}
	if have.there && !remedy.OfJob(have.text) {
		return foreign(job.Path)
	}
	if known, err := w.Load(&jobState{}); err != nil {
		return fmt.Errorf("read what was noted of %s: %w", job.Path, err)
	} else if !known && have.text != want {
		if err := w.Note(jobState{Had: have.there, Before: have.text}); err != nil {
			return err
		}
	}
	return writeJob(j.dir(), name, want, have.there)
}

// Done implements apply.Doer. A file of somebody else's is no job of ours: Do
// then says why it refuses.
func (j Jobs) Done(_ context.Context, s remedy.Step, _ json.RawMessage) (apply.Answer, error) {
	job, name, err := j.job(s)
	if err != nil {
		return apply.CannotTell, err
	}
	have, err := readJob(j.dir(), name)
	switch {
	case err != nil:
		return apply.CannotTell, err
	case have.text == job.Content() && have.right:
		return apply.IsDone, nil
	}
	return apply.NotDone, nil
}

// Undo implements apply.Doer. It removes the job, or writes the one of ours that
// was there before. A file without our mark is left.
func (j Jobs) Undo(_ context.Context, s remedy.Step, w *apply.Work) error {
	job, name, err := j.job(s)
	if err != nil {
		return err
	}
	have, err := readJob(j.dir(), name)
	switch {
	case err != nil:
		return err
	case have.there && !remedy.OfJob(have.text):
		return foreign(job.Path)
	}
	var was jobState
	known, err := w.Load(&was)
	switch {
	case err != nil:
		return fmt.Errorf("read what was noted of %s: %w", job.Path, err)
	case known && was.Had:
		return writeJob(j.dir(), name, was.Before, have.there)
	case !have.there:
		return nil
	}
	return removeJob(j.dir(), name)
}

func (j Jobs) dir() string {
	if j.Dir == "" {
		return CronDir
	}
	return j.Dir
}

// job is the step with the name of its file, or why it cannot be cron's.
func (j Jobs) job(s remedy.Step) (remedy.RetentionJob, string, error) {
	job, ok := s.(remedy.RetentionJob)
	if !ok {
		return job, "", fmt.Errorf("schedule a step of kind %s: %w", s.Kind(), apply.ErrRefused)
	}
	name := filepath.Base(job.Path)
	switch {
	case filepath.Clean(job.Path) != filepath.Join(j.dir(), name):
		return job, "", refuse("it is not in "+j.dir(), job)
	case name == "" || strings.Trim(name, jobRunes) != "":
		return job, "", refuse("cron reads no file of such a name", job)
	}
	return job, name, nil
}

// jobRunes are what the name of a file may hold that every cron reads: some take
// no dot, others no sign of a backup.
const jobRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// commandMost is below what the oldest crons take as a command.
const commandMost = 900

// check says what keeps the job from being run as it was planned.
func (j Jobs) check(job remedy.RetentionJob) error {
	names := job.Schema + job.Table + job.Column + job.Binary
	switch {
	case job.Minute < 0 || job.Minute > 59 || job.Hour < 0 || job.Hour > 23:
		return refuse("there is no such time of day", job)
	case job.Keep < time.Hour || job.Keep%time.Hour != 0:
		return refuse("it does not keep whole hours", job)
	case strings.ContainsFunc(names, func(r rune) bool { return !unicode.IsPrint(r) || r == '\ufffd' }):
		return refuse("cron cannot take a line with such a character", job)
	case strings.Contains(names, `\`):
		return refuse("crons do not agree on what a backslash means", job)
	case len(job.CronLine()) > commandMost:
		return refuse("the line is too long for cron", job)
	case !filepath.IsAbs(job.Binary):
		return refuse("the program has no absolute path", job)
	}
	if err := j.trust(job.Binary); err != nil {
		return err
	}
	return j.runs(job)
}

func refuse(why string, job remedy.RetentionJob) error {
	return fmt.Errorf("schedule the job %q: %w: %s", job.Path, apply.ErrRefused, why)
}

func foreign(path string) error {
	return hint.Wrap(fmt.Errorf("schedule the job %s: %w: a file of that name is there that hirune did not write", path, apply.ErrRefused),
		"foreign-file", "look at it, and move it away if nobody needs it")
}

// List are the paths of the jobs that hirune has in the folder.
func (j Jobs) List() []string {
	all, err := filepath.Glob(filepath.Join(j.dir(), "hirune-keep-*"))
	if err != nil {
		return nil
	}
	return all
}

// Installed reports whether there is a cron that would run a job: a plan asks
// before it offers one.
func (j Jobs) Installed() bool {
	list := j.daemons
	if list == nil {
		list = daemons
	}
	return slices.ContainsFunc(list, func(path string) bool {
		st, err := os.Stat(path)
		return err == nil && st.Mode().IsRegular()
	})
}

// runs reports whether there is a cron that would run the job.
func (j Jobs) runs(job remedy.RetentionJob) error {
	if j.Installed() {
		return nil
	}
	return hint.Wrap(fmt.Errorf("schedule the job %s: %w: no cron is installed here, so nothing would run it", job.Path, apply.ErrRefused),
		"no-cron", "install cron (Debian: apt install cron; RHEL: dnf install cronie), or make a timer of systemd:\n"+Timer(job))
}

func (j Jobs) trust(path string) error {
	if j.trusted != nil {
		return j.trusted(path)
	}
	return onlyRoot(path)
}
