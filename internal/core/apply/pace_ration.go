package apply

import "time"

// ration deals out keys where CPU is rationed, by a control group's quota or by
// a hypervisor that takes time away. It is fed forward: it knows which share is
// used without us, sees what is used with us, and steers the keys a second so
// that all together stay below a target. What comes after a piece, such as
// InnoDB's purge of its rows, is in what is seen.
//
// The keys are dealt out evenly, in pieces that take less than half of what a
// period of the quota has. Where the kernel tells of a quota's periods, slots
// do better.
type ration struct {
	cpus   float64   // that all may use; 0: CPU is not rationed
	group  string    // control group with that limit; "" : it is a hypervisor's
	free   float64   // share of them used without us
	known  bool      // it was rationed before we began: free and the usual pages are of then
	used   float64   // share used of late; -1 unknown
	ease   float64   // 1; less after pages were slow
	rate   float64   // keys a second; 0: not known yet
	keys   float64   // done since seenAt
	key    float64   // s that one takes with nothing in its way; 0 unknown
	share  float64   // the latest reading
	seenAt time.Time // when it was
	over   float64   // s that it was taken over
	due    time.Time // when the next piece may begin
}

// How CPU is dealt out.
const (
	rationMost  = 0.85                   // share that all may use together while we work
	rationLeast = 0.05                   // share that we take in any case: the rows may be the very cause
	rationEvery = 100 * time.Millisecond // from piece to piece: the kernel's default period of a quota
	rationFirst = 100                    // keys of the first piece
	rationPiece = 0.4                    // of a period's quota that a piece takes at most
	rationOver  = 4.0                    // s over which use is smoothed: a page is a tenth of a small quota's second
	rationTurn  = 0.3                    // of a correction that one second brings
	rationFull  = 0.97                   // share from which nobody can tell how much is wanted
	rationOld   = 10 * time.Second       // after which a reading says nothing of now
	rationCost  = 2                      // times a piece's own time: the server's clean-up and the archive come on top
	rationPages = 2.0                    // times the usual time of a page that is slow
	rationSlack = 30.0                   // ms
	rationEase  = 0.4                    // least factor on our part after slow pages
)

func newRation() ration { return ration{used: -1, ease: 1} }

// begin takes what was used so far as others' use.
func (r *ration) begin() { r.free, r.known = min(max(r.used, 0), 1), r.used >= 0 }

// anew is for another step: its keys cost something else.
func (r ration) anew() ration {
	r.rate, r.keys, r.key, r.due = 0, 0, 0, time.Time{}
	return r
}

// on reports whether CPU is rationed.
func (r *ration) on(now time.Time) bool { return r.cpus > 0 && now.Sub(r.seenAt) < rationOld }

// target is the share that all may use now.
func (r *ration) target() float64 { return r.free + r.part()*r.ease }

// part is the share that is left for us.
func (r *ration) part() float64 { return max(rationMost-r.free, rationLeast) }

// short reports whether others leave us less than we could use.
func (r *ration) short() bool { return r.used > r.target()+0.05 || r.share >= rationFull }

// did counts a piece.
func (r *ration) did(p Piece) {
	if p.Size <= 0 || p.Took <= 0 {
		return
	}
	r.keys += float64(p.Size)
	// A piece that the cap has held up says nothing; what was once is forgotten slowly.
	if key := p.Took.Seconds() / float64(p.Size); r.key == 0 || key < r.key {
		r.key = key
	} else {
		r.key *= 1.01
	}
}

// see takes in the share of the quota that was used of late. Of several groups
// at one moment the one with the least left counts.
func (r *ration) see(now time.Time, group string, cpus, share float64) {
	if now.Equal(r.seenAt) {
		if more := share - r.share; more > 0 {
			r.used += more * r.weight()
			r.group, r.cpus, r.share = group, cpus, share
		}
		return
	}
	r.over = min(max(now.Sub(r.seenAt).Seconds(), 0.2), rationOver)
	r.group, r.cpus, r.share, r.seenAt = group, cpus, share, now
	if r.used < 0 {
		r.used = share
	}
	r.used += (share - r.used) * r.weight()
	done := r.keys / r.over
	r.keys = 0
	if r.rate > 0 {
		r.turn(done)
	}
}

// weight is that of the latest reading in the smoothed one.
func (r *ration) weight() float64 { return r.over / rationOver }

// turn steers the rate; done is the rate of late, which may have been less than
// was granted.
func (r *ration) turn(done float64) {
	least := rationLeast * r.cpus / (rationCost * r.key)
	if done > 0 {
		want, ours := r.target()-r.free, max(r.used-r.free, rationLeast)
		by := min(max(want/ours, 0.5), 1.5)
		if r.share >= rationFull {
			by = min(by, 1)
		}
		r.rate = min(r.rate, 1.5*done) * (1 + rationTurn*(by-1))
	}
	r.rate = max(r.rate, least)
}

// correct takes some of our part away after slow pages, and gives it back.
func (r *ration) correct(slow bool) {
	if slow {
		r.ease = max(rationEase, r.ease*0.85)
		return
	}
	r.ease = min(1, r.ease*1.05)
}

// next says how many keys may be done, at most so many, and the pause before.
func (r *ration) next(now time.Time, most float64) (size float64, pause time.Duration) {
	if r.rate == 0 && r.key > 0 {
		r.rate = r.part() * r.cpus / (rationCost * r.key)
	}
	if r.rate == 0 {
		return min(most, rationFirst), 0
	}
	piece := rationPiece * r.cpus * rationEvery.Seconds() / r.key
	size = max(sizeLeast, min(most, piece, r.rate*rationEvery.Seconds()))
	if earliest := now.Add(-rationEvery); r.due.Before(earliest) {
		r.due = earliest // what was not used is not saved up
	}
	pause = max(0, r.due.Sub(now))
	r.due = r.due.Add(time.Duration(size / r.rate * float64(time.Second)))
	return size, pause
}
