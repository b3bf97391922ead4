package attack

import (
	"cmp"
	"slices"

	"hirune/internal/core/diagnose"
)

// burden is one source of load: a robot, a shape of URLs, a client.
type burden struct {
	who         string // as it is told; text from outside
	attempts    int64
	clients     int64
	from, to    uint32
	answers     answers
	tookUs      uint64
	peakMinute  int64
	hour        uint32 // its worst one
	hourN       int64  // requests in it
	hourUs      float64
	busy        float64
	actors      []Actor
	path        string
	says        []diagnose.Sentence
	cluster     Cluster
	wholeWindow bool // it has no hours: it is weighed over all of its time
}

// peaks are what a robot or a shape of URLs did by the hour and by the minute.
type peaks struct{ hours, hoursMs, minutes, minutesMs burst }

func (p *peaks) add(x *hit) {
	p.hours.add(x.now/hourLen, 1)
	p.hoursMs.add(x.now/hourLen, x.ms)
	p.minutes.add(x.now/minuteLen, 1)
	p.minutesMs.add(x.now/minuteLen, x.ms)
}

func (p *peaks) merge(o *peaks) {
	p.hours.merge(&o.hours)
	p.hoursMs.merge(&o.hoursMs)
	p.minutes.merge(&o.minutes)
	p.minutesMs.merge(&o.minutesMs)
}

// worst sets what the worst hour and the worst minute say.
func (b *burden) worst(p *peaks) {
	b.hour = p.hours.when
	if p.hoursMs.most > 0 {
		b.hour = p.hoursMs.when
	}
	b.hourN, b.hourUs, b.busy, b.peakMinute = int64(p.hours.most), float64(p.hoursMs.most)*1000, float64(p.minutesMs.most)/1000/minuteLen, int64(p.minutes.most)
}

// What is much of a load.
const (
	heavyShare = 0.2  // of the work in the worst hour
	heavyBusy  = 0.05 // of the workers, in that hour: below, nobody notices
	heavyRate  = 0.2  // dynamic requests a second in that hour, where nothing says what they cost
	// Or that share of all of its time, from so many requests on: it may be
	// harmless, but the owner works for a robot.
	steadyRequests = 1000
)

// steady reports whether something takes a fair part of the work all the time.
func (c *court) steady(requests uint32, tookUs uint64, from, to uint32) bool {
	if requests < steadyRequests {
		return false
	}
	all := c.t.line.during(from, to, 0)
	if c.costed() {
		return float64(tookUs) >= heavyShare*float64(all.TookUs)
	}
	return float64(requests) >= heavyShare*float64(all.Dynamic)
}

// heavy reports whether something takes a fair part of the work in its worst
// hour, and one that is felt.
func (c *court) heavy(p *peaks) bool {
	if c.costed() {
		us := float64(p.hoursMs.most) * 1000
		return us >= heavyShare*float64(c.hour(p.hoursMs.when).TookUs) && us/1e6/hourLen >= heavyBusy*c.workers()
	}
	return float64(p.hours.most) >= heavyShare*float64(c.hour(p.hours.when).Dynamic) && float64(p.hours.most) >= heavyRate*hourLen
}

// costed reports whether it is known what requests cost.
func (c *court) costed() bool { return c.timed || len(c.t.opt.Cost) > 0 }

// hour sums all requests of an hour.
func (c *court) hour(n uint32) Sums { return c.t.line.during(n*hourLen, n*hourLen+hourLen-1, 0) }

// workers is how many requests can run at once, as far as that is known.
func (c *court) workers() float64 {
	if c.t.opt.Workers > 0 {
		return float64(c.t.opt.Workers)
	}
	return usualWorkers
}

// burdensTold bounds how many of them a picture names.
const burdensTold = 5

// accuseLoad makes one attack of all burdens of a kind. Its harm is that of
// the dearest one: their worst hours are not the same.
func (c *court) accuseLoad(id string, severity Severity, all []burden) {
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b burden) int {
		return cmp.Or(cmp.Compare(b.tookUs, a.tookUs), cmp.Compare(b.attempts, a.attempts), cmp.Compare(a.who, b.who))
	})
	a := Attack{ID: id, Severity: severity}
	if cl := all[0].cluster; len(all) == 1 && cl.Agent+cl.Path != "" {
		a.Cluster = &cl
	}
	var says []diagnose.Sentence
	for i, b := range all {
		a.Attempts += b.attempts
		a.ActorsTotal += b.clients
		a.Answers.add(b.answers, 1)
		a.From, a.To = int64(earlier(uint32(a.From), b.from)), max(a.To, int64(b.to))
		a.PeakMinute = max(a.PeakMinute, b.peakMinute)
		a.Actors = append(a.Actors, b.actors...)
		if b.path != "" && len(a.Paths) < PathsTold {
			a.Paths = append(a.Paths, PathCount{b.path, b.attempts})
		}
		if i < burdensTold {
			says = append(says, b.says...)
		}
	}
	slices.SortStableFunc(a.Actors, func(x, y Actor) int { return cmp.Compare(y.Attempts, x.Attempts) })
	a.Actors = a.Actors[:min(len(a.Actors), ActorsTold)]
	a.Says = append([]diagnose.Sentence{diagnose.Say("attack-"+id, "attempts", diagnose.Count(a.Attempts), "clients", diagnose.Count(a.ActorsTotal))}, says...)
	c.weighBurden(&a, &all[0])
	c.attacks = append(c.attacks, a)
}

func (c *court) weighBurden(a *Attack, b *burden) {
	if b.wholeWindow {
		c.judgeHarm(a, b.attempts, c.t.line.during(b.from, b.to, 0), float64(b.tookUs), b.busy)
		return
	}
	c.judgeHarm(a, b.hourN, c.hour(b.hour), b.hourUs, b.busy)
}

// clientsWhere are the clients of a kind, those first that asked for most.
func (c *court) clientsWhere(is func(*client) bool) []*client {
	var out []*client
	for i := range c.t.clients.of {
		if k := &c.t.clients.of[i]; c.t.clients.top.tags[i] != 0 && is(k) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *client) int {
		return cmp.Or(cmp.Compare(b.dynamic, a.dynamic), cmp.Compare(a.first, b.first), a.unit.compare(b.unit))
	})
	return out
}

func (c *court) loadActors(of []*client, fired bool) []Actor {
	var out []Actor
	for _, k := range of[:min(len(of), ActorsTold)] {
		a := Actor{
			Prefix: k.unit.prefix(), Attempts: int64(k.dynamic), From: int64(k.first), To: int64(k.last), Agent: c.agentName(k.agent), TookUs: -1, Fired: fired,
			Views: int64(k.views), Bot: c.botOf(k),
		}
		if c.costed() {
			a.TookUs = int64(k.tookUs)
		}
		out = append(out, a)
	}
	return out
}

// agentName is an agent's text by its hash; "" where it is forgotten.
func (c *court) agentName(hash uint64) string {
	if i := c.t.agents.top.find(hash); i >= 0 {
		return c.t.agents.of[i].sample.String()
	}
	return ""
}
