package audit

import (
	"maps"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// roomOver is the shortest time over which growth is taken: a day has its backup
	// and its log rotation.
	roomOver = 36 * time.Hour
	// roomScarce is the free share that is trouble already, roomAhead how far ahead
	// the line through what was seen is believed.
	roomScarce = 0.05
	roomAhead  = 90 // days
)

// roomAt is the room on a file system at a moment.
type roomAt struct {
	at time.Time
	evidence.Filesystem
}

// room tells which file systems fill up, in bytes or in files.
func (v view) room() {
	all := map[string][]roomAt{}
	for at, f := range recording.Ever[evidence.Filesystem](v.w) {
		if f.SizeKB > 0 {
			all[f.Mount] = append(all[f.Mount], roomAt{at, f})
		}
	}
	short := len(all) == 0
	for _, mount := range slices.Sorted(maps.Keys(all)) {
		seen := all[mount]
		last := seen[len(seen)-1]
		over := last.at.Sub(seen[0].at)
		short = short || over < roomOver
		perDay := func(of func(roomAt) int64) float64 {
			if over < roomOver {
				return 0
			}
			return -slope(seen, of)
		}
		v.fills("disk-fills", "risk-disk", mount, last.FreeKB<<10, last.SizeKB<<10, perDay(func(r roomAt) int64 { return r.FreeKB << 10 }), over)
		if last.Inodes > 0 {
			v.fills("inodes-fill", "risk-inodes", mount, last.InodesFree, last.Inodes, perDay(func(r roomAt) int64 { return r.InodesFree }), over)
		}
	}
	if short {
		v.unknown(diagnose.Say("unknown-room"))
	}
}

// fills tells when free reaches nothing at so much a day.
func (v view) fills(id, say, mount string, free, size int64, perDay float64, over time.Duration) {
	when := When{Kind: Already}
	switch {
	case float64(free) < roomScarce*float64(size):
	case perDay <= 0 || float64(free)/perDay > roomAhead:
		return
	default:
		when, _ = v.in(float64(free) / perDay)
	}
	amount := func(n float64) any {
		if id == "disk-fills" {
			return diagnose.Bytes(n)
		}
		return diagnose.Count(n)
	}
	growth := amount(-1)
	if perDay > 0 {
		growth = amount(perDay)
	}
	v.found(Risk{ID: id, When: when, Remedies: []string{"free-room"},
		Say:      diagnose.Say(say, "mount", mount, "free", amount(float64(free)), "share", diagnose.Share01(float64(free)/float64(size)), "per_day", growth),
		Evidence: []diagnose.Sentence{diagnose.Say("audit-room", "mount", mount, "days", diagnose.Number(over.Hours()/24))}})
}

// slope is by how much a value rises a day, as the median of the slopes between the
// first and the last third of what was seen: one large file that came and went does
// not count.
func slope(seen []roomAt, of func(roomAt) int64) float64 {
	third := max(len(seen)/3, 1)
	var all []float64
	for i := range third {
		a, b := seen[i], seen[len(seen)-third+i]
		if days := b.at.Sub(a.at).Hours() / 24; days > 0 {
			all = append(all, float64(of(b)-of(a))/days)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
