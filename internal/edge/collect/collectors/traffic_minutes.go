package collectors

import (
	"time"

	"hirune/internal/core/evidence"
)

// EachMinute hands out what the history told of each minute of each log, in no
// order: the requests that cost PHP, the error answers, and the mean time for a
// page in ms, -1 where that is not logged. ByMinute must be set.
func (t *Traffic) EachMinute(each func(at time.Time, requests, errors int64, pageMs float64)) {
	for _, l := range t.logs {
		l.minutes.Each(each)
	}
}

// Minutes returns the facts of the history's minutes that begin from from to to.
func (t *Traffic) Minutes(from, to time.Time) []evidence.Record {
	var out []evidence.Record
	for _, l := range t.logs {
		l.minutes.Traffic(l.site, from, to, func(at time.Time, f evidence.Traffic) {
			out = append(out, evidence.Record{At: at, Source: t.Name(), Fact: f})
		})
	}
	return out
}
