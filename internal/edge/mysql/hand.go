package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Hand is a connection that may change tables, which a Conn may not: only what
// carries plans out opens one. It is not safe for concurrent use.
//
// A client that goes away does not end its statement at the server: who cancels
// a context in the middle of one has to end it with KILL over another Hand.
type Hand struct {
	target  Target
	creds   []Credential
	s       *session
	setUp   []string
	timeout time.Duration
	id      atomic.Uint64
}

// OpenHand logs in with the first account that gets in, the site's own last, and
// runs setUp, which are SET SESSION statements, now and after each Reopen.
// timeout bounds one answer of the server; 0: only the context does.
func OpenHand(ctx context.Context, t Target, creds []Credential, timeout time.Duration, setUp ...string) (*Hand, error) {
	h := &Hand{target: t, creds: creds, setUp: setUp, timeout: timeout}
	if err := h.Reopen(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// Reopen logs in anew if the connection is lost; otherwise it does nothing.
func (h *Hand) Reopen(ctx context.Context) error {
	if h.s != nil && h.s.conn != nil {
		return nil
	}
	var first error
	for _, cred := range h.creds {
		s, err := h.login(ctx, cred)
		if err == nil {
			h.s = s
			h.id.Store(s.id)
			return nil
		}
		first = worst(first, err)
	}
	if first == nil {
		first = fmt.Errorf("log in to %s: no account is known: %w", h.target, ErrDenied)
	}
	return first
}

func (h *Hand) login(ctx context.Context, cred Credential) (*session, error) {
	var first error
	for _, e := range endpoints(h.target, cred) {
		s, err := h.try(ctx, cred, e[0], e[1])
		if err == nil {
			return s, nil
		}
		first = worst(first, classify(err, h.target, cred))
	}
	if first == nil {
		first = classify(errors.New("it listens nowhere that is known"), h.target, cred)
	}
	return nil, first
}

func (h *Hand) try(ctx context.Context, cred Credential, network, addr string) (*session, error) {
	db, err := dial(h.target, cred, network, addr, h.timeout)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &session{Conn{target: h.target, db: db, conn: conn, used: cred}}
	err = s.know(ctx)
	for _, text := range append([]string{wholeAnswers}, h.setUp...) {
		if err == nil {
			err = s.exec(ctx, text)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// wholeAnswers undoes what an owner may have set for all sessions: a limit of
// rows, with which more would be deleted than was read, and a COMMIT that begins
// another transaction.
const wholeAnswers = "SET SESSION sql_select_limit=18446744073709551615, completion_type=0"

// Close ends the connection.
func (h *Hand) Close() error {
	if h == nil || h.s == nil {
		return nil
	}
	return h.s.Conn.Close()
}

// Lost reports whether the connection is gone; Reopen makes a new one.
func (h *Hand) Lost() bool { return h.s == nil || h.s.conn == nil }

// ID is the connection's id at the server, the latest one after a Reopen. Unlike
// the rest it may be asked from another goroutine.
func (h *Hand) ID() uint64 { return h.id.Load() }

// MariaDB reports whether the server is MariaDB.
func (h *Hand) MariaDB() bool { return h.s.flavour == MariaDB }

// Version is the server's version as it words it.
func (h *Hand) Version() string { return h.s.version }

// Account is CURRENT_USER().
func (h *Hand) Account() string { return h.s.account }

// AtLeast compares the server's version.
func (h *Hand) AtLeast(major, minor, patch int) bool { return h.s.atLeast(major, minor, patch) }

// Exec runs one statement and returns the rows that it changed.
func (h *Hand) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	if h.Lost() {
		return 0, ErrDown
	}
	r, err := h.s.conn.ExecContext(ctx, marker+text, args...)
	if err != nil {
		return 0, h.s.failed(err)
	}
	return r.RowsAffected()
}

// Query runs one statement that returns rows. The caller closes them, and hands
// what they end with to Failed.
func (h *Hand) Query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if h.Lost() {
		return nil, ErrDown
	}
	rows, err := h.s.conn.QueryContext(ctx, marker+text, args...)
	return rows, h.s.failed(err)
}

// Failed lets go of the connection if err says that it is lost, and returns err.
func (h *Hand) Failed(err error) error { return h.s.failed(err) }

// Named reads rows as maps from the column's name in lower case; NULL is "".
func (h *Hand) Named(ctx context.Context, text string, args ...any) ([]map[string]string, error) {
	if h.Lost() {
		return nil, ErrDown
	}
	return h.s.named(ctx, text, args...)
}

// Number returns the server's error number, or 0 where err is no error of a server.
func Number(err error) uint16 { return number(err) }

// Marker begins every statement of hirune.
const Marker = marker
