package change

import (
	"errors"
	"fmt"

	gosql "github.com/go-sql-driver/mysql"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
)

// errTooMuch says that a piece has more bytes than one transaction is to take.
var errTooMuch = errors.New("more bytes than one chunk is to take")

// Error numbers of the servers.
const (
	errLockWait      = 1205
	errDeadlock      = 1213
	errChanged       = 1020 // MariaDB: the row has changed since the snapshot
	errStatementTime = 1969 // MariaDB: max_statement_time
	errExecutionTime = 3024 // MySQL
	errInterrupted   = 1317 // KILL QUERY
)

// transient reports whether the same piece may succeed a moment later.
func transient(n uint16) bool {
	switch n {
	case errLockWait, errDeadlock, errChanged, errStatementTime, errExecutionTime:
		return true
	}
	return false
}

// advice is what can be done about an error that stops a step. refused: the
// world is not what the plan was made for.
type advice struct {
	words   string
	code    string
	hint    string
	refused bool
}

var advices = map[uint16]advice{
	errLockWait:    {"the rows are locked by another transaction for too long", "locked", "see who holds them: hirune diagnose; then go on with: hirune apply", false},
	errDeadlock:    {"it met other transactions in a deadlock again and again", "deadlock", "go on at a quieter hour with: hirune apply", false},
	errInterrupted: {"somebody has killed the statement", "killed", "if it may go on: hirune apply", false},
	1206:           {"the table of row locks is full", "lock-table-full", "another transaction holds very many locks, or innodb_buffer_pool_size is too small; then go on with: hirune apply", false},
	1665:           {"the server logs statements, which the isolation level READ COMMITTED does not allow", "binlog-statement", "plan again: hirune plan", true},
	1290:           {"the server is read-only", "read-only", "apply it on the server that is written to", true},
	1836:           {"the server is read-only", "read-only", "apply it on the server that is written to", true},
	1792:           {"the session is read-only", "read-only", "apply it on the server that is written to", true},
	1142:           {"a right on the table is missing", "table-denied", "GRANT SELECT, INSERT, DELETE on the table to hirune's account", false},
	1143:           {"a right on a column is missing", "table-denied", "GRANT SELECT, INSERT, DELETE on the table to hirune's account", false},
	1146:           {"the table is gone", "table-changed", "plan again: hirune plan", true},
	1054:           {"a column is gone", "table-changed", "plan again: hirune plan", true},
	1451:           {"rows of another table refer to these", "foreign-key", "plan again: hirune plan", true},
	1021:           {"the database's disk is full", "disk-full", "make room, then go on with: hirune apply", false},
	1114:           {"the table or its disk is full", "disk-full", "make room, then go on with: hirune apply", false},
	1153:           {"a row is larger than max_allowed_packet", "packet", "SET GLOBAL max_allowed_packet to the double of the largest row, then go on", false},
	1194:           {"the table is marked as crashed", "table-crashed", "REPAIR TABLE, then go on with: hirune apply", false},
	1195:           {"the table is marked as crashed", "table-crashed", "REPAIR TABLE, then go on with: hirune apply", false},
}

// explained words an error of the server without the values that the server
// puts into its messages, and adds what can be done.
func explained(err error) error {
	e, ok := errors.AsType[*gosql.MySQLError](err)
	if _, worded := errors.AsType[serverError](err); !ok || worded || hint.Of(err) != "" {
		return err
	}
	a, known := advices[e.Number]
	if !known {
		return serverError{e, fmt.Sprintf("the server says error %d (SQLSTATE %s)", e.Number, e.SQLState[:])}
	}
	out := error(serverError{e, fmt.Sprintf("%s (error %d)", a.words, e.Number)})
	if a.refused {
		out = fmt.Errorf("%w: %w", apply.ErrRefused, out)
	}
	return hint.Wrap(out, a.code, a.hint)
}

// serverError hides the server's own words, which may hold a row's values.
type serverError struct {
	err   *gosql.MySQLError
	words string
}

func (e serverError) Error() string { return e.words }
func (e serverError) Unwrap() error { return e.err }
