package collectors

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/wordpress"
)

// sizedDB is a site's database that can measure its options.
type sizedDB struct {
	fakeDB
	use   evidence.OptionUse
	fault error
	asked int
}

func (f *sizedDB) Options(context.Context, string, string) (evidence.OptionUse, error) {
	f.asked++
	return f.use, f.fault
}

func TestWordPressOptions(t *testing.T) {
	dir := wpSiteDir(t)
	db := &sizedDB{fakeDB: fakeDB{options: map[string]string{"cron": cronOption}}}
	db.use = evidence.OptionUse{Table: "shop_options", AutoloadBytes: 5 << 20, Largest: []evidence.OptionBytes{{Name: "audit_rows_seen", Bytes: 4 << 20}, {Name: "cron", Bytes: 900}, {Name: "a\x1b[1m", Bytes: 9}}}
	w := NewWordPress(func() discover.Found {
		return discover.Found{Roots: []discover.Root{{Dir: dir, WPConfig: filepath.Join(dir, "wp-config.php"), Host: "shop.example"}}}
	}, func(wordpress.Site) wordpress.Querier { return db })
	rs, err := beatOf(t, w, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := factsOf[evidence.OptionUse](rs)
	if len(got) != 1 || got[0].Site != "shop.example" || got[0].AutoloadBytes != 5<<20 {
		t.Fatalf("got %+v", got)
	}
	if want := "[{audit_rows_seen 4194304 audit} {cron 900 core} {a?[1m 9 }]"; fmt.Sprint(got[0].Largest) != want {
		t.Errorf("got %v, want %s", got[0].Largest, want)
	}
	if rs, _ = beatOf(t, w, 30); db.asked != 1 {
		t.Errorf("after 30 s: asked %d times, got %+v", db.asked, rs)
	}
	db.fault = hint.Wrap(fmt.Errorf("40 GB: %w", evidence.ErrAbsent), mysql.CodeOptionsLarge, "look at it at a quiet hour")
	if rs, _ = beatOf(t, w, 60); db.asked != 2 || len(factsOf[evidence.Unseen](rs)) != 1 || factsOf[evidence.Unseen](rs)[0].Hint == "" {
		t.Errorf("too large: asked %d times, got %+v", db.asked, rs)
	}
	if rs, _ = beatOf(t, w, 120); db.asked != 2 {
		t.Errorf("a minute after a failure: asked %d times, got %+v", db.asked, rs)
	}
	db.fault = nil
	if rs, _ = beatOf(t, w, 660); db.asked != 3 || len(factsOf[evidence.OptionUse](rs)) != 1 || !factsOf[evidence.Unseen](rs)[0].Seen {
		t.Errorf("ten minutes after: asked %d times, got %+v", db.asked, rs)
	}
}

func TestOftenSeenStatementsAreLookedInto(t *testing.T) {
	var o often
	run := func(digest, verb string) mysql.Running {
		return mysql.Running{Statement: evidence.Statement{Digest: digest, Verb: verb, RunningMs: 200}}
	}
	at := time.Unix(1_795_361_400, 0)
	for i := range 3 {
		o.count(at.Add(time.Duration(i)*time.Second), []mysql.Running{run("a", "SELECT"), run("a", "SELECT"), run("b", "SELECT"), run("c", "INSERT"), run("", "SELECT")})
	}
	for digest, want := range map[string]bool{"a": true, "b": false, "c": false, "": false} {
		if got := o.ran(run(digest, "SELECT")); got != want {
			t.Errorf("%q: got %v, want %v", digest, got, want)
		}
	}
	if o.count(at.Add(30*time.Second), []mysql.Running{run("a", "SELECT")}); o.ran(run("a", "SELECT")) {
		t.Error("what was seen half a minute ago counts still")
	}
}
