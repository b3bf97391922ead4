package attack

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// Spent is an estimate of what an attack took of the host while it was recorded.
type Spent struct {
	PHP      float64 // share of the CPU time that PHP used, 0 to 1; -1 unknown
	Database float64 // share of the database's time, 0 to 1; -1 unknown
	From, To time.Time
}

const (
	spentStep = 10 * time.Second // what falls into one is taken to be of one moment
	// spentLeast is how many steps must be recorded, and how many requests make a
	// class worth a price of its own.
	spentLeast    = 60
	spentRequests = 20
	// spentLooks is how many running statements must have been seen to speak of the
	// database's time; below, its CPU stands for it.
	spentLooks = 100
	spentCPUMs = 1000 // that a service must have used to be shared out
	// spentError is the largest standard error of a share that is told.
	spentError = 0.10
)

// SpentIn is what a recording says of some time.
type SpentIn struct {
	Records []evidence.Record
	// Writes says which class of requests writes a table; nil: nobody knows.
	Writes func(schema, table string) string
}

// EstimateSpent shares PHP's CPU and the database's time out to the attacks that
// the recording tells of: by what a request of each class costs, such that the
// prices of all that came explain best what was used in each step (least squares,
// none below zero). What follows no requests, such as a job of the host, belongs to
// nobody. Statements on a table that the requests of one class write are counted to
// that class. Attacks of several classes, and those of which the price cannot be
// told from others, are unknown.
func EstimateSpent(in SpentIn) map[string]Spent {
	s := newSpending(in)
	out := map[string]Spent{}
	if len(s.steps) < spentLeast {
		return out
	}
	php := pricesOf(s, spentCPUMs, func(x *spentStepSum) float64 { return x.php })
	db := pricesOf(s, spentCPUMs, func(x *spentStepSum) float64 { return x.db })
	if s.looks >= spentLooks {
		db = pricesOf(s, spentLooks, func(x *spentStepSum) float64 { return x.looks })
	}
	for id, n := range s.attempts {
		class := diagnose.AttackClass(id)
		requests := s.requests[class]
		if class == "" || requests < spentRequests {
			continue
		}
		one := Spent{PHP: php.share(class, n, 0, 0), From: s.from, To: s.to}
		part := min(n/requests, 1)
		owned, all := 0.0, 0.0
		if s.looks >= spentLooks {
			owned, all = part*s.owned[class], s.ownedAll
		}
		one.Database = db.share(class, n, owned, all)
		if one.PHP >= 0 || one.Database >= 0 {
			out[id] = one
		}
	}
	return out
}

// spending is a recording, step by step.
type spending struct {
	steps    map[int64]*spentStepSum
	requests map[string]float64 // by class
	attempts map[string]float64 // by attack
	owned    map[string]float64 // statements seen on tables that one class writes
	ownedAll float64
	looks    float64 // all statements seen
	from, to time.Time
}

// spentStepSum is what was used, and what came, in one step.
type spentStepSum struct {
	php, db float64 // CPU in ms
	looks   float64 // running statements that were seen, without those that are owned
	n       map[string]float64
}

func newSpending(in SpentIn) *spending {
	s := &spending{steps: map[int64]*spentStepSum{}, requests: map[string]float64{}, attempts: map[string]float64{}, owned: map[string]float64{}}
	writer := map[[2]string]string{}
	writes := func(schema, table string) string {
		k := [2]string{schema, table}
		class, known := writer[k]
		if !known && in.Writes != nil && table != "" {
			class = in.Writes(schema, table)
			writer[k] = class
		}
		return class
	}
	fpm := hasFPM(in.Records)
	for _, r := range in.Records {
		s.take(r, fpm, writes)
	}
	return s
}

// hasFPM reports whether PHP runs in processes of its own: else it runs in Apache.
func hasFPM(records []evidence.Record) bool {
	for _, r := range records {
		if u, ok := r.Fact.(evidence.ServiceUse); ok && u.Service == evidence.ServicePHP {
			return true
		}
	}
	return false
}

func (s *spending) take(r evidence.Record, fpm bool, writes func(string, string) string) {
	switch f := r.Fact.(type) {
	case evidence.Traffic:
		if !f.FromHist && f.Dynamic() {
			s.at(r.At).n[f.Class] += float64(f.Requests)
			s.requests[f.Class] += float64(f.Requests)
		}
	case evidence.ServiceUse:
		switch {
		case f.Service == evidence.ServicePHP || !fpm && f.Service == evidence.ServiceApache:
			s.at(r.At).php += float64(f.CPUMs)
		case f.Service == evidence.ServiceDatabase:
			s.at(r.At).db += float64(f.CPUMs)
		}
	case evidence.Statement:
		if f.Command == evidence.CommandLogged {
			return // of a log: how long it ran was no look
		}
		s.looks++
		if class := writes(f.Schema, f.Table); class != "" {
			s.owned[class]++
			s.ownedAll++
			return
		}
		s.at(r.At).looks++
	case evidence.Attack:
		s.attempts[f.ID] += float64(f.Attempts)
	}
}

func (s *spending) at(t time.Time) *spentStepSum {
	k := t.UnixNano() / int64(spentStep)
	if s.steps[k] == nil {
		s.steps[k] = &spentStepSum{n: map[string]float64{}}
	}
	if s.from.IsZero() || t.Before(s.from) {
		s.from = t
	}
	if t.After(s.to) {
		s.to = t
	}
	return s.steps[k]
}
