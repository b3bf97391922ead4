package remedies

import (
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

// tokyo is where the site of case 0 is, on a machine whose clock is UTC.
func tokyo0() remedy.World {
	w := world0()
	w.Site.UTCOffset, w.Site.Root = 9*3600, "/srv/www/shop"
	return w
}

func TestKeepItSmallGolden(t *testing.T) {
	golden(t, "case-0", plan(t, KeepItSmall(), finding0(), tokyo0(), remedy.Wishes{}))
	golden(t, "case-0-moved-30d", plan(t, KeepItSmall(), finding0(), tokyo0(), remedy.Wishes{Keep: 30 * day, Force: []string{moveEvent}}))
}

func jobOf(t *testing.T, p remedy.Plan) remedy.RetentionJob {
	t.Helper()
	if len(p.Steps) == 0 {
		t.Fatalf("no step: %v", ids(p.Refused))
	}
	return p.Steps[0].Step.(remedy.RetentionJob)
}

func TestJobKeepsWhatThePluginKeeps(t *testing.T) {
	datetime := func(f *diagnose.Finding, w *remedy.World) {
		for i := range w.Table.Columns {
			if w.Table.Columns[i].Name == "created" {
				w.Table.Columns[i].Type = "datetime"
			}
		}
	}
	for _, c := range []struct {
		name string
		f    func(*diagnose.Finding, *remedy.World)
		wish remedy.Wishes
		want time.Duration
	}{
		{"its own 90 days", nil, remedy.Wishes{}, 90 * day},
		{"seen a minute late", func(f *diagnose.Finding, _ *remedy.World) { f.Statement.At = f.Statement.At.Add(time.Minute) }, remedy.Wishes{}, 90 * day},
		{"odd hours are rounded up", func(f *diagnose.Finding, _ *remedy.World) { f.Statement.At = f.Statement.At.Add(40 * time.Minute) }, remedy.Wishes{}, 90*day + time.Hour},
		{"a wish", nil, remedy.Wishes{Keep: 30 * day}, 30 * day},
		{"a wish of half an hour more", nil, remedy.Wishes{Keep: 30*day + 30*time.Minute}, 30*day + time.Hour},
		{"never less than an hour", nil, remedy.Wishes{Keep: time.Minute}, time.Hour},
		{"dates of a zone ahead", func(f *diagnose.Finding, w *remedy.World) {
			datetime(f, w)
			f.Statement.Filter.CutoffUnixS += 9 * 3600
		}, remedy.Wishes{}, 90 * day},
		{"dates of a plugin that nobody knows", func(f *diagnose.Finding, w *remedy.World) {
			datetime(f, w)
			rename(f, w, "wp_shop_log")
			f.Statement.Filter.CutoffUnixS = now.Add(-30*time.Minute - 45*day - 5*time.Hour).Unix()
		}, remedy.Wishes{}, 46 * day},
		{"no statement, but the catalogue", func(f *diagnose.Finding, _ *remedy.World) { f.Statement = nil }, remedy.Wishes{}, 90 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w := finding0(), world0()
			if c.f != nil {
				c.f(&f, &w)
			}
			s := jobOf(t, plan(t, KeepItSmall(), f, w, c.wish))
			if s.Keep != c.want || s.Keep%time.Hour != 0 {
				t.Errorf("keeps %v, want %v", s.Keep, c.want)
			}
			if s.Column != "created" || s.Table != w.Table.Name || s.Schema != "wordpress" || s.Binary != "/usr/bin/hirune" {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// rename makes the table another one, of a plugin that the catalogue does not know.
func rename(f *diagnose.Finding, w *remedy.World, table string) {
	w.Table.Name, f.About.Table, w.Table.Growth.Name = table, table, table
	f.Statement.Filter.Table = table
	f.Statement.Digest = "DELETE FROM " + table + " WHERE created < ?"
	f.Statement.Filter.Digest = f.Statement.Digest
}

func TestJobsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*diagnose.Finding, *remedy.World)
		wish   remedy.Wishes
		want   string
	}{
		{"longer than the plugin", nil, remedy.Wishes{Keep: 120 * day}, "refused-keep-longer"},
		{"another condition", func(f *diagnose.Finding, w *remedy.World) {
			rename(f, w, "wp_shop_log")
			f.Statement.Digest += " AND level <> ?"
		}, remedy.Wishes{Keep: 30 * day}, "refused-conditions"},
		{"orders", func(f *diagnose.Finding, w *remedy.World) { rename(f, w, "wp_wc_orders") }, remedy.Wishes{}, "refused-name"},
		{"users", func(f *diagnose.Finding, w *remedy.World) { rename(f, w, "wp_users") }, remedy.Wishes{}, "refused-core-table"},
		{"another schema", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Schema = "accounts" }, remedy.Wishes{}, "refused-other-schema"},
		{"a replica", func(_ *diagnose.Finding, w *remedy.World) { w.Server.Replica = true }, remedy.Wishes{}, "refused-replica"},
		{"nothing read", func(_ *diagnose.Finding, w *remedy.World) { w.Server = nil }, remedy.Wishes{}, "refused-unread"},
		{"a condition beside the age", func(f *diagnose.Finding, w *remedy.World) {
			f.Statement = nil
			w.Table.Name, f.About.Table = "wp_actionscheduler_actions", "wp_actionscheduler_actions"
			w.Table.Columns = append(w.Table.Columns, remedy.Column{Name: "last_attempt_gmt", Type: "datetime"}, remedy.Column{Name: "status", Type: "varchar"})
			w.Table.Children = nil
		}, remedy.Wishes{Force: []string{"orphans"}}, "refused-job-condition"},
		{"triggers, although accepted for a purge", func(_ *diagnose.Finding, w *remedy.World) { w.Table.Triggers = []string{"t"} }, remedy.Wishes{Force: []string{"triggers"}}, "refused-triggers"},
		{"only a guess", func(f *diagnose.Finding, w *remedy.World) {
			rename(f, w, "wp_shop_log")
			f.Statement = nil
		}, remedy.Wishes{Keep: 30 * day}, "refused-unattended"},
		{"a name that crons do not agree on", func(f *diagnose.Finding, w *remedy.World) {
			w.Table.Name, w.Table.Schema, w.Site.Schema = "wp_aiowps_audit_log", `a\b`, `a\b`
		}, remedy.Wishes{}, "refused-job-name"},
		{"a line end in a name", func(f *diagnose.Finding, w *remedy.World) {
			w.Table.Schema, w.Site.Schema = "a\n* * * * * root reboot", "a\n* * * * * root reboot"
		}, remedy.Wishes{}, "refused-job-name"},
		{"no cron", func(_ *diagnose.Finding, w *remedy.World) { w.Host.NoCron = true }, remedy.Wishes{}, "refused-no-cron"},
		{"no program", func(_ *diagnose.Finding, w *remedy.World) { w.Binary = "" }, remedy.Wishes{}, "refused-no-program"},
		{"for ever", func(f *diagnose.Finding, w *remedy.World) {
			f.Statement = nil
			w.Table.Name, f.About.Table = "wp_redirection_404", "wp_redirection_404"
		}, remedy.Wishes{}, "refused-no-cutoff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w := finding0(), world0()
			if c.change != nil {
				c.change(&f, &w)
			}
			p := plan(t, KeepItSmall(), f, w, c.wish)
			if !has(p.Refused, c.want) || len(p.Steps) > 0 {
				t.Errorf("refused %s with %d steps, want %s", ids(p.Refused), len(p.Steps), c.want)
			}
			if c.name != "nothing read" && has(p.Refused, "instead-accept") {
				t.Error("it offers to accept what a job cannot be trusted with")
			}
		})
	}
}

