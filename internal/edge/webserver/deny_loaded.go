package webserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/evidence"
)

// doubtless reports whether a lazy look need not ask the server: a list that has
// been there for a while was loaded, or its loading has failed aloud.
func (w *denying) doubtless(d Deny) bool { return d.Lazy && time.Since(w.changed) > doubtFor }

var errNotLoaded = errors.New("the running web server has not loaded the list")

// loaded asks the running server whether it has the list of the file.
func (w *denying) loaded(ctx context.Context, d Deny) error {
	if d.Server == evidence.ServiceNginx {
		return youngerThan(d.Proc, w.step.PID, w.changed)
	}
	if len(w.step.Probes) == 0 {
		return fmt.Errorf("%w, as far as can be seen: no page is known that answers here", errNotLoaded)
	}
	p := w.step.Probes[0]
	if why := wrong(p, request(ctx, p), was{}); why != "" {
		return fmt.Errorf("%w: %s", errNotLoaded, why)
	}
	return nil
}

// workersOf are the processes that a parent has started.
func workersOf(proc string, parent int) []int {
	entries, _ := os.ReadDir(firstOf(proc, "/proc"))
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && parentOf(filepath.Join(firstOf(proc, "/proc"), e.Name())) == parent {
			out = append(out, pid)
		}
	}
	return out
}

// renewed is an error until the parent has a worker that it did not have: nginx
// starts new ones once it has taken its configuration, and only then.
func renewed(proc string, parent int, before []int) error {
	if slices.ContainsFunc(workersOf(proc, parent), func(pid int) bool { return !slices.Contains(before, pid) }) {
		return nil
	}
	return fmt.Errorf("%w: it has started no new worker; see its error log", errNotLoaded)
}

// startSlack is how exactly the start of a process is known.
const startSlack = 20 * time.Millisecond

// youngerThan is an error unless a worker of the parent has started since.
func youngerThan(proc string, parent int, since time.Time) error {
	up, err := os.ReadFile(filepath.Join(firstOf(proc, "/proc"), "uptime"))
	if err != nil {
		return fmt.Errorf("see since when this host runs: %w", err)
	}
	first, _, _ := strings.Cut(string(up), " ")
	s, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return fmt.Errorf("see since when this host runs: %w", err)
	}
	boot := time.Now().Add(-time.Duration(s * float64(time.Second)))
	for _, pid := range workersOf(proc, parent) {
		if at := boot.Add(startOf(filepath.Join(firstOf(proc, "/proc"), strconv.Itoa(pid)))); !at.Before(since.Add(-startSlack)) {
			return nil
		}
	}
	return errNotLoaded
}

// ticks of a process' clock in a second, on every Linux that we are built for.
const ticks = 100

// startOf reads from a process' stat when it started, since the host did.
// Source: proc_pid_stat(5), field 22.
func startOf(dir string) time.Duration {
	b, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 20 {
		return 0
	}
	n, _ := strconv.ParseInt(f[19], 10, 64)
	return time.Duration(n) * time.Second / ticks
}
