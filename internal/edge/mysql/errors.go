package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	gosql "github.com/go-sql-driver/mysql"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// Why a server cannot be read. Each wraps evidence.ErrAbsent.
var (
	ErrDown      = fmt.Errorf("database does not answer: %w", evidence.ErrAbsent)
	ErrDenied    = fmt.Errorf("database access denied: %w", evidence.ErrAbsent)
	ErrFull      = fmt.Errorf("too many database connections: %w", evidence.ErrAbsent)
	ErrNoProcess = fmt.Errorf("no right to see other sessions: %w", evidence.ErrAbsent)
	// ErrSlow says that the server answers, but too late. It is ErrDown, too: who
	// only needs an answer has none.
	ErrSlow error = slowError{}
)

type slowError struct{}

func (slowError) Error() string { return "database answers too late" }

// Is makes it the same as a server that is down, for those who do not mind which.
func (slowError) Is(target error) bool { return target == ErrDown || target == evidence.ErrAbsent }

// Codes of the reasons, as hint.CodeOf returns them.
const (
	CodeDown      = "database-down"
	CodeSlow      = "database-slow"
	CodeDenied    = "access-denied"
	CodeFull      = "too-many-connections"
	CodeNoProcess = "no-process-right"
)

// Error numbers of the servers.
const (
	errDenied         = 1045
	errDBDenied       = 1044
	errTooMany        = 1040
	errTooManyOfUser  = 1203 // max_user_connections
	errUserLimit      = 1226
	errSocketDenied   = 1698
	errTableDenied    = 1142
	errSpecificDenied = 1227
	errHostBlocked    = 1129
	errHostDenied     = 1130
	errStatementTime  = 1969 // MariaDB: max_statement_time
	errExecutionTime  = 3024 // MySQL: max_execution_time
)

// Advice for a server that does not answer, or too late.
const (
	adviceDown = "is the database running? start it, or look at the end of its error log"
	adviceSlow = "the database runs, but is short of CPU or disk; hirune asks again by itself. What it has to do: hirune diagnose"
)

// number returns the server's error number, or 0.
func number(err error) uint16 {
	if e, ok := errors.AsType[*gosql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}

// classify says why a log-in failed, with advice. The driver's errors hold no
// password.
func classify(err error, t Target, c Credential) error {
	as := fmt.Sprintf("log in to %s as '%s' (%s)", t, c.User, c.From)
	switch number(err) {
	case errTooMany, errTooManyOfUser, errUserLimit:
		return hint.Wrap(fmt.Errorf("%s: %w: %w", as, ErrFull, err), CodeFull, adviceFull(t.Flavour))
	case errDenied, errDBDenied, errSocketDenied, errHostDenied, errHostBlocked, errSpecificDenied:
		return hint.Wrap(fmt.Errorf("%s: %w: %w", as, ErrDenied, err), CodeDenied, adviceDenied(t.Flavour))
	}
	if errors.Is(err, gosql.ErrUnknownPlugin) || errors.Is(err, gosql.ErrCleartextPassword) || errors.Is(err, gosql.ErrOldPassword) {
		return hint.Wrap(fmt.Errorf("%s: %w: %w", as, ErrDenied, err), CodeDenied, adviceDenied(t.Flavour))
	}
	if tooLate(err) {
		return hint.Wrap(fmt.Errorf("%s: %w: %w", as, ErrSlow, err), CodeSlow, adviceSlow)
	}
	return hint.Wrap(fmt.Errorf("%s: %w: %w", as, ErrDown, err), CodeDown, adviceDown)
}

// tooLate reports whether our time ran out while the server was at it: it was
// reached, so it is not down.
func tooLate(err error) bool {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return false
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// outOfTime names a statement that the server has ended because it took too
// long: the connection is as good as before.
func outOfTime(err error) error {
	if n := number(err); n != errStatementTime && n != errExecutionTime {
		return err
	}
	return hint.Wrap(fmt.Errorf("%w: %w", ErrSlow, err), CodeSlow, adviceSlow)
}

// lost reports whether the connection is of no use any more.
func lost(err error) bool {
	var ne net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, gosql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) || errors.As(err, &ne) ||
		errors.Is(err, gosql.ErrMalformPkt) || errors.Is(err, gosql.ErrPktSync) || fatalNumber(number(err))
}

// fatalNumber: the server has ended the session (shutdown, kill, idle).
func fatalNumber(n uint16) bool {
	return n == 1053 || n == 1927 || n == 4031 || n == 1079
}

// refused reports whether a right is missing for one query.
func refused(err error) bool {
	switch number(err) {
	case errTableDenied, errSpecificDenied, errDenied, errDBDenied, 1143, 1356, 1370:
		return true
	}
	return false
}
