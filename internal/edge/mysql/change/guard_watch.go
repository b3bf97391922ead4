package change

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/edge/mysql"
)

// ending is how one attempt ended.
type ending struct {
	err    error
	waited time.Duration // the longest that somebody else was seen to wait for the table
	killed bool          // we have ended it
}

// do runs the statement while a second session watches who waits for it. The
// statement is not bound to ctx: a client that goes away does not end it. When
// ctx ends, the watcher ends it at the server.
func (a *attempts) do(ctx context.Context) ending {
	bound, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	done, watched := make(chan struct{}), make(chan ending, 1)
	t := &watcher{attempts: a, id: a.hand.ID(), giveUp: giveUp, since: map[uint64]waiting{}}
	go func() { watched <- t.watch(ctx, done) }()
	_, err := a.hand.Exec(bound, a.text)
	if err == nil && a.after != nil {
		a.after(bound)
	}
	close(done)
	end := <-watched
	end.err = err
	return end
}

// watcher looks at the queue for the table while our statement runs.
type watcher struct {
	*attempts
	id     uint64 // of the session that runs the statement
	giveUp func() // lets go of the connection
	since  map[uint64]waiting
	end    ending
	killAt time.Time // first KILL
	last   time.Time // latest KILL
	began  time.Time
}

// waiting is one session that waits for the table.
type waiting struct {
	query uint64
	from  time.Time
}

func (t *watcher) watch(ctx context.Context, done <-chan struct{}) ending {
	looks := context.WithoutCancel(ctx) // each is bounded by the session's own limit
	t.began = t.w.Now()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	stop := ctx.Done()
	for stopped := false; ; {
		select {
		case <-done:
			return t.end
		case <-stop:
			stopped, stop = true, nil
		case <-tick.C:
		}
		t.look(looks, stopped)
	}
}

// look takes one look, and ends our statement where it has to.
func (t *watcher) look(ctx context.Context, stopped bool) {
	if t.eye.Reopen(ctx) != nil {
		return // the wait for the table stays bounded by the server
	}
	all, err := sessions(ctx, t.eye)
	if err != nil {
		return
	}
	us, there := sessionOf(all, t.id)
	if !there || us.command == "Sleep" {
		return // it has just ended
	}
	t.end.waited = max(t.end.waited, t.longest(all, t.w.Now()))
	if stopped || t.end.waited > t.stall+slack {
		t.kill(ctx, us)
		return
	}
	t.tell(ctx)
}

// longest is how long the one has waited that waits longest for the table now.
func (t *watcher) longest(all []seen, now time.Time) time.Duration {
	var out time.Duration
	still := map[uint64]waiting{}
	for _, s := range all {
		if s.id == t.id || !waitsForTable(s) || s.text != "" && !mentions(s.text, t.on.Table) {
			continue
		}
		was, ok := t.since[s.id]
		if !ok || was.query != s.query {
			was = waiting{s.query, now}
		}
		still[s.id] = was
		out = max(out, now.Sub(was.from))
		if t.eye.MariaDB() { // in milliseconds; MySQL rounds it up to seconds
			out = max(out, min(time.Duration(s.ms)*time.Millisecond, now.Sub(t.began)))
		}
	}
	t.since = still
	return out
}

// waitsForTable reports whether the session waits for a table's metadata lock.
func waitsForTable(s seen) bool {
	return s.command != "Sleep" && strings.Contains(strings.ToLower(s.state), "metadata lock")
}

// kill ends our statement, again each second: in some phases it does not listen.
func (t *watcher) kill(ctx context.Context, us seen) {
	now := t.w.Now()
	if now.Sub(t.last) < killEvery {
		return
	}
	text := fmt.Sprintf("KILL QUERY %d", us.id)
	if us.query != 0 {
		text = fmt.Sprintf("KILL QUERY ID %d", us.query)
	}
	if _, err := t.eye.Exec(ctx, text); err != nil {
		return // it has ended since, or the next look sees why not
	}
	t.end.killed, t.last = true, now
	if t.killAt.IsZero() {
		t.killAt = now
	}
	if now.Sub(t.killAt) > killMost {
		t.giveUp()
	}
}

// tell says how far the server is. MariaDB does not say it of a change in place.
func (t *watcher) tell(ctx context.Context) {
	p := apply.Progress{Doing: t.doing, Total: -1, Fact: t.w.Now().Sub(t.began).Round(time.Second).String()}
	if done, total, ok := stage(ctx, t.eye, t.id); ok {
		p.Done, p.Total = done, total
	}
	t.w.Tell(p)
}

// stage reads how far a statement is; ok is false where the server does not say.
// Source: performance_schema.events_stages_current, on by default in MySQL.
func stage(ctx context.Context, eye *mysql.Hand, id uint64) (done, total int64, ok bool) {
	if eye.MariaDB() {
		return 0, 0, false
	}
	rows, err := eye.Named(ctx, `SELECT e.WORK_COMPLETED AS done, e.WORK_ESTIMATED AS total FROM performance_schema.events_stages_current e
JOIN performance_schema.threads t ON t.THREAD_ID = e.THREAD_ID WHERE t.PROCESSLIST_ID=? AND e.WORK_ESTIMATED > 0`, id)
	if err != nil || len(rows) != 1 {
		return 0, 0, false
	}
	return signed(rows[0]["done"]), signed(rows[0]["total"]), true
}
