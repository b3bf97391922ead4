// Package change carries out the steps of a plan that change a database: chunks
// of rows, swaps of tables, indexes, kills. Each kind of step has one Doer.
//
// Every session that it opens is bounded: it waits for no lock longer than the
// step says, commits each piece by itself, and begins its statements with a
// comment that names hirune, so that the recorder does not blame itself.
package change

import (
	"context"
	"time"

	"hirune/internal/edge/mysql"
)

// Server is the way to the server whose tables are changed.
type Server struct {
	// Open logs in; timeout bounds one answer, 0: only the context does. setUp are
	// SET SESSION statements.
	Open func(ctx context.Context, timeout time.Duration, setUp ...string) (*mysql.Hand, error)
}
