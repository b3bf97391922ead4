package attack

import (
	"math"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

var spentAt = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// price is what a request of a class costs, in ms.
type price struct{ php, db float64 }

// spentHour is an hour in which pages come all the time and guesses in bursts of
// some minutes, at most perS a second; each costs as said. job is what a job of the
// host takes of the database's CPU a second, in ms.
func spentHour(prices map[string]price, perS int, job float64) []evidence.Record {
	var out []evidence.Record
	rest := price{}
	for s := range 3600 {
		at := spentAt.Add(time.Duration(s) * time.Second)
		n := map[string]int{evidence.ClassPage: 1 + (s*7)%4}
		if s/180%3 == 0 {
			n[evidence.ClassXMLRPC] = (s*5)%perS + 1
		}
		rest.db += job
		for class, k := range n {
			rest.php, rest.db = rest.php+float64(k)*prices[class].php, rest.db+float64(k)*prices[class].db
			out = append(out, evidence.Record{At: at, Fact: evidence.Traffic{OverMs: 1000, Class: class, Requests: int64(k), TookMs: -1}})
		}
		php, db := math.Floor(rest.php/10)*10, math.Floor(rest.db/10)*10 // the kernel counts in ticks
		rest.php, rest.db = rest.php-php, rest.db-db
		out = append(out,
			evidence.Record{At: at, Fact: evidence.ServiceUse{OverMs: 1000, Service: evidence.ServicePHP, CPUMs: int64(php)}},
			evidence.Record{At: at, Fact: evidence.ServiceUse{OverMs: 1000, Service: evidence.ServiceDatabase, CPUMs: int64(db)}},
			evidence.Record{At: at, Fact: evidence.Attack{OverMs: 1000, ID: "xmlrpc-brute-force", Attempts: int64(n[evidence.ClassXMLRPC]), TookMs: -1}},
			evidence.Record{At: at, Fact: evidence.Attack{OverMs: 1000, ID: "plugin-probing", Attempts: 1, TookMs: -1}})
	}
	return out
}

// truth is the share of the guesses of all that was used.
func truth(records []evidence.Record, prices map[string]price, job float64) price {
	var guess, all price
	for _, r := range records {
		if f, ok := r.Fact.(evidence.Traffic); ok {
			p := prices[f.Class]
			all.php, all.db = all.php+float64(f.Requests)*p.php, all.db+float64(f.Requests)*p.db
			if f.Class == evidence.ClassXMLRPC {
				guess.php, guess.db = guess.php+float64(f.Requests)*p.php, guess.db+float64(f.Requests)*p.db
			}
		}
	}
	return price{guess.php / all.php, guess.db / (all.db + 3600*job)}
}

func TestSpentFollowsWhatWasUsed(t *testing.T) {
	for name, c := range map[string]struct {
		prices map[string]price
		job    float64
	}{
		"as dear as pages":       {map[string]price{evidence.ClassPage: {80, 20}, evidence.ClassXMLRPC: {80, 20}}, 0},
		"cheap":                  {map[string]price{evidence.ClassPage: {120, 30}, evidence.ClassXMLRPC: {15, 2}}, 0},
		"only PHP":               {map[string]price{evidence.ClassPage: {60, 40}, evidence.ClassXMLRPC: {150, 0}}, 0},
		"a job of the host runs": {map[string]price{evidence.ClassPage: {80, 20}, evidence.ClassXMLRPC: {80, 20}}, 600},
	} {
		t.Run(name, func(t *testing.T) {
			records := spentHour(c.prices, 4, c.job)
			got := EstimateSpent(SpentIn{Records: records})
			want := truth(records, c.prices, c.job)
			one, ok := got["xmlrpc-brute-force"]
			if !ok || math.Abs(one.PHP-want.php) > 0.03 || math.Abs(one.Database-want.db) > 0.03 {
				t.Errorf("got %+v, want %+v", one, want)
			}
			if !one.From.Equal(spentAt) || one.To.Sub(one.From) < 59*time.Minute {
				t.Errorf("from %v to %v", one.From, one.To)
			}
			if _, ok := got["plugin-probing"]; ok {
				t.Error("an attack of several classes has a share")
			}
		})
	}
}

func TestSpentIsUnknown(t *testing.T) {
	prices := map[string]price{evidence.ClassPage: {80, 20}, evidence.ClassXMLRPC: {80, 20}}
	whole := spentHour(prices, 4, 0)
	var always []evidence.Record // guesses at one even rate cannot be told from a job of the host
	for s := range 3600 {
		at := spentAt.Add(time.Duration(s) * time.Second)
		always = append(always, evidence.Record{At: at, Fact: evidence.Traffic{OverMs: 1000, Class: evidence.ClassXMLRPC, Requests: 2, TookMs: -1}},
			evidence.Record{At: at, Fact: evidence.ServiceUse{OverMs: 1000, Service: evidence.ServicePHP, CPUMs: int64(100 + s%7)}},
			evidence.Record{At: at, Fact: evidence.Attack{OverMs: 1000, ID: "xmlrpc-brute-force", Attempts: 2, TookMs: -1}})
	}
	var idle []evidence.Record
	for _, r := range whole {
		if u, ok := r.Fact.(evidence.ServiceUse); ok {
			u.CPUMs = 0
			r.Fact = u
		}
		idle = append(idle, r)
	}
	var past []evidence.Record
	for _, r := range whole {
		if u, ok := r.Fact.(evidence.Traffic); ok {
			u.FromHist = true
			r.Fact = u
		}
		past = append(past, r)
	}
	for name, records := range map[string][]evidence.Record{"nothing": nil, "a few minutes": whole[:1500], "even": always, "nothing was used": idle, "no requests": past} {
		if got := EstimateSpent(SpentIn{Records: records}); len(got) != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// TestSpentOnATableOfItsOwn: statements on a table that the guesses fill are
// theirs, whenever they run.
func TestSpentOnATableOfItsOwn(t *testing.T) {
	prices := map[string]price{evidence.ClassPage: {80, 20}, evidence.ClassXMLRPC: {80, 20}}
	records := spentHour(prices, 4, 0)
	for s := range 1800 { // a purge, outside of the bursts
		at := spentAt.Add(time.Duration(s*2) * time.Second)
		records = append(records, evidence.Record{At: at, Fact: evidence.Statement{Command: "Query", Schema: "wp", Table: "wp_log", Verb: "DELETE", RunningMs: 900}})
		if s%6 == 0 {
			records = append(records, evidence.Record{At: at, Fact: evidence.Statement{Command: "Query", Schema: "wp", Table: "wp_posts", Verb: "SELECT", RunningMs: 10}},
				evidence.Record{At: at, Fact: evidence.Statement{Command: evidence.CommandLogged, Schema: "wp", Table: "wp_log", RunningMs: 10}})
		}
	}
	writes := func(schema, table string) string {
		if schema == "wp" && table == "wp_log" {
			return evidence.ClassXMLRPC
		}
		return ""
	}
	got := EstimateSpent(SpentIn{Records: records, Writes: writes})["xmlrpc-brute-force"]
	if got.Database < 0.8 || got.Database > 0.95 {
		t.Errorf("got %+v, want most of 1800 of 2100 statements", got)
	}
	if without := EstimateSpent(SpentIn{Records: records})["xmlrpc-brute-force"]; without.Database > 0.3 {
		t.Errorf("nobody knows who writes the table, and %+v is said", without)
	}
}
