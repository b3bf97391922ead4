package remedies

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

var tokyo = time.FixedZone("JST", 9*3600)

// TestCutoffs: the literal is what the server compares with, so it has to be right
// to the second in the column's own form and zone.
func TestCutoffs(t *testing.T) {
	type change func(*diagnose.Finding, *remedy.World, *remedy.Wishes)
	unix := func(at time.Time) string { return time.Unix(at.Unix(), 0).UTC().Format(time.DateTime) }
	column := func(typ string) change {
		return func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			datetime(f, w)
			w.Table.Columns[1].Type = typ
		}
	}
	and := func(cs ...change) change {
		return func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			for _, c := range cs {
				c(f, w, wish)
			}
		}
	}
	keep := func(d time.Duration) change {
		return func(_ *diagnose.Finding, _ *remedy.World, wish *remedy.Wishes) { wish.Keep = d }
	}
	west := func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Site.UTCOffset = -5 * 3600 }
	east := func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Site.UTCOffset, w.Loc = 9*3600, tokyo }
	for _, c := range []struct {
		name, want string
		date       bool
		change     change
	}{
		{"unix seconds, the plugin's own", "1772551800", false, and()},
		{"bigint seconds", "1772551800", false, column("bigint")},
		{"milliseconds", "1772551800000", false, and(column("bigint"), func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Table.Millis = true })},
		{"milliseconds of another column", "1772551800", false, and(column("bigint"), func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Table.Millis, w.Table.Growth.Column = true, "touched_ms"
		})},
		{"datetime: the statement's own text", unix(cutoff0), true, column("datetime")},
		{"datetime: of whatever zone", unix(cutoff0), true, and(column("datetime"), east)},
		{"timestamp", unix(cutoff0), true, column("timestamp")},
		{"timestamp: the session's zone may be ahead of ours", "2026-03-03 06:30:00", true, and(column("timestamp"), east)},
		{"timestamp: or behind", "2026-03-03 10:30:00", true, and(column("timestamp"), west)},
		{"date", cutoff0.Format(time.DateOnly), true, column("date")},
		{"kept 30 days", "1777737600", false, keep(30 * day)},
		{"kept a minute: an hour at least", "1780326000", false, keep(time.Minute)},
		{"kept an hour", "1780326000", false, keep(time.Hour)},
		{"kept in a zone behind UTC: the most is kept", "2026-05-02 11:00:00", true, and(column("datetime"), keep(30*day), west)},
		{"kept in a zone ahead of UTC: it may be UTC after all", "2026-05-02 16:00:00", true, and(column("datetime"), keep(30*day), east)},
		{"kept, in a date", "2026-05-02", true, and(column("date"), keep(30*day))},
		{"the catalogue's 90 days", "1772553600", false, func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) { f.Statement = nil }},
		{"the catalogue's, in UTC", "2026-05-01 16:00:00", true, and(west, func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			w.Table.Name, f.Statement = "wp_actionscheduler_actions", nil
			w.Table.Columns = append(w.Table.Columns, remedy.Column{Name: "last_attempt_gmt", Type: "datetime"}, remedy.Column{Name: "status", Type: "varchar"})
			wish.Force = []string{"orphans"}
		})},
		{"what expires: an hour ago", "1780326000", false, func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Table.Name, f.Statement = "wp_woocommerce_sessions", nil
			w.Table.Columns = append(w.Table.Columns, remedy.Column{Name: "session_expiry", Type: "bigint"})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w, wish := finding0(), world0(), remedy.Wishes{}
			c.change(&f, &w, &wish)
			d := chunksOf(t, plan(t, Purge(), f, w, wish)).Doomed
			if d.Literal != c.want || d.Date != c.date {
				t.Errorf("got %q (date %v), want %q (%v)", d.Literal, d.Date, c.want, c.date)
			}
		})
	}
}

