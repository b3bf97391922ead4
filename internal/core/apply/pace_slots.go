package apply

import "time"

// slots finds what visitors leave of each period of a CPU quota. What is not used
// by the end of a period is lost, so work that takes it then takes it from
// nobody: a page that comes early in a period finds all of it, and one that comes
// late waits for the rest of a period at most. The same work anywhere else in the
// period makes pages wait for one period more.
type slots struct {
	period  int64         // number of the present period, as the kernel counts them
	began   time.Time     // of it
	base    time.Duration // CPU used when it began, since ever
	used    time.Duration // when it was last read
	readAt  time.Time
	granted int64         // keys of the piece in this period
	from    time.Duration // CPU used when it was granted
	key     float64       // ns of CPU that a key takes, the server's clean-up with it; 0 unknown
	idle    time.Time     // since when nothing was granted
}

// Quota is a CPU quota as the kernel accounts for it.
type Quota struct {
	Period  time.Duration
	Periods int64         // so far
	Used    time.Duration // CPU, so far
}

const (
	slotFrom    = 0.8                  // of a period; sooner where more is left than fits
	slotReserve = 0.35                 // of the quota: for who comes late
	slotStep    = 5 * time.Millisecond // from look to look
	slotBusy    = 0.3                  // of a CPU, of late: a page is being made
	slotLeast   = 0.5                  // of the quota that is taken in any case each slotMost
	slotMost    = time.Second          // without a piece: a busy site leaves nothing
	slotFirst   = 50                   // keys of the first piece
)

// Slot says how many keys may be done right now, or when to ask again.
func (p *Pace) Slot(now time.Time, q Quota) (keys int64, again time.Duration) {
	s, all := &p.slots, time.Duration(p.ration.cpus*float64(q.Period)) // the quota of a period
	before, at := s.used, s.readAt
	s.read(now, q)
	if s.idle.IsZero() {
		s.idle = now
	}
	if now.Sub(s.idle) >= slotMost {
		return s.grant(now, max(sizeLeast, s.keys(time.Duration(slotLeast*float64(all))))), 0
	}
	phase := now.Sub(s.began)
	left := all - (s.used - s.base) - time.Duration(slotReserve*float64(all))
	left = time.Duration(float64(left) * p.ration.ease)
	open := min(time.Duration(slotFrom*float64(q.Period)), q.Period-left-slotStep) // one CPU does the work
	size := min(s.keys(min(left, q.Period-phase)), int64(p.size))
	switch {
	case s.granted == 0 && phase < open:
		return 0, max(slotStep, open-phase-slotStep) // so that the last look before it opens is shortly before
	case s.granted > 0 || size < sizeLeast:
		return 0, max(slotStep, q.Period-phase-slotStep)
	case float64(s.used-before) > slotBusy*float64(now.Sub(at)):
		return 0, slotStep
	}
	return s.grant(now, size), 0
}

func (s *slots) grant(now time.Time, keys int64) int64 {
	s.granted, s.from, s.idle = keys, s.used, now
	return keys
}

// did takes in that a piece had fewer keys than were granted.
func (s *slots) did(p Piece) {
	if s.granted > 0 && p.Size > 0 {
		s.granted = p.Size
	}
}

// keys is how many take so much CPU.
func (s *slots) keys(cpu time.Duration) int64 {
	if s.key == 0 && cpu > 0 {
		return slotFirst
	}
	return int64(float64(cpu) / max(s.key, 1))
}

// read takes in the kernel's figures.
func (s *slots) read(now time.Time, q Quota) {
	if q.Periods == s.period && !s.began.IsZero() {
		s.used, s.readAt = q.Used, now
		return
	}
	// What was used since the last reading is of the old period, unless that is long ago.
	base := s.used
	if now.Sub(s.readAt) > q.Period/5 {
		base = q.Used
	}
	s.learn(base)
	s.period, s.began, s.base, s.granted = q.Periods, now, base, 0
	s.used, s.readAt = q.Used, now
}

// learn takes in what the last piece came to. What visitors used beside it is
// counted as ours, which errs to their good.
func (s *slots) learn(used time.Duration) {
	if s.granted <= 0 || used <= s.from {
		return
	}
	cost := float64(used-s.from) / float64(s.granted)
	if s.key == 0 {
		s.key = cost
	}
	s.key += 0.1 * (cost - s.key)
}
