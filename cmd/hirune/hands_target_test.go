package main

import (
	"os"
	"path/filepath"
	"testing"

	"hirune/internal/core/hint"
	"hirune/internal/edge/discover"
)

// wpRoot is a site's folder whose configuration names a database.
func wpRoot(t *testing.T, schema, host string) discover.Root {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "wp-config.php")
	text := "<?php\ndefine('DB_NAME', '" + schema + "');\ndefine('DB_USER', 'u');\ndefine('DB_PASSWORD', 'p');\ndefine('DB_HOST', '" + host + "');\n$table_prefix = 'wp_';\n"
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return discover.Root{Dir: dir, WPConfig: path}
}

// TestTwoServersWithOneSchemaAreNotGuessedBetween: a plan made for one server
// must not be carried out on the other.
func TestTwoServersWithOneSchemaAreNotGuessedBetween(t *testing.T) {
	one := discover.Database{Instance: "mariadbd:3306", Address: "127.0.0.1:3306"}
	two := discover.Database{Instance: "mariadbd:3307", Address: "127.0.0.1:3307"}
	both := []discover.Database{one, two}
	for name, tc := range map[string]struct {
		found  discover.Found
		schema string
		want   string // instance; "" : refused
	}{
		"each its own schema":       {discover.Found{Databases: both, Roots: []discover.Root{wpRoot(t, "a", "127.0.0.1:3306"), wpRoot(t, "b", "127.0.0.1:3307")}}, "b", two.Instance},
		"one schema on both":        {discover.Found{Databases: both, Roots: []discover.Root{wpRoot(t, "wp", "127.0.0.1:3306"), wpRoot(t, "wp", "127.0.0.1:3307")}}, "wp", ""},
		"no schema, two servers":    {discover.Found{Databases: both, Roots: []discover.Root{wpRoot(t, "a", "127.0.0.1:3306"), wpRoot(t, "b", "127.0.0.1:3307")}}, "", ""},
		"two sites of one database": {discover.Found{Databases: both, Roots: []discover.Root{wpRoot(t, "a", "127.0.0.1:3307"), wpRoot(t, "a", "127.0.0.1:3307")}}, "a", two.Instance},
		"no schema, one server":     {discover.Found{Databases: both[:1], Roots: []discover.Root{wpRoot(t, "a", "127.0.0.1:3306")}}, "", one.Instance},
		"an unknown schema":         {discover.Found{Databases: both, Roots: []discover.Root{wpRoot(t, "a", "127.0.0.1:3306")}}, "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := targetIn(&tc.found, tc.schema)
			if got.Instance != tc.want || (err != nil) != (tc.want == "") || err != nil && hint.Of(err) == "" {
				t.Errorf("got %q, %v; want %q", got.Instance, err, tc.want)
			}
		})
	}
}
