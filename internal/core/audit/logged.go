package audit

import (
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// loggedBack is how old a line may be to tell of what comes.
const loggedBack = 14 * 24 * time.Hour

// warnings are the lines that foretell an outage, by the risk that they are.
var warnings = []struct {
	id, say  string
	lines    []string
	remedies []string
}{
	{"logged-locks", "risk-logged-locks", []string{"php-lock-table-full", "db-lock-table-full", "db-lock-heap"}, []string{"purge", "add-index", "raise-buffer-pool"}},
	{"logged-workers", "risk-logged-workers", []string{"fpm-max-children", "apache-workers-full", "nginx-connections-full"}, []string{"page-cache"}},
	{"logged-connections", "risk-logged-connections", []string{"db-connections-full", "php-db-connections"}, []string{"more-connections"}},
	{"logged-memory", "risk-logged-memory", []string{"kernel-oom", "kernel-oom-cgroup", "db-out-of-memory"}, []string{"fewer-children"}},
	{"logged-disk", "risk-logged-disk", []string{"db-disk-full", "nginx-disk-full"}, []string{"free-room"}},
}

// logged tells of lines that are in the logs already.
func (v view) logged() {
	type tally struct {
		count int64
		last  time.Time
		text  string
	}
	seen := map[string]*tally{}
	for at, l := range recording.Ever[evidence.ErrorLine](v.w) {
		if v.o.Now.Sub(at) > loggedBack || l.ID == "kernel-oom-cgroup" && !ofTheSite(l.Message) {
			continue
		}
		t := seen[l.ID]
		if t == nil {
			t = &tally{}
			seen[l.ID] = t
		}
		t.count, t.last, t.text = t.count+l.Count, at, l.Message
	}
	for _, w := range warnings {
		sum := tally{}
		for _, id := range w.lines {
			if t := seen[id]; t != nil {
				sum.count += t.count
				if t.last.After(sum.last) {
					sum.last, sum.text = t.last, t.text
				}
			}
		}
		if sum.count > 0 {
			v.found(Risk{ID: w.id, When: When{Kind: Already}, Remedies: w.remedies,
				Say:      diagnose.Say(w.say, "count", diagnose.Count(sum.count), "at", sum.last),
				Evidence: []diagnose.Sentence{diagnose.Say("audit-line", "message", sum.text)}})
		}
	}
}

// ofTheSite reports whether the kernel ended a process of the site: a group of its
// own has its own limit, and a container beside the site is none of its business.
func ofTheSite(message string) bool {
	return slices.ContainsFunc([]string{"(mysqld", "(mariadbd", "(php", "(apache2", "(httpd", "(nginx", "(lsphp", "(litespeed"}, func(name string) bool { return strings.Contains(message, name) })
}
