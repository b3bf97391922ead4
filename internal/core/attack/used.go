package attack

// Used is the CPU that services used in the time of an attack, all requests
// together, against the same hours of quiet days.
type Used struct{ PHP, Database Load } // in CPUs; -1 unknown

// UsedMinute is what services used in one minute.
type UsedMinute struct {
	At                int64 // unix seconds
	PHPMs, DatabaseMs int64 // -1 unknown
}

const (
	usedLeast = 30 // minutes of the attack that must be recorded
	usedDays  = 2  // quiet days that must be, of each hour
)

// CompareUsed compares the minutes of an attack with those of the same hours on
// days on which nothing else than harmless noise attacked. It reports false where
// too little of either was recorded.
func CompareUsed(minutes []UsedMinute, t Attack, all []Attack) (Used, bool) {
	quiet := map[int64]*usedHour{} // by hour of the day
	var during []UsedMinute
	for _, m := range minutes {
		switch {
		case m.At >= t.From && m.At <= t.To:
			during = append(during, m)
		case !besieged(m.At, all):
			h := quiet[hourOfDay(m.At)]
			if h == nil {
				h = &usedHour{days: map[int64]bool{}}
				quiet[hourOfDay(m.At)] = h
			}
			h.add(m)
		}
	}
	var is, usual usedHour
	for _, m := range during {
		h := quiet[hourOfDay(m.At)]
		if h == nil || len(h.days) < usedDays {
			continue
		}
		is.add(m)
		php, db := h.means()
		usual.php.add(php)
		usual.db.add(db)
	}
	if is.php.n < usedLeast && is.db.n < usedLeast {
		return Used{}, false
	}
	return Used{PHP: loadOf(is.php, usual.php), Database: loadOf(is.db, usual.db)}, true
}

func hourOfDay(at int64) int64 { return at / hourLen % 24 }

// besieged reports whether more than harmless noise attacked at a moment.
func besieged(at int64, all []Attack) bool {
	for _, t := range all {
		if t.Verdict != Harmless && at >= t.From-hourLen && at <= t.To+hourLen {
			return true
		}
	}
	return false
}

// usedHour sums what was used in some minutes.
type usedHour struct {
	php, db usedSum
	days    map[int64]bool
}

type usedSum struct{ ms, n float64 }

// add counts a minute; -1 is no measurement.
func (s *usedSum) add(ms float64) {
	if ms >= 0 {
		s.ms, s.n = s.ms+ms, s.n+1
	}
}

func (s usedSum) mean() float64 {
	if s.n == 0 {
		return -1
	}
	return s.ms / s.n
}

func (h *usedHour) add(m UsedMinute) {
	h.php.add(float64(m.PHPMs))
	h.db.add(float64(m.DatabaseMs))
	if h.days != nil {
		h.days[m.At/hourLen/24] = true
	}
}

func (h *usedHour) means() (php, db float64) { return h.php.mean(), h.db.mean() }

// loadOf is in CPUs. A service that used nothing is not there.
func loadOf(is, usual usedSum) Load {
	if is.n < usedLeast || usual.n < usedLeast || is.ms+usual.ms == 0 {
		return Load{During: -1, Usual: -1}
	}
	const minuteMs = 60_000
	return Load{During: is.mean() / minuteMs, Usual: usual.mean() / minuteMs}
}
