package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"hirune/internal/edge/discover"
	"hirune/internal/edge/wordpress"
)

func TestADatabaseThatASiteNeedsAndNobodyRunsIsMissed(t *testing.T) {
	dir := t.TempDir()
	socket, config := filepath.Join(dir, "db.sock"), filepath.Join(dir, "wp-config.php")
	text := "<?php define('DB_NAME','wp'); define('DB_USER','u'); define('DB_PASSWORD','secret'); define('DB_HOST','localhost:" + socket + "'); $table_prefix='wp_';"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found := &discover.Found{Roots: []discover.Root{{Dir: dir, WPConfig: config}, {Dir: dir, WPConfig: config}, {Dir: "/none"}}}
	got := missingDatabases(found)
	if len(got) != 1 || got[0].Service != "database" || got[0].Instance != socket {
		t.Fatalf("got %+v, want one missing database at %s", got, socket)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := missingDatabases(found); len(got) != 0 {
		t.Errorf("got %+v, want none: the socket answers", got)
	}
}

func TestDatabaseOfASite(t *testing.T) {
	one := &discover.Found{Databases: []discover.Database{{Instance: "a", Socket: "/run/a", Address: "127.0.0.1:3306"}}}
	two := &discover.Found{Databases: append(one.Databases, discover.Database{Instance: "b", Socket: "/run/b", Address: "127.0.0.1:3307"})}
	cases := []struct {
		name                      string
		config                    wordpress.Config
		found                     *discover.Found
		instance, socket, address string
	}{
		{"by its socket", wordpress.Config{Socket: "/run/b"}, two, "b", "/run/b", "127.0.0.1:3307"},
		{"by its port", wordpress.Config{Host: "127.0.0.1", Port: 3307}, two, "b", "/run/b", "127.0.0.1:3307"},
		{"by the usual port", wordpress.Config{Host: "localhost"}, two, "a", "/run/a", "127.0.0.1:3306"},
		{"the only one there is", wordpress.Config{}, one, "a", "/run/a", "127.0.0.1:3306"},
		{"the usual socket", wordpress.Config{}, two, "site", defaultSocket, ""},
		{"on another host", wordpress.Config{Host: "db.example", Port: 3307}, two, "site", "", "db.example:3307"},
		{"not here", wordpress.Config{Socket: "/run/c"}, two, "site", "/run/c", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := databaseOf(wordpress.Site{Name: "site", Config: c.config}, c.found)
			if got.Instance != c.instance || got.Socket != c.socket || got.Address != c.address {
				t.Errorf("got %+v, want %s %s %s", got, c.instance, c.socket, c.address)
			}
		})
	}
}

func TestAccountsOfTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := accounts(discover.Config{Databases: []discover.DatabaseConfig{{Socket: "/run/a", User: "hirune", PasswordFile: file}, {Socket: "/run/b"}}})
	if err != nil || len(got) != 1 || got[0].User != "hirune" || got[0].Password != "s3cret" {
		t.Errorf("got %v, error %v; want the account hirune with its password", got, err)
	}
	if _, err := accounts(discover.Config{Databases: []discover.DatabaseConfig{{User: "x", PasswordFile: file + ".gone"}}}); err == nil {
		t.Error("got no error for a password file that is gone")
	}
}
