package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestInodesExhausted(t *testing.T) {
	v := verdict(fullDisk(sessionDisk(), "php-disk-full", broken))
	f := first(v)
	if v.Status != diagnose.Proven || f.Rule != "inodes-exhausted" || len(v.Causes) != 1 || f.About.Path != "/var/lib/php/sessions" || f.Remedies[0] != "clean-sessions" {
		t.Fatalf("got %s, %+v", v.Status, v.Causes)
	}
	for name, records := range map[string][]evidence.Record{
		"no line of a log":         fullDisk(sessionDisk(), "", broken),
		"durations are not logged": untimed(fullDisk(sessionDisk(), "php-disk-full", broken)),
	} {
		if v := verdict(records); first(v).Rule != "inodes-exhausted" || len(v.Causes) != 1 {
			t.Errorf("%s: got %s, %+v", name, v.Status, v.Causes)
		}
	}
}

func TestManyFilesThatAreNotToBlame(t *testing.T) {
	unlimited := sessionDisk()
	unlimited.inodes, unlimited.inodesFree = 0, nil // btrfs has no fixed number
	many := sessionDisk()
	many.inodesFree = steady(3_000)
	for name, records := range map[string][]evidence.Record{
		"no fixed number of files":   fullDisk(unlimited, "", broken),
		"95 % of the files":          fullDisk(many, "", broken),
		"95 %, and all is well":      fullDisk(many, "", func(*second) {}),
		"used up, the CPU is scarce": fullDisk(sessionDisk(), "php-disk-full", func(s *second) { starve(s, 0.05) }),
	} {
		if v := verdict(records); accuses(v, "inodes-exhausted") || accuses(v, "disk-full") {
			t.Errorf("%s: got %s, %+v", name, v.Status, v.Causes)
		}
	}
}
