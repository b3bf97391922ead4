package rules

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// largeShare is the share of the memory that PHP's workers must hold to be what
	// filled it.
	largeShare = 0.4
	// largeGrowth is how much more than in the quiet time they must hold: what was
	// always there did not fill it now.
	largeGrowth = 1.3
	// ownPart is the per cent of a worker's memory that is its own: PHP's code and
	// its cache of compiled scripts are counted for each, and are there once.
	ownPart = 70
	// workersMany is how many workers must have been started where only their
	// number is known.
	workersMany = 5
	// groupUnseen stands for a control group of which only its kill was seen.
	groupUnseen = "?"
	// memoryTight is the share of the memory left at which the trouble begins.
	memoryTight = 0.15
	// victimBack is how long after a kill a service of its name goes down because of it.
	victimBack = 30 * time.Second
)

// PHPPoolTooLarge is a pool with more workers than the memory holds: when all
// are started, the kernel kills what is largest, which is usually the database.
func PHPPoolTooLarge() diagnose.Rule {
	return diagnose.Rule{
		ID:     "php-pool-too-large",
		Title:  "PHP may start more workers than the memory holds; the kernel then kills the database, the largest but not the guilty one",
		Source: "public reports (MaxClients 256 x 45 MB on a small server); the kernel's choice is by size, not by guilt",
		Needs:  map[string]string{evidence.ServiceUse{}.Kind(): "missing-host"},
		Match:  matchPoolTooLarge,
		// The service that was killed is the victim.
		Explains: []string{"service-stopped"},
	}
}

// kill is one time when the kernel ended a process for want of memory.
type kill struct {
	at      time.Time
	limitKB int64  // of the memory that was full
	group   string // control group whose limit it was; empty for the machine
	message string // of the kernel
	service string // whose process it was; empty unknown
}

// filling is the memory as it was when the kernel killed.
type filling struct {
	kill
	now, quiet holders
	limit      poolMax
	active     diagnose.Span
	victim     stop
	gone       bool // the victim was seen to go down
}

func matchPoolTooLarge(c *diagnose.Case) []diagnose.Finding {
	// 1. The kernel killed for want of memory.
	k, ok := firstKill(c)
	if !ok {
		return nil
	}
	m := filling{kill: k, limit: poolLimit(c)}
	m.now = memoryHeld(c, diagnose.Span{From: k.at.Add(-20 * time.Second), To: k.at}, 1)
	// Memory can fill up long before visitors feel it: usual is what was there most of the quiet time.
	m.quiet = memoryHeld(c, quietBefore(c, k.at), 0.25)
	m.victim, m.gone = victimOf(c, k)
	// 2. It was PHP's workers that filled it. Without all the numbers only where
	// the kernel names the service that went down.
	if !m.byPHP() || m.partly() && (!m.gone || k.service != m.victim.Service) {
		return nil
	}
	// 3. It began before visitors suffered: when memory became tight. It lasts as
	// long as the victim is away.
	m.active = diagnose.Span{From: tightSince(c, k, m.now.php.rssKB), To: k.at}
	if m.gone {
		m.active.To = m.victim.span.To
	}
	if !explains(c, m.active) {
		return nil
	}
	return []diagnose.Finding{m.finding(c)}
}

// partly reports whether the size of the memory, or what PHP held of it, was not seen.
func (m filling) partly() bool { return m.limitKB <= 0 || m.now.php.rssKB <= 0 }

// byPHP reports whether PHP's workers held most of the memory that anybody holds,
// and more than usual, while nothing else grew as much.
func (m filling) byPHP() bool {
	php, usual := m.now.php, m.quiet.php
	if php.rssKB <= 0 { // their number alone
		return php.processes >= workersMany && php.processes >= 2*max(usual.processes, 1) && 5*m.now.other <= m.limitKB
	}
	if m.limitKB > 0 && float64(php.rssKB) < largeShare*float64(m.limitKB) || php.rssKB <= m.now.other {
		return false
	}
	if usual.rssKB <= 0 {
		return !m.partly()
	}
	grown := php.rssKB - usual.rssKB
	return float64(php.rssKB) >= largeGrowth*float64(usual.rssKB) && m.now.database-m.quiet.database <= grown/2 && m.now.other-m.quiet.other <= grown/2
}

