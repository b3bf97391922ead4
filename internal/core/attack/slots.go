package attack

// slotsKept is how many slots a burst keeps at either end of its time: lines
// come out of order by seconds and minutes, and the parts of a log meet in the
// middle of a slot.
const slotsKept = 2

// slot is what fell into one stretch of time.
type slot struct {
	at uint32 // number of the stretch since 1970; 0: none
	n  uint32
}

// burst finds the most that fell into two neighbouring slots, with a fixed
// memory. It keeps the first and the last slots, so that bursts of
// neighbouring parts of a log, joined, are the burst of the whole.
type burst struct {
	head [slotsKept]slot
	tail [slotsKept]slot // oldest first
	peak uint32          // of two neighbouring slots
	most uint32          // of one slot
	when uint32          // the slot of most
}

// add counts n in slot at, which is not 0.
func (b *burst) add(at, n uint32) {
	for i := range b.head {
		if b.head[i].at == 0 {
			b.head[i].at = at
		}
		if b.head[i].at == at {
			b.head[i].n = satAdd(b.head[i].n, n)
			break
		}
	}
	b.last(at, n)
}

// last counts in the tail and learns the peaks from it.
func (b *burst) last(at, n uint32) {
	for i := range b.tail {
		if b.tail[i].at == at {
			b.tail[i].n = satAdd(b.tail[i].n, n)
			b.learn()
			return
		}
	}
	if at < b.tail[0].at {
		return // late by more than the slots that are kept
	}
	copy(b.tail[:], b.tail[1:])
	i := slotsKept - 1
	for ; i > 0 && b.tail[i-1].at > at; i-- {
		b.tail[i] = b.tail[i-1]
	}
	b.tail[i] = slot{at, n}
	b.learn()
}

func (b *burst) learn() {
	for i, s := range b.tail {
		b.mostOf(s)
		two := s.n
		if i > 0 && b.tail[i-1].at+1 == s.at {
			two = satAdd(two, b.tail[i-1].n)
		}
		b.peak = max(b.peak, two)
	}
}

// mostOf learns the fullest slot, the first of several.
func (b *burst) mostOf(s slot) {
	if s.n > b.most || s.n == b.most && s.at < b.when {
		b.most, b.when = s.n, s.at
	}
}

// merge joins a burst of a later part.
func (b *burst) merge(o *burst) {
	if o.tail[slotsKept-1].at == 0 {
		return
	}
	if b.tail[slotsKept-1].at == 0 {
		*b = *o
		return
	}
	b.peak = max(b.peak, o.peak)
	b.mostOf(slot{o.when, o.most})
	for _, s := range o.head {
		if s.at != 0 {
			b.add(s.at, s.n)
		}
	}
	for _, s := range o.tail {
		if s.at != 0 && !o.inHead(s.at) {
			b.add(s.at, s.n)
		}
	}
}

func (b *burst) inHead(at uint32) bool {
	for _, s := range b.head {
		if s.at == at {
			return true
		}
	}
	return false
}
