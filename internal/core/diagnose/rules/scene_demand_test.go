package rules

import (
	"fmt"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// crawl is what a pattern of addresses gets in a scene, second by second.
type crawl struct {
	pattern, class, robot string
	rate                  int64
	each                  float64 // requests of one address in ten seconds
	fresh                 float64 // share of them that ask for an address of their own
	from, to              int
}

// days is a calendar that crawlers from everywhere walk through.
var days = crawl{pattern: "/events/?day=&view=", class: evidence.ClassQuery, rate: 25, each: 1.1, fresh: 0.97, from: 60, to: 150}

// at adds the second's requests, and each ten seconds what is told of the pattern.
func (k crawl) at(i int, s *second) {
	if i < k.from || i >= k.to {
		return
	}
	s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: k.class, Requests: k.rate, S2xx: k.rate, TookMs: s.pageMs * k.rate, MaxMs: s.pageMs, Clients: k.rate, Distinct: k.rate})
	if (i-k.from)%10 == 9 {
		n := 10 * k.rate
		s.extra = append(s.extra, evidence.PathUse{OverMs: 10_000, Class: k.class, Pattern: k.pattern, Requests: n, Clients: int64(float64(n) / k.each), Distinct: int64(float64(n) * k.fresh), TookMs: s.pageMs * n, Robot: k.robot})
	}
}

// spent makes a second in which PHP has all of the CPU and no worker is free.
func spent(s *second) {
	s.busy, s.php, s.db = 1.98, 1.6, 0.2
	s.pageMs, s.failed, s.workers, s.queue, s.pages, s.xmlrpc = 8000, true, 10, 20, 3, 0
}

// crawled is a site that a crawl takes from the second minute on; also adds to each second.
func crawled(k crawl, also func(i int, s *second)) []evidence.Record {
	return scene(160, func(i int, s *second) {
		if i >= 60 && i < 150 {
			spent(s)
		}
		k.at(i, s)
		also(i, s)
	})
}

// files adds plain files, as visitors' browsers load them.
func files(rate int64, from int) func(int, *second) {
	return func(i int, s *second) {
		if i >= from {
			s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: evidence.ClassStatic, Requests: rate, S2xx: rate})
		}
	}
}

// doors is a flood of log-in attempts by the second, through both doors.
func doors(login, xmlrpc int64, clients map[string]int64, addresses int64) []evidence.Record {
	return scene(160, func(i int, s *second) {
		if i < 60 {
			return
		}
		spent(s)
		s.xmlrpc = xmlrpc
		if login > 0 {
			s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: evidence.ClassLogin, Requests: login, Posts: login, S2xx: login, Fault: login, TookMs: s.pageMs * login, Clients: login})
		}
		if i%10 != 9 {
			return
		}
		for class, n := range map[string]int64{evidence.ClassLogin: 10 * login, evidence.ClassXMLRPC: 10 * xmlrpc} {
			if n > 0 && addresses > 0 {
				s.extra = append(s.extra, evidence.PathUse{OverMs: 10_000, Class: class, Pattern: map[string]string{evidence.ClassLogin: "/wp-login.php", evidence.ClassXMLRPC: "/xmlrpc.php"}[class], Requests: n, Clients: min(addresses, n), Distinct: 1, TookMs: -1})
			}
		}
		for client, n := range clients {
			s.extra = append(s.extra, evidence.ClientUse{OverMs: 10_000, Class: evidence.ClassXMLRPC, Client: client, Requests: n, TookMs: -1})
		}
	})
}

// group adds the control group of the site, as it is told each beat while it has a limit.
func group(quota func(i int) float64, records []evidence.Record) []evidence.Record {
	held := map[int]int64{}
	for _, r := range records {
		if c, ok := r.Fact.(evidence.Cgroup); ok {
			held[int(r.At.Sub(t0)/time.Second)-1] = c.ThrottledMs
		}
	}
	n := int(records[len(records)-1].At.Sub(t0) / time.Second)
	out := without[evidence.Cgroup](records)
	for i := range n {
		if q := quota(i); q > 0 || i%60 == 0 {
			out = append(out, evidence.Record{At: t0.Add(time.Duration(i+1) * time.Second), Source: "cgroup",
				Fact: evidence.Cgroup{OverMs: 1000, Path: "/site", QuotaCPUs: q, UsedMs: -1, ThrottledMs: held[i]}})
		}
	}
	return out
}

// evenly is a site that uses 0.45 CPUs all the time, until 0.2 are left from the
// 90th second on; also adds to each second.
func evenly(also func(i int, s *second)) []evidence.Record {
	return scene(200, func(i int, s *second) {
		s.busy, s.php, s.db, s.pages, s.xmlrpc, s.workers = 0.47, 0.38, 0.07, 12, 0, 1
		if i >= 90 {
			s.busy, s.php, s.db, s.throttled = 0.21, 0.16, 0.03, 1.5
			s.pages, s.workers = 5, 10
		}
		if i >= 100 {
			s.pageMs, s.failed, s.queue = 9000, true, 20
		}
		also(i, s)
	})
}

func limitFrom(at int, quota float64) func(int) float64 {
	return func(i int) float64 {
		if i < at {
			return -1
		}
		return quota
	}
}