func (m filling) finding(c *diagnose.Case) diagnose.Finding {
	each := int64(0)
	if n := m.now.php.processes; n > 0 {
		each = m.now.php.rssKB / n
	}
	f := diagnose.Finding{
		About: diagnose.Subject{Service: evidence.ServicePHP, Process: m.limit.pool}, Share: diagnose.UnknownShare, Active: m.active,
		Claim:      diagnose.Say("php-pool-too-large", "pool", m.limit.pool, "max", diagnose.Count(m.limit.max), "each", kb(each), "memory", kb(m.limitKB)),
		Confidence: 0.68, Remedies: []string{"fewer-children", "start-service"},
	}
	held := m.now.php.rssKB
	if m.limitKB > 0 {
		held = min(held, m.limitKB) // what they share is counted for each
	}
	f.Proof = append(f.Proof, diagnose.Say("proof-memory-held", "workers", diagnose.Count(m.now.php.processes), "before", diagnose.Count(m.quiet.php.processes),
		"held", kb(held), "quiet", kb(m.quiet.php.rssKB), "memory", kb(m.limitKB)))
	if m.message != "" {
		f.Confidence += 0.06
		f.Proof = append(f.Proof, diagnose.Say("proof-log-line", "service", "kernel", "message", m.message, "at", m.at))
	}
	f = m.sum(f, each)
	if m.quiet.php.rssKB > 0 {
		f.Confidence += 0.04
	}
	killed := m.service
	if m.gone {
		killed = m.victim.Service
	}
	f.Steps = append(f.Steps, diagnose.Link{ID: "oom-kill", Role: diagnose.RoleStep, Span: diagnose.Span{From: m.at, To: m.at}, Share: diagnose.UnknownShare, Say: diagnose.Say("link-oom-kill", "service", killed)})
	if m.gone {
		f.Confidence += 0.08
		f.Share.WorkerTime = 1
		f.Proof = append(f.Proof, answers(c)...)
		f.Steps = append(f.Steps, diagnose.Link{ID: "service-down", Role: diagnose.RoleStep, Span: m.victim.span, Share: diagnose.UnknownShare, Say: diagnose.Say("link-database-down", "service", killed)})
	} else {
		f.Confidence = min(f.Confidence, 0.85)
	}
	if m.partly() {
		f.Confidence = min(f.Confidence, 0.65)
		f.Missing = append(f.Missing, diagnose.Say("missing-memory-held"))
	}
	return f
}

// sum adds the proof that needs no outage: all workers at once do not fit, even
// though they share a part of what is counted for each.
func (m filling) sum(f diagnose.Finding, each int64) diagnose.Finding {
	need := int64(m.limit.max)*each + m.now.database
	if m.partly() || m.limit.max <= 0 || need*ownPart/100 <= m.limitKB {
		f.Confidence -= 0.1
		f.Missing = append(f.Missing, diagnose.Say("missing-pool-limit"))
		return f
	}
	f.Confidence += 0.08
	f.Proof = append(f.Proof, diagnose.Say("proof-memory-sum", "max", diagnose.Count(m.limit.max), "each", kb(each), "database", kb(m.now.database), "need", kb(need), "memory", kb(m.limitKB)))
	return f
}

// kb is a size that was measured in KB; 0 is unknown.
func kb(n int64) diagnose.Bytes {
	if n <= 0 {
		return -1
	}
	return diagnose.Bytes(n * 1024)
}

// firstKill is the first kill in the scope of the case: by the count of a control
// group with a limit, or by that of the machine, with what the kernel wrote.
func firstKill(c *diagnose.Case) (kill, bool) {
	k := kill{}
	scope := c.In(diagnose.Span{From: c.Scope().From, To: c.Scope().To.Add(orderSlack)})
	for at, g := range recording.All[evidence.Cgroup](scope) {
		if g.OOMKills > 0 && g.MemLimitKB > 0 && k.at.IsZero() {
			k = kill{at: at, limitKB: g.MemLimitKB, group: g.Path}
		}
	}
	if k.at.IsZero() {
		for at, h := range recording.All[evidence.Host](scope) {
			if h.OOMKills == 0 || !k.at.IsZero() {
				continue
			}
			k = kill{at: at, limitKB: h.MemTotalKB}
			if float64(h.MemAvailKB) > 2*memoryTight*float64(h.MemTotalKB) {
				k.limitKB, k.group = 0, groupUnseen // the machine has plenty: some group's limit
			}
		}
	}
	for at, l := range recording.All[evidence.ErrorLine](scope) {
		if l.FromHist || l.ID != "kernel-oom" && l.ID != "kernel-oom-cgroup" {
			continue
		}
		if k.at.IsZero() && l.ID == "kernel-oom" {
			if h, _, ok := recording.Last[evidence.Host](c.W, nil); ok {
				k = kill{at: at, limitKB: h.MemTotalKB}
			}
		}
		// The machine's log may tell of another group's kill as well.
		if !k.at.IsZero() && k.message == "" && at.Sub(k.at).Abs() <= 2*orderSlack && (k.group != "") == (l.ID == "kernel-oom-cgroup") {
			k.message, k.service = l.Message, serviceNamed(l.Message)
		}
	}
	return k, !k.at.IsZero()
}

