package audit

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func at(ago time.Duration, f evidence.Fact) evidence.Record {
	return evidence.Record{At: now.Add(-ago), Source: "test", Fact: f}
}

// ledger is a log of so many rows, written evenly over so many days.
func ledger(rows int64, days int, indexed bool) []evidence.Record {
	t := evidence.Table{Schema: "shop", Name: "ledger_of_visits", Engine: "InnoDB", Rows: rows, DataBytes: rows * 3300, FileBytes: rows * 3300,
		Indexes: []evidence.Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}}}
	if indexed {
		t.Indexes = append(t.Indexes, evidence.Index{Name: "noted", Columns: []string{"noted"}})
	}
	return []evidence.Record{
		at(time.Minute, evidence.DBServer{Flavour: "mariadb", Version: "10.11", BufferPoolBytes: 128 << 20, MaxConnections: 151}),
		at(time.Minute, evidence.Site{Name: "shop.example", Root: "/srv/www", Platform: "wordpress", Schema: "shop", Prefix: "wp_"}),
		at(time.Minute, t),
		at(time.Minute, evidence.TableGrowth{Schema: "shop", Name: t.Name, Column: "noted", Ordered: true, MinKey: 1, MaxKey: rows,
			Probes: []evidence.GrowthProbe{{Key: 1, UnixS: now.Add(-time.Duration(days) * day).Unix()}, {Key: rows, UnixS: now.Unix()}}}),
		at(time.Minute, evidence.HookTable{Site: "shop.example", Hook: "ledger_tidy", Table: t.Name, Plugin: "visit-ledger", File: "tidy.php"}),
		at(time.Minute, evidence.CronEvent{Site: "shop.example", Hook: "ledger_tidy", NextUnixS: now.Add(3 * time.Hour).Unix(), Schedule: "daily", IntervalS: 86400}),
	}
}

// purgeSeen is the clean-up's DELETE, with how long it keeps rows.
func purgeSeen(keeps time.Duration) evidence.Record {
	return at(time.Minute, evidence.Filter{Digest: "d", Verb: "DELETE", Schema: "shop", Table: "ledger_of_visits", Range: []string{"noted"}, CutoffUnixS: now.Add(-keeps).Unix()})
}

func host(memMB int64) evidence.Record {
	return at(time.Minute, evidence.Host{OverMs: 1000, CPUs: 2, UserMs: 100, IdleMs: 1900, MemTotalKB: memMB << 10, MemAvailKB: memMB << 9})
}

func php(workers int, rssMB int64) []evidence.Record {
	return []evidence.Record{at(time.Minute, evidence.WorkerPool{Service: evidence.ServicePHP, Pool: "www", Children: 5, Busy: 1, Max: workers}),
		at(time.Minute, evidence.ServiceUse{OverMs: 1000, Service: evidence.ServicePHP, Processes: 6, RSSKB: 6 * rssMB << 10})}
}

func disk(ago time.Duration, freeGB, inodes int64) evidence.Record {
	return at(ago, evidence.Filesystem{Mount: "/", SizeKB: 40 << 20, FreeKB: freeGB << 20, Inodes: 1_000_000, InodesFree: inodes})
}

func traffic(posts, answered int64) evidence.Record {
	return at(time.Hour, evidence.Traffic{OverMs: day.Milliseconds(), Class: evidence.ClassXMLRPC, Requests: posts, Posts: posts, S2xx: answered, S4xx: posts - answered, Fault: answered, FromHist: true})
}

func overdue(late time.Duration, off bool) []evidence.Record {
	return []evidence.Record{
		at(time.Minute, evidence.Site{Name: "shop.example", Root: "/srv/www", NoWPCron: off}),
		at(time.Minute, evidence.CronEvent{Site: "shop.example", Hook: "wp_version_check", NextUnixS: now.Add(-late).Unix(), Schedule: "twicedaily", IntervalS: 43200}),
		at(time.Minute, evidence.CronEvent{Site: "shop.example", Hook: "wp_scheduled_delete", NextUnixS: now.Add(-late - 5*time.Hour).Unix(), Schedule: "daily", IntervalS: 86400}),
		at(time.Minute, evidence.CronEvent{Site: "shop.example", Hook: "report", NextUnixS: now.Add(5 * day).Unix(), Schedule: "weekly", IntervalS: 7 * 86400}),
	}
}

