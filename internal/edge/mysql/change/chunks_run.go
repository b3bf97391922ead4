package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/apply"
)

// run deletes chunk after chunk until no doomed row is left up to the last key. A
// server that crashed may have lost what it had committed, so the table is gone
// over once more then, until nothing was found.
func (p *purge) run(ctx context.Context) error {
	var did apply.Piece
	for passes := 1; ; {
		grant, err := p.w.Pace.Next(ctx, did)
		if err == nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", apply.ErrStopped, ctx.Err())
		}
		if err != nil {
			return errors.Join(err, p.note(true))
		}
		p.tell(grant)
		if did, err = p.piece(ctx, grant); err != nil {
			return errors.Join(err, p.note(true))
		}
		p.rate.add(p.w.Now(), did.Rows)
		p.passRows += did.Rows
		if p.state.Next <= p.step.ToKey {
			if err := p.note(false); err != nil {
				return err
			}
			continue
		}
		if !p.unsure || passes > 1 && p.passRows == 0 {
			p.state.Finished = true
			p.tell(apply.Grant{})
			return p.note(true)
		}
		if passes++; passes > maxPasses {
			return errors.Join(fmt.Errorf("the rows were not all gone after %d passes over the table", maxPasses), p.note(true))
		}
		p.unsure, p.passRows, p.state.Next, p.probe = false, 0, p.step.FromKey, skipRows
	}
}

// piece does one chunk, again and smaller where something is in its way.
func (p *purge) piece(ctx context.Context, g apply.Grant) (apply.Piece, error) {
	for {
		n := p.size(g)
		began := p.w.Now()
		// A chunk that was begun is ended: it is short, and bounded by the session.
		rows, err := p.chunk(context.WithoutCancel(ctx), n)
		if err == nil {
			p.h.done()
			p.calmed()
			did := apply.Piece{Size: n, Rows: rows, Took: p.w.Now().Sub(began)}
			p.slower(did)
			return did, nil
		}
		p.w.Tell(p.progress(DoingWait, waitCode(err)))
		what, err := p.h.recover(ctx, err)
		if err != nil {
			return apply.Piece{}, err
		}
		switch what {
		case tryAnew:
			p.unsure, p.planned, p.looked = true, false, time.Time{}
			p.halve(1)
		case trySmaller:
			if n <= 1 {
				return apply.Piece{}, fmt.Errorf("delete one row of %s: it takes too long", p.step.Name())
			}
			p.halve(2)
		case tryAgain:
			p.halve(1)
		}
	}
}

// halve makes the chunks smaller after trouble, calmed larger again after a while
// without.
func (p *purge) halve(times int64) { p.cut, p.calm = min(p.cut+times, 16), 0 }

func (p *purge) calmed() {
	if p.calm++; p.calm >= calmAfter && p.cut > 0 {
		p.cut, p.calm = p.cut-1, 0
	}
}

// slower has the server's way to delete looked at again when a row takes five
// times as long as it did.
func (p *purge) slower(did apply.Piece) {
	if did.Rows == 0 {
		return
	}
	row := float64(did.Took) / float64(did.Rows)
	if p.perRowNs > 0 && row > slowFactor*p.perRowNs {
		p.planned = false
	}
	if p.perRowNs == 0 {
		p.perRowNs = row
	}
	p.perRowNs += (row - p.perRowNs) / 8
}

// size is how many keys the next chunk may have.
func (p *purge) size(g apply.Grant) int64 {
	n := g.Size
	if n <= 0 {
		n = max(p.step.Chunk, 1)
	}
	if !p.step.InnoDB {
		n = min(n, tinyRows)
	}
	switch {
	case p.arch == nil:
	case p.perRow > 0:
		n = min(n, int64(aimBytes/p.perRow))
	default:
		n = min(n, firstRows)
	}
	return max(n>>p.cut, 1)
}
