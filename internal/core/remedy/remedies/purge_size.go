package remedies

import (
	"math"
	"strings"
	"time"

	"hirune/internal/core/remedy"
)

// size is how much there is to do, estimated by what was probed.
type size struct {
	rows     int64   // of the table
	doomed   int64   // -1 unknown
	share    float64 // of them; -1 unknown
	rowBytes int64
	packed   int64 // bytes of one row in the archive
	ordered  bool  // the key follows the doomed column
	empty    bool  // ordered, and no row is doomed
	all      bool  // ordered, and no row survives
	fromKey  int64 // first key that may be doomed
	toKey    int64 // last one
	density  int64 // keys for each row, at least 1
	fileSize int64
}

// kept is how many rows stay; -1 unknown.
func (s size) kept() int64 {
	if s.doomed < 0 {
		return -1
	}
	return max(s.rows-s.doomed, 0)
}

// atMost is how many rows go at most: all, where it is not known.
func (s size) atMost() int64 {
	if s.doomed < 0 {
		return s.rows
	}
	return s.doomed
}

// staleFactor is how far below the size of its file the server's estimate of rows
// makes a table before it is not believed: statistics can be hugely stale.
const staleFactor = 10

func measure(t *remedy.Table, d remedy.Doomed) size {
	span := keys(t)
	s := size{rows: min(max(t.Rows, 0), span), rowBytes: t.RowBytes, packed: t.PackedBytes, fromKey: t.MinKey, toKey: t.MaxKey, fileSize: max(t.FileBytes, t.DataBytes+t.IdxBytes)}
	if t.Rows <= 0 || s.rowBytes > 0 && t.Rows*s.rowBytes < s.fileSize/staleFactor {
		s.rows = span
		if s.rowBytes > 0 && s.fileSize > 0 {
			s.rows = min(span, s.fileSize/s.rowBytes+1)
		}
	}
	if s.rowBytes <= 0 {
		s.rowBytes = s.fileSize/max(s.rows, 1) + 1
	}
	if s.packed <= 0 {
		s.packed = s.rowBytes // not sampled: as if nothing could be packed
	}
	s.density = max(span/max(s.rows, 1), 1)
	s.spread(t, d)
	s.doomed = -1
	s.weighed(t, d)
	s.rows = significant(s.rows)
	if s.share >= 0 {
		s.doomed = min(significant(int64(s.share*float64(s.rows))), s.rows)
	}
	if s.all {
		s.doomed = s.rows
	}
	return s
}

// weighed takes what was counted by samples for the rows that are to go, which is
// better than what the probes say.
func (s *size) weighed(t *remedy.Table, d remedy.Doomed) {
	if !t.Weighed {
		return
	}
	if n := t.DoomedRows + t.SurvivingRows; t.DoomedRows >= 0 && t.SurvivingRows >= 0 {
		s.rows = n
		s.density = max(keys(t)/max(n, 1), 1)
		s.share = float64(t.DoomedRows) / float64(max(n, 1))
	}
	if d.Column == "" {
		return
	}
	s.fromKey, s.toKey = t.FirstKey, t.LastDoomedKey
	s.empty = t.LastDoomedKey < t.FirstKey
	s.all = s.all && t.SurvivingRows == 0 && t.LastDoomedKey >= t.MaxKey
}

// significant keeps three digits of a large estimate: it knows no more.
func significant(n int64) int64 {
	unit := int64(1)
	for n/unit >= 10_000 {
		unit *= 10
	}
	if unit == 1 || n > math.MaxInt64-unit {
		return n
	}
	return (n + 5*unit) / (10 * unit) * (10 * unit)
}

// keys is how many keys lie between the first and the last one.
func keys(t *remedy.Table) int64 {
	d := t.MaxKey - t.MinKey
	if d < 0 || d == math.MaxInt64 { // beyond what an int64 can count
		return math.MaxInt64
	}
	return d + 1
}

// fewestProbes is the least on which anything is said of a table's order.
const fewestProbes = 3

// spread finds the share of doomed rows by the probes.
func (s *size) spread(t *remedy.Table, d remedy.Doomed) {
	g := t.Growth
	s.share = -1
	if !strings.EqualFold(g.Column, d.Column) || len(g.Probes) < fewestProbes {
		return
	}
	s.ordered = g.Ordered
	slack := int64(time.Hour / time.Second)
	if d.Date {
		slack = int64(widestZones / time.Second)
	}
	cut, n := d.Cutoff.Unix(), len(g.Probes)
	if !g.Ordered {
		s.share = weigh(t, cut)
		return
	}
	first, last := g.Probes[0], g.Probes[n-1]
	s.empty = first.UnixS >= cut+slack && first.Key <= t.MinKey
	s.all = last.UnixS < cut-slack && last.Key >= t.MaxKey
	s.share = float64(keyAt(t, cut)-t.MinKey) / float64(keys(t))
	s.share = min(max(s.share, 0), 1)
	for _, p := range g.Probes {
		if p.UnixS >= cut+slack {
			s.toKey = min(p.Key, t.MaxKey)
			break
		}
	}
}

// keyAt is the key at which the probes reach a moment, between two of them in
// proportion.
func keyAt(t *remedy.Table, cut int64) int64 {
	prevKey, prevS := t.MinKey, int64(-1)
	for _, p := range t.Growth.Probes {
		if p.UnixS >= cut {
			if prevS < 0 || p.UnixS <= prevS {
				return p.Key
			}
			return prevKey + int64(float64(p.Key-prevKey)*float64(cut-prevS)/float64(p.UnixS-prevS))
		}
		prevKey, prevS = p.Key, p.UnixS
	}
	return t.MaxKey
}

// weigh is the share of doomed rows where the key does not follow time: each
// probe stands for the keys half-way to its neighbours.
func weigh(t *remedy.Table, cut int64) float64 {
	ps := t.Growth.Probes
	doomed, all := 0.0, 0.0
	for i, p := range ps {
		from, to := t.MinKey, t.MaxKey
		if i > 0 {
			from = ps[i-1].Key + (p.Key-ps[i-1].Key)/2
		}
		if i+1 < len(ps) {
			to = p.Key + (ps[i+1].Key-p.Key)/2
		}
		width := float64(max(to-from, 0) + 1)
		all += width
		if p.UnixS < cut {
			doomed += width
		}
	}
	return doomed / all
}
