package audit

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// xmlrpcDaily is how many calls of xmlrpc.php a day are more than apps make, and
	// xmlrpcOpen the share that WordPress must have answered: a closed one says 403.
	xmlrpcDaily = 200
	xmlrpcOpen  = 0.5
	// cronLate is how long after its due time an event that should run each day or
	// more often was forgotten.
	cronLate = 26 * time.Hour
	// autoloadMost is from where WordPress itself warns, since version 6.6.
	autoloadMost = 800_000
	// cronCrowd is how many events WordPress reads and writes on each visit before
	// that is felt.
	cronCrowd = 2000
)

// xmlrpc tells of an endpoint that is open and under attack.
func (v view) xmlrpc() {
	var posts, answered, fault int64
	over := map[string]time.Duration{}
	for _, t := range recording.Ever[evidence.Traffic](v.w) {
		over[t.Site+"\x00"+t.Class] += time.Duration(t.OverMs) * time.Millisecond
		if t.Class == evidence.ClassXMLRPC {
			posts, answered, fault = posts+t.Posts, answered+min(t.S2xx, t.Posts), fault+t.Fault
		}
	}
	longest := time.Duration(0)
	for _, d := range over {
		longest = max(longest, d)
	}
	days := longest.Hours() / 24
	if days <= 0 || posts < 50 || float64(posts) < xmlrpcDaily*max(days, 0.25) || float64(answered) < xmlrpcOpen*float64(posts) {
		return
	}
	v.found(Risk{ID: "xmlrpc-open", When: When{Kind: Already}, Remedies: []string{"close-xmlrpc"},
		Say:      diagnose.Say("risk-xmlrpc", "per_day", diagnose.Count(float64(posts)/max(days, 0.25))),
		Evidence: []diagnose.Sentence{diagnose.Say("audit-xmlrpc", "requests", diagnose.Count(posts), "days", diagnose.Number(days), "share", diagnose.Share01(float64(fault)/float64(posts)))}})
}

// cron tells of a site whose jobs nobody starts.
func (v view) cron() {
	bySite := map[string][]evidence.CronEvent{}
	for _, e := range recording.All[evidence.CronEvent](v.w) {
		if e.IntervalS > 0 && e.IntervalS <= 24*3600 {
			bySite[e.Site] = append(bySite[e.Site], e)
		}
	}
	for _, site := range slices.Sorted(maps.Keys(bySite)) {
		newest := map[string]int64{}
		for _, e := range bySite[site] {
			newest[e.Hook] = e.NextUnixS
		}
		latest := int64(0)
		for _, next := range newest {
			latest = max(latest, next)
		}
		since := time.Unix(latest, 0).UTC()
		if v.o.Now.Sub(since) < cronLate {
			continue // one of them ran
		}
		say := "risk-cron"
		if v.noWPCron(site) && !v.systemCron() {
			say = "risk-cron-off"
		}
		v.found(Risk{ID: "cron-never-runs", When: When{Kind: Already}, Remedies: []string{"real-cron"},
			Say:      diagnose.Say(say, "site", site, "since", since),
			Evidence: []diagnose.Sentence{diagnose.Say("audit-cron", "events", diagnose.Count(len(newest)), "since", since)}})
	}
}

func (v view) noWPCron(site string) bool {
	off := false
	for _, s := range recording.Ever[evidence.Site](v.w) {
		if s.Name == site || s.Root == site {
			off = s.NoWPCron
		}
	}
	return off
}

// systemCron reports whether a schedule of the host starts WordPress' jobs.
func (v view) systemCron() bool {
	for _, s := range recording.Ever[evidence.Schedule](v.w) {
		if strings.Contains(s.Command, "wp-cron") || strings.Contains(s.Command, "doing_wp_cron") || strings.Contains(s.Command, "cron event run") {
			return true
		}
	}
	return false
}

// options tells of what every request loads.
func (v view) options() {
	last := map[string]evidence.OptionUse{}
	for _, o := range recording.Ever[evidence.OptionUse](v.w) {
		last[o.Site+"\x00"+o.Table] = o
	}
	for _, k := range slices.Sorted(maps.Keys(last)) {
		o := last[k]
		if o.AutoloadBytes >= autoloadMost {
			r := Risk{ID: "autoload-grows", When: When{Kind: Already}, Say: diagnose.Say("risk-autoload", "table", o.Table, "bytes", diagnose.Bytes(o.AutoloadBytes), "options", diagnose.Count(o.AutoloadCount))}
			for _, l := range o.Largest[:min(len(o.Largest), 3)] {
				r.Evidence = append(r.Evidence, diagnose.Say("audit-option", "option", l.Name, "bytes", diagnose.Bytes(l.Bytes), "plugin", l.Owner))
			}
			v.found(r)
		}
		if o.CronEvents >= cronCrowd {
			v.found(Risk{ID: "cron-crowded", When: When{Kind: Already}, Say: diagnose.Say("risk-cron-crowded", "events", diagnose.Count(o.CronEvents), "bytes", diagnose.Bytes(o.CronBytes))})
		}
	}
}
