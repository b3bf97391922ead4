package webserver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// Deny keeps whom a web server refuses, by the client's address as the server
// itself knows it, in one file of our own: for all sites of the server, and only
// as a refusal, so that it opens nothing to anybody.
//
// The server has no ends of its own for it: what is to be refused no longer has
// to be left out by a later Apply.
type Deny struct {
	Server   string // evidence.ServiceApache or evidence.ServiceNginx
	Instance string
	PID      int            // of the parent
	Config   string         // its main configuration file
	Ask      []remedy.Probe // pages that have to go on answering from here
	Proc     string         // where processes are seen; empty: /proc
	Settle   time.Duration  // how long a reload may take to show; 0: 10 s
	// Lazy leaves what has run out in place until the last change is a minute old,
	// so that many ends do not make as many reloads.
	Lazy bool
}

// Denied is what Apply has changed.
type Denied struct {
	Added, Removed int
	Loaded         bool // the list was right, and the running server did not have it
}

// DenyGap is how a web server differs from what it should refuse.
type DenyGap struct {
	Missing []netip.Prefix
	Extra   int    // refused, and should not be
	Broken  string // what else is wrong; "" : nothing
}

// DenyPlace says whether the web server can refuse clients at all.
type DenyPlace struct {
	Path    string
	Problem string // why there is no place for a file of our own, in English; "" : there is
	Fix     string // the exact line that would make one
}

// ErrNoPlace says that the web server takes in no file of ours. Its hint has the
// line that would change it.
var ErrNoPlace = errors.New("no place for a list of refused clients in the web server's configuration")

const (
	// lazyFor is how old the last change has to be before ends are taken out.
	lazyFor = time.Minute
	// doubtFor is how long after a change a lazy look asks the server itself.
	doubtFor = 2 * time.Minute
)

// Place reads the configuration and changes nothing. The error wraps
// evidence.ErrAbsent where the server cannot be seen.
func (d Deny) Place() (DenyPlace, error) {
	step, pl, err := d.step()
	return DenyPlace{Path: step.Path, Problem: pl.problem, Fix: pl.fix}, err
}

// Apply makes the server refuse these prefixes and nobody else, all at once or
// not at all. The configuration has to pass its own test before and after; what
// does not work out is put back. It needs root.
func (d Deny) Apply(ctx context.Context, all []netip.Prefix) (Denied, error) {
	w, err := d.open(ctx)
	if err != nil {
		return Denied{}, err
	}
	defer w.close()
	had := listed(d.Server, w.text)
	out := Denied{Added: len(except(all, had)), Removed: len(except(had, all))}
	w.want(d, all)
	switch {
	case w.now.file == fileForeign:
		return Denied{}, hint.Wrap(fmt.Errorf("%w: %s was changed by hand, or is not of hirune", apply.ErrRefused, shown(w.step.Path)), "changed-by-hand",
			"look at it; remove it if it is not needed, test and reload the web server, then try again")
	case len(all) == 0 && w.now.file == fileGone && w.now.hooks == 0:
		return Denied{}, nil
	case d.Lazy && len(all) > 0 && out.Added == 0 && out.Removed > 0 && time.Since(w.changed) < lazyFor:
		return Denied{}, nil
	case len(all) == 0:
		return out, w.takeAway(ctx, d)
	case w.now.all() && w.doubtless(d):
		return Denied{}, nil
	case w.now.all() && w.loaded(ctx, d) == nil:
		return Denied{}, nil
	}
	out.Loaded = w.now.all()
	return out, w.putIn(ctx, d)
}

// Check compares what the server refuses with what it should. It changes nothing.
func (d Deny) Check(ctx context.Context, all []netip.Prefix) (DenyGap, error) {
	w, err := d.open(ctx)
	if errors.Is(err, ErrNoPlace) && len(all) == 0 {
		return DenyGap{}, nil
	}
	if err != nil {
		return DenyGap{}, err
	}
	defer w.close()
	had := listed(d.Server, w.text)
	gap := DenyGap{Missing: except(all, had), Extra: len(except(had, all))}
	w.want(d, all)
	switch {
	case w.now.file == fileForeign:
		gap.Broken = shown(w.step.Path) + " was changed by hand, or is not of hirune"
	case len(all) == 0 || len(gap.Missing)+gap.Extra > 0:
	case !w.now.all():
		gap.Broken = "a line that names " + shown(w.step.Path) + " is gone"
	default:
		if err := w.loaded(ctx, d); err != nil {
			gap.Broken = err.Error()
		}
	}
	return gap, nil
}

// except are the prefixes of a that are not in b.
func except(a, b []netip.Prefix) []netip.Prefix {
	in := map[netip.Prefix]bool{}
	for _, p := range b {
		in[p] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(p netip.Prefix) bool { return in[p] })
}

