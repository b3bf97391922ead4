package discover

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFindsOnFixtures looks at trees of /proc and /etc. debian-12 was captured
// from private daemons on Debian 12; debian-12-stock has the configuration that
// its packages apache2 and nginx install, with a site and a proxy added; the
// others are made by hand after the layouts of their systems.
func TestFindsOnFixtures(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*/proc")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, d := range dirs {
		root := filepath.Dir(d)
		t.Run(filepath.Base(root), func(t *testing.T) {
			found, err := (&Finder{Root: root}).Find(context.Background(), time.Unix(0, 0).UTC())
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(found, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			golden := root + ".json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got)+"\n" != string(want) {
				t.Errorf("got %s\nwant %s\nrefresh with: go test ./internal/edge/discover -run Fixtures -update", got, want)
			}
		})
	}
}
