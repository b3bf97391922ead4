package rules

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestHostJob(t *testing.T) {
	v := verdict(jobHurts(nightly, nightlyJob))
	f := first(v)
	if v.Status != diagnose.Proven || f.Rule != "host-job" || f.About.Process != "gzip" || f.Origin.Schedule != nightlyJob.Spec || f.Origin.File != nightlyJob.Origin || f.Share.CPU < 0.6 {
		t.Fatalf("got %s, %+v", v.Status, v.Causes)
	}
	if r := v.Recurrence; r == nil || r.Next.Sub(t0) < 24*time.Hour {
		t.Errorf("got recurrence %+v", r)
	}
}

// A shell is booked for what its children spent, once they have ended.
func TestAShellAndItsChildAreOneJob(t *testing.T) {
	child := use{name: "xz", parent: "sh", line: "sshd/bash/sh", cpu: 1.5, from: 62, to: 140}
	shell := use{name: "sh", parent: "bash", line: "sshd/bash", cpu: 1.5, from: 60, to: 140}
	both := verdict(scene(160, func(i int, s *second) {
		if i >= 64 && i < 140 {
			hog(s)
		}
		child.at(i, s)
		shell.at(i, s)
	}))
	for name, v := range map[string]diagnose.Verdict{"the child alone": verdict(jobHurts(child)), "both": both} {
		if len(v.Causes) != 1 || first(v).About.Process != "xz" {
			t.Errorf("%s: got %s, %+v", name, v.Status, v.Causes)
		}
	}
}

func TestHostJobOfOtherShapes(t *testing.T) {
	upgrade := use{name: "dpkg", parent: "apt-get", line: "systemd/apt.systemd.daily/unattended-upgr/apt-get", unit: "apt-daily-upgrade.service", cpu: 1.6, from: 60, to: 140}
	byHand := use{name: "xz", parent: "bash", line: "sshd/bash", cpu: 1.7, from: 60, to: 140}
	disk := use{name: "tar", parent: "sh", line: "cron/cron/sh", cpu: 0.2, readKB: 40 << 10, writeKB: 30 << 10, from: 60, to: 140}
	waits := alter(scene(160, func(i int, s *second) {
		if i >= 62 && i < 140 {
			s.busy, s.php, s.pageMs, s.workers, s.queue, s.failed = 0.5, 0.1, 6000, 10, 5, true
		}
		disk.at(i, s)
		if i == 0 {
			s.extra = append(s.extra, nightlyJob)
		}
	}), func(i int, h *evidence.Host) {
		h.ReadKB, h.WriteKB, h.DiskBusyMs = 200, 200, 40
		if i >= 60 && i < 140 {
			h.ReadKB, h.WriteKB, h.DiskBusyMs, h.IowaitMs = 41<<10, 31<<10, 990, 900
		}
	})
	capped := scene(160, func(i int, s *second) {
		byHand := byHand
		byHand.cpu = 0.12
		byHand.at(i, s)
		if i >= 62 && i < 140 {
			starve(s, 0.02)
			s.php = 0.06
			s.pages, s.xmlrpc = 4, 1
		}
	})
	// It burns the credit for 40 s, is over 5 s after the cap, and the site stays down.
	spent := scene(200, func(i int, s *second) {
		burn := byHand
		burn.cpu, burn.to = 1.2, 105
		if i >= 100 {
			burn.cpu = 0.08
		}
		burn.at(i, s)
		switch {
		case i >= 100:
			starve(s, 0.02)
			s.pages, s.xmlrpc = 4, 1
		case i >= 60:
			s.busy += 1.2
		}
	})
	for name, c := range map[string]struct {
		records []evidence.Record
		process string
		least   float64
	}{
		"the credit is spent":     {spent, "xz", 0.9},
		"an upgrade by a timer":   {jobHurts(upgrade), "dpkg", 0.9},
		"by hand":                 {jobHurts(byHand), "xz", 0.85},
		"by hand, no durations":   {untimed(jobHurts(byHand)), "xz", 0.85},
		"it reads the whole disk": {waits, "tar", 0.9},
		"within the site's quota": {capped, "xz", 0.6},
	} {
		v := verdict(c.records)
		if f := first(v); f.Rule != "host-job" || f.About.Process != c.process || f.Confidence < c.least {
			t.Errorf("%s: got %s, %+v, rejected %+v", name, v.Status, v.Causes, v.Rejected)
		}
	}
}

