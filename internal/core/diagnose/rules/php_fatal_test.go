package rules

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

const outOfMB = "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 2097152 bytes) in wp-content/plugins/slot-keeper/inc/db.php on line 2"

// fails is everyPageFails with another line of PHP.
func fails(from int, file, id, message string) []evidence.Record {
	return alter(everyPageFails(from, file), func(_ int, l *evidence.ErrorLine) { l.ID, l.Message = id, message })
}

func fatalScenes() map[string][]evidence.Record {
	return map[string][]evidence.Record{"fatal errors": everyPageFails(50, itsFile), "out of memory": fails(50, itsFile, "php-memory", outOfMB)}
}

func TestCodeAtWhichPHPGivesUpIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		records []evidence.Record
		plugin  string
		want    diagnose.Status
	}{
		"a plugin's error":         {everyPageFails(50, itsFile), slotsPlugin, diagnose.Proven},
		"a must-use file's":        {everyPageFails(50, "mu-plugins/snippet.php"), "snippet", diagnose.Proven},
		"a theme's":                {everyPageFails(50, "themes/paper/functions.php"), "", diagnose.Proven},
		"WordPress' own file":      {everyPageFails(50, "wp-includes/class-wp-query.php"), "", diagnose.Likely},
		"the limit of memory":      {fails(50, itsFile, "php-memory", outOfMB), slotsPlugin, diagnose.Likely},
		"memory that ends in core": {fails(50, "wp-includes/functions.php", "php-memory", outOfMB), "", diagnose.Likely},
		"a cache that is down":     {fails(50, itsFile, "php-fatal", "PHP Fatal error: Uncaught RedisException: Connection refused"), slotsPlugin, diagnose.Likely},
		"it was so when we came":   {everyPageFails(0, itsFile), slotsPlugin, diagnose.Likely},
		"set up before, worked":    {changedAt(everyPageFails(50, itsFile), -5, updated(slotsPlugin)), slotsPlugin, diagnose.Proven},
	} {
		v := judged(c.records)
		if v.Status != c.want || len(v.Causes) != 1 || v.Causes[0].Rule != "php-fatal" || v.Causes[0].Origin.Plugin != c.plugin {
			t.Errorf("%s: got %s, causes %+v; want php-fatal of %q as %s", name, v.Status, v.Causes, c.plugin, c.want)
			continue
		}
		if v.Status == diagnose.Likely && len(v.Surer) == 0 {
			t.Errorf("%s: likely, and nothing is said to be missing", name)
		}
	}
}

func TestMemoryIsSaidInMB(t *testing.T) {
	v := judged(fails(50, itsFile, "php-memory", outOfMB))
	if len(v.Causes) == 0 || v.Causes[0].Claim.Args["mb"] != diagnose.Count(128) || v.Remedies[0] != "raise-php-memory" {
		t.Errorf("got causes %+v, remedies %v; want the limit of 128 MB", v.Causes, v.Remedies)
	}
	for _, message := range []string{"", "Allowed memory size of 99999999999999999999 bytes", "Allowed memory size of -1 bytes"} {
		if got := (given{message: message}).limitMB(); got != nil {
			t.Errorf("%q: got %v MB", message, got)
		}
	}
}

// Look-alikes: something else was changed, was gone, or fails.
func TestPHPsErrorsAreNotAlwaysTheCause(t *testing.T) {
	with := func(records []evidence.Record, from int, f evidence.Fact) []evidence.Record {
		out := slices.Clone(records)
		for i := from; i < 120; i++ {
			out = append(out, evidence.Record{At: t0.Add(time.Duration(i+1) * time.Second), Source: "errorlog", Fact: f})
		}
		return out
	}
	few := fails(50, itsFile, "php-fatal", "x")
	seen := 0
	few = slices.DeleteFunc(few, func(r evidence.Record) bool {
		_, line := r.Fact.(evidence.ErrorLine)
		if line {
			seen++
		}
		return line && seen%5 != 0
	})
	spread := alter(everyPageFails(50, itsFile), func(i int, l *evidence.ErrorLine) {
		l.File = []string{"plugins/a/a.php", "plugins/b/b.php", "wp-includes/load.php"}[i%3]
	})
	timeouts := alter(everyPageFails(50, itsFile), func(_ int, p *evidence.Probe) {
		if p.Failed() {
			p.Status, p.TookMs = 504, 10000
		}
	})
	line := evidence.ErrorLine{Service: evidence.ServicePHP, ID: "php-fatal", Count: 5, Message: "x", File: itsFile}
	for name, records := range map[string][]evidence.Record{
		"an update just before":                         changedAt(everyPageFails(50, itsFile), 49, updated(slotsPlugin)),
		"an update that takes the memory":               changedAt(fails(50, itsFile, "php-memory", outOfMB), 49, updated(slotsPlugin)),
		"the database is gone":                          with(everyPageFails(50, itsFile), 50, evidence.ErrorLine{Service: evidence.ServicePHP, ID: "php-db-connect", Count: 5}),
		"a disk is full":                                with(everyPageFails(50, itsFile), 50, evidence.Filesystem{Mount: "/", SizeKB: 10 << 20, FreeKB: 0}),
		"a few lines, other failures":                   few,
		"all plugins fail":                              spread,
		"time-outs, not errors":                         timeouts,
		"as many before, too":                           with(everyPageFails(50, itsFile), 0, line),
		"the limit of time":                             fails(50, itsFile, "php-timeout", "Maximum execution time of 30 seconds exceeded"),
		"a flood, and bots that open files of a plugin": with(flooded(evidence.ClassSearch), 55, line),
		"case 0, and a cron job that gives up":          with(caseZero(purgeFacts()...), 46, line),
		"a backlog of a pool, and an error in some":     with(smallPool(nothingElse), 60, line),
		"nobody suffered":                               with(scene(120, func(int, *second) {}), 50, line),
	} {
		if v := judged(records); accuses(v, "php-fatal") {
			t.Errorf("%s: got %s, causes %+v; want PHP's errors not accused", name, v.Status, v.Causes)
		}
	}
	for _, id := range []string{"php-fatal", "php-memory"} {
		if v := judged(changedAt(fails(50, itsFile, id, outOfMB), 49, updated(slotsPlugin))); !accuses(v, "changed-just-before") {
			t.Errorf("%s after an update: got %s, causes %+v; want the update", id, v.Status, v.Causes)
		}
	}
}