// TestNoRowYoungerThanKept checks for every zone on earth that a row which is
// younger than what is to be kept is never before the literal.
func TestNoRowYoungerThanKept(t *testing.T) {
	for offset := int64(-12 * 3600); offset <= 14*3600; offset += 1800 {
		f, w := finding0(), world0()
		datetime(&f, &w)
		w.Site.UTCOffset = offset
		d := chunksOf(t, plan(t, Purge(), f, w, remedy.Wishes{Keep: 30 * day})).Doomed
		for _, written := range []int64{0, offset} { // WordPress writes UTC and local times
			young := now.Add(-30*day + time.Second).Add(time.Duration(written) * time.Second).Format(time.DateTime)
			if young < d.Literal {
				t.Errorf("site at UTC%+d: a row of %s is doomed by %s", offset/3600, young, d.Literal)
			}
		}
	}
}

// TestAlsoComesAlong: the catalogue's condition must reach the statement.
func TestAlsoComesAlong(t *testing.T) {
	f, w := finding0(), world0()
	w.Table.Name, f.Statement = "wp_actionscheduler_actions", nil
	w.Table.Columns = append(w.Table.Columns, remedy.Column{Name: "last_attempt_gmt", Type: "datetime"}, remedy.Column{Name: "status", Type: "varchar"})
	p := plan(t, Purge(), f, w, remedy.Wishes{Force: []string{"orphans"}})
	want := "`last_attempt_gmt` < '2026-05-01 16:00:00' AND `status` IN ('complete', 'canceled')"
	if got := chunksOf(t, p).Doomed.SQL(); got != want || !has(p.Says, "purge-only") {
		t.Errorf("got %s, want %s; says %s", got, want, ids(p.Says))
	}
}

func TestBareNames(t *testing.T) {
	for _, c := range []struct{ table, prefix, want string }{
		{"wp_aiowps_audit_log", "wp_", "aiowps_audit_log"},
		{"WP_Posts", "wp_", "posts"},
		{"wp_2_comments", "wp_", "comments"},
		{"wp_404_log", "wp_", "log"},
		{"shop_user_log", "shop_user_", "log"},
		{"other_posts", "wp_", "other_posts"},
		{"aiowps_audit_log", "", "audit_log"},
		{"xyz_aiowps_audit_log", "", "aiowps_audit_log"},
		{"log", "", "log"},
		{"", "wp_", ""},
	} {
		if got := bareName(c.table, c.prefix); got != c.want {
			t.Errorf("%q without %q: got %q, want %q", c.table, c.prefix, got, c.want)
		}
	}
}

func TestCoreAndPreciousNames(t *testing.T) {
	for name, want := range map[string]string{
		"wp_posts": "core", "wp_3_postmeta": "core", "wp_usermeta": "core", "wp_options": "core", "posts": "core",
		"wp_wc_order_stats": "order", "wp_preorders_log": "", "wp_recorder_log": "", "wp_user_activity": "user", "wp_gdpr": "gdpr", "wp_action_queue": "queue",
		"wp_yet_posts": "posts", "wp_postman_log": "", "wp_aiowps_audit_log": "", "wp_bookings": "booking", "wp_jobs": "jobs",
	} {
		b := bareName(name, "wp_")
		got := preciousWord(b)
		if isCore(name, b) {
			got = "core"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestCatalogueHolds: each entry is reachable by its own name and not core.
func TestCatalogueHolds(t *testing.T) {
	if len(catalogue) == 0 {
		t.Fatal("the catalogue is empty")
	}
	seen := map[string]bool{}
	for _, k := range catalogue {
		got, ok := lookUp(bareName("wp_"+k.table, "wp_"))
		if !ok || got.table != k.table || seen[k.table] {
			t.Errorf("%s: not found by its name, or twice", k.table)
		}
		seen[k.table] = true
		if isCore("wp_"+k.table, k.table) || k.plugin == "" {
			t.Errorf("%s: core, or without a plugin", k.table)
		}
		if k.column == "" && (k.retention > 0 || len(k.also) > 0 || k.expires) {
			t.Errorf("%s is never to be purged and has a retention or a condition", k.table)
		}
		for _, child := range k.children {
			if c, ok := lookUp(child); !ok || c.column != "" {
				t.Errorf("%s: its child %s may be purged by itself, or is not in the catalogue", k.table, child)
			}
		}
	}
}
