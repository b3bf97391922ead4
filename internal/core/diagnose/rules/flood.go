package rules

import (
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// A class of requests is a flood when much more of them were completed than in
// the quiet time, and they are most of what PHP does.
const (
	floodFactor = 2.5
	floodShare  = 0.4
	// Without a quiet time to compare with, only a class that takes nearly
	// everything is accused, and then as likely only.
	floodShareAlone = 0.7
	floodCost       = 0.3 // of the CPU used: less is not what the machine could not bear
	floodMany       = 5.0 // times as much was completed all through the outage
	floodLeastRate  = 1.0 // requests per second; below it nothing is a flood
)

// flood judges some classes of requests: demand, or not.
type flood struct {
	class        string // as it is told: one of the classes, or classLogins
	classes      []string
	byHour       bool    // quiet is that of the same hour of other days: the recording has no quiet time
	quiet, now   float64 // completed requests a second; quiet is -1 without a quiet time
	peak         float64 // the most in any few seconds, before the machine was spent
	active       diagnose.Span
	share        float64 // of the workers' time, or of their requests
	timed        bool    // the share is of time
	php          float64 // PHP's share of the CPU used
	cost         float64 // what requests of the class can cost: PHP, for searches the database too
	starved      bool    // CPU or workers were scarce
	locked       float64 // of the workers' time, that went into waiting for locks
	sent         int64   // requests since it began
	clients      []diagnose.Client
	clientsShare float64 // of the busiest five
	fault        float64 // share of answers of the failure size
	front        string  // the address of a proxy, behind which nobody knows who sent it
}

// classLogins are all requests that try passwords.
const classLogins = "logins"

func floodOf(c *diagnose.Case, class string) flood { return floodIn(c, class, class) }

// floodIn judges several classes together.
func floodIn(c *diagnose.Case, told string, classes ...string) flood {
	in := c.Troubled()
	now := c.Traffic(in)
	only := func(k string) bool { return slices.Contains(classes, k) }
	f := flood{class: told, classes: classes, now: mean(c.Rates(in, only)), quiet: -1, active: in}
	if !c.Outage.Zero() {
		f.quiet = c.QuietRate(only)
		if f.quiet < 0 {
			f.quiet = c.HourRate(in.From, only)
			f.byHour = f.quiet >= 0
		}
	}
	f.rise(c, only)
	f.share, f.timed = diagnose.WorkerShare(now, classes...)
	hot := f.hot(c, in, only)
	load := c.Load(hot)
	f.php = load.ShareOf(load.PHP)
	f.cost = f.php
	if slices.Contains(classes, evidence.ClassSearch) {
		f.cost = load.ShareOf(load.PHP + load.Database)
	}
	f.starved = c.Starved(hot) || c.Workers(hot) >= 0.99
	f.locked = c.LockedShare(in)
	f.clients = c.Clients(f.active, classes...)
	during, n, fault := c.Traffic(f.active), int64(0), int64(0)
	for _, k := range classes {
		f.sent += during[k].Count
		n, fault = n+now[k].Count, fault+now[k].Fault
	}
	f.clientsShare = topShare(f.clients, f.sent)
	if f.front = inFront(c, f.clients); f.front != "" {
		f.clients, f.clientsShare = nil, -1
	}
	if n > 0 {
		f.fault = float64(fault) / float64(n)
	}
	return f
}

// rise finds when the flood began and how high it went: it began before visitors
// felt it, and was worst before the machine was spent. Behind a lock nothing is
// completed: there it began when requests piled up.
func (f *flood) rise(c *diagnose.Case, only func(string) bool) {
	rise := diagnose.Span{From: f.active.From.Add(-riseLead), To: f.active.To}
	if rise.From.Before(c.W.From) {
		rise.From = c.W.From
	}
	for i, r := range c.Rates(rise, only) {
		at := rise.From.Add(time.Duration(i) * riseStep)
		if r >= max(floodFactor*f.quiet, floodLeastRate) && at.Before(f.active.From) {
			f.active.From = at
		}
		f.peak = max(f.peak, r)
	}
	if f.peak < floodFactor*max(f.quiet, 0.1) {
		return
	}
	if _, _, in, ok := c.Rush(); ok && in.From.Before(f.active.From) {
		f.active.From = in.From
	}
}

// hot is the part of the outage in which the flood's requests were completed: what
// they cost shows there, not while a lock lets nothing through.
func (f flood) hot(c *diagnose.Case, in diagnose.Span, only func(string) bool) diagnose.Span {
	least := max(floodFactor*f.quiet, floodLeastRate)
	hot := diagnose.Span{}
	for i, r := range c.Rates(in, only) {
		if r < least {
			continue
		}
		if from := in.From.Add(time.Duration(i) * riseStep); hot.Zero() {
			hot.From = from
		}
		hot.To = in.From.Add(time.Duration(i+1) * riseStep)
	}
	if hot.Duration() < 2*riseStep {
		return in
	}
	return hot
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(len(v), 1))
}

// riseLead is how long before visitors suffer a flood may have begun: credit
// can carry a small machine for a while. Rates come in steps of riseStep.
const (
	riseLead = 5 * time.Minute
	riseStep = 5 * time.Second
)

func topShare(clients []diagnose.Client, all int64) float64 {
	sum := int64(0)
	for _, k := range clients[:min(len(clients), 5)] {
		sum += k.Requests
	}
	if all <= 0 {
		return -1
	}
	return min(float64(sum)/float64(all), 1)
}

