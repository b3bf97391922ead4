package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestCrawlerTrap(t *testing.T) {
	facets := days
	facets.pattern, facets.robot, facets.each = "/shop/?color=&size=", "Meta", 40
	dated := days
	dated.pattern, dated.class = "/calendar/N-N/", evidence.ClassPage
	probes := days
	probes.pattern, probes.class, probes.fresh, probes.each = "/*.php", evidence.ClassPHP, 0.1, 12
	for name, c := range map[string]struct {
		records []evidence.Record
		path    string
		claim   string
		robot   bool
	}{
		"a calendar":                {crawled(days, nothingElse), days.pattern, "crawler-trap", false},
		"on a capped machine":       {crawled(days, capped), days.pattern, "crawler-trap", false},
		"durations are not logged":  {untimed(crawled(days, nothingElse)), days.pattern, "crawler-trap", false},
		"a robot that says so":      {crawled(facets, nothingElse), facets.pattern, "crawler-trap", true},
		"a calendar of paths":       {crawled(dated, nothingElse), dated.pattern, "crawler-trap", false},
		"scripts that do not exist": {crawled(probes, nothingElse), probes.pattern, "link-missing-probes", false},
		"a few visitors with files": {crawled(days, files(4, 0)), days.pattern, "crawler-trap", false},
	} {
		v := verdict(c.records)
		f := first(v)
		if f.Rule != "crawler-trap" || len(v.Causes) != 1 || f.About.Path != c.path || f.Claim.ID != c.claim || f.Share.WorkerTime < 0.4 {
			t.Errorf("%s: got %s, causes %+v", name, v.Status, v.Causes)
		}
		if proves(f, "proof-trap-robot") != c.robot {
			t.Errorf("%s: got %+v", name, f.Proof)
		}
	}
	if v := verdict(crawled(days, nothingElse)); v.Status != diagnose.Proven || len(v.Chain) < 3 {
		t.Errorf("got %s (%.2f), chain %+v", v.Status, first(v).Confidence, v.Chain)
	}
}

// capped makes a spent second one of a machine without credit.
func capped(i int, s *second) {
	if i >= 66 && i < 150 {
		s.busy, s.php, s.db, s.throttled = 0.2, 0.16, 0.02, 1.6
	}
}

func proves(f diagnose.Finding, id string) bool {
	for _, p := range f.Proof {
		if p.ID == id {
			return true
		}
	}
	return false
}

func TestCrawlerTrapStaysSilent(t *testing.T) {
	always, same, few, small, others := days, days, days, days, days
	always.from = 0
	same.fresh = 0.05
	few.each = 120
	small.rate = 3
	others.pattern, others.class = "/N/N/a-post/", evidence.ClassPage
	for name, records := range map[string][]evidence.Record{
		"it was there all along, and a job starves the site": scene(160, func(i int, s *second) {
			if i >= 60 {
				hog(s)
			}
			always.at(i, s)
		}),
		"visitors ask for the same pages":         crawled(same, nothingElse),
		"one client walks":                        crawled(few, nothingElse),
		"visitors of a newsletter load the files": crawled(days, files(80, 60)),
		"it is a small part": crawled(small, func(i int, s *second) {
			if i >= 60 {
				s.pages = 40
			}
		}),
		"a post that everybody reads": crawled(others, nothingElse),
		"the machine has room": crawled(days, func(i int, s *second) {
			if i >= 60 {
				s.busy, s.php, s.workers, s.queue = 0.6, 0.5, 4, 0
			}
		}),
	} {
		if v := verdict(records); accuses(v, "crawler-trap") {
			t.Errorf("%s: got %s, causes %+v", name, v.Status, v.Causes)
		}
	}
	v := verdict(scene(160, func(i int, s *second) {
		if i >= 60 {
			hog(s)
		}
		always.at(i, s)
	}))
	if !rejects(v, "crawler-trap") {
		t.Errorf("the crawler that was there all along is not cleared: %+v", v.Rejected)
	}
}

func TestCrawlerTrapWithoutAQuietTimeIsOnlyLikely(t *testing.T) {
	all := days
	all.from = 0
	v := verdict(scene(120, func(i int, s *second) {
		spent(s)
		all.at(i, s)
	}))
	if v.Status == diagnose.Proven {
		t.Errorf("got %s, causes %+v", v.Status, v.Causes)
	}
}
