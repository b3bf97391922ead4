package main

import (
	"fmt"
	"time"

	"hirune/internal/core/hint"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/tape"
)

// marksName follows the tape's name in that of the file that says how far the
// logs were read.
const marksName = ".marks"

// openMarks finds how far the logs were read for a tape. Marks that cannot be read
// are told and done without; those of a tape that is gone count for nothing.
func (a *app) openMarks(path string, gone bool) *collectors.Marks {
	m, err := collectors.OpenMarks(path)
	if err != nil {
		a.complain(hint.Wrap(fmt.Errorf("%w; the logs are read as at the first start", err), "marks", "remove "+path+" where this is said again"))
	}
	if gone {
		m.Forget()
	}
	return m
}

// marking is the tape with how far the logs were read for it.
type marking struct {
	*tape.Writer
	marks  *collectors.Marks
	warn   func(error)
	failed bool
}

// Commit implements collect.Sink.
func (m *marking) Commit(now time.Time) error {
	err, failed := m.marks.Save(now, func() error { return m.Writer.Commit(now) })
	if (failed != nil) != m.failed {
		m.failed = failed != nil
		m.warn(failed)
	}
	return err
}

// marksFail tells when it cannot be kept how far the logs were read, and when it can again.
func (a *app) marksFail(err error) {
	if err != nil {
		a.complain(hint.Wrap(err, "marks", "make room and let hirune write beside the tape: after a restart some lines of logs are told twice, else"))
	}
}