// serviceNamed is the service whose process a line of the kernel names.
func serviceNamed(message string) string {
	_, rest, _ := strings.Cut(message, "(")
	name, _, _ := strings.Cut(rest, ")")
	switch {
	case strings.HasPrefix(name, "mariadbd"), strings.HasPrefix(name, "mysqld"):
		return evidence.ServiceDatabase
	case strings.HasPrefix(name, "php"):
		return evidence.ServicePHP
	case strings.HasPrefix(name, "apache2"), strings.HasPrefix(name, "httpd"):
		return evidence.ServiceApache
	case strings.HasPrefix(name, "nginx"):
		return evidence.ServiceNginx
	}
	return ""
}

// holders is who holds the memory, in KB.
type holders struct {
	php struct {
		rssKB, processes int64
	}
	database, other int64 // other: the largest of the rest
}

// memoryHeld is what each held at the q-quantile of a span.
func memoryHeld(c *diagnose.Case, s diagnose.Span, q float64) holders {
	var h holders
	if s.Zero() {
		return h
	}
	php, workers, database, other := map[time.Time]int64{}, map[time.Time]int64{}, map[time.Time]int64{}, map[time.Time]int64{}
	for at, u := range recording.All[evidence.ServiceUse](c.In(s)) {
		switch u.Service {
		case evidence.ServicePHP:
			php[at] += u.RSSKB
			if u.RSSKB > 0 {
				workers[at] += int64(u.Processes)
			}
		case evidence.ServiceDatabase:
			database[at] += u.RSSKB
		default:
			other[at] = max(other[at], u.RSSKB)
		}
	}
	children := map[time.Time]int64{}
	for at, p := range recording.All[evidence.WorkerPool](c.In(s)) {
		if p.Service == evidence.ServicePHP {
			children[at] += int64(p.Children)
		}
	}
	if len(workers) == 0 {
		workers = children
	}
	for at, p := range recording.All[evidence.ProcessUse](c.In(s)) {
		other[at] = max(other[at], p.RSSKB)
	}
	h.php.rssKB, h.php.processes = quantileOf(php, q), quantileOf(workers, q)
	h.database, h.other = quantileOf(database, q), quantileOf(other, q)
	return h
}

func quantileOf(m map[time.Time]int64, q float64) int64 {
	v := slices.Sorted(maps.Values(m))
	if len(v) == 0 {
		return 0
	}
	return v[int(q*float64(len(v)-1)+0.5)]
}

// quietBefore is the quiet time as far as it lies before a moment.
func quietBefore(c *diagnose.Case, at time.Time) diagnose.Span {
	if c.Quiet.Zero() || !c.Quiet.From.Before(at) {
		return diagnose.Span{}
	}
	q := c.Quiet
	if c.Outage.Zero() { // all of it is quiet
		q.To = at.Add(-30 * time.Second)
	}
	if q.To.After(at) || q.To.Before(q.From) {
		return diagnose.Span{}
	}
	return q
}

// tightSince is when the memory began to be tight before a kill, or when PHP
// held three quarters of what it held in the end.
func tightSince(c *diagnose.Case, k kill, phpKB int64) time.Time {
	since := k.at
	lead := diagnose.Span{From: k.at.Add(-riseLead), To: k.at}
	for at, h := range recording.All[evidence.Host](c.In(lead)) {
		if k.group == "" && float64(h.MemAvailKB) < memoryTight*float64(h.MemTotalKB) && at.Before(since) {
			since = at
		}
	}
	for at, u := range recording.All[evidence.ServiceUse](c.In(lead)) {
		if u.Service == evidence.ServicePHP && phpKB > 0 && 4*u.RSSKB >= 3*phpKB && at.Before(since) {
			since = at
		}
	}
	return since
}

// victimOf is the service that went down with the kill.
func victimOf(c *diagnose.Case, k kill) (stop, bool) {
	for _, s := range stops(c) {
		near := s.span.From.After(k.at.Add(-2*orderSlack)) && s.span.From.Before(k.at.Add(victimBack))
		if near && s.pid > 0 && (k.service == "" || k.service == s.Service) && s.Service != evidence.ServicePHP {
			return s, true
		}
	}
	return stop{}, false
}

// poolMax is the pool that may start most workers.
type poolMax struct {
	pool string
	max  int
}

func poolLimit(c *diagnose.Case) poolMax {
	out := poolMax{}
	for _, p := range recording.All[evidence.WorkerPool](c.W) {
		if p.Service == evidence.ServicePHP && p.Max > out.max {
			out = poolMax{p.Pool, p.Max}
		}
	}
	return out
}
