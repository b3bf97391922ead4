package rules

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// silent is a server on the net that does not answer.
const silent = "192.0.2.80:443"

// calls is one look at the workers: n of them wait for an address.
func calls(remote, state string, n int, oldest time.Duration) evidence.Outbound {
	return evidence.Outbound{Service: evidence.ServicePHP, Remote: remote, State: state, Workers: n, OldestMs: oldest.Milliseconds()}
}

// waiting is an outage from the second minute on in which all workers wait for
// an address at an idle CPU; also adds to each of its seconds.
func waiting(remote, state string, also func(i int, s *second)) []evidence.Record {
	return scene(150, func(i int, s *second) {
		if i >= 60 && i < 130 {
			stand(s)
			if i%3 == 0 {
				s.extra = append(s.extra, calls(remote, state, 10, min(time.Duration(i-57)*time.Second, 10*time.Second)))
			}
		}
		also(i, s)
	})
}

func nothingElse(int, *second) {}

// traced adds what PHP's slow log says of the calls.
func traced(id, file string) func(i int, s *second) {
	return func(i int, s *second) {
		if i >= 66 && i < 130 && i%5 == 0 {
			s.extra = append(s.extra, evidence.ErrorLine{Service: evidence.ServicePHP, ID: id, Count: 4, Message: "curl_exec()", File: file})
		}
	}
}

// busyPool makes a second in which a pool of four is full of requests that keep
// a worker for 300 ms, as each of them does: 13 of them are completed.
func busyPool(s *second) {
	s.busy, s.php, s.db = 0.4, 0.3, 0.05
	s.pageMs, s.workers, s.queue, s.pages, s.xmlrpc = 4000, 4, 25, 13, 0
}

// smallPool is four workers, and three times the usual demand from the second minute on.
func smallPool(also func(i int, s *second)) []evidence.Record {
	return poolOf(4, scene(150, func(i int, s *second) {
		s.pageMs, s.pages, s.xmlrpc, s.workers = 300, 4, 0, 1+i%2
		s.extra = append(s.extra, memoryOfPHP(5, 40<<10))
		if i >= 60 && i < 130 {
			busyPool(s)
		}
		also(i, s)
	}))
}

func memoryOfPHP(processes int, eachKB int64) evidence.ServiceUse {
	return evidence.ServiceUse{OverMs: 1000, Service: evidence.ServicePHP, Instance: "memory", Processes: processes, RSSKB: int64(processes) * eachKB}
}

// poolOf gives the pool another size.
func poolOf(n int, records []evidence.Record) []evidence.Record {
	return alter(records, func(_ int, p *evidence.WorkerPool) { p.Max, p.Children = n, n })
}

// asked is the busiest client of pages.
func asked(client string, n int64) evidence.ClientUse {
	return evidence.ClientUse{OverMs: 1000, Class: evidence.ClassPage, Client: client, Requests: n, TookMs: -1}
}

// outOfMemory is a small machine on which PHP starts more and more workers from
// the 50th second on, until the kernel kills the database in the 80th.
func outOfMemory(also func(i int, s *second)) []evidence.Record {
	const killed = 80
	records := scene(140, func(i int, s *second) {
		workers := int64(4)
		if i >= 50 {
			workers = min(4+int64(i-50)/2, 18)
			s.workers, s.queue, s.pages = 10, 0, 8
		}
		db := int64(180 << 10)
		if i >= killed {
			db, workers = 0, 10
			s.pageMs, s.failed, s.pages = 20, true, 3
		}
		s.extra = append(s.extra, memoryOfPHP(int(workers), 45<<10),
			evidence.ServiceUse{OverMs: 1000, Service: evidence.ServiceDatabase, Instance: "memory", Processes: 1, RSSKB: db},
			evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "mariadbd", Up: i < killed, PID: 812, How: "process"})
		if i == killed {
			s.extra = append(s.extra, evidence.ErrorLine{Service: "kernel", ID: "kernel-oom", Count: 1, Message: "Out of memory: Killed process 812 (mariadbd) total-vm:1812345kB, anon-rss:182345kB"})
		}
		also(i, s)
	})
	records = alter(records, func(i int, h *evidence.Host) {
		h.MemTotalKB, h.MemAvailKB = 1<<20, 500<<10
		if i >= 50 {
			h.MemAvailKB = max(500<<10-int64(i-50)*15<<10, 20<<10)
		}
		if i == killed {
			h.OOMKills = 1
		}
	})
	return poolOf(30, records)
}

