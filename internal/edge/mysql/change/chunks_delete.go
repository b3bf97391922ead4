package change

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

// delete deletes the doomed rows in [from, to) and commits.
func (p *purge) delete(ctx context.Context, from, to int64) (int64, error) {
	switch {
	case p.arch == nil:
		n, err := p.h.Exec(ctx, p.step.Range(from, to))
		if err != nil {
			p.state.Estimated = p.state.Estimated || p.h.Lost()
			return 0, err
		}
		p.state.Deleted += n
		return n, nil
	case p.step.InnoDB:
		return p.deleteKept(ctx, from, to)
	}
	return p.deleteUnsafe(ctx, from, to)
}

// deleteKept archives and deletes in one transaction, which it commits when the
// rows are on disk.
func (p *purge) deleteKept(ctx context.Context, from, to int64) (int64, error) {
	if _, err := p.h.Exec(ctx, "START TRANSACTION"); err != nil {
		return 0, err
	}
	p.arch.begin()
	err := p.moveRows(ctx, from, to)
	if err == nil {
		err = p.arch.sync()
	}
	if err != nil {
		return 0, errors.Join(err, p.rollBack(ctx))
	}
	if _, err := p.h.Exec(ctx, "COMMIT"); err != nil {
		return 0, p.commitFailed(ctx, err)
	}
	n := p.arch.n
	p.perRow = max(p.perRow/2, float64(p.arch.bytes)/float64(max(n, 1)))
	p.arch.keep()
	return n, nil
}

// moveRows writes the doomed rows to the archive and deletes them.
func (p *purge) moveRows(ctx context.Context, from, to int64) error {
	if p.h.MariaDB() {
		return p.archiveRows(ctx, p.step.Range(from, to)+" RETURNING "+p.cols.selects())
	}
	k := remedy.Ident(p.step.Key)
	text := "SELECT " + p.cols.selects() + " FROM " + p.step.Name() + " FORCE INDEX (PRIMARY)" + condition(p.step, from, to) + " ORDER BY " + k + " FOR UPDATE"
	if err := p.archiveRows(ctx, text); err != nil {
		return err
	}
	n, err := p.h.Exec(ctx, p.step.Range(from, to))
	if err == nil && n != p.arch.n {
		err = fmt.Errorf("the keys from %d to %d: %d rows were read and %d deleted in one transaction: %w", from, to-1, p.arch.n, n, errCounts)
	}
	return err
}

// errCounts stops a purge: it would delete a row that is not in the archive.
var errCounts = errors.New("nothing of it was kept")

// archiveRows writes the rows of a statement to the archive as they come.
func (p *purge) archiveRows(ctx context.Context, text string) (err error) {
	rows, err := p.h.Query(ctx, text)
	if err != nil {
		return err
	}
	defer func() {
		if bad := p.h.Failed(rows.Close()); err == nil {
			err = bad
		}
	}()
	values, dst := make([]sql.RawBytes, len(p.cols.columns)), make([]any, len(p.cols.columns))
	for i := range values {
		dst[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dst...); err != nil {
			return p.h.Failed(err)
		}
		if err := p.arch.add(values); err != nil {
			return err
		}
		if p.arch.bytes > mostBytes && p.arch.n > 1 {
			p.perRow = float64(p.arch.bytes) / float64(p.arch.n)
			return errTooMuch
		}
	}
	return p.h.Failed(rows.Err())
}

// rollBack takes a chunk back, in the table and then in the archive. A lost
// connection rolls back by itself: no COMMIT was sent.
func (p *purge) rollBack(ctx context.Context) error {
	if !p.h.Lost() {
		if _, err := p.h.Exec(ctx, "ROLLBACK"); err != nil && !p.h.Lost() {
			return fmt.Errorf("roll back: %w", errors.Join(err, p.h.Close()))
		}
	}
	return p.arch.drop()
}

// commitFailed finds out what became of the chunk: an answer of the server says
// that it was rolled back, a lost connection says nothing.
func (p *purge) commitFailed(ctx context.Context, err error) error {
	if !p.h.Lost() {
		return errors.Join(err, p.rollBack(ctx))
	}
	read, bad := readArchive(p.arch.f, p.arch.size)
	if bad != nil {
		return errors.Join(err, apply.ErrUnknownOutcome, bad)
	}
	p.arch.keep()
	p.doubt = read
	return err
}

// deleteUnsafe is for tables without transactions: the rows are on disk first,
// then those of the same range are deleted. Rows that come or go in between are
// told as a mismatch; nothing can take them back.
func (p *purge) deleteUnsafe(ctx context.Context, from, to int64) (int64, error) {
	p.arch.begin()
	k := remedy.Ident(p.step.Key)
	err := p.archiveRows(ctx, "SELECT "+p.cols.selects()+" FROM "+p.step.Name()+" FORCE INDEX (PRIMARY)"+condition(p.step, from, to)+" ORDER BY "+k)
	if err == nil {
		err = p.arch.sync()
	}
	if err != nil {
		return 0, errors.Join(err, p.arch.drop())
	}
	kept := p.arch.n
	p.perRow = max(p.perRow/2, float64(p.arch.bytes)/float64(max(kept, 1)))
	p.arch.keep() // whatever comes of the DELETE: part of it may be done
	n, err := p.h.Exec(ctx, p.step.Range(from, to))
	if err != nil {
		p.state.Estimated = true
		return 0, err
	}
	if n != kept {
		p.state.Mismatches += max(n-kept, kept-n)
		g := p.progress(DoingDelete, "")
		g.Fact = fmt.Sprintf("%d rows were archived and %d deleted in the keys from %d to %d", kept, n, from, to-1)
		p.w.Tell(g)
	}
	return n, nil
}
