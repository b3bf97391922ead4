package collectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql"
)

// databaseServer is one server with its connection.
type databaseServer struct {
	target   mysql.Target
	creds    []mysql.Credential
	conn     *mysql.Conn
	lastErr  error
	retryAt  time.Time
	retries  int
	told     []evidence.Unseen    // the missing rights that were recorded
	suspects map[string]time.Time // digest → when it was looked into
	often    often                // shapes that run often of late
	jobs     []task               // what is left to look into
	tablesAt time.Time
	digestAt time.Time
	usesAt   time.Time
	limits   map[string]int64 // most connections of an account
	limit    int64            // of all; 0 not known yet
}

// look is what one look at a server gave.
type look struct {
	at    time.Time
	facts []evidence.Fact
	err   error
}

func (l *look) emit(f evidence.Fact) { l.facts = append(l.facts, f) }

// retry intervals: a server that starts again is to be seen soon, a wrong
// password is not to fill its log.
const (
	retryMax       = 8 * time.Second
	retryDeniedMax = time.Minute
)

// connect opens the connection, or opens it anew, not too often.
func (s *databaseServer) connect(ctx context.Context, now time.Time) (err error) {
	if s.conn != nil && !s.conn.Lost() {
		return nil
	}
	if now.Before(s.retryAt) {
		return s.lastErr
	}
	if s.conn == nil {
		s.conn, err = mysql.Open(ctx, s.target, s.creds)
	} else {
		err = s.conn.Reopen(ctx)
	}
	s.lastErr = err
	if err == nil {
		s.retries = 0
		return nil
	}
	limit := retryMax
	if errors.Is(err, mysql.ErrDenied) {
		limit = retryDeniedMax
	}
	s.retryAt = now.Add(min(limit, time.Second<<min(s.retries, 6)))
	s.retries++
	return err
}

// look is one beat at one server.
func (s *databaseServer) look(ctx context.Context, l *look) error {
	if err := s.connect(ctx, l.at); err != nil {
		return err
	}
	s.tellMissing(l)
	st, ok, err := s.conn.Status(ctx, l.at)
	if err != nil {
		return err
	}
	if ok {
		l.emit(st)
	}
	sessions, err := s.conn.Sessions(ctx)
	if err != nil {
		return err
	}
	work := slices.DeleteFunc(slices.Clone(sessions.Running), func(r mysql.Running) bool { return r.Asks })
	emitStatements(l, work)
	txErr := s.transactions(ctx, l, sessions)
	if s.conn.Lost() {
		return txErr
	}
	s.suspect(l.at, work)
	s.regular(l.at)
	return errors.Join(txErr, s.work(ctx, l))
}

// maxStatements bounds the statements of one beat; the longest come first.
const maxStatements = 60

func emitStatements(l *look, running []mysql.Running) {
	for _, r := range running[:min(len(running), maxStatements)] {
		l.emit(r.Statement)
	}
	if n := len(running) - maxStatements; n > 0 {
		l.emit(evidence.Statement{DB: running[0].DB, Command: "Query", State: fmt.Sprintf("%d more not listed", n), RowsRead: -1})
	}
}

// transactions records those that are a second old, hold or wait for locks,
// or have changed rows, and who waits for whom.
func (s *databaseServer) transactions(ctx context.Context, l *look, sessions mysql.Sessions) error {
	txs, err := s.conn.Transactions(ctx, sessions)
	if errors.Is(err, mysql.ErrNoProcess) {
		err = nil // tellMissing has told it
	} else if err != nil {
		return err
	}
	n := 0
	for _, t := range txs {
		if n < maxStatements && (t.AgeMs >= 1000 || t.RowsLocked > 0 || t.RowsModified > 0 || t.State != "RUNNING") {
			l.emit(t.Transaction)
			n++
		}
	}
	waits, waitErr := s.conn.LockWaits(ctx, sessions, txs)
	for _, w := range waits {
		l.emit(w)
	}
	s.sessions(l, sessions, waits, txs)
	return errors.Join(err, waitErr)
}

const (
	usesEvery = 15 * time.Second // who has how many connections, while there are plenty
	usesWaits = 3                // so many that wait are worth a look at each beat
)

// sessions records who has how many connections: now and then, and at each beat
// while half of them are taken or some wait for locks.
func (s *databaseServer) sessions(l *look, sessions mysql.Sessions, waits []evidence.LockWait, txs []mysql.OpenTx) {
	all := int64(len(sessions.Running) + len(sessions.Sleeping))
	scarce := s.limit > 0 && 2*all >= s.limit || len(waits) >= usesWaits
	if !scarce && !s.usesAt.IsZero() && l.at.Sub(s.usesAt) < usesEvery && !l.at.Before(s.usesAt) {
		return
	}
	s.usesAt = l.at
	for _, u := range sessions.Use(s.target.Instance, waits, txs, s.limits) {
		l.emit(u)
	}
}

// tellMissing records a change of the rights that the account in use lacks.
func (s *databaseServer) tellMissing(l *look) {
	var now []evidence.Unseen
	for _, m := range s.conn.Missing() {
		now = append(now, evidence.Unseen{Source: "database", Code: m.Code, What: m.What, Detail: "logged in to " + s.target.String() + " as " + s.conn.Account(), Hint: m.Hint})
	}
	for _, u := range s.told {
		if !slices.ContainsFunc(now, func(n evidence.Unseen) bool { return n.Code == u.Code }) {
			u.Seen = true
			l.emit(u)
		}
	}
	for _, u := range now {
		if !slices.Contains(s.told, u) {
			l.emit(u)
		}
	}
	s.told = now
}