// inAGroup is the same within a control group with a limit, as in a container.
func inAGroup(records []evidence.Record) []evidence.Record {
	var out []evidence.Record
	for _, r := range records {
		switch f := r.Fact.(type) {
		case evidence.Host:
			out = append(out, evidence.Record{At: r.At, Source: "cgroup", Fact: evidence.Cgroup{OverMs: 1000, Path: "/site", QuotaCPUs: -1, UsedMs: -1, MemLimitKB: f.MemTotalKB, MemUsedKB: f.MemTotalKB - f.MemAvailKB, OOMKills: f.OOMKills}})
			f.MemTotalKB, f.MemAvailKB, f.OOMKills = 16<<20, 12<<20, 0
			r.Fact = f
		case evidence.ErrorLine:
			if f.ID == "kernel-oom" {
				f.ID, f.Message = "kernel-oom-cgroup", "Memory cgroup out of memory: Killed process 812 (mariadbd) total-vm:1812345kB"
				r.Fact = f
			}
		}
		out = append(out, r)
	}
	return out
}

// stacking is runs of the schedule that pile up from the 40th second on, until
// no worker is left for visitors.
func stacking(also func(i int, s *second)) []evidence.Record {
	records := scene(160, func(i int, s *second) {
		if i == 0 {
			s.extra = append(s.extra,
				evidence.CronEvent{Site: "shop", Hook: "wp_version_check", NextUnixS: t0.Unix() + 9000, Schedule: "twicedaily", IntervalS: 43200, Owner: "core", How: "source"},
				evidence.CronEvent{Site: "shop", Hook: "sync_stock", NextUnixS: t0.Unix() + 60, Schedule: "minutely", IntervalS: 60, Owner: "stock-sync", How: "source"})
		}
		if i >= 40 && i%6 == 0 {
			s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: evidence.ClassCron, Requests: 1, Posts: 1, S2xx: 1, TookMs: 30, MaxMs: 30, Clients: 1, Self: 1})
		}
		if i >= 90 {
			stand(s)
			s.pages = 2
		}
		also(i, s)
	})
	return alter(records, func(i int, p *evidence.WorkerPool) {
		if i >= 40 {
			p.Detached = min((i-40)/6, 8)
			p.Busy = min(p.Detached+2, 10)
		}
	})
}

// chains returns the ids of the links of a verdict's chain.
func chains(v diagnose.Verdict) map[string]bool {
	out := map[string]bool{}
	for _, l := range v.Chain {
		out[l.ID] = true
	}
	return out
}

// workerScenes is one outage of each cause about PHP's workers.
func workerScenes() map[string][]evidence.Record {
	return map[string][]evidence.Record{
		"silent server": waiting(silent, evidence.OutboundConnecting, traced("fpm-slow-outbound", "plugins/weather/weather.php")),
		"small pool":    smallPool(nothingElse), "out of memory": outOfMemory(nothingElse), "out of memory in a group": inAGroup(outOfMemory(nothingElse)),
		"stacking": stacking(nothingElse), "asks itself": waiting("127.0.0.1:80", evidence.OutboundOpen, nothingElse),
	}
}

// rulesSay is a verdict with the causes that were found, for a failed test.
func rulesSay(records []evidence.Record) (diagnose.Verdict, []string) {
	v := diagnose.Diagnose(recording.New(records), All(), diagnose.Options{})
	var out []string
	for _, f := range v.Causes {
		out = append(out, f.Rule)
	}
	return v, out
}