// compared reports whether there was a quiet time to compare with.
func (f flood) compared() bool { return f.quiet >= 0 }

// guilty reports whether the class is what the machine could not bear: its peak
// tells the demand, its share what became of it, and it has not gone away.
func (f flood) guilty() bool {
	least := floodCost
	if f.compared() && f.now >= floodMany*max(f.quiet, 0.1) && f.share >= 0.6 {
		least = floodCost / 2 // that much of it was completed: others may have used the CPU as well
	}
	if f.peak < floodLeastRate || !f.starved || f.cost >= 0 && f.cost < least {
		return false
	}
	if !f.compared() {
		return f.share >= floodShareAlone
	}
	usual := max(f.quiet, 0.1)
	return f.peak >= floodFactor*usual && f.now >= diagnose.DemandFactor*usual && f.share >= floodShare
}

// finding makes the argument: the rate rose, it is most of the work, PHP is
// what the CPU went to.
func (f flood) finding(c *diagnose.Case, id string, confidence float64) diagnose.Finding {
	out := diagnose.Finding{
		// What its requests waited for a lock is that lock's doing.
		Share:  diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: f.share * (1 - f.locked)},
		Active: f.active, Confidence: confidence,
		Claim: diagnose.Say(id, "rate", diagnose.Number(f.peak)),
	}
	if len(f.clients) > 0 {
		out.Claim = diagnose.Say(id, "clients", diagnose.Count(len(f.clients)), "rate", diagnose.Number(f.peak))
	}
	if f.front != "" {
		out.Missing = append(out.Missing, diagnose.Say("missing-visitors-addresses", "client", f.front))
	}
	if f.php >= 0 {
		out.Share.CPU = f.php * max(f.share, 0)
	}
	for _, k := range f.clients[:min(len(f.clients), 5)] {
		out.About.Clients = append(out.About.Clients, k.Address)
	}
	if len(f.clients) > 0 {
		out.About.Client, out.About.Path = f.clients[0].Address, f.clients[0].Path
	}
	switch {
	case f.byHour:
		out.Confidence = min(out.Confidence, 0.75) // an hour is coarse
		out.Missing = append(out.Missing, diagnose.Say("missing-quiet"))
		out.Proof = append(out.Proof, diagnose.Say("proof-request-hour", "class", f.class, "usual", diagnose.Number(f.quiet), "outage", diagnose.Number(f.peak)))
	case f.compared():
		out.Proof = append(out.Proof, diagnose.Say("proof-request-rate", "class", f.class, "quiet", diagnose.Number(f.quiet), "outage", diagnose.Number(f.peak)))
	default:
		out.Confidence = min(out.Confidence, 0.7)
		out.Missing = append(out.Missing, diagnose.Say("missing-quiet"))
	}
	if f.timed {
		out.Proof = append(out.Proof, diagnose.Say("proof-worker-share", "class", f.class, "share", diagnose.Share01(f.share)))
	} else {
		out.Proof = append(out.Proof, diagnose.Say("proof-request-share", "class", f.class, "share", diagnose.Share01(f.share)))
		out.Missing = append(out.Missing, diagnose.Say("missing-durations"))
	}
	if f.php >= 0.4 {
		out.Confidence += 0.1
		quiet := c.Load(c.Quiet)
		out.Proof = append(out.Proof, diagnose.Say("proof-php-cpu", "share", diagnose.Share01(f.php), "quiet", diagnose.Share01(quiet.ShareOf(quiet.PHP))))
	}
	if len(f.clients) > 0 && f.clientsShare >= 0.5 {
		out.Proof = append(out.Proof, diagnose.Say("proof-few-clients", "clients", diagnose.Count(min(len(f.clients), 5)), "share", diagnose.Share01(f.clientsShare), "client", f.clients[0].Address))
	}
	return out
}

// remedies leaves out those that would hit every visitor, where all of them come
// from the address of a proxy.
func (f flood) remedies(ids ...string) []string {
	if f.front == "" {
		return ids
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "block-clients" || id == "rate-limit" })
}

// inFront returns the busiest of some clients if, in the quiet time too, nearly all
// pages went to it, as they do behind a proxy that the web server does not know.
func inFront(c *diagnose.Case, clients []diagnose.Client) string {
	if len(clients) == 0 || c.Quiet.Zero() {
		return ""
	}
	pages, theirs := int64(0), int64(0)
	during := c.Traffic(c.Quiet)
	for _, class := range visited {
		pages += during[class].Count
	}
	for _, k := range c.Clients(c.Quiet, visited...) {
		if k.Address == clients[0].Address {
			theirs = k.Requests
		}
	}
	if pages < frontLeast || float64(theirs) < frontShare*float64(pages) {
		return ""
	}
	return clients[0].Address
}

// frontShare is the share of the pages that a proxy asks for, and frontLeast how
// many there must be to know.
const (
	frontShare = 0.8
	frontLeast = 20
)

// cleared gives the numbers that clear the class.
func (f flood) cleared(id, say string) []diagnose.Rejected {
	if f.quiet <= 0 || f.peak >= floodFactor*max(f.quiet, 0.1) && f.now >= diagnose.DemandFactor*f.quiet {
		return nil
	}
	return []diagnose.Rejected{{ID: id, Metric: "requests_per_second", Baseline: f.quiet, Window: f.now,
		Say: diagnose.Say(say, "quiet", diagnose.Number(f.quiet), "outage", diagnose.Number(f.now), "share", diagnose.Share01(max(f.share, 0)))}}
}
