package tape

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

// A change lies days before it is noticed: it must not stretch what was recorded,
// must be told once however often the recorder starts, and keep its names in an export.
func TestChangesAreKeptApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	plugin := evidence.Change{What: evidence.ChangePlugin, Name: "slot-keeper", Site: "shop.example", From: "1.4.0", To: "1.5.0", Verb: "updated", How: "mtime"}
	config := evidence.Change{What: evidence.ChangeConfig, Name: "/home/alice/site/wp-config.php", Site: "shop.example", Verb: "edited", How: "mtime"}
	week := t0.Add(-7 * 24 * time.Hour)
	for start := range 2 {
		w, err := OpenWriter(path, Options{Now: t0.Add(time.Duration(start) * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		now := t0.Add(time.Duration(start) * time.Hour)
		_ = w.Append([]evidence.Record{{At: week, Source: "changes", Fact: plugin}, {At: week.Add(time.Hour), Source: "changes", Fact: config}, {At: now, Source: "host", Fact: evidence.Host{CPUs: 2}}})
		if err := w.Commit(now); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if span, err := r.Span(); err != nil || !span.From.Equal(t0) {
		t.Errorf("got a recording from %s, %v; want from %s", span.From, err, t0)
	}
	changes := func(r *Reader) (out []evidence.Change) {
		rs, _, err := r.History()
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range rs {
			if c, ok := rec.Fact.(evidence.Change); ok {
				out = append(out, c)
			}
		}
		return out
	}
	if got := changes(r); len(got) != 2 || got[0] != plugin {
		t.Errorf("got %+v, want each change once", got)
	}
	var b bytes.Buffer
	if _, err := Export(r, &b, t0, t0.Add(2*time.Hour), ExportOptions{Now: t0}); err != nil {
		t.Fatal(err)
	}
	e, err := OpenBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	got := changes(e)
	if len(got) != 2 || got[0].Name != plugin.Name || got[0].Site == plugin.Site || bytes.Contains([]byte(got[1].Name), []byte("alice")) || filepath.Base(got[1].Name) != "wp-config.php" {
		t.Errorf("exported: got %+v; want the plugin's name kept, site and folders replaced", got)
	}
}
