package verify_test

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

func nothing(int, *second) {}

// whole is how long a scene lasts in which the job runs and settles.
const whole = dueAt + 60 + 180 + 10

func TestByItsJob(t *testing.T) {
	cases := []struct {
		name   string
		n      int
		change func(i int, s *second)
		in     func(*verify.In)
		status verify.Status
		says   string // among the sentences
		how    string // "" : it did not run
		took   time.Duration
		next   int // seconds after the plan; 0: none
	}{
		{name: "the job ran and nobody noticed", n: whole, change: nothing, status: verify.Cured, says: "verify-job-quick", how: "rescheduled"},
		{name: "its statement was seen for a moment", n: whole, change: func(i int, s *second) {
			if i == 310 {
				s.extra = append(well(), evidence.Statement{ConnID: 9, QueryID: 1, Schema: "shop", Command: "Query", RunningMs: 800, Digest: digest, Verb: "DELETE", Table: ledger})
			}
		}, status: verify.Cured, says: "verify-job-took", how: "rescheduled", took: 800 * time.Millisecond},
		{name: "the purge brings the site down again", n: whole, change: func(i int, s *second) {
			if i >= 316 && i < 460 {
				s.starve()
			}
			s.purge(i, 310, 320)
			if i == 312 {
				s.extra = append(s.extra, ill()...)
			}
		}, status: verify.Persists, says: "verify-fires", how: "rescheduled", took: 10 * time.Second},
		{name: "the purge reads all of its table again, and nobody suffers", n: whole, change: func(i int, s *second) {
			s.purge(i, 310, 320)
			if i == 312 {
				s.extra = append(s.extra, ill()...)
			}
		}, status: verify.Persists, says: "verify-fires-harmless", how: "rescheduled", took: 10 * time.Second},
		{name: "it reads all of its table at another hour, before it is due", n: 200, change: func(i int, s *second) {
			s.purge(i, 110, 120)
			if i == 112 {
				s.extra = append(s.extra, ill()...)
			}
		}, status: verify.Persists, says: "verify-fires-harmless", took: -1},
		{name: "the index is there, and visitors suffer beside the same statement all the same", n: whole, change: func(i int, s *second) {
			if i >= 316 && i < 400 {
				s.starve()
			}
			s.purge(i, 310, 320)
			if i == 312 {
				s.extra = append(s.extra, well()...)
			}
		}, status: verify.Persists, says: "verify-suffered", how: "rescheduled", took: 10 * time.Second},
		{name: "something else brings the site down when the job runs", n: whole, change: func(i int, s *second) {
			if i >= 310 && i < 400 {
				s.busy, s.php, s.pageMs, s.failed, s.workers, s.queue, s.searches = 1.98, 1.7, 8000, true, 10, 20, 30
			}
		}, status: verify.Untested, says: "verify-other-trouble", how: "rescheduled", next: dueAt + 86400 + 180},
		{name: "not due yet", n: 299, change: nothing, status: verify.Untested, says: "verify-not-due", took: -1, next: dueAt + 180},
		{name: "due, and not read anew yet", n: 300, change: nothing, status: verify.Untested, says: "verify-not-due", took: -1, next: dueAt + 180},
		{name: "it ran just now", n: 301 + 59, change: nothing, status: verify.Untested, says: "verify-settling", how: "rescheduled", next: 301 + 60},
		{name: "it ran, and has settled", n: 301 + 60, change: nothing, status: verify.Cured, says: "verify-job-quick", how: "rescheduled"},
		{name: "its statement took longer, and InnoDB may still be at work", n: 301 + 179, change: slower, status: verify.Untested, says: "verify-settling", how: "rescheduled", took: 1500 * time.Millisecond, next: 301 + 180},
		{name: "its statement took longer, and InnoDB is done", n: 301 + 180, change: slower, status: verify.Cured, says: "verify-job-took", how: "rescheduled", took: 1500 * time.Millisecond},
		{name: "it was put forward and ran between two looks", n: 200, change: func(i int, s *second) {
			if i > 90 {
				s.next = at(90).Add(day)
			}
			if i == 91 {
				s.cron = 1
			}
		}, status: verify.Cured, says: "verify-job-quick", how: "rescheduled"},
		{name: "it was put to another time of day, and nobody asked wp-cron", n: 200, change: func(i int, s *second) {
			if i > 90 {
				s.next = at(90).Add(day)
			}
		}, status: verify.Untested, says: "verify-not-due", took: -1, next: 90 + 86400 + 180},
		{name: "due for minutes, nobody came to start it", n: whole, change: func(_ int, s *second) { s.next = at(dueAt) }, status: verify.Untested, says: "verify-job-not-run", took: -1, next: whole + 3600},
		{name: "the plugin is switched off", n: whole, change: func(i int, s *second) {
			if i > 100 {
				s.next = time.Time{}
			}
		}, status: verify.Untested, says: "verify-job-gone", took: -1},
		{name: "the event was moved to a later hour before it was due", n: whole, change: func(i int, s *second) {
			if s.next = at(dueAt + 7200); i < 60 {
				s.next = at(dueAt)
			}
		}, status: verify.Untested, says: "verify-not-due", took: -1, next: dueAt + 7200 + 180},
		{name: "the event was moved when it was overdue", n: whole, change: func(i int, s *second) {
			if s.next = at(dueAt + 7200); i < 400 {
				s.next = at(dueAt)
			}
		}, status: verify.Untested, says: "verify-not-due", took: -1, next: dueAt + 7200 + 180},
		{name: "the event of another site ran", n: whole, change: func(_ int, s *second) { s.site = "forum" }, status: verify.Untested, says: "verify-job-not-run", took: -1, next: whole + 3600},
		{name: "the recorder was off when it ran", n: whole, change: func(i int, s *second) { s.off = i > 250 && i < 400 }, status: verify.Untested, says: "verify-gap", how: "rescheduled", took: -1, next: dueAt + 86400 + 180},
		{name: "the recorder was begun anew a minute before", n: whole, change: func(i int, s *second) { s.off = i > 230 && i < 290 }, status: verify.Cured, says: "verify-job-quick", how: "rescheduled"},
		{name: "the recorder was away for a moment when it ran", n: whole, change: func(i int, s *second) { s.off = i > 310 && i < 324 }, status: verify.Cured, says: "verify-job-done", how: "rescheduled", took: -1},
		{name: "the recorder was away for longer when it ran", n: whole, change: func(i int, s *second) { s.off = i > 310 && i < 328 }, status: verify.Untested, says: "verify-gap", how: "rescheduled", took: -1, next: dueAt + 86400 + 180},
		{name: "the recorder was away for a moment afterwards", n: whole, change: func(i int, s *second) {
			slower(i, s)
			s.off = i > 420 && i < 445
		}, status: verify.Cured, says: "verify-job-took", how: "rescheduled", took: 1500 * time.Millisecond},
		{name: "the recorder was away for longer afterwards", n: whole, change: func(i int, s *second) {
			slower(i, s)
			s.off = i > 420 && i < 460
		}, status: verify.Untested, says: "verify-gap", how: "rescheduled", took: 1500 * time.Millisecond, next: dueAt + 86400 + 180},
		{name: "nobody saw the visitors", n: whole, change: func(_ int, s *second) { s.noProbe, s.untimed = true, true }, status: verify.Untested, says: "verify-visitors-unseen", how: "rescheduled", next: dueAt + 86400 + 180},
		{name: "the site was not asked while the job ran", n: whole, change: func(i int, s *second) { s.noProbe = i > 280 && i < 400 }, status: verify.Untested, says: "verify-visitors-unseen", how: "rescheduled", next: dueAt + 86400 + 180},
		{name: "the access log alone saw the visitors", n: whole, change: func(_ int, s *second) { s.noProbe = true }, status: verify.Cured, says: "verify-visitors", how: "rescheduled"},
		{name: "the database was not seen", n: whole, change: func(_ int, s *second) { s.noDB = true }, status: verify.Untested, says: "missing-statements", how: "rescheduled", took: -1, next: dueAt + 86400 + 180},
		{name: "the schedule was not seen, its request was", n: whole, change: func(i int, s *second) {
			if s.noWordPress = true; i == 320 {
				s.cron = 1
			}
		}, status: verify.Cured, says: "verify-job-quick", how: "request"},
		{name: "the schedule was not seen, its statement was", n: whole, change: func(i int, s *second) {
			if s.noWordPress = true; i == 320 {
				s.extra = append(s.extra, evidence.Statement{ConnID: 9, QueryID: 1, Schema: "shop", Command: "Query", RunningMs: 1200, Digest: digest, Verb: "DELETE", Table: ledger})
			}
		}, status: verify.Cured, says: "verify-job-took", how: "statement", took: 1200 * time.Millisecond},
		{name: "a request to wp-cron that did not run it", n: whole, change: func(i int, s *second) {
			if s.next = at(dueAt); i == 320 {
				s.cron = 1
			}
		}, status: verify.Untested, says: "verify-job-not-run", took: -1, next: whole + 3600},
		{name: "nothing tells of the job", n: whole, change: func(_ int, s *second) { s.noWordPress = true }, status: verify.Untested, says: "verify-job-not-run", took: -1, next: whole + 3600},
		{name: "when it is due is not known", n: whole, change: func(_ int, s *second) { s.noWordPress = true }, in: func(in *verify.In) { in.Settle.Due = time.Time{} }, status: verify.Untested, says: "verify-no-due", took: -1},
		{name: "the old outage had not ended with the plan", n: whole, change: func(i int, s *second) {
			if i < 60 {
				s.starve()
			}
		}, status: verify.Cured, says: "verify-job-quick", how: "rescheduled"},
		{name: "the plan is for another part of a finding that names the job", n: 200, change: nothing, in: func(in *verify.In) { in.Settle = remedy.Settle{Least: time.Minute} }, status: verify.Untested, says: "verify-not-due", took: -1, next: dueAt + 600},
		{name: "nobody watched since", n: 0, change: nothing, status: verify.Untested, says: "verify-not-watched", took: -1, next: dueAt + 180},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := purgeIn(scene(c.n, c.change))
			if c.in != nil {
				c.in(&in)
			}
			got := verify.Judge(in)
			if got.Status != c.status || !slices.Contains(ids(t, got), c.says) {
				t.Fatalf("got %s, %+v; want %s with %s", got.Status, got.Says, c.status, c.says)
			}
			if got.Job == nil || got.Job.Hook != hook || got.Job.How != c.how || got.Job.Ran != (c.how != "") || got.Job.Took != c.took {
				t.Errorf("got job %+v; want how %q, took %v", got.Job, c.how, c.took)
			}
			want := time.Time{}
			if c.next > 0 {
				want = at(c.next)
			}
			if !got.Next.Equal(want) {
				t.Errorf("got next %v, want %v", got.Next, want)
			}
			if got.Before != in.Before || (got.After.How == "") != (c.says == "verify-not-watched" || c.says == "verify-visitors-unseen" && c.name == "nobody saw the visitors") {
				t.Errorf("got before %+v, after %+v", got.Before, got.After)
			}
		})
	}
}

