package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// online is one statement that has to have a table for itself for a moment. Who
// asks for a table keeps all later comers waiting, at the beginning of the
// statement and again at its end: so it is asked for only when nothing seems to
// hold it, for no longer than stall, and given back before visitors notice.
type online struct {
	srv    Server
	on     remedy.On
	text   string
	doing  string        // code
	stall  time.Duration // bound of one wait for the table
	budget time.Duration // of all such waits together; 0: stall for each try
	tries  int           // looks and attempts together; 0: onlineTries
	// before is done before each attempt, over the session that then does it. May be nil.
	before func(context.Context, *mysql.Hand) error
	// after is done at once when it has succeeded. May be nil.
	after func(context.Context)
	// there reports whether the statement has had its effect; it is asked when the
	// answer of the server was lost.
	there func(context.Context, *mysql.Hand) (bool, error)
}

// Bounds of waiting for a table.
const (
	onlineTries = 20
	pauseMost   = 15 * time.Second
	slack       = 500 * time.Millisecond // beyond stall, until our own statement is ended for others' sake
	watchEvery  = 250 * time.Millisecond
	killEvery   = time.Second
	killMost    = 5 * time.Minute  // what taking half an index back may take
	settleMost  = 60 * time.Second // for a statement to end whose connection was lost
	lostMost    = 3
)

// session are the settings of the session that does it. The mode is not strict,
// because that refuses to alter a table with an old default such as 0000-00-00.
func (o online) session() []string {
	s := max(int64(o.stall/time.Second), 1)
	return []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		fmt.Sprintf("SET SESSION lock_wait_timeout=%d, innodb_lock_wait_timeout=%d, autocommit=1, sql_mode='NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES' /*!80000 , information_schema_stats_expiry=0 */ /*M!100101 , max_statement_time=0 */", s, s),
	}
}

// run tries until it is done, or stops with the reason; then nothing was done.
func (o online) run(ctx context.Context, w *apply.Work) error {
	o.stall = max(o.stall, time.Second)
	if o.tries <= 0 {
		o.tries = onlineTries
	}
	if o.budget <= 0 {
		o.budget = o.stall * time.Duration(o.tries)
	}
	eye, err := o.srv.openEye(ctx)
	if err != nil {
		return fmt.Errorf("open a second session to watch %s: %w", o.on.Name(), err)
	}
	defer eye.Close()
	hand, err := o.srv.Open(ctx, 0, o.session()...)
	if err != nil {
		return fmt.Errorf("open a session to change %s: %w", o.on.Name(), err)
	}
	defer func() { _ = hand.Close() }() // each statement is committed by itself
	a := &attempts{online: o, eye: eye, hand: hand, w: w}
	return a.loop(ctx)
}

// attempts is one run of an online statement.
type attempts struct {
	online
	eye, hand *mysql.Hand
	w         *apply.Work
	spent     time.Duration // that others may have waited
	suspect   string        // what may have the table
	lost      int           // connections
}

func (a *attempts) loop(ctx context.Context) error {
	var last obstacle
	for try := 1; try <= a.tries; try++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("change %s: %w: %w", a.on.Name(), apply.ErrStopped, err)
		}
		o, err := a.look(ctx, try)
		if err != nil {
			return err
		}
		if o == nil {
			if o, err = a.once(ctx); err != nil || o == nil {
				return err
			}
		}
		last = *o
		if a.spent+a.stall > a.budget {
			break
		}
		a.w.Tell(apply.Progress{Doing: a.doing, Total: -1, Wait: last.code, Fact: last.fact})
		if try == a.tries {
			break
		}
		if err := pause(ctx, min(a.stall<<min(try-1, 8), pauseMost)); err != nil {
			return fmt.Errorf("change %s: %w", a.on.Name(), err)
		}
	}
	return hint.Wrap(fmt.Errorf("change %s: nothing was done: it could not be had without making visitors wait (%s: %s)", a.on.Name(), last.code, last.fact),
		"table-busy", "end what holds the table, or wait for a quiet hour; then go on with: hirune apply")
}

