package main

import (
	"math"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
	"hirune/internal/core/report"
)

// workerStep is how much time is looked at together: longer than nearly all
// requests, so that a worker is busy in the step in which its request is logged.
const workerStep = 10 * time.Second

// workerRounds is how often each cost is improved; it settles long before.
const workerRounds = 200

// ridge pulls a class of which there are few requests to the mean of all.
const ridge = 0.1

// worked is one step: how long workers were busy, and what came.
type worked struct {
	busyS       float64
	beats       int // of all pools
	first, last time.Time
	n           map[attack.Class]float64
}

// look takes note of how many workers of a pool are busy.
func (w *worked) look(at time.Time, busy int) {
	if w.beats == 0 || at.Before(w.first) {
		w.first = at
	}
	if at.After(w.last) {
		w.last = at
	}
	w.busyS, w.beats = w.busyS+float64(busy), w.beats+1
}

// integrate turns the sum of what was seen into seconds of work; false where it
// was looked at too seldom. A recording may begin or end within a step.
func (w *worked) integrate(pools int) bool {
	looks := float64(w.beats) / float64(max(pools, 1))
	if looks < 2 {
		return false
	}
	each := w.last.Sub(w.first).Seconds() / (looks - 1)
	w.busyS *= each
	return true
}

// workerCosts estimates what a request of each class costs from how many PHP
// workers were busy while so many of them came: the costs, none below zero, that
// explain the busy time best (least squares, by coordinates).
func workerCosts(records []evidence.Record) (map[attack.Class]int64, string) {
	steps := workSteps(records)
	total := map[attack.Class]float64{}
	var busy, all float64
	for _, s := range steps {
		busy += s.busyS
		for c, n := range s.n {
			total[c], all = total[c]+n, all+n
		}
	}
	if all < costsLeast || busy <= 0 {
		return nil, ""
	}
	mean := busy / all
	cost := map[attack.Class]float64{}
	for _, c := range attackClass {
		if c.Dynamic() {
			cost[c] = mean
		}
	}
	pull := ridge * all * all / float64(len(steps)*len(steps))
	for range workerRounds {
		for c := range attack.ClassBroken {
			if total[c] > 0 {
				cost[c] = improved(steps, cost, c, mean, pull)
			}
		}
	}
	out := map[attack.Class]int64{}
	for c, s := range cost {
		out[c] = int64(math.Round(s * 1e6))
	}
	return out, report.CostPools
}

// improved is the best cost of one class while the others stay.
func improved(steps map[int64]*worked, cost map[attack.Class]float64, c attack.Class, mean, pull float64) float64 {
	num, den := pull*mean, pull
	for _, s := range steps {
		if s.n[c] == 0 {
			continue
		}
		rest := s.busyS
		for o, n := range s.n {
			if o != c {
				rest -= cost[o] * n
			}
		}
		num, den = num+rest*s.n[c], den+s.n[c]*s.n[c]
	}
	return max(num/den, 0)
}

// workSteps puts workers and requests of the same time together.
func workSteps(records []evidence.Record) map[int64]*worked {
	steps := map[int64]*worked{}
	at := func(t time.Time) *worked {
		k := t.UnixNano() / int64(workerStep)
		if steps[k] == nil {
			steps[k] = &worked{n: map[attack.Class]float64{}}
		}
		return steps[k]
	}
	pools := map[string]bool{}
	for _, r := range records {
		switch f := r.Fact.(type) {
		case evidence.WorkerPool:
			if f.Service == evidence.ServicePHP && f.Busy >= 0 {
				at(r.At).look(r.At, f.Busy)
				pools[f.Instance+"/"+f.Pool] = true
			}
		case evidence.Traffic:
			if c, ok := attackClass[f.Class]; ok && c.Dynamic() && !f.FromHist {
				at(r.At).n[c] += float64(f.Requests)
			}
		}
	}
	for k, s := range steps {
		if !s.integrate(len(pools)) {
			delete(steps, k)
		}
	}
	return steps
}