func line(ago time.Duration, id string) evidence.Record {
	return at(ago, evidence.ErrorLine{Service: "database", ID: id, Count: 2, Message: "words", FromHist: true})
}

// told are the risks as text: the id, when, and the date.
func told(r Report) []string {
	out := []string{}
	for _, k := range r.Risks {
		s := k.ID + " " + k.When.Kind
		if k.When.Kind == OnDate {
			s += " " + k.When.At.Format("2006-01-02")
		}
		out = append(out, s)
	}
	return out
}

func TestRisks(t *testing.T) {
	for name, c := range map[string]struct {
		records []evidence.Record
		o       Options
		want    []string
	}{
		"a table that outgrows its clean-up":        {ledger(300_000, 100, false), Options{}, []string{"purge-without-index date 2026-09-09"}},
		"one that has outgrown it":                  {ledger(800_000, 100, false), Options{}, []string{"purge-without-index already"}},
		"no memory for its locks either":            {ledger(5_000_000, 500, false), Options{}, []string{"lock-memory already", "purge-without-index already"}},
		"memory for its locks within the year":      {ledger(3_000_000, 100, false), Options{}, []string{"purge-without-index already", "lock-memory date 2026-07-31"}},
		"the column has an index":                   {ledger(800_000, 100, true), Options{}, []string{}},
		"it takes years":                            {ledger(20_000, 300, false), Options{}, []string{}},
		"a clean-up that keeps it small":            {append(ledger(300_000, 90, false), purgeSeen(90*day)), Options{}, []string{}},
		"one that has begun to fail":                {append(ledger(300_000, 120, false), purgeSeen(90*day)), Options{}, []string{"purge-without-index date 2026-09-29"}},
		"too many workers for the memory":           {append(php(40, 60), host(1024)), Options{}, []string{"memory-overcommitted rush"}},
		"as many as fit":                            {append(php(8, 60), host(2048)), Options{}, []string{}},
		"a container with less":                     {append(php(20, 60), host(8192), at(time.Minute, evidence.Cgroup{OverMs: 1000, Path: "/a", QuotaCPUs: -1, MemLimitKB: 700 << 10})), Options{}, []string{"memory-overcommitted rush"}},
		"more workers than connections":             {append(php(160, 5), host(16384), at(time.Minute, evidence.DBServer{MaxConnections: 151})), Options{}, []string{"connections-too-few rush"}},
		"more use than credit":                      {nil, Options{Baseline: 0.10, Busy: 0.15, BusyOver: 3 * day}, []string{"credit-runs-out date 2026-06-03"}},
		"use below the plan":                        {nil, Options{Baseline: 0.10, Busy: 0.09, BusyOver: 3 * day}, []string{}},
		"a disk that fills":                         {[]evidence.Record{disk(4*day, 18, 900_000), disk(2*day, 14, 900_000), disk(0, 10, 900_000)}, Options{}, []string{"disk-fills date 2026-06-06"}},
		"one large file that came once":             {[]evidence.Record{disk(6*day, 14, 9e5), disk(5*day, 14, 9e5), disk(4*day, 14, 9e5), disk(3*day, 10, 9e5), disk(2*day, 14, 9e5), disk(day, 14, 9e5), disk(0, 14, 9e5)}, Options{}, []string{}},
		"a full disk":                               {[]evidence.Record{disk(0, 1, 900_000)}, Options{}, []string{"disk-fills already"}},
		"files run out":                             {[]evidence.Record{disk(4*day, 14, 900_000), disk(0, 14, 500_000)}, Options{}, []string{"inodes-fill date 2026-06-06"}},
		"an open xmlrpc.php":                        {[]evidence.Record{traffic(5000, 5000)}, Options{}, []string{"xmlrpc-open already"}},
		"a closed one":                              {[]evidence.Record{traffic(5000, 0)}, Options{}, []string{}},
		"an app's calls":                            {[]evidence.Record{traffic(60, 60)}, Options{}, []string{}},
		"no job runs":                               {overdue(3*day, false), Options{}, []string{"cron-never-runs already"}},
		"the night's jobs are late":                 {overdue(8*time.Hour, false), Options{}, []string{}},
		"lines in the logs":                         {[]evidence.Record{line(2*day, "db-lock-table-full"), line(day, "fpm-max-children")}, Options{}, []string{"logged-locks already", "logged-workers already"}},
		"a group beside the site ran out of memory": {[]evidence.Record{at(day, evidence.ErrorLine{Service: "kernel", ID: "kernel-oom-cgroup", Count: 1, Message: "Memory cgroup out of memory: Killed process 1 (tail)"})}, Options{}, []string{}},
		"the site's own ran out of memory":          {[]evidence.Record{at(day, evidence.ErrorLine{Service: "kernel", ID: "kernel-oom-cgroup", Count: 1, Message: "Memory cgroup out of memory: Killed process 1 (mariadbd)"})}, Options{}, []string{"logged-memory already"}},
		"old lines":                                 {[]evidence.Record{line(20*day, "db-lock-table-full")}, Options{}, []string{}},
		"options that every page loads":             {[]evidence.Record{at(0, evidence.OptionUse{Site: "s", Table: "wp_options", AutoloadBytes: 3 << 20, AutoloadCount: 900})}, Options{}, []string{"autoload-grows already"}},
		"nothing at all":                            {nil, Options{}, []string{}},
	} {
		c.o.Now = now
		if got := told(Look(recording.New(slices.Clone(c.records)), c.o)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestTheReasonOfAStandstillIsTold(t *testing.T) {
	say := func(records []evidence.Record) string {
		r := Look(recording.New(records), Options{Now: now})
		if len(r.Risks) != 1 {
			t.Fatalf("got %+v", r.Risks)
		}
		return r.Risks[0].Say.ID
	}
	if got := say(overdue(3*day, true)); got != "risk-cron-off" {
		t.Errorf("switched off and nobody else: got %s", got)
	}
	crontab := at(time.Hour, evidence.Schedule{Origin: "crontab www-data", Spec: "*/5 * * * *", Command: "curl https://shop.example/wp-cron.php?doing_wp_cron"})
	if got := say(append(overdue(3*day, true), crontab)); got != "risk-cron" {
		t.Errorf("switched off, with a crontab: got %s", got)
	}
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	ids := func(r Report) string {
		var out []string
		for _, s := range r.Unknown {
			out = append(out, s.ID)
		}
		return strings.Join(out, " ")
	}
	if got, want := ids(Look(recording.Window{}, Options{Now: now})), "unknown-memory unknown-plan unknown-room"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	seen := recording.New(append(append(php(8, 60), host(2048)), disk(3*day, 14, 900_000), disk(0, 14, 900_000)))
	if got := ids(Look(seen, Options{Now: now, Baseline: 0.1, Busy: 0.05, BusyOver: 2 * day})); got != "" {
		t.Errorf("all is known: got %q", got)
	}
}

// What is said has its place in the list of sayings, with all of its parameters.
func TestSayingsAreOfTheList(t *testing.T) {
	all := Sayings()
	check := func(s diagnose.Sentence) {
		var args []string
		for k := range s.Args {
			args = append(args, k)
		}
		want := slices.Clone(all[s.ID])
		slices.Sort(want)
		slices.Sort(args)
		if !reflect.DeepEqual(args, want) {
			t.Errorf("%s: got parameters %v, want %v", s.ID, args, want)
		}
	}
	records := slices.Concat(ledger(5_000_000, 500, false), php(400, 60), []evidence.Record{host(1024), disk(4*day, 18, 900_000), disk(0, 1, 100), traffic(5000, 5000)}, overdue(3*day, false),
		[]evidence.Record{at(0, evidence.OptionUse{Site: "s", Table: "wp_options", AutoloadBytes: 3 << 20, AutoloadCount: 900, CronEvents: 9000, Largest: []evidence.OptionBytes{{Name: "x", Bytes: 9}}})})
	for _, w := range warnings {
		records = append(records, line(day, w.lines[0]))
	}
	r := Look(recording.New(records), Options{Now: now, Baseline: 0.1, Busy: 0.5, BusyOver: 2 * day})
	if len(r.Risks) < 12 {
		t.Fatalf("got %d risks, want at least 12: %q", len(r.Risks), told(r))
	}
	for _, k := range r.Risks {
		check(k.Say)
		for _, e := range k.Evidence {
			check(e)
		}
	}
}