// slower makes the job's statement one that is seen.
func slower(i int, s *second) {
	if i == 302 {
		s.extra = append(well(), evidence.Statement{ConnID: 9, QueryID: 1, Schema: "shop", Command: "Query", RunningMs: 1500, Digest: digest, Verb: "DELETE", Table: ledger})
	}
}

// A day's run that nobody saw is made up for by the next that somebody did.
func TestTheNextRunCounts(t *testing.T) {
	w := func(offAgain bool) recording.Window {
		return scene(1200, func(i int, s *second) {
			// The job runs every ten minutes, at 300 and 900.
			s.next = at(dueAt + 600*((i+299)/600))
			s.off = i > 250 && i < 400 || offAgain && i > 850 && i < 1000
		})
	}
	for off, want := range map[bool]verify.Status{false: verify.Cured, true: verify.Untested} {
		in := purgeIn(often(w(off)))
		in.Settle.Every = 10 * time.Minute
		got := verify.Judge(in)
		if got.Status != want || got.Job == nil || !got.Job.Ran || !got.Job.Due.Equal(at(900)) {
			t.Errorf("the second run unwatched: %v: got %s, %+v, job %+v; want %s", off, got.Status, got.Says, got.Job, want)
		}
	}
}

// often is a recording whose daily event is one of ten minutes.
func often(w recording.Window) recording.Window {
	var out []evidence.Record
	for at, e := range recording.Ever[evidence.CronEvent](w) {
		if e.Hook == hook {
			e.IntervalS = 600
		}
		out = append(out, evidence.Record{At: at, Fact: e})
	}
	add(&out, recording.Ever[evidence.Host](w))
	add(&out, recording.Ever[evidence.DBStatus](w))
	add(&out, recording.Ever[evidence.Probe](w))
	return recording.New(out)
}