func TestJobsThatAreNotToBlame(t *testing.T) {
	harmless := nightly
	harmless.cpu = 0.3
	always := nightly
	always.from = 0
	light := nightly
	light.cpu = 0.2
	after := nightly
	after.from = 110
	daemon := use{name: "redis-server", parent: "systemd", line: "systemd", unit: "redis-server.service", cpu: 0.3, from: -90_000, to: 160}
	outside := nightly // of the group that the quota holds back
	outside.cpu = 0.9
	for name, records := range map[string][]evidence.Record{
		"it runs each day and hurts nobody": scene(160, func(i int, s *second) { harmless.at(i, s) }),
		"it takes a tenth of the CPU": scene(160, func(i int, s *second) {
			light.at(i, s)
			if i >= 62 && i < 140 {
				hog(s)
				s.php = 1.7
			}
		}),
		"it ran as hard while all was well": scene(160, func(i int, s *second) {
			always.at(i, s)
			s.busy = 1.95
			if i >= 62 && i < 140 {
				hog(s)
			}
		}),
		"it began after visitors suffered": scene(160, func(i int, s *second) {
			if i >= 60 && i < 150 {
				hog(s)
			}
			after.at(i, s)
		}),
		"a daemon works for the pages": scene(160, func(i int, s *second) {
			d := daemon
			if i >= 62 {
				d.cpu = 0.5
				s.busy, s.php, s.pageMs, s.workers, s.queue, s.failed, s.pages = 1.98, 1.3, 8000, 10, 12, true, 12
			}
			d.at(i, s)
		}),
		"pages wait for a server elsewhere": scene(160, func(i int, s *second) {
			harmless.at(i, s)
			if i >= 62 && i < 140 {
				stand(s)
			}
		}),
		"a quota holds the site back, the job is outside of it": alter(scene(160, func(i int, s *second) {
			outside.at(i, s)
			if i >= 62 && i < 140 {
				starve(s, 0.09)
				s.busy = 1.1
			}
		}), func(_ int, g *evidence.Cgroup) { g.UsedMs = 195 }),
	} {
		if v := verdict(records); accuses(v, "host-job") {
			t.Errorf("%s: got %s, %+v", name, v.Status, v.Causes)
		}
	}
}

// A job among several of one minute is told by the program that it names.
func TestScheduleOfAJob(t *testing.T) {
	other := evidence.Schedule{Origin: "crontab shop", Spec: "30 15 * * *", Command: "php report.php", Next: nightlyJob.Next}
	daily := evidence.Schedule{Origin: "/etc/cron.daily", Spec: "25 6 * * *", Command: "/etc/cron.daily/gzip", Next: t0.Add(15 * time.Hour).Unix()}
	often := evidence.Schedule{Origin: "crontab root", Spec: "*/5 * * * *", Command: "/usr/bin/watch", Next: t0.Add(2 * time.Minute).Unix()}
	for name, c := range map[string]struct {
		jobs []evidence.Fact
		want string
	}{
		"one names it":                      {[]evidence.Fact{other, nightlyJob}, nightlyJob.Origin},
		"the only one then":                 {[]evidence.Fact{often, other}, other.Origin},
		"named, at another hour":            {[]evidence.Fact{daily}, ""},
		"every five minutes, and not named": {[]evidence.Fact{often}, ""},
		"two of that minute, none named":    {[]evidence.Fact{other, evidence.Schedule{Origin: "crontab root", Spec: "30 15 * * *", Command: "sync", Next: nightlyJob.Next}}, ""},
	} {
		v := verdict(jobHurts(nightly, c.jobs...))
		if f := first(v); f.Rule != "host-job" || f.Origin.File != c.want {
			t.Errorf("%s: got %+v, want %q", name, f.Origin, c.want)
		}
	}
}