// TestJobsRunInTheNight puts the trouble and the accused job at every hour of the
// day, on machines and sites of several zones.
func TestJobsRunInTheNight(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("", 9*3600), time.FixedZone("", -5*3600), time.FixedZone("", 5*3600+1800)}
	for _, machine := range zones {
		for _, offset := range []int64{0, 9 * 3600, -8 * 3600} {
			for hour := range 24 {
				f, w := finding0(), world0()
				w.Loc, w.Site.UTCOffset = machine, offset
				due := time.Date(2026, 6, 2, hour, 30, 0, 0, time.UTC)
				w.Site.Events[1].NextUnixS = due.Unix()
				f.Active = diagnose.Span{From: due.Add(-day), To: due.Add(-day + 80*time.Second)}
				s := jobOf(t, plan(t, KeepItSmall(), f, w, remedy.Wishes{}))
				runs := time.Date(2026, 6, 2, s.Hour, s.Minute, 0, 0, machine)
				if d := dayTime(runs, time.UTC).apart(dayTime(due, time.UTC)); d < 60 {
					t.Errorf("%v, site %d: at %02d:%02d, %d min from the job's own %v", machine, offset, s.Hour, s.Minute, d, due)
				}
				local := runs.UTC().Add(time.Duration(offset) * time.Second).Hour()
				if offset == 0 {
					local = s.Hour
				}
				if local > 6 && local < 23 {
					t.Errorf("%v, site %d: at %d o'clock of the site", machine, offset, local)
				}
			}
		}
	}
	f, w := finding0(), world0()
	if s := jobOf(t, plan(t, KeepItSmall(), f, w, remedy.Wishes{At: "13:05"})); s.Hour != 13 || s.Minute != 5 {
		t.Errorf("a wish is not met: %02d:%02d", s.Hour, s.Minute)
	}
}

func TestJobsOfTablesHaveTheirOwnFiles(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"wp_a", "wp-a", "wp.a", "wp a", "wp/a", "表", "裏", "../../etc/passwd", strings.Repeat("x", 200), strings.Repeat("x", 201), "A", "a"} {
		got := jobName(&remedy.Table{Table: evidence.Table{Schema: "s", Name: name}})
		if was, ok := seen[got]; ok {
			t.Errorf("%q and %q have the same file %s", was, name, got)
		}
		seen[got] = name
		if strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || len(got) > 120 {
			t.Errorf("%q: cron does not read %q", name, got)
		}
	}
}

