package rules

import (
	"slices"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestDiskFull(t *testing.T) {
	v := verdict(fullDisk(dataDisk(), "db-disk-full", broken))
	f := first(v)
	if v.Status != diagnose.Proven || f.Rule != "disk-full" || f.About.Path != "/var/lib/mysql" || f.Remedies[0] != "purge-binlogs" {
		t.Fatalf("got %s, %+v", v.Status, v.Causes)
	}
	if !slices.ContainsFunc(v.Chain, func(l diagnose.Link) bool { return l.ID == "writes-fail" }) || rejects(v, "disk-space") {
		t.Errorf("got chain %+v, rejected %+v", v.Chain, v.Rejected)
	}
}

func TestDiskFullOfOtherShapes(t *testing.T) {
	table := dataDisk()
	table.takes = func(i int) []evidence.Taken {
		return []evidence.Taken{{What: evidence.TakenTable, Path: ledger, KB: 4<<20 + min(int64(i)*60_000, 4<<20), Files: 1}}
	}
	unlooked := dataDisk()
	unlooked.takes = nil
	tmp := fill{mount: "/run/dbtmp", holds: []string{"database-tmp"}, sizeKB: 64 << 10, freeKB: func(i int) int64 {
		if i >= brokenAt {
			return 900 // what a statement had taken is given back when it fails
		}
		return 60 << 10
	}}
	stands := func(s *second) { stand(s); s.failed = true }
	for name, c := range map[string]struct {
		records []evidence.Record
		status  diagnose.Status
		path    string
		table   string
	}{
		"a table grew":             {fullDisk(table, "db-disk-full", broken), diagnose.Proven, "", ledger},
		"what grew was not seen":   {fullDisk(unlooked, "db-disk-full", broken), diagnose.Proven, "/var/lib/mysql", ""},
		"durations are not logged": {untimed(fullDisk(dataDisk(), "db-disk-full", broken)), diagnose.Proven, "/var/lib/mysql", ""},
		"the database's tmpdir":    {fullDisk(tmp, "php-disk-full", broken), diagnose.Proven, "/run/dbtmp", ""},
		"no line of a log":         {fullDisk(dataDisk(), "", broken), diagnose.Likely, "/var/lib/mysql", ""},
		"the database waits":       {fullDisk(dataDisk(), "db-disk-full", stands), diagnose.Proven, "/var/lib/mysql", ""},
	} {
		v := verdict(c.records)
		if f := first(v); v.Status != c.status || f.Rule != "disk-full" || f.About.Path != c.path || f.About.Table != c.table {
			t.Errorf("%s: got %s, %s %.2f about %+v", name, v.Status, f.Rule, f.Confidence, f.About)
		}
	}
}

// Where nobody looked at the disks it may be the inodes as well: nobody is
// accused, and what is missing is named.
func TestNoRoomOnADiskThatNobodyLookedAt(t *testing.T) {
	v := verdict(without[evidence.Filesystem](fullDisk(dataDisk(), "db-disk-full", broken)))
	if v.Status != diagnose.NotProven || !slices.ContainsFunc(v.Surer, func(s diagnose.Sentence) bool { return s.ID == "missing-space" }) {
		t.Errorf("got %s, %+v, surer %+v", v.Status, v.Causes, v.Surer)
	}
	elsewhere := fill{mount: "/", holds: []string{"root", "database"}, sizeKB: 40 << 20, freeKB: steady(9 << 20)}
	if v := verdict(fullDisk(elsewhere, "php-disk-full", broken)); v.Status != diagnose.Likely || first(v).Claim.ID != "link-room-unseen" {
		t.Errorf("there was room whenever it was looked at: got %s, %+v", v.Status, v.Causes)
	}
}

// The disk is nearly full, or full, and that is not what visitors meet.
func TestFullDisksThatAreNotToBlame(t *testing.T) {
	nearly := dataDisk()
	nearly.freeKB = steady(300 << 10) // 97 % are taken
	other := fill{mount: "/boot", holds: nil, sizeKB: 400 << 10, freeKB: steady(0), inodes: 90_000, inodesFree: steady(80_000)}
	later := dataDisk()
	later.freeKB = func(i int) int64 { return max(int64(130-i)<<14, 0) }
	starved := func(s *second) { starve(s, 0.05) }
	calm := func(*second) {}
	before := scene(140, func(i int, s *second) {
		if i%5 == 0 {
			s.extra = append(s.extra, other.at(i), evidence.ErrorLine{Service: evidence.ServicePHP, ID: "php-disk-full", Count: 2, Message: "fwrite(): No space left on device"})
		}
		if i >= brokenAt {
			broken(s)
		}
	})
	for name, c := range map[string]struct {
		records []evidence.Record
		status  diagnose.Status
	}{
		"97 % and all is well":                 {fullDisk(nearly, "", calm), diagnose.Healthy},
		"97 % and pages fail for another":      {fullDisk(nearly, "", broken), diagnose.NotProven},
		"full, nothing fails":                  {fullDisk(other, "", calm), diagnose.Healthy},
		"full all along, pages fail later":     {fullDisk(other, "", broken), diagnose.NotProven},
		"it failed as often when all was well": {answered500(before), diagnose.NotProven},
		"full only after the outage began":     {fullDisk(later, "", broken), diagnose.NotProven},
		"full, and the CPU is what is scarce":  {fullDisk(dataDisk(), "php-disk-full", starved), diagnose.NotProven},
	} {
		if v := verdict(c.records); v.Status != c.status || accuses(v, "disk-full") || accuses(v, "inodes-exhausted") {
			t.Errorf("%s: got %s, %+v", name, v.Status, v.Causes)
		}
	}
}

// Nobody suffers yet, but writes fail: it is told, and not as proven.
func TestDiskFullBeforeAnybodySuffers(t *testing.T) {
	v := verdict(fullDisk(dataDisk(), "db-disk-full", func(*second) {}))
	if f := first(v); f.Rule != "disk-full" || !f.Harmless || f.Confidence >= 0.9 {
		t.Errorf("got %s, %+v", v.Status, v.Causes)
	}
}

// A job that is no part of the site uses the CPU up meanwhile: errors that come
// as quickly as pages are no want of CPU.
func TestDiskFullOnABusyMachine(t *testing.T) {
	v := verdict(fullDisk(dataDisk(), "db-disk-full", func(s *second) { broken(s); s.busy = 1.98 }))
	if v.Status != diagnose.Proven || first(v).Rule != "disk-full" {
		t.Errorf("got %s, %+v; want disk-full", v.Status, v.Causes)
	}
}
