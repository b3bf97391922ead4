package load

import (
	"slices"
	"time"
)

// Figures are the counts and latencies of some requests. Failed ones count with the time after which they failed.
type Figures struct {
	Sent   int     `json:"sent"`
	OK     int     `json:"ok"`
	Failed int     `json:"failed"`
	P50Ms  float64 `json:"p50_ms"`
	P99Ms  float64 `json:"p99_ms"`
}

// FailedShare is between 0 and 1; 0 where nothing was sent.
func (f Figures) FailedShare() float64 { return float64(f.Failed) / float64(max(1, f.Sent)) }

// Second is what became of the requests meant to start in one second, by kind.
type Second struct {
	At    int              `json:"at"`
	Kinds map[Kind]Figures `json:"kinds"`
}

// Timeline gives one entry for each second of the run, also for quiet ones.
func Timeline(results []Result, length time.Duration) []Second {
	out := make([]Second, int((length+time.Second-1)/time.Second))
	for i := range out {
		from := time.Duration(i) * time.Second
		out[i] = Second{At: i, Kinds: Between(results, from, from+time.Second)}
	}
	return out
}

// Between sums the requests meant to start in [from, until), by kind.
func Between(results []Result, from, until time.Duration) map[Kind]Figures {
	byKind := map[Kind][]Result{}
	for _, r := range results {
		if r.At >= from && r.At < until {
			byKind[r.Kind] = append(byKind[r.Kind], r)
		}
	}
	out := map[Kind]Figures{}
	for kind, some := range byKind {
		out[kind] = sum(some)
	}
	return out
}

func sum(results []Result) Figures {
	f := Figures{Sent: len(results)}
	var ms []float64
	for _, r := range results {
		if r.OK {
			f.OK++
		}
		ms = append(ms, float64(r.Latency.Microseconds())/1000)
	}
	f.Failed = f.Sent - f.OK
	slices.Sort(ms)
	f.P50Ms, f.P99Ms = percentile(ms, 0.50), percentile(ms, 0.99)
	return f
}

// percentile is by nearest rank: always a value that occurred. 0 for none.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(p*float64(len(sorted)) + 0.999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Faults counts the reasons of failures.
func Faults(results []Result) map[string]int {
	out := map[string]int{}
	for _, r := range results {
		if !r.OK {
			out[string(r.Kind)+": "+r.Why]++
		}
	}
	return out
}
