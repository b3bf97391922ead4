package collect

import (
	"context"
	"errors"
	"time"

	"hirune/internal/core/evidence"
)

// Sample keeps the beat for d and returns what was seen, in memory: for a
// diagnosis of now where nothing was recorded. What could not be read is among
// the records, as evidence.Unseen. It returns early, with what there is, and
// the context's error if ctx ends.
func Sample(ctx context.Context, collectors []Timed, d time.Duration, opt Options) ([]evidence.Record, error) {
	within, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var m memory
	if err := Run(within, collectors, &m, opt); err != nil {
		return m.records, err
	}
	if err := ctx.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return m.records, err
	}
	return m.records, nil
}

// memory is a sink that keeps all.
type memory struct{ records []evidence.Record }

// Append implements Sink.
func (m *memory) Append(r []evidence.Record) error {
	m.records = append(m.records, r...)
	return nil
}

// Commit implements Sink; there is nothing to do.
func (m *memory) Commit(time.Time) error { return nil }

var _ Sink = (*memory)(nil)
