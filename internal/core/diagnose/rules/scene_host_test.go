package rules

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// fill is a file system of a scene: what is left of it in each second.
type fill struct {
	mount          string
	holds          []string
	sizeKB, inodes int64
	freeKB         func(i int) int64
	inodesFree     func(i int) int64
	takes          func(i int) []evidence.Taken // looked at once a minute
}

func (f fill) at(i int) evidence.Filesystem {
	out := evidence.Filesystem{Mount: f.mount, Holds: f.holds, SizeKB: f.sizeKB, FreeKB: f.freeKB(i), Inodes: f.inodes}
	if f.inodesFree != nil {
		out.InodesFree = f.inodesFree(i)
	}
	if f.takes != nil && i%60 == 0 {
		out.Takes = f.takes(i)
	}
	return out
}

// failing is how the site fares in a scene: pages that need to write fail.
const brokenAt = 60

// broken makes a second in which half of the pages answer 500, quickly.
func broken(s *second) { s.failed, s.pageMs, s.pages = true, 15, 3 }

// fullDisk is a site whose file system fills up within the first minute. Each
// choice leaves a piece of evidence out.
func fullDisk(f fill, line string, hurts func(s *second)) []evidence.Record {
	records := scene(140, func(i int, s *second) {
		if i%5 == 0 {
			s.extra = append(s.extra, f.at(i))
		}
		if i < brokenAt {
			return
		}
		hurts(s)
		if line != "" && i%5 == 1 {
			s.extra = append(s.extra, evidence.ErrorLine{Service: serviceOfLine(line), ID: line, Count: 4, Message: "Error writing file '" + f.mount + "/x' (Errcode: 28 \"No space left on device\")"})
		}
	})
	return answered500(records)
}

func serviceOfLine(id string) string {
	if id[:2] == "db" {
		return evidence.ServiceDatabase
	}
	return evidence.ServicePHP
}

// answered500 makes failed probes of a scene answers with status 500.
func answered500(records []evidence.Record) []evidence.Record {
	return alter(records, func(_ int, p *evidence.Probe) {
		if p.Failed() {
			p.Status, p.Error, p.TookMs = 500, "", 15
		}
	})
}

// runsOut falls from first to nothing until brokenAt.
func runsOut(first int64) func(int) int64 {
	return func(i int) int64 { return max(first*int64(brokenAt-2-i)/brokenAt, 0) }
}

func steady(n int64) func(int) int64 { return func(int) int64 { return n } }

// dataDisk is the file system of the database; it fills with binary logs.
func dataDisk() fill {
	return fill{mount: "/var/lib/mysql", holds: []string{"database"}, sizeKB: 10 << 20, freeKB: runsOut(2 << 20), inodes: 655_360, inodesFree: steady(600_000),
		takes: func(i int) []evidence.Taken {
			return []evidence.Taken{{What: evidence.TakenBinlog, Path: "/var/lib/mysql", KB: min(5<<20+int64(i)*40_000, 7<<20), Files: 9}, {What: evidence.TakenTable, Path: ledger, KB: 2 << 20, Files: 1}}
		}}
}

// sessionDisk is a file system full of session files, with room for more of them.
func sessionDisk() fill {
	return fill{mount: "/var/lib/php/sessions", holds: []string{"sessions"}, sizeKB: 1 << 20, freeKB: steady(600 << 10), inodes: 65_536, inodesFree: runsOut(9_000),
		takes: func(i int) []evidence.Taken {
			return []evidence.Taken{{What: evidence.TakenSessions, Path: "/var/lib/php/sessions", KB: 200 << 10, Files: 56_000 + min(int64(i)*160, 9_500)}}
		}}
}

// use is a job of the host in a second of a scene.
type use struct {
	name, parent, line, unit string
	cpu                      float64 // CPUs
	readKB, writeKB, rssKB   int64
	from, to                 int
}

func (u use) at(i int, s *second) {
	if i < u.from || i >= u.to {
		return
	}
	s.extra = append(s.extra, evidence.ProcessUse{OverMs: 1000, PID: 4000, Name: u.name, Parent: u.parent, Line: u.line, Unit: u.unit, CPUMs: int64(u.cpu * 1000),
		RSSKB: max(u.rssKB, 9000), State: "R", ReadKB: u.readKB, WriteKB: u.writeKB, AgeS: int64(i - u.from)})
}

// nightly is a backup that cron starts at second 60.
var nightly = use{name: "gzip", parent: "sh", line: "cron/cron/sh", cpu: 1.7, from: 60, to: 140}

// nightlyJob is its line in the crontab.
var nightlyJob = evidence.Schedule{Origin: "/etc/cron.d/backup", Spec: "30 15 * * *", Command: "sh -c 'tar c /srv | gzip -9 > /backup/all.tar.gz'", Next: t0.Add(24*time.Hour + time.Minute).Unix()}

// jobHurts is a site that a job leaves no CPU.
func jobHurts(u use, more ...evidence.Fact) []evidence.Record {
	return scene(160, func(i int, s *second) {
		if i >= u.from+2 && i < u.to {
			hog(s)
		}
		u.at(i, s)
		if i == 0 {
			s.extra = append(s.extra, more...)
		}
	})
}

// state is a service of a scene, second by second.
type state struct {
	service string
	up      func(i int) (up bool, pid int)
}

// ends is a scene with a service that ends; lines are said at their second.
func ends(st state, lines map[int]evidence.ErrorLine) []evidence.Record {
	started := map[int]int{}
	records := scene(140, func(i int, s *second) {
		up, pid := st.up(i)
		f := evidence.ServiceState{Service: st.service, Instance: "one", Up: up, PID: pid, How: "process"}
		if up {
			if _, ok := started[pid]; !ok {
				started[pid] = i
			}
			f.UptimeS = int64(i - started[pid])
		} else {
			s.failed, s.pageMs, s.pages, s.db = true, 5, 0, 0
		}
		s.extra = append(s.extra, f)
		if l, ok := lines[i]; ok {
			l.Service, l.Count = st.service, 1
			s.extra = append(s.extra, l)
		}
	})
	return answered500(records)
}

// gone is a service that is gone from a second on.
func gone(at int) func(int) (bool, int) {
	return func(i int) (bool, int) { return i < at, 812 }
}

// hostScenes is one outage of each cause about the machine and its services.
func hostScenes() map[string][]evidence.Record {
	return map[string][]evidence.Record{
		"disk full": fullDisk(dataDisk(), "db-disk-full", broken), "no inodes": fullDisk(sessionDisk(), "php-disk-full", broken),
		"nightly job": jobHurts(nightly, nightlyJob), "database crashed": ends(state{evidence.ServiceDatabase, gone(60)}, map[int]evidence.ErrorLine{60: {ID: "db-signal", Message: "mariadbd got signal 11"}}),
		"restart loop": ends(state{evidence.ServiceDatabase, loops}, nil),
	}
}

// loops is a service that lives for five seconds of fifteen from second 60 on.
func loops(i int) (bool, int) {
	if i < 60 {
		return true, 800
	}
	return (i-60)%15 >= 10, 800 + (i-60)/15 + 1
}

// first is the first cause of a verdict; empty where nobody is accused.
func first(v diagnose.Verdict) diagnose.Finding {
	if len(v.Causes) == 0 {
		return diagnose.Finding{}
	}
	return v.Causes[0]
}
