package accesslog

import (
	"context"
	"hash/maphash"
	"slices"
	"time"
)

const (
	pairSpan  = time.Hour // of the latest requests that are compared
	pairBack  = 128 << 10 // bytes of text of the log behind
	pairFront = 1 << 20   // and of all in front together
	pairLeast = 30        // requests that must be comparable
	pairShare = 0.95      // of them, seen in both
	// A server in front stamps a request when it has ended, perhaps, and the one
	// behind when it began.
	pairEarly, pairLate = 2, 120 // seconds
)

// PairLog is an access log with the format that it is written in.
type PairLog struct{ Path, Format string }

// Pair tells whether the requests in the log of a web server are those of the logs
// of others that stand before it: the latest of them are in both, by method, address
// and answer, at about the same time, each once. known is false where too few came
// to say.
func Pair(ctx context.Context, back PairLog, front []PairLog, now time.Time, loc *time.Location) (twice, known bool) {
	seed := maphash.MakeSeed()
	seen := map[uint64][]int64{}
	var from int64
	for _, l := range front {
		first := int64(0)
		eachAsked(ctx, l, now, pairFront/int64(len(front)), loc, seed, func(key uint64, at int64) {
			seen[key] = append(seen[key], at)
			if first == 0 || at < first {
				first = at
			}
		})
		from = max(from, first) // of the busiest log the least time is known
	}
	for _, at := range seen {
		slices.Sort(at)
	}
	same, all := 0, 0
	eachAsked(ctx, back, now, pairBack, loc, seed, func(key uint64, at int64) {
		if at < from+pairEarly || at > now.Unix()-pairLate {
			return
		}
		all++
		times := seen[key]
		i := slices.IndexFunc(times, func(t int64) bool { return t >= at-pairEarly && t <= at+pairLate })
		if i >= 0 {
			same++
			seen[key] = slices.Delete(times, i, i+1)
		}
	})
	known = all >= pairLeast && ctx.Err() == nil
	return known && float64(same) >= pairShare*float64(all), known
}

// eachAsked hands out what was asked for, and when, of the latest requests of a log.
func eachAsked(ctx context.Context, l PairLog, now time.Time, most int64, loc *time.Location, seed maphash.Seed, each func(key uint64, at int64)) {
	r := NewReader(l.Format, loc, nil)
	var q Request
	var h maphash.Hash
	since := now.Add(-pairSpan)
	// what cannot be read is not compared: then too little is, and nothing is said
	_ = Past(ctx, l.Path, since, most, func(line []byte) {
		if !r.Read(line, &q) || len(q.Target) == 0 {
			return
		}
		at, ok := r.Parser.Unix(&q.Entry)
		if !ok || at < since.Unix() {
			return
		}
		h.SetSeed(seed)
		h.Write(q.Method)
		h.WriteByte(' ')
		h.Write(q.Target)
		h.WriteByte(byte(q.Status))
		each(h.Sum64(), at)
		h.Reset()
	})
}