func TestMoveEvent(t *testing.T) {
	wish := remedy.Wishes{Force: []string{moveEvent}}
	f, w := finding0(), tokyo0()
	p := plan(t, KeepItSmall(), f, w, wish)
	if kindsOf(p) != "retention-job move-cron-event" {
		t.Fatalf("steps: %s", kindsOf(p))
	}
	s, j := p.Steps[1].Step.(remedy.MoveCronEvent), jobOf(t, p)
	to := time.Unix(s.To, 0).UTC()
	if s.From != w.Site.Events[1].NextUnixS || s.Hook != "aiowps_clean_old_events" || s.Schema != "wordpress" || s.Prefix != "wp_" {
		t.Errorf("got %+v", s)
	}
	if after := dayTime(to, time.UTC).apart(timeOfDay(j.Hour*60 + j.Minute)); after != afterOur {
		t.Errorf("%d min from our job", after)
	}
	if to.Before(now.Add(soonest)) || to.Sub(time.Unix(s.From, 0)).Abs() > day || !p.Settle.Due.Equal(to) {
		t.Errorf("moved to %v, settles %v", to, p.Settle.Due)
	}
	if p := plan(t, KeepItSmall(), f, w, remedy.Wishes{}); !has(p.Says, "small-can-move") || len(p.Steps) != 1 {
		t.Errorf("it is not offered: %s", ids(p.Says))
	}
	w.Site.Events[1].Schedule, w.Site.Events[1].IntervalS = "hourly", 3600
	if p := plan(t, KeepItSmall(), f, w, wish); !has(p.Says, "small-too-often") || len(p.Steps) != 1 {
		t.Errorf("an hourly job: %s", ids(p.Says))
	}
	w.Site.Events = nil
	if p := plan(t, KeepItSmall(), f, w, wish); !has(p.Says, "small-no-event") || len(p.Steps) != 1 {
		t.Errorf("no event: %s", ids(p.Says))
	}
}

func TestSoonerThanThePluginIsSaid(t *testing.T) {
	p := plan(t, KeepItSmall(), finding0(), world0(), remedy.Wishes{Keep: 30 * day})
	if !has(p.Steps[0].Says, "small-for-good-sooner") || p.Steps[0].Estimate.Risk != remedy.RiskMedium {
		t.Errorf("says %s, risk %s", ids(p.Steps[0].Says), p.Steps[0].Estimate.Risk)
	}
	p = plan(t, KeepItSmall(), finding0(), world0(), remedy.Wishes{})
	if !has(p.Steps[0].Says, "small-for-good") || p.Steps[0].Estimate.Risk != remedy.RiskLow {
		t.Errorf("says %s, risk %s", ids(p.Steps[0].Says), p.Steps[0].Estimate.Risk)
	}
}

func TestConstant(t *testing.T) {
	line := func(wish remedy.Wishes) string {
		p := plan(t, KeepItSmall(), finding0(), tokyo0(), wish)
		if len(p.Advice) != 1 || p.Advice[0].File != "/srv/www/shop/wp-config.php" {
			t.Fatalf("advice: %+v", p.Advice)
		}
		return p.Advice[0].Lines[0]
	}
	for keep, want := range map[time.Duration]string{0: "30", 14 * day: "14", 36 * time.Hour: "2", 120 * day: "120"} {
		if got := line(remedy.Wishes{Keep: keep}); got != "define( 'AIOWPSEC_PURGE_AUDIT_LOGS_AFTER_DAYS', "+want+" );" {
			t.Errorf("keep %v: %s", keep, got)
		}
	}
	f, w := finding0(), world0()
	rename(&f, &w, "wp_shop_log")
	if p := plan(t, KeepItSmall(), f, w, remedy.Wishes{}); len(p.Advice) != 0 {
		t.Errorf("a constant of nobody: %+v", p.Advice)
	}
}

func TestAJobThatIsThereIsNotPlannedAgain(t *testing.T) {
	f, w := finding0(), world0()
	job := planKeepItSmall(f, w, remedy.Wishes{}).Steps[0].Step.(remedy.RetentionJob)
	w.Host.Jobs = []string{job.Path}
	p := planKeepItSmall(f, w, remedy.Wishes{})
	if len(p.Steps) != 0 || len(p.Refused) != 0 || len(p.Says) != 1 || p.Says[0].ID != "small-there" {
		t.Errorf("got %d steps, refused %v, says %v", len(p.Steps), p.Refused, p.Says)
	}
	w.Host.Jobs = []string{job.Path + "-of-another-table"}
	if p = planKeepItSmall(f, w, remedy.Wishes{}); len(p.Steps) != 1 {
		t.Errorf("another table's job: got %d steps, want 1", len(p.Steps))
	}
}
