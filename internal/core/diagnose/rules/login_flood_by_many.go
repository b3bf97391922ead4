package rules

import (
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// manyLeast is how many addresses take part at least, and manyMost the share of
	// the attempts that the busiest of them may send: to ban one by one is then in vain.
	manyLeast = 20
	manyMost  = 0.1
	// untoldMost is how many requests a client may send in untoldEvery without being told.
	untoldMost  = 4
	untoldEvery = 10 * time.Second
)

// LoginFloodByMany is log-in attempts, through wp-login.php and xmlrpc.php
// together, from so many addresses that each stays below every threshold.
func LoginFloodByMany() diagnose.Rule {
	return diagnose.Rule{
		ID:       "login-flood-by-many",
		Title:    "log-in attempts take all workers, and they come from hundreds of addresses with a few each",
		Source:   "public case 43 (50,000 to 100,000 attempts an hour from changing addresses); the lab",
		Needs:    map[string]string{evidence.Traffic{}.Kind(): "missing-traffic"},
		Explains: []string{"xmlrpc-login-flood", "wp-login-flood"},
		Match:    matchLoginFloodByMany,
	}
}

func matchLoginFloodByMany(c *diagnose.Case) []diagnose.Finding {
	f := loginFloodOf(c)
	// 1. More is tried than usual, most of the work is trying, and it is what was scarce.
	// 2. Nobody sends much of it.
	if c.Outage.Zero() || !f.guilty() || !f.byMany() {
		return nil
	}
	out := f.finding(c, "login-flood-by-many", 0.8)
	out.Claim = diagnose.Say("login-flood-by-many", "clients", diagnose.Count(f.many), "rate", diagnose.Number(f.peak))
	out.About.Client, out.About.Clients = "", nil // none of them is it
	out.About.Path = "/wp-login.php"
	if f.xmlrpc > 0.5 {
		out.About.Path = "/xmlrpc.php"
	}
	out.Proof = append(out.Proof,
		diagnose.Say("proof-many-clients", "clients", diagnose.Count(f.many), "share", diagnose.Share01(f.busiest)),
		diagnose.Say("proof-two-doors", "login", diagnose.Share01(1-f.xmlrpc), "xmlrpc", diagnose.Share01(f.xmlrpc)))
	if f.fault >= 0.5 {
		out.Confidence += 0.05
		out.Proof = append(out.Proof, diagnose.Say("proof-login-failures", "share", diagnose.Share01(f.fault)))
	}
	if !f.counted {
		out.Confidence = min(out.Confidence, 0.85) // how many they are is worked out, not counted
	}
	if f.xmlrpc > 0.1 {
		out.Remedies = append(out.Remedies, "close-xmlrpc")
	}
	if f.xmlrpc < 0.9 {
		out.Remedies = append(out.Remedies, "rate-limit")
	}
	out.Remedies = append(out.Remedies, "guard-login")
	return []diagnose.Finding{out}
}

// loginFlood is all that tries passwords.
type loginFlood struct {
	flood
	many    int64   // addresses, at least
	counted bool    // they were counted
	busiest float64 // share of the busiest address
	xmlrpc  float64 // share that came through xmlrpc.php
}

func loginFloodOf(c *diagnose.Case) loginFlood {
	f := loginFlood{flood: floodIn(c, classLogins, evidence.ClassXMLRPC, evidence.ClassLogin)}
	told := int64(0)
	for _, k := range f.clients {
		told += k.Requests
	}
	if len(f.clients) > 0 && f.sent > 0 {
		f.busiest = min(float64(f.clients[0].Requests)/float64(f.sent), 1)
	}
	if n := f.sent; n > 0 {
		f.xmlrpc = float64(c.Traffic(f.active)[evidence.ClassXMLRPC].Count) / float64(n)
	}
	f.many = max(tryingClients(c, f.active), tryingActors(c, f.active))
	f.counted = f.many >= manyLeast
	if recording.Count[evidence.ClientUse](c.W) > 0 {
		// Who is not told in an interval sent a few at most.
		intervals := max(f.active.Duration()/untoldEvery+1, 1)
		f.many = max(f.many, int64(len(f.clients)), (f.sent-told)/(untoldMost*int64(intervals)))
	}
	return f
}

// byMany reports whether so many addresses take part that none of them matters.
func (f loginFlood) byMany() bool {
	return f.front == "" && f.many >= manyLeast && f.busiest <= manyMost
}

// tryingClients is how many addresses the two doors had in one interval.
func tryingClients(c *diagnose.Case, s diagnose.Span) int64 {
	most := int64(0)
	for _, p := range c.Paths(s) {
		if p.Class == evidence.ClassXMLRPC || p.Class == evidence.ClassLogin {
			most = max(most, p.Clients)
		}
	}
	return most
}

// tryingActors is how many the detectors of such attacks count.
func tryingActors(c *diagnose.Case, s diagnose.Span) int64 {
	most := int64(0)
	for _, a := range recording.All[evidence.Attack](c.In(diagnose.Span{From: s.From, To: s.To.Add(time.Minute)})) {
		if strings.HasPrefix(a.ID, "xmlrpc-") || strings.HasPrefix(a.ID, "wp-login-") {
			most = max(most, a.Actors)
		}
	}
	return most
}
