package attack

import (
	"hirune/internal/core/diagnose"
)

// When an attack hurts. Shares are of the worker time of all dynamic requests
// in the time of the attack; Busy is how many workers it keeps busy on average
// in its worst minute.
const (
	hurtShare    = 0.20 // a fifth of the work: without it the site has a quarter more room
	hurtBusy     = 0.25 // of the workers: below, the others are free anyway
	fillBusy     = 0.80 // of the workers, by itself: the next visitors wait
	harmlessPart = 0.05 // of the work: not to be told from an ordinary day's ups and downs
	harmlessBusy = 0.10 // of the workers: whatever its share, nobody waits for it
	// usualWorkers stands for the number of workers where it is unknown: PHP-FPM's
	// pm.max_children as Debian ships it.
	usualWorkers = 5
)

// weigh says whether an attack matters, with the numbers.
func (c *court) weigh(a *Attack, ch charge, tookUs float64) {
	sum, _ := c.sums(ch)
	part := 1.0
	if sum.attempts > 0 {
		part = min(float64(a.Attempts)/float64(sum.attempts), 1)
	}
	a.PeakMinute = max(int64(part*float64(sum.minutes.most)+0.5), 1)
	busy := part * float64(sum.ms.most) / 1000 / minuteLen
	c.judgeHarm(a, a.Attempts, c.t.line.during(uint32(a.From), uint32(a.To), bitsOf(ch.groups)), tookUs, busy)
}

func bitsOf(groups []group) (bits uint32) {
	for _, g := range groups {
		bits |= g.bit()
	}
	return bits
}

// judgeHarm compares what a number of attempts took with all that was taken in
// their time.
func (c *court) judgeHarm(a *Attack, attempts int64, during Sums, tookUs, busy float64) {
	a.Harm = Harm{WorkerTime: -1, Requests: -1, Busy: -1, Measured: c.timed}
	if during.Requests > 0 {
		a.Harm.Requests = min(float64(attempts)/float64(during.Requests), 1)
	}
	requests := diagnose.Share01(a.Harm.Requests)
	if !c.costed() {
		a.Verdict = Unknown
		a.Says = append(a.Says, diagnose.Say("harm-unknown", "share", requests))
		return
	}
	a.Harm.Busy = busy
	a.Harm.WorkerTime = 0
	if during.TookUs > 0 {
		a.Harm.WorkerTime = min(tookUs/float64(during.TookUs), 1)
	}
	var id string
	a.Verdict, id = verdictOf(a.Harm, c.t.opt.Workers, float64(c.t.minutes.most)/1000/minuteLen)
	workers := diagnose.Count(-1)
	if c.t.opt.Workers > 0 {
		workers = diagnose.Count(c.t.opt.Workers)
	}
	a.Says = append(a.Says, diagnose.Say(id, "share", diagnose.Share01(a.Harm.WorkerTime), "busy", diagnose.Number(busy), "workers", workers, "requests", requests))
	if !c.timed {
		a.Says = append(a.Says, diagnose.Say("harm-estimated"))
	}
}

// verdictOf is the verdict of figures, and the sentence for it; site is how
// many workers all requests together kept busy in the worst minute.
func verdictOf(h Harm, workers int, site float64) (Verdict, string) {
	w := float64(workers)
	if workers <= 0 {
		w = usualWorkers
	}
	switch {
	case h.Busy >= fillBusy*w:
		return Hurts, "harm-fills"
	case h.WorkerTime >= hurtShare && h.Busy >= hurtBusy*w:
		return Hurts, "harm-hurts"
	case h.Busy < harmlessBusy*w:
		return Harmless, "harm-idle"
	case h.WorkerTime < harmlessPart:
		return Harmless, "harm-small"
	case site < fillBusy*w:
		return Harmless, "harm-room" // whatever it takes was free
	}
	return Unknown, "harm-between"
}