func add[T evidence.Fact](out *[]evidence.Record, all func(func(time.Time, T) bool)) {
	for at, f := range all {
		*out = append(*out, evidence.Record{At: at, Fact: f})
	}
}

// What cron starts waits for no visit: there the clock is enough, and said.
func TestAJobOfTheHost(t *testing.T) {
	in := func(n int) verify.In {
		w := scene(n, func(i int, s *second) {
			if s.noWordPress = true; i == 1 {
				s.extra = append(s.extra, evidence.Schedule{Origin: "crontab root", Spec: "30 15 * * *", Command: "tidy.sh", Next: at(dueAt).Unix()})
			}
		})
		in := purgeIn(w)
		in.Because.Origin, in.Settle = diagnose.Origin{Schedule: "30 15 * * *"}, remedy.Settle{Least: 30 * time.Minute, After: after}
		return in
	}
	if got := verify.Judge(in(200)); got.Status != verify.Untested || got.Job == nil || got.Job.Hook != "tidy.sh" || !got.Next.Equal(at(dueAt+180)) {
		t.Errorf("before: got %+v, job %+v", got, got.Job)
	}
	if got := verify.Judge(in(whole)); got.Status != verify.Cured || got.Job.How != "schedule" || !slices.Contains(ids(t, got), "verify-host-job") {
		t.Errorf("after: got %+v, job %+v", got, got.Job)
	}
}

func TestSubjectsAreComparedByWhatLasts(t *testing.T) {
	change := func(i int, s *second) {
		s.purge(i, 310, 320)
		if i == 312 {
			s.extra = append(s.extra, ill()...)
		}
	}
	for name, c := range map[string]struct {
		about diagnose.Subject
		want  verify.Status
	}{
		"another session":  {diagnose.Subject{Schema: "shop", Table: ledger, Session: 1}, verify.Persists},
		"another column":   {diagnose.Subject{Schema: "shop", Table: ledger, Column: "seen"}, verify.Persists},
		"no schema known":  {diagnose.Subject{Table: ledger}, verify.Persists},
		"another table":    {diagnose.Subject{Schema: "shop", Table: "orders"}, verify.Cured},
		"another database": {diagnose.Subject{Schema: "forum", Table: ledger}, verify.Cured},
	} {
		in := purgeIn(scene(whole, change))
		in.Because.About, in.Because.Digest = c.about, ""
		if got := verify.Judge(in); got.Status != c.want {
			t.Errorf("%s: got %s, %+v; want %s", name, got.Status, got.Says, c.want)
		}
	}
}
