package collectors

import (
	"slices"
	"time"

	"hirune/internal/edge/mysql"
)

const (
	// oftenWithin is over how long samples of one shape are counted, and oftenLeast how
	// many of them make it worth a look: a statement of a third of a second that six
	// visitors run costs as much as one that runs long, and is never seen to run long.
	oftenWithin = 20 * time.Second
	oftenLeast  = 6
	oftenShapes = 300 // kept at most
)

// often counts in how many samples a shape was seen of late.
type often struct {
	since time.Time
	seen  map[string]int
}

// count takes in one look.
func (o *often) count(now time.Time, running []mysql.Running) {
	if age := now.Sub(o.since); o.seen == nil || age >= oftenWithin || age < 0 {
		o.since, o.seen = now, map[string]int{}
	}
	for _, r := range running {
		if r.Digest != "" && slices.Contains([]string{"SELECT", "UPDATE", "DELETE"}, r.Verb) && (o.seen[r.Digest] > 0 || len(o.seen) < oftenShapes) {
			o.seen[r.Digest]++
		}
	}
}

// ran reports whether the shape was seen often enough to be looked into.
func (o *often) ran(r mysql.Running) bool { return o.seen[r.Digest] >= oftenLeast }
