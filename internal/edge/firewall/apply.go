package firewall

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/nftables"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"hirune/internal/core/block"
)

// Healed is what Apply found otherwise than it should be.
type Healed struct {
	Rebuilt string // why the whole table was made anew; "" : it was not
	Added   int
	Removed int
	Retimed int // ends at another time
}

// Any reports whether there was anything.
func (h Healed) Any() bool { return h.Rebuilt != "" || h.Added+h.Removed+h.Retimed > 0 }

// String says it in a few words.
func (h Healed) String() string {
	var out []string
	if h.Rebuilt != "" {
		out = append(out, "made the table anew ("+h.Rebuilt+")")
	}
	for _, n := range []struct {
		n    int
		text string
	}{{h.Added, "put in"}, {h.Removed, "taken out"}, {h.Retimed, "given another end"}} {
		if n.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n.n, n.text))
		}
	}
	return strings.Join(out, ", ")
}

// gone is why the table is made anew where there is none.
const gone = "it was not there"

// slack is how far the end of a ban may be off before it is put right.
const slack = 5 * time.Second

// chunk is how many intervals go into one message: an attribute has 64 KB at the
// most.
const chunk = 200

// once looks, and changes what is not as it should be in one transaction. all
// says that it makes everything anew.
func (f Filter) once(c *nftables.Conn, cover []block.Piece, now time.Time, all bool) (Healed, error) {
	s, err := f.look(c)
	if err != nil {
		return Healed{}, err
	}
	switch {
	case !s.there && len(cover) == 0:
		return Healed{}, nil
	case len(cover) == 0:
		c.DelTable(table())
		return Healed{Removed: len(s.held[0]) + len(s.held[1])}, c.Flush()
	case !s.there || s.broken != "" || all:
		return f.anew(c, s, cover, now)
	}
	return f.mend(c, s, cover, now)
}

// anew makes the table from nothing. A kernel that counts no packets for each
// element (before 5.7) gets sets without counters.
func (f Filter) anew(c *nftables.Conn, s seen, cover []block.Piece, now time.Time) (Healed, error) {
	h := Healed{Rebuilt: s.broken, Added: len(cover)}
	if !s.there {
		h.Rebuilt = gone
	}
	put := func(counted bool) error {
		c.AddTable(table()) // or there may be nothing to delete
		c.DelTable(table())
		if err := f.build(c, counted); err != nil {
			return err
		}
		if err := f.add(c, cover, now); err != nil {
			return err
		}
		return c.Flush()
	}
	err := put(true)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
		err = put(false)
	}
	return h, err
}

// mend changes only the elements that differ, so that the others keep counting.
func (f Filter) mend(c *nftables.Conn, s seen, cover []block.Piece, now time.Time) (Healed, error) {
	var h Healed
	want := map[netipx.IPRange]block.Piece{}
	for _, p := range cover {
		want[netipx.RangeOfPrefix(p.Prefix)] = p
	}
	var add []block.Piece
	for i, fam := range families {
		var drop []nftables.SetElement
		for _, have := range s.held[i] {
			p, ok := want[have.Range]
			delete(want, have.Range)
			switch {
			case !ok:
				h.Removed++
			case off(p, have, now):
				h.Retimed++
				add = append(add, p)
			default:
				continue
			}
			drop = append(drop, ends(have.Range, 0)...)
		}
		for some := range slices.Chunk(drop, 2*chunk) {
			if err := c.SetDeleteElements(fam.banSet(false), some); err != nil {
				return h, err
			}
		}
	}
	h.Added = len(want)
	for _, p := range want {
		add = append(add, p)
	}
	if err := f.add(c, add, now); err != nil {
		return h, err
	}
	return h, c.Flush()
}

// off reports whether an element ends at another time than it should.
func off(p block.Piece, h Held, now time.Time) bool {
	if p.Until.IsZero() || h.Left == 0 {
		return p.Until.IsZero() != (h.Left == 0)
	}
	return (p.Until.Sub(now) - h.Left).Abs() > slack
}

// add puts elements into the transaction, each with its end.
func (f Filter) add(c *nftables.Conn, cover []block.Piece, now time.Time) error {
	for i, fam := range families {
		var elements []nftables.SetElement
		for _, p := range cover {
			if p.Prefix.Addr().Is4() == (i == 0) {
				left := time.Duration(0)
				if !p.Until.IsZero() {
					left = max(p.Until.Sub(now), least)
				}
				elements = append(elements, ends(netipx.RangeOfPrefix(p.Prefix), left)...)
			}
		}
		for some := range slices.Chunk(elements, 2*chunk) {
			if err := c.SetAddElements(fam.banSet(false), some); err != nil {
				return err
			}
		}
	}
	return nil
}

// ends are the two elements of an interval. One up to the last address of all has
// no second one.
func ends(r netipx.IPRange, left time.Duration) []nftables.SetElement {
	out := []nftables.SetElement{{Key: r.From().AsSlice(), Timeout: left}}
	if next := r.To().Next(); next.IsValid() {
		out = append(out, nftables.SetElement{Key: next.AsSlice(), IntervalEnd: true})
	}
	return out
}
