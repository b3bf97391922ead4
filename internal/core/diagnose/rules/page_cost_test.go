package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// costly is a site whose pages take much of PHP's CPU from a second on.
func costly(change func(s *second)) []evidence.Record {
	return scene(120, func(i int, s *second) {
		if i >= 60 {
			s.busy, s.php, s.pageMs, s.workers, s.queue, s.pages = 1.95, 1.8, 4000, 10, 8, 3
			change(s)
		}
	})
}

func TestDearPagesAreALead(t *testing.T) {
	said := func(change func(s *second)) bool {
		for _, n := range judged(costly(change)).Notes {
			if n.ID == "note-page-cost" {
				return true
			}
		}
		return false
	}
	if v := judged(costly(func(*second) {})); v.Status != diagnose.NotProven || !said(func(*second) {}) {
		t.Errorf("got %s, causes %+v, notes %+v; want not proven, with the lead", v.Status, v.Causes, v.Notes)
	}
	for name, change := range map[string]func(s *second){
		"more is asked":       func(s *second) { s.pages = 60 },
		"it is the database":  func(s *second) { s.php, s.db = 0.15, 1.8 },
		"another process":     func(s *second) { s.php = 0.15 },
		"nothing is finished": func(s *second) { s.pages, s.xmlrpc = 0, 0 },
		"requests fail":       func(s *second) { s.failed = true },
	} {
		if said(change) {
			t.Errorf("%s: got the lead that pages cost more", name)
		}
	}
}