// step is where the file goes, without its content and probes.
func (d Deny) step() (remedy.WriteInclude, place, error) {
	in := In{Server: d.Server, Instance: d.Instance, PID: d.PID, Config: d.Config, Proc: d.Proc}
	level, ok := map[string]func(In, process) (place, error){evidence.ServiceApache: apacheLevel, evidence.ServiceNginx: nginxLevel}[d.Server]
	if !ok {
		return remedy.WriteInclude{}, place{problem: "only Apache and nginx can be told whom to refuse"}, nil
	}
	p, err := processAt(d.Proc, d.PID)
	if err != nil {
		return remedy.WriteInclude{}, place{}, hint.Wrap(fmt.Errorf("look at the web server (pid %d): %w: %w", d.PID, evidence.ErrAbsent, err), "web-unseen", "is it running? run hirune with sudo")
	}
	if p.elsewhere {
		return remedy.WriteInclude{}, place{problem: "the web server runs in a container; its configuration belongs to the container's image"}, nil
	}
	pl, err := level(in, p)
	if err != nil {
		return remedy.WriteInclude{}, place{}, fmt.Errorf("read the configuration of %s: %w: %w", d.Server, evidence.ErrAbsent, err)
	}
	step := remedy.WriteInclude{Server: d.Server, Instance: d.Instance, Path: pl.path, Test: p.test(d.Server), Signal: signalOf(d.Server), PID: p.pid}
	hooked(&step, pl.hooks)
	return step, pl, nil
}

// denying is one look at the file, or one change of it.
type denying struct {
	step    remedy.WriteInclude
	now     pieces
	text    string    // of the file, "" without one
	changed time.Time // of the file
	dir     *os.File  // locked: of two processes one waits
}

// lockFor bounds how long another process is waited for.
const lockFor = proveFor + settleFor

func (d Deny) open(ctx context.Context) (*denying, error) {
	step, pl, err := d.step()
	if err != nil {
		return nil, err
	}
	if pl.problem != "" {
		return nil, hint.Wrap(fmt.Errorf("%w: %w: %s", apply.ErrRefused, ErrNoPlace, pl.problem), "no-place", pl.fix)
	}
	w := &denying{step: step}
	if w.dir, err = locked(ctx, filepath.Dir(step.Path)); err != nil {
		return nil, err
	}
	if w.text, _, err = load(step.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		w.close()
		return nil, err
	}
	if st, err := os.Lstat(step.Path); err == nil {
		w.changed = st.ModTime()
	}
	return w, nil
}

func (w *denying) close() { w.dir.Close() }

// locked holds the directory for this process alone.
func locked(ctx context.Context, dir string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, lockFor)
	defer cancel()
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", shown(dir), errors.Unwrap(err))
	}
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return f, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, hint.Wrap(fmt.Errorf("%w: another hirune is at work in %s", apply.ErrRefused, shown(dir)), "in-use", "try again in a minute")
		case <-tick.C:
		}
	}
}

// want makes the step of the list, and looks what of it is in place. With nobody
// to refuse it is the step that put in what is there.
func (w *denying) want(d Deny, all []netip.Prefix) {
	if len(all) > 0 {
		w.step.Content = remedy.Signed(denyText(d.Server, all))
	} else if remedy.Intact(w.text) {
		w.step.Content = w.text
	}
	w.step.Probes = slices.Clone(d.Ask)
	if d.Server == evidence.ServiceApache && len(d.Ask) > 0 && w.step.Content != "" {
		w.step.Probes = append([]remedy.Probe{sign(d.Ask[0], w.step.Content)}, d.Ask...)
	}
	now, err := see(w.step)
	if err != nil {
		now.file = fileForeign // it is no regular file, or not readable
	}
	w.now = now
}

// job is the work on the step as Includes does it.
func (w *denying) job(d Deny) (*job, error) {
	j, err := Includes{Proc: d.Proc, Settle: d.Settle}.job(w.step, apply.NewWork(nil, func(any) error { return nil }, nil, nil, time.Now))
	if err != nil {
		return nil, err
	}
	if len(w.step.Probes) == 0 && d.Server == evidence.ServiceApache {
		return nil, fmt.Errorf("%w: no page of the web server is known that answers here, so that nothing could be proven", apply.ErrRefused)
	}
	if d.Server == evidence.ServiceNginx {
		before := workersOf(d.Proc, j.parent.pid)
		j.loaded = func() error { return renewed(d.Proc, j.parent.pid, before) }
	}
	return j, nil
}

// putIn writes the list, loads it and proves it.
func (w *denying) putIn(ctx context.Context, d Deny) error {
	j, err := w.job(d)
	if err != nil {
		return err
	}
	if w.now.hooks == w.now.want { // what was there before stays when this is put back
		j.step.HookFile, j.step.More = "", nil
	}
	if err := j.prepare(ctx, w.now); err != nil {
		return err
	}
	j.drop()
	return j.carryOut(ctx, w.now)
}

// drop leaves out the pages that have not answered in time: nothing can be told by
// them afterwards, and whoever is to be refused may be the reason.
func (j *job) drop() {
	var probes []remedy.Probe
	var was []was
	for i, p := range j.step.Probes {
		if p.Status != 0 || j.note.Was[i].Status != 0 {
			probes, was = append(probes, p), append(was, j.note.Was[i])
		}
	}
	j.step.Probes, j.note.Was = probes, was
}

// takeAway removes the file and the lines that name it, and loads that.
func (w *denying) takeAway(ctx context.Context, d Deny) error {
	j, err := w.job(d)
	if err != nil {
		return err
	}
	j.note.Was = make([]was, len(j.step.Probes))
	if err := j.pages(ctx); err != nil {
		return err
	}
	if err := j.undo(ctx, w.now); err != nil {
		return err
	}
	if err := reload(ctx, j.step, j.parent); err != nil {
		return err
	}
	if err := j.proveOpen(ctx); err != nil {
		return fmt.Errorf("%w: the list is taken out and the web server was reloaded, but: %w", apply.ErrUnknownOutcome, err)
	}
	return nil
}
