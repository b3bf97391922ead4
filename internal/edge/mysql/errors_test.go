package mysql

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	gosql "github.com/go-sql-driver/mysql"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

func TestSlownessIsNotTakenForADeadServer(t *testing.T) {
	cases := []struct {
		name, code string
		err        error
	}{
		{"our time ran out", CodeSlow, fmt.Errorf("read: %w", context.DeadlineExceeded)},
		{"nobody takes the call in time", CodeDown, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}},
		{"nobody listens", CodeDown, &net.OpError{Op: "dial", Err: os.ErrNotExist}},
		{"it hung up", CodeDown, gosql.ErrInvalidConn},
		{"it hung up while it was read from", CodeDown, &net.OpError{Op: "read", Err: errors.New("reset")}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			login, query := classify(c.err, Target{}, Credential{}), (&Conn{}).failed(c.err)
			for what, err := range map[string]error{"log-in": login, "query": query} {
				if hint.CodeOf(err) != c.code || hint.Of(err) == "" || !errors.Is(err, ErrDown) || !errors.Is(err, evidence.ErrAbsent) || errors.Is(err, ErrSlow) != (c.code == CodeSlow) {
					t.Errorf("%s: got %v, code %q, hint %q; want code %q", what, err, hint.CodeOf(err), hint.Of(err), c.code)
				}
			}
		})
	}
}

func TestAStatementThatTheServerEndsIsSlowness(t *testing.T) {
	for n, slow := range map[uint16]bool{1969: true, 3024: true, 1205: false, 1146: false} {
		err := outOfTime(&gosql.MySQLError{Number: n, Message: "x"})
		if errors.Is(err, ErrSlow) != slow || (hint.CodeOf(err) == CodeSlow) != slow || number(err) != n {
			t.Errorf("error %d: got %v, code %q", n, err, hint.CodeOf(err))
		}
	}
	if outOfTime(nil) != nil {
		t.Error("no error became one")
	}
	if text := ErrSlow.Error(); strings.Contains(text, "does not answer") {
		t.Errorf("got %q: it does answer", text)
	}
}
