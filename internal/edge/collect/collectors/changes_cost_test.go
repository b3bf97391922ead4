package collectors

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// BenchmarkChanges is a look at a site of 40 plugins with 60 files each, once a minute.
func BenchmarkChanges(b *testing.B) {
	dir := b.TempDir()
	for i := range 40 {
		at := filepath.Join(dir, fmt.Sprintf("wp-content/plugins/p%d/inc", i))
		if err := os.MkdirAll(at, 0o755); err != nil {
			b.Fatal(err)
		}
		appendTo(b, filepath.Join(filepath.Dir(at), fmt.Sprintf("p%d.php", i)), "<?php\n/*\nPlugin Name: x\nVersion: 1\n*/")
		for j := range 60 {
			appendTo(b, filepath.Join(at, fmt.Sprintf("f%d.php", j)), "<?php")
		}
	}
	appendTo(b, filepath.Join(dir, "wp-config.php"), "<?php define('DB_NAME','wp');")
	c := NewChanges(func() discover.Found {
		return discover.Found{Roots: []discover.Root{{Dir: dir, WPConfig: filepath.Join(dir, "wp-config.php")}}}
	})
	c.Root = dir
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := c.Collect(context.Background(), collect.NewBeat(time.Now(), c.Name(), func(evidence.Record) { n++ })); err != nil {
			b.Fatal(err)
		}
	}
}
