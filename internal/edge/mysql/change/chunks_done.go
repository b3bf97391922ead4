package change

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

// How far Done looks. A table of millions of rows that stay is not read whole to
// find that none is doomed: there the journal says where to look.
const (
	doneLimit = 10 * time.Second
	doneRows  = 5000 // a query
)

// Done implements apply.Doer: it looks for a doomed row, from where the work was
// left and then from the beginning, for ten seconds at most. It cannot tell
// where the table cannot be read; the error says why.
func (c *Chunks) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (apply.Answer, error) {
	step, ok := s.(remedy.DeleteInChunks)
	if !ok {
		return apply.CannotTell, fmt.Errorf("look for rows to delete: a step of kind %s", s.Kind())
	}
	var was chunkState
	if len(state) > 0 {
		if err := json.Unmarshal(state, &was); err != nil {
			return apply.CannotTell, fmt.Errorf("read the journal's state: %w", err)
		}
	}
	h, err := c.openChunkHand(ctx, step.Isolation)
	if err != nil {
		return apply.CannotTell, fmt.Errorf("look for rows to delete in %s: %w", step.Name(), err)
	}
	defer h.Close()
	left, sure, err := h.anyDoomed(ctx, step, was)
	switch {
	case err != nil:
		return apply.CannotTell, fmt.Errorf("look for rows to delete in %s: %w", step.Name(), explained(err))
	case !left && (sure || was.Finished && was.Undo == nil):
		return apply.IsDone, nil
	case was.Deleted > 0 && was.Undo == nil:
		return apply.Partly, nil
	}
	return apply.NotDone, nil
}

// anyDoomed looks for a doomed row; sure says that it looked everywhere.
func (h *chunkHand) anyDoomed(ctx context.Context, s remedy.DeleteInChunks, was chunkState) (left, sure bool, err error) {
	bound, cancel := context.WithTimeout(ctx, doneLimit)
	defer cancel()
	if was.Undo == nil && was.Next > s.FromKey && was.Next <= s.ToKey {
		a, err := h.ahead(ctx, s, was.Next, doneRows)
		if err != nil || a.doomed > 0 {
			return a.doomed > 0, false, err
		}
	}
	for next := s.FromKey; next <= s.ToKey; {
		if bound.Err() != nil {
			return false, false, ctx.Err()
		}
		// Not under the bound: to end a query in the middle costs the connection.
		a, err := h.ahead(ctx, s, next, doneRows)
		if err != nil || a.doomed > 0 {
			return a.doomed > 0, false, err
		}
		if a.keys == 0 {
			return false, true, nil
		}
		next = a.last + 1
	}
	return false, true, nil
}
