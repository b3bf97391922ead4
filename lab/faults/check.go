package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hirune/lab/run"
	"hirune/lab/stack"
)

// picture is the site as undo has to restore it.
type picture struct {
	rows, stay stack.Sum
	indexes    []string
	tables     []string
	files      map[string]string
}

// reset lays the data anew, forgets the journal, and keeps how everything is.
func (w *ward) reset(ctx context.Context) (err error) {
	if err := errors.Join(w.Site.ResetData(ctx), w.clear()); err != nil {
		return err
	}
	w.before, err = w.look(ctx)
	return err
}

// clear removes hirune's folder, unmounted if a fault has mounted it, and what it may have left of jobs.
func (w *ward) clear() error {
	unmount(w.Program.State)
	jobs, err := filepath.Glob(filepath.Join(run.CronDir, "*"))
	for _, path := range jobs {
		err = errors.Join(err, os.Remove(path))
	}
	return errors.Join(err, os.RemoveAll(w.Program.State))
}

// seeded restricts a condition to the rows that were there before.
func (w *ward) seeded(where string) string {
	return fmt.Sprintf("id <= %d AND %s", w.opt.Rows, where)
}

func (w *ward) look(ctx context.Context) (p picture, err error) {
	var errs [5]error
	p.rows, errs[0] = w.Site.Sum(ctx, w.seeded("1"))
	p.stay, errs[1] = w.Site.Sum(ctx, w.seeded("NOT "+w.Site.Old(time.Now())))
	p.indexes, errs[2] = w.Site.Indexes(ctx)
	p.tables, errs[3] = w.Site.Tables(ctx)
	p.files, errs[4] = readFiles(w.confDirs())
	return p, errors.Join(errs[:]...)
}

func readFiles(dirs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			out[path] = string(text)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", dir, err)
		}
	}
	return out, nil
}

// old counts the seeded rows that have to go and are still there.
func (w *ward) old(ctx context.Context) (int64, error) {
	return w.Site.Number(ctx, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", w.table(), w.seeded(w.Site.Old(time.Now()))))
}

// checkStay compares the rows that no apply may touch. It may be asked at any time that the database is up.
func (w *ward) checkStay(ctx context.Context) error {
	stay, err := w.Site.Sum(ctx, w.seeded("NOT "+w.Site.Old(time.Now())))
	if err == nil && stay != w.before.stay {
		w.wrong("rows that had to stay: %+v, were %+v", stay, w.before.stay)
	}
	return err
}

// checkDone looks at the site after an apply that says that all is done.
func (w *ward) checkDone(ctx context.Context) error {
	indexes, err := w.Site.Indexes(ctx)
	if err != nil {
		return err
	}
	onTime := slices.DeleteFunc(slices.Clone(indexes), func(i string) bool { return !strings.Contains(i, "(created") })
	if len(onTime) != 1 {
		w.wrong("indexes that begin with the purge's column: %q, want one", onTime)
	}
	access, err := w.Site.Access(ctx, time.Now())
	if err == nil && access != "range" {
		w.wrong("the purge is planned as %q, not range", access)
	}
	return err
}

// checkHistory reads the journal: it must hold each remedy once, and say that it has ended.
func (w *ward) checkHistory(ctx context.Context) error {
	r, err := w.Program.Run(ctx, w.Program.With("history", "--json")...)
	if err != nil {
		return err
	}
	h, err := run.ReadHistory(r)
	if err != nil {
		w.wrong("%v", err)
		return nil
	}
	count := map[string]int{}
	for _, one := range h.Runs {
		count[one.Remedy]++
		if one.State != "done" {
			w.wrong("history: run %d (%s) is %s, want done", one.ID, one.Remedy, one.State)
		}
		for _, s := range one.Steps {
			if s.Event != "done" && s.Event != "found-done" {
				w.wrong("history: run %d has the step %s (%s), which is %q", one.ID, s.ID, s.Kind, s.Event)
			}
		}
	}
	for remedy, n := range count {
		if n > 1 {
			w.wrong("history: %s was begun %d times", remedy, n)
		}
	}
	if strings.Contains(string(r.Err), "could not be read") {
		w.wrong("history: %.200s", r.Err)
	}
	return nil
}

// undo takes everything back and compares the site with what it was.
func (w *ward) undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	r, err := w.Program.Run(ctx, w.Program.With("undo", "--all", "--yes")...)
	if err != nil {
		return err
	}
	if r.Exit != 0 {
		w.wrong("undo: exit %d: %.500s", r.Exit, r.Err)
	}
	now, err := w.look(ctx)
	if err != nil {
		return err
	}
	if now.rows != w.before.rows {
		w.wrong("after undo the rows are %+v, were %+v", now.rows, w.before.rows)
	}
	if !slices.Equal(now.indexes, w.before.indexes) || !slices.Equal(now.tables, w.before.tables) {
		w.wrong("after undo: indexes %q, tables %q", now.indexes, now.tables)
	}
	for path, text := range w.before.files {
		if now.files[path] != text {
			w.wrong("after undo %s is not as it was", path)
		}
		delete(now.files, path)
	}
	for path := range now.files {
		w.wrong("after undo there is still %s", path)
	}
	return nil
}
