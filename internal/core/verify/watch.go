package verify

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// probeGap is how long no request of hirune's own may be missing for visitors to
// be watched: it asks every few seconds, and waits ten for an answer.
const probeGap = time.Minute

// uncovered is the first part of a span, longer than pause, that no stretch
// covers.
func uncovered(seen []diagnose.Span, s diagnose.Span, pause time.Duration) (from, to time.Time, ok bool) {
	last := s.From
	for _, x := range seen {
		if x.To.Before(last) {
			continue
		}
		if x.From.Sub(last) > pause {
			return last, earlier(x.From, s.To), true
		}
		if last = x.To; !last.Before(s.To) {
			return time.Time{}, time.Time{}, false
		}
	}
	return last, s.To, s.To.Sub(last) > pause
}

func covered(seen []diagnose.Span, s diagnose.Span, pause time.Duration) bool {
	_, _, gap := uncovered(seen, s, pause)
	return !gap
}

// seesVisitors reports whether the window tells how visitors fared at all.
func seesVisitors(w recording.Window) bool {
	if recording.Count[evidence.Probe](w) > 0 {
		return true
	}
	for _, t := range recording.All[evidence.Traffic](w) {
		if timed(t) {
			return true
		}
	}
	return false
}

// timed reports whether the fact tells how long visitors waited.
func timed(t evidence.Traffic) bool {
	return !t.FromHist && t.TookMs >= 0 && t.Requests > 0 && (t.Class == evidence.ClassPage || t.Class == evidence.ClassQuery)
}

// sawVisitors reports whether somebody saw throughout the span how visitors
// fared. Where hirune asks the site itself it is to be without a gap; visitors
// come when they like.
func (j *judge) sawVisitors(s diagnose.Span) bool {
	if recording.Count[evidence.Probe](j.around(s)) > 0 {
		return covered(diagnose.Stretches[evidence.Probe](j.around(s), probeGap), s, probeGap)
	}
	return seesVisitors(j.after.Between(s.From, s.To))
}

// visits picks the requests that tell of demand: attacks on XML-RPC come and go
// with the remedy, and WordPress' cron asks itself.
func visits(class string) bool {
	return diagnose.Dynamic(class) && class != evidence.ClassXMLRPC && class != evidence.ClassCron
}

// Demand is the usual demand of a recording in requests a second, attacks left
// out: that of its quiet time; 0 unknown. Ask it of the outage's own hours.
func Demand(w recording.Window, o diagnose.Options) float64 {
	return max(diagnose.NewCase(w, o).QuietRate(visits), 0)
}
