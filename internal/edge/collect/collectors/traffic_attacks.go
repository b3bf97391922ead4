package collectors

import (
	"hash/maphash"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/collect"
)

const (
	siegeEvery = time.Minute
	// siegeFor is how long attempts are remembered: the longest stretch that the
	// thresholds of attacks speak of.
	siegeFor = 6 * time.Hour
	// siegeClock is how far the time of a line may lie from ours: what is further
	// off was not written now.
	siegeClock = time.Hour
)

// Siege is who attacks now, as the live access logs of all web servers tell.
type Siege struct {
	At      time.Time
	Picture attack.Picture // of siegeFor at most
	Peers   attack.Peers
}

// siege counts the requests of all logs in one small tally: who attacks goes from
// site to site, and memory must not grow with their number. The zero value is
// ready.
type siege struct {
	tally  *attack.Tally // nil: no request came yet
	around attack.Around
	hit    attack.Hit
	fresh  bool // there were requests since it was told
	began  time.Time
	toldAt time.Time
	told   map[string]besieged
}

// besieged is what was told of an attack since the tally began.
type besieged struct{ attempts, tookUs int64 }

// add counts a request that was logged at most ago before.
func (s *siege) add(p *accesslog.Parser, q *accesslog.Request, now time.Time, ago time.Duration) {
	at, ok := p.Unix(&q.Entry)
	if off := now.Unix() - at; !ok || off > int64(ago/time.Second) || -off > int64(siegeClock/time.Second) {
		return
	}
	if s.tally == nil {
		*s = siege{tally: attack.NewTally(attack.Options{Seed: maphash.Bytes(maphash.MakeSeed(), nil), Small: true}), began: now, toldAt: now, told: map[string]besieged{}}
	}
	s.fresh = true
	q.Hit(at, &s.hit)
	s.tally.Add(&s.hit)
	s.around.Add(&s.hit)
}

// tell emits each minute what each attack did since the last time. It reports
// whether all that was counted is told.
func (s *siege) tell(b *collect.Beat, to func(Siege)) bool {
	over := since(s.toldAt, b.Now)
	if s.tally == nil {
		return true
	}
	if over < siegeEvery && !b.Now.Before(s.toldAt) {
		return false
	}
	if s.fresh {
		pic := s.tally.Picture()
		for _, a := range pic.Attacks {
			if f, ok := s.grown(a, pic.Timed, over, b.Now); ok {
				b.Emit(f)
			}
		}
		if to != nil {
			to(Siege{At: b.Now, Picture: pic, Peers: s.around.Peers()})
		}
	}
	s.fresh, s.toldAt = false, b.Now
	if age := b.Now.Sub(s.began); age >= siegeFor || age < 0 {
		*s = siege{}
	}
	return true
}

// grown is what came to an attack since it was told. One that was not known yet is
// told of since it began.
func (s *siege) grown(a attack.Attack, timed bool, over time.Duration, now time.Time) (evidence.Attack, bool) {
	was, known := s.told[a.ID]
	is := besieged{max(a.Attempts, was.attempts), max(tookOf(a), was.tookUs)}
	s.told[a.ID] = is
	f := evidence.Attack{OverMs: over.Milliseconds(), ID: a.ID, Attempts: is.attempts - was.attempts, Actors: a.ActorsTotal, TookMs: -1}
	if timed {
		f.TookMs = (is.tookUs - was.tookUs) / 1000
	}
	if !known {
		f.OverMs = max(over, min(now.Sub(time.Unix(a.From, 0)), siegeFor)).Milliseconds()
	}
	return f, f.Attempts > 0
}

// tookOf is the worker time of an attack. Of those that are not named, each
// attempt counts like one of those that are.
func tookOf(a attack.Attack) int64 {
	var took, attempts int64
	for _, k := range a.Actors {
		took, attempts = took+max(k.TookUs, 0), attempts+k.Attempts
	}
	if attempts == 0 {
		return 0
	}
	return int64(float64(took) * float64(max(a.Attempts, attempts)) / float64(attempts))
}
