package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
)

// Book is where it is kept what is meant to be: package banbook.
type Book interface {
	Read() (entries []block.Entry, damaged int, err error)
	Append(now time.Time, entries ...block.Entry) error
}

// Hands carry steps about bans out: first the book, then the layer, then they ask
// the layer whether it holds.
type Hands struct {
	Book  Book
	Layer Layer
	// Protected finds anew who must never be banned, the book's own list apart.
	Protected func(context.Context) ([]block.Protected, error)
	Now       func() time.Time
}

// book is what is meant to be now.
func (h Hands) book() (block.Book, error) {
	entries, _, err := h.Book.Read()
	if err != nil {
		return block.Book{}, err
	}
	return block.Fold(entries, h.Now()), nil
}

// cover is what the layer has to hold now.
func (h Hands) cover(ctx context.Context) ([]block.Piece, error) {
	b, err := h.book()
	if err != nil {
		return nil, err
	}
	protected, err := h.protected(ctx, b)
	if err != nil {
		return nil, err
	}
	return block.Cover(b.Bans, protected, h.Layer.Name(), h.Now()), nil
}

func (h Hands) protected(ctx context.Context, b block.Book) ([]block.Protected, error) {
	found, err := h.Protected(ctx)
	if err != nil {
		return nil, fmt.Errorf("find who must not be banned: %w", err)
	}
	return slices.Concat(found, b.Allowed), nil
}

// Heal makes the layer hold what the book says, and tells what was otherwise. The
// cover is what it holds then.
func (h Hands) Heal(ctx context.Context) (Healed, []block.Piece, error) {
	cover, err := h.cover(ctx)
	if err != nil {
		return Healed{}, nil, err
	}
	healed, err := h.Layer.Apply(ctx, cover, h.Now())
	return healed, cover, err
}

// settle heals and asks the layer afterwards.
func (h Hands) settle(ctx context.Context) error {
	if _, _, err := h.Heal(ctx); err != nil {
		return err
	}
	gap, err := h.gap(ctx)
	if err != nil {
		return err
	}
	if gap.Any() {
		return hint.Wrap(fmt.Errorf("%w: the layer %s is not as it was just made: %s", apply.ErrUnknownOutcome, h.Layer.Name(), gap), "not-held", "does something else change the packet filter? see: hirune blocks --check")
	}
	return nil
}

// gap asks the layer how it differs from what it should hold.
func (h Hands) gap(ctx context.Context) (Gap, error) {
	cover, err := h.cover(ctx)
	if err != nil {
		return Gap{}, err
	}
	return h.Layer.Check(ctx, cover, h.Now())
}

// answer is what the layer says of a step that the book has all of.
func (h Hands) answer(ctx context.Context) (apply.Answer, error) {
	gap, err := h.gap(ctx)
	switch {
	case err != nil:
		return apply.CannotTell, err
	case gap.Any():
		return apply.Partly, nil
	}
	return apply.IsDone, nil
}

// noted is what a step on bans notes before it writes to the book: the bans in
// force that it changes, so that undo brings them back.
type noted struct {
	Was []block.Ban `json:"was,omitempty"`
	// Answers are what the site answered before, one for each probe.
	Answers []int `json:"answers,omitempty"`
	// Allowed are those of the step that were on the list before.
	Allowed []netip.Prefix `json:"allowed,omitempty"`
}

// again are the entries that bring back bans that would still be in force.
func again(was []block.Ban, now time.Time) []block.Entry {
	var out []block.Entry
	for _, b := range was {
		if b.InForce(now) {
			out = append(out, block.Entry{At: now, Event: block.Banned, Ban: &b})
		}
	}
	return out
}
