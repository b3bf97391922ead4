package main

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hirune/internal/edge/discover"
	"hirune/internal/edge/protect"
)

// Nobody is banned by the recorder while it does not know who is an administrator:
// those whom it has seen of late will do.
func TestTheGuardKnowsTheAdministrators(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	conf := filepath.Join(dir, "wp-config.php")
	if err := os.WriteFile(conf, []byte("<?php\ndefine('DB_NAME','x'); define('DB_USER','x'); define('DB_PASSWORD','x'); define('DB_HOST','127.0.0.1:1');\n$table_prefix='wp_';\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{out: io.Discard, err: io.Discard, now: func() time.Time { return now }, env: func(string) string { return "" }}
	g := &guard{a: a}
	look := func(roots ...discover.Root) (*blockade, bool) {
		w := &blockade{a: a, found: &discover.Found{Roots: roots}, host: protect.Host{}}
		return w, g.adminsKnown(t.Context(), w)
	}
	dead := discover.Root{Dir: dir, WPConfig: conf}
	if _, known := look(dead); known {
		t.Error("a site whose database does not answer: the administrators are taken to be known")
	}
	if _, known := look(); !known {
		t.Error("no site at all: there is nobody to know")
	}
	admin := netip.MustParseAddr("203.0.113.9")
	g.admins = []netip.Addr{admin}
	if w, known := look(dead); !known || !slices.Contains(w.host.Admins, admin) {
		t.Errorf("known %v, protected %v: want those of the last round", known, w.host.Admins)
	}
	now = now.Add(adminsFresh)
	if _, known := look(dead); known {
		t.Error("those of yesterday are taken for those of today")
	}
}