// look returns what is in the way, or nil. What may have nothing to do with the
// table is waited for at half of the looks; then the server is asked, which
// costs visitors at most one stall.
func (a *attempts) look(ctx context.Context, try int) (*obstacle, error) {
	if err := a.eye.Reopen(ctx); err != nil {
		return nil, fmt.Errorf("look what holds %s: %w", a.on.Name(), err)
	}
	found, err := obstacles(ctx, a.eye, a.on, a.handID())
	if err != nil {
		return nil, fmt.Errorf("look what holds %s: %w", a.on.Name(), err)
	}
	if len(found) == 0 {
		a.suspect = ""
		return nil, nil
	}
	o := surest(found)
	a.suspect = ""
	if o.guessed && try > a.tries/2 {
		a.suspect = "; perhaps because of " + o.fact
		return nil, nil
	}
	return &o, nil
}

func (a *attempts) handID() uint64 {
	if a.hand.Lost() {
		return 0
	}
	return a.hand.ID()
}

// once is one attempt. It returns nothing where it is done, why the table was
// not to be had, or the error that ends the run.
func (a *attempts) once(ctx context.Context) (*obstacle, error) {
	if err := a.hand.Reopen(ctx); err != nil {
		return nil, fmt.Errorf("change %s: %w", a.on.Name(), err)
	}
	if a.before != nil {
		if err := a.before(ctx, a.hand); err != nil {
			return nil, err
		}
	}
	end := a.do(ctx)
	if end.err == nil {
		return nil, nil
	}
	a.spent += max(a.stall, end.waited)
	if end.killed {
		_ = a.hand.Close() // the KILL may yet meet its next statement
	}
	n := mysql.Number(end.err)
	switch {
	case n == errLockWait || n == errDeadlock:
		return &obstacle{code: WaitTable, fact: fmt.Sprintf("not given within %s%s", a.stall, a.suspect)}, nil
	case n == 0 && a.hand.Lost() && !end.killed:
		return a.settle(ctx, end.err)
	case end.killed && ctx.Err() != nil:
		if n == 0 {
			return nil, fmt.Errorf("change %s: %w: it did not end when it was told to", a.on.Name(), apply.ErrUnknownOutcome)
		}
		return nil, fmt.Errorf("change %s: %w: %w", a.on.Name(), apply.ErrStopped, ctx.Err())
	case end.killed:
		return &obstacle{code: WaitTable, fact: fmt.Sprintf("others waited %s, so it was ended", end.waited.Round(100*time.Millisecond))}, nil
	}
	return nil, fmt.Errorf("change %s: %w", a.on.Name(), refusedOnline(end.err))
}

// settle finds out what became of a statement whose connection was lost: the
// server may still be at it.
func (a *attempts) settle(ctx context.Context, why error) (*obstacle, error) {
	if a.lost++; a.lost > lostMost {
		return nil, hint.Wrap(fmt.Errorf("change %s: the connection was lost %d times: %w", a.on.Name(), a.lost, why), "connection-lost", "look at the end of the database's error log before you go on with: hirune apply")
	}
	limit, cancel := context.WithTimeout(ctx, settleMost)
	defer cancel()
	if err := untilQuiet(limit, a.eye, a.text); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("change %s: %w: %w", a.on.Name(), apply.ErrStopped, ctx.Err())
		}
		return nil, errors.Join(err, why)
	}
	done, err := a.there(ctx, a.eye)
	if err != nil || done {
		return nil, err
	}
	return &obstacle{code: WaitTable, fact: "the connection was lost"}, nil
}

// untilQuiet waits until no session carries out that statement of ours.
func untilQuiet(ctx context.Context, eye *mysql.Hand, text string) error {
	text = asListed(mysql.Marker + text)
	return untilNone(ctx, eye, func(s seen) bool { return s.text == text })
}

// untilNone waits until no session works at what is meant. It returns
// ErrUnknownOutcome where that lasts longer than ctx.
func untilNone(ctx context.Context, eye *mysql.Hand, meant func(seen) bool) error {
	var err error
	for first := true; ; first = false {
		if !first {
			if stop := pause(ctx, watchEvery); stop != nil {
				return fmt.Errorf("wait for the end of a statement of ours: %w", errors.Join(apply.ErrUnknownOutcome, err))
			}
		}
		if err = eye.Reopen(ctx); err != nil {
			continue
		}
		var all []seen
		if all, err = sessions(ctx, eye); err != nil {
			continue
		}
		if !slices.ContainsFunc(all, func(s seen) bool { return s.command != "Sleep" && meant(s) }) {
			return nil
		}
	}
}

// asListed is a text as the list of sessions shows it.
func asListed(text string) string {
	r := []rune(text)
	return string(r[:min(len(r), maxText)])
}
