package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Bounds of waiting. A chunk takes about 0.1 s; under a capped CPU a hundred
// times that.
const (
	answerLimit  = 90 * time.Second // one answer of the server
	chunkLimitS  = 60               // one statement, where the server can end it (MariaDB)
	reopenLimit  = 2 * time.Minute  // a server that restarts
	reopenFirst  = 100 * time.Millisecond
	reopenMost   = 5 * time.Second
	lockFirst    = 50 * time.Millisecond
	lockMost     = 8 * time.Second
	maxLockTries = 14 // in all about a minute of waiting, and a second of each try
	maxLostTries = 6  // a piece that ends the server each time is not tried for ever
)

// chunkHand is a session that changes rows in small transactions, and what to do
// when one fails.
type chunkHand struct {
	*mysql.Hand
	lost  int // tries of the present piece that lost the connection
	locks int // tries of it that met a lock
}

// chunkSession bounds the session: it waits for no lock longer than two
// seconds. Moments are read and written in UTC, values as they are stored, and
// zero dates and a zero key are taken as they come.
func chunkSession(isolation string) ([]string, error) {
	if isolation != "READ COMMITTED" && isolation != "REPEATABLE READ" {
		return nil, fmt.Errorf("open a session: %w: unknown isolation level %q", apply.ErrRefused, isolation)
	}
	return []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL " + isolation,
		"SET SESSION lock_wait_timeout=2, innodb_lock_wait_timeout=1, autocommit=1, sql_safe_updates=0, sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
		"SET SESSION time_zone='+00:00', character_set_results=binary",
		fmt.Sprintf("SET SESSION lock_wait_timeout=2 /*M!100101 , max_statement_time=%d*/ ", chunkLimitS),
	}, nil
}

func (s Server) openChunkHand(ctx context.Context, isolation string) (*chunkHand, error) {
	setUp, err := chunkSession(isolation)
	if err != nil {
		return nil, err
	}
	h, err := s.Open(ctx, answerLimit, setUp...)
	if err != nil {
		return nil, err
	}
	return &chunkHand{Hand: h}, nil
}

// outcome is what to do after a piece has failed.
type outcome int

const (
	tryAgain   outcome = iota // after the wait that has been done: a lock was held
	tryAnew                   // the connection was lost and is there again
	trySmaller                // the piece took too long, or too much room
)

// recover waits for what a failed piece met to be over and says how to go on. It
// returns an error where the piece must not be tried again.
func (h *chunkHand) recover(ctx context.Context, err error) (outcome, error) {
	switch {
	case errors.Is(err, errTooMuch):
		return trySmaller, nil
	case errors.Is(err, apply.ErrRefused), errors.Is(err, apply.ErrStopped):
		return 0, err
	case h.Lost():
		return h.reconnect(ctx, err)
	}
	n := mysql.Number(err)
	if !transient(n) {
		return 0, explained(err)
	}
	if h.locks++; h.locks > maxLockTries {
		return 0, explained(err)
	}
	if n == errStatementTime || n == errExecutionTime {
		return trySmaller, pause(ctx, lockFirst)
	}
	return tryAgain, pause(ctx, min(lockFirst<<(h.locks-1), lockMost))
}

// done says that a piece has succeeded.
func (h *chunkHand) done() { h.lost, h.locks = 0, 0 }

func (h *chunkHand) reconnect(ctx context.Context, why error) (outcome, error) {
	if h.lost++; h.lost > maxLostTries {
		return 0, hint.Wrap(fmt.Errorf("the connection was lost %d times at the same rows: %w", h.lost, why), "connection-lost", "look at the end of the database's error log before you go on with: hirune apply")
	}
	bound, cancel := context.WithTimeout(ctx, reopenLimit)
	defer cancel()
	for wait := reopenFirst; ; wait = min(2*wait, reopenMost) {
		err := h.Reopen(bound)
		switch {
		case err == nil:
			return tryAnew, nil
		case ctx.Err() != nil:
			return 0, fmt.Errorf("%w: %w", apply.ErrStopped, ctx.Err())
		case errors.Is(err, mysql.ErrDenied):
			return 0, err
		}
		if pause(bound, wait) != nil && ctx.Err() == nil {
			return 0, hint.Wrap(fmt.Errorf("the database did not come back within %s: %w", reopenLimit, err), mysql.CodeDown, "start the database, then go on with: hirune apply")
		}
	}
}

// pause waits, or returns ErrStopped where ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", apply.ErrStopped, ctx.Err())
	}
}

// condition is the part of a range's DELETE from WHERE on, so that what is read
// is what is deleted.
func condition(s remedy.DeleteInChunks, from, to int64) string {
	return s.Range(from, to)[len("DELETE FROM "+s.Name()):]
}