// behindLock is a transaction that holds everybody up from the 50th to the 100th
// second, and log-in attempts of so many a second from the 52nd on: while it
// lasts, nothing is completed, and requests pile up.
func behindLock(rate int) []evidence.Record {
	records := scene(170, func(i int, s *second) {
		if i < 50 || i >= 150 {
			return
		}
		if i >= 100 { // the lock is gone, and what waited is worked off
			spent(s)
			s.xmlrpc, s.queue = 20, max(0, 50*rate-(i-100)*20)
			s.clients = map[string]map[string]int64{evidence.ClassXMLRPC: {"203.0.113.7": 12, "203.0.113.8": 8}}
			return
		}
		stand(s)
		s.pages, s.queue = 0, (i-50)*(rate+5)
		age := int64(i-49) * 1000
		s.extra = append(s.extra, evidence.Transaction{ID: "8", ConnID: 5, State: "RUNNING", AgeMs: age, RowsLocked: 300_000, Sleeping: true, IdleMs: age, User: "admin"})
		for w := range min(i-49, 10) {
			s.extra = append(s.extra,
				evidence.Statement{ConnID: uint64(100 + w), QueryID: uint64(100 + w), Command: "Query", State: "Update", RunningMs: age, Digest: "INSERT INTO `ledger_of_visits` VALUES (?)", Verb: "INSERT", Table: ledger, RowsRead: -1},
				evidence.LockWait{Lock: evidence.LockRow, Waiter: uint64(100 + w), Blocker: 5, WaitMs: age, Schema: "shop", Table: ledger, BlockerSleeps: true, BlockerIdleMs: age, BlockerUser: "admin"})
		}
	})
	return records
}

// purgeAndFlood is case 0 on a machine with more CPU, with searches by a few at the same time.
func purgeAndFlood() []evidence.Record {
	return scene(200, func(i int, s *second) {
		purgeSeconds(i, 40, 120, s)
		if i == 43 {
			s.extra = append(s.extra, purgeFacts()...)
		}
		if i >= 46 && i < 160 {
			s.busy, s.php, s.pageMs, s.failed, s.workers, s.queue, s.pages = 1.98, 0.95, 8000, i%2 == 0, 10, 20, 3
			s.searches = 14
			s.clients = map[string]map[string]int64{evidence.ClassSearch: {"203.0.113.7": 9, "203.0.113.8": 5}}
		}
		if i >= 46 && i < 120 {
			s.db = 0.95
		}
	})
}

// demandScenes is one outage of each cause about what is asked of the site.
func demandScenes() map[string][]evidence.Record {
	return map[string][]evidence.Record{
		"crawler trap": crawled(days, nothingElse), "login flood by many": doors(14, 18, nil, 600), "login flood by few": doors(20, 0, nil, 4),
		"credit spent evenly": group(limitFrom(90, 0.2), evenly(nothingElse)), "noisy neighbour": neighbour(nothingElse),
		"quota": quota(nothingElse), "flood behind a lock": behindLock(20), "purge and flood": purgeAndFlood(),
	}
}

// neighbour is a machine whose CPU others take from the 90th second on, now more, now less.
func neighbour(also func(i int, s *second)) []evidence.Record {
	return scene(200, func(i int, s *second) {
		if i >= 90 && i < 180 {
			s.busy, s.steal = []float64{0.2, 0.5, 0.3, 0.7}[i/3%4], []float64{1.7, 1.4, 1.6, 1.2}[i/3%4]
			s.php, s.db, s.pages, s.xmlrpc, s.workers = 0.8*s.busy, 0.1*s.busy, 2, 0, 10
			s.pageMs, s.failed, s.queue = 7000, true, 9
		}
		also(i, s)
	})
}

// quota is a group that may use 0.4 CPUs all the time, and three times the visitors from the second minute on.
func quota(also func(i int, s *second)) []evidence.Record {
	return group(func(int) float64 { return 0.4 }, scene(160, func(i int, s *second) {
		if i >= 60 && i < 150 {
			s.busy, s.php, s.db, s.throttled = 0.45, 0.36, 0.03, 1.4
			s.pageMs, s.failed, s.workers, s.queue, s.pages, s.xmlrpc = 6000, true, 10, 30, 11, 0
		}
		also(i, s)
	}))
}

// since is the verdict on what was recorded, with what the logs tell of the time before.
func since(records []evidence.Record) diagnose.Verdict {
	w := recording.New(records)
	return diagnose.Diagnose(w.Between(t0, w.To), All(), diagnose.Options{})
}

// logged adds what the logs tell of the same hour of earlier days: requests of a class a second.
func logged(days int, class string, rate float64, records []evidence.Record) []evidence.Record {
	for d := 1; d <= days; d++ {
		at := t0.Truncate(time.Hour).Add(time.Hour - time.Duration(d)*24*time.Hour)
		records = append(records, evidence.Record{At: at, Source: "traffic", Fact: evidence.Traffic{OverMs: 3_600_000, Class: class, Requests: int64(3600 * rate), TookMs: -1, FromHist: true}})
	}
	return records
}

func addresses(n int, each int64) map[string]int64 {
	out := map[string]int64{}
	for i := range n {
		out[fmt.Sprintf("203.0.113.%d", i+1)] = each
	}
	return out
}
