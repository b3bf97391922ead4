package change

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

// settle finds out whether the last chunk of the archive was committed: after a
// crash, or where the answer to COMMIT was lost. If it was not, its rows are all
// still in the table, and it is taken out of the archive again, or a row that
// the site changes before it is deleted would come back as it was before.
//
// It asks with locks, so that a transaction which is still ending is waited for.
func (p *purge) settle(ctx context.Context) error {
	if p.doubt == nil {
		return nil
	}
	last := p.doubt.lastChunk()
	if last == len(p.doubt.frames) {
		p.doubt = nil
		return nil
	}
	keys, err := p.doubt.keys(last)
	if err != nil {
		return fmt.Errorf("%w: %w", apply.ErrRefused, err)
	}
	there, err := p.h.count(ctx, p.step, keys)
	if err != nil {
		return err
	}
	if there == int64(len(keys)) {
		if err := p.uncommitted(p.doubt.frames[last].at, there); err != nil {
			return err
		}
	}
	p.doubt = nil
	return nil
}

// keys are the keys of the frames from the i-th on.
func (a *archiveFile) keys(i int) ([]int64, error) {
	dec, err := newUnpacker()
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	var out []int64
	for ; i < len(a.frames); i++ {
		rows, err := a.read(dec, i)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, r.key)
		}
	}
	return out, nil
}

// count counts which of the keys are in the table, and waits for who holds them.
func (h *chunkHand) count(ctx context.Context, s remedy.DeleteInChunks, keys []int64) (int64, error) {
	const atOnce = 1000
	total := int64(0)
	for len(keys) > 0 {
		part := keys[:min(atOnce, len(keys))]
		keys = keys[len(part):]
		rows, err := h.Named(ctx, "SELECT COUNT(*) AS n FROM "+s.Name()+" FORCE INDEX (PRIMARY) WHERE "+remedy.Ident(s.Key)+" IN ("+keyList(part)+") FOR UPDATE")
		if err != nil {
			return 0, err
		}
		for _, r := range rows {
			n, err := strconv.ParseInt(r["n"], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("count the rows of the last chunk: %w", err)
			}
			total += n
		}
	}
	return total, nil
}

func keyList(keys []int64) string {
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(k, 10))
	}
	return b.String()
}

// uncommitted takes the last chunk, which begins at that byte, out of the
// archive. The journal knows the shorter length first, or it would miss rows.
func (p *purge) uncommitted(at, rows int64) error {
	p.arch.mark = at
	p.arch.kept -= rows
	if err := p.note(true); err != nil {
		return err
	}
	if err := p.arch.f.Truncate(at); err != nil {
		return fmt.Errorf("take a chunk that was not committed out of the archive: %w", err)
	}
	p.arch.size = at
	return nil
}
