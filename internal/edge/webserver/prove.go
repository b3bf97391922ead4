package webserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hirune/internal/core/remedy"
)

const (
	settleFor = 10 * time.Second // Apache's old children may take a moment to go
	proveFor  = 60 * time.Second // in all: pages are slow where PHP is short
	askAgain  = 200 * time.Millisecond
	inARow    = 2 // rounds without a fault: an old child may have answered one
)

// wrong says what is wrong with an answer; "" if it is as the probe wants it.
func wrong(p remedy.Probe, a answer, before was) string {
	switch {
	case p.Status != 0 && a.status != p.Status:
		return fmt.Sprintf("%s, not %d", a.words(), p.Status)
	case p.Marker != "" && !strings.Contains(a.body, p.Marker):
		return a.words() + ", but not by the web server's new rule"
	case p.Status != 0 || before.Status == 0 || before.Status >= 500:
		return "" // where nothing came before, nothing can be compared
	case a.failed() || a.status/100 != before.Status/100:
		return fmt.Sprintf("%s, not %d as before", a.words(), before.Status)
	}
	return ""
}

// prove asks until every answer is as the step wants it, twice in a row.
func (j *job) prove(ctx context.Context) error {
	return poll(ctx, j.bound(), func(ctx context.Context) error {
		if err := j.taken(); err != nil {
			return err
		}
		for i, p := range j.step.Probes {
			before := was{}
			if i < len(j.note.Was) {
				before = j.note.Was[i]
			}
			if w := wrong(p, request(ctx, p), before); w != "" {
				return fault{p, w}
			}
		}
		return nil
	})
}

// proveOpen asks until the site answers as before the change.
func (j *job) proveOpen(ctx context.Context) error {
	return poll(ctx, j.bound(), func(ctx context.Context) error {
		if err := j.taken(); err != nil {
			return err
		}
		for i, p := range j.step.Probes {
			if i >= len(j.note.Was) || p.Status != 0 && i > 0 {
				continue
			}
			a, before := request(ctx, p), j.note.Was[i]
			if p.Marker != "" && strings.Contains(a.body, p.Marker) && j.note.Old == "" {
				return fault{p, "it is still refused by the rule"}
			}
			if w := wrong(remedy.Probe{}, a, before); w != "" {
				return fault{p, w}
			}
		}
		return nil
	})
}

// taken is an error while the running server is known to go by what it had.
func (j *job) taken() error {
	if j.loaded == nil {
		return nil
	}
	return j.loaded()
}

func (j *job) bound() time.Duration {
	if j.Settle > 0 {
		return j.Settle
	}
	return settleFor
}

// fault is an answer that is not as it should be.
type fault struct {
	probe remedy.Probe
	what  string
}

// Error implements error.
func (f fault) Error() string {
	return fmt.Sprintf("%s %s: %s", f.probe.Method, shown(f.probe.URL), f.what)
}

// slow reports whether a page only did not come in time.
func (f fault) slow() bool { return f.probe.Status == 0 && strings.HasPrefix(f.what, late) }

// poll asks until two rounds in a row are without a fault. A page may be slow
// because PHP is short, which no rule of ours makes worse: it gets more time.
func poll(ctx context.Context, settle time.Duration, round func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	patience := time.NewTimer(settle)
	defer patience.Stop()
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	over, good := false, 0
	for {
		err := round(ctx)
		if good++; err != nil {
			good = 0
		}
		var f fault
		switch {
		case good == inARow:
			return nil
		case ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case over && err != nil && (!errors.As(err, &f) || !f.slow()):
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-patience.C:
			over = true
		case <-tick.C:
		}
	}
}
