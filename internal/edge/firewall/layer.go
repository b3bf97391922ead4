package firewall

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hirune/internal/core/block"
)

// Layer is where bans are carried out: the packet filter, or a web server behind
// a proxy. It holds a copy of the book; what it holds can be compared and put
// right at any time.
type Layer interface {
	// Name is block.LayerFirewall or block.LayerWeb.
	Name() string
	// Apply makes the layer hold the cover and nothing else, all at once or not at
	// all, and says what it had to change.
	Apply(ctx context.Context, cover []block.Piece, now time.Time) (Healed, error)
	// Check asks the layer itself how it differs from the cover. It changes nothing.
	Check(ctx context.Context, cover []block.Piece, now time.Time) (Gap, error)
}

// Gap is how a layer differs from what it should hold.
type Gap struct {
	Missing []block.Piece
	Extra   int    // prefixes that it refuses and should not
	Broken  string // what else is wrong with it
}

// Any reports whether it differs at all.
func (g Gap) Any() bool { return len(g.Missing) > 0 || g.Extra > 0 || g.Broken != "" }

// String says it in a few words.
func (g Gap) String() string {
	var out []string
	if g.Broken != "" {
		out = append(out, g.Broken)
	}
	switch n := len(g.Missing); {
	case n == 1:
		out = append(out, g.Missing[0].Prefix.String()+" is not refused")
	case n > 1:
		out = append(out, fmt.Sprintf("%s and %d more are not refused", g.Missing[0].Prefix, n-1))
	}
	if g.Extra > 0 {
		out = append(out, fmt.Sprintf("%d refused that should not be", g.Extra))
	}
	return strings.Join(out, "; ")
}
