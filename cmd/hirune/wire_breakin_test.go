package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

const (
	sitePassword = "only-for-the-site"
	visitorIP    = "203.0.113.66"
)

// siteTables is what WordPress keeps of two users: a session of the owner, an
// application password of an editor, and a pingback.
func siteTables(s *mysqltest.Server, t *testing.T, now time.Time) {
	t.Helper()
	session := fmt.Sprintf(`a:1:{s:64:"%s";a:4:{s:10:"expiration";i:%d;s:2:"ip";s:%d:"%s";s:2:"ua";s:1:"x";s:5:"login";i:%d;}}`, strings.Repeat("0", 64), now.Unix()+9000, len(visitorIP), visitorIP, now.Unix()-60)
	key := fmt.Sprintf(`a:1:{i:0;a:7:{s:4:"uuid";s:1:"u";s:6:"app_id";s:0:"";s:4:"name";s:5:"phone";s:8:"password";s:3:"$P$";s:7:"created";i:%d;s:9:"last_used";i:%d;s:7:"last_ip";s:12:"198.51.100.7";}}`, now.Unix()-90000, now.Unix()-900)
	s.Exec(t, "CREATE DATABASE shop",
		"CREATE TABLE shop.wp_users (ID bigint PRIMARY KEY, user_login varchar(60), user_registered datetime)",
		"CREATE TABLE shop.wp_usermeta (umeta_id bigint AUTO_INCREMENT PRIMARY KEY, user_id bigint, meta_key varchar(255), meta_value longtext, KEY user_id (user_id), KEY meta_key (meta_key(191)))",
		"CREATE TABLE shop.wp_options (option_id bigint AUTO_INCREMENT PRIMARY KEY, option_name varchar(191), option_value longtext, UNIQUE KEY option_name (option_name))",
		"CREATE TABLE shop.wp_comments (comment_ID bigint PRIMARY KEY, comment_date_gmt datetime, comment_type varchar(20), comment_approved varchar(20), KEY comment_date_gmt (comment_date_gmt))",
		"INSERT INTO shop.wp_users VALUES (1,'owner','2020-01-01 00:00:00'),(2,'hana','2020-01-01 00:00:00')",
		`INSERT INTO shop.wp_usermeta (user_id,meta_key,meta_value) VALUES (1,'wp_capabilities','a:1:{s:13:"administrator";b:1;}'),(1,'session_tokens','`+session+`'),(2,'_application_passwords','`+key+`')`,
		"INSERT INTO shop.wp_comments VALUES (1,UTC_TIMESTAMP(),'pingback','1')",
		"CREATE USER wp@localhost IDENTIFIED BY '"+sitePassword+"'", "GRANT ALL ON shop.* TO wp@localhost")
}

// siteOfHost is a host with one WordPress, found as discovery would find it.
func siteOfHost(t *testing.T, s *mysqltest.Server, password string) (*app, *eyes, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"wp-config.php":                "<?php define('DB_NAME','shop'); define('DB_USER','wp'); define('DB_PASSWORD','" + password + "'); define('DB_HOST','localhost:" + s.Socket + "');",
		"wp-includes/version.php":      "<?php $wp_version = '6.1.9';",
		"wp-content/uploads/shell.php": "<?php @eval($_POST['x']);",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := &eyes{watch: &watch{}}
	e.latest.Store(&discover.Found{
		Roots:     []discover.Root{{Dir: "/nowhere"}, {Dir: dir, WPConfig: filepath.Join(dir, "wp-config.php"), Host: "shop.example"}},
		Databases: []discover.Database{{Instance: "mariadbd", Flavour: mysql.MariaDB, Socket: s.Socket}},
	})
	return &app{now: time.Now, env: func(string) string { return "" }, euid: 1000}, e, dir
}

func TestSitesForBreakIn(t *testing.T) {
	s := mysqltest.Start(t)
	siteTables(s, t, time.Now())
	a, e, _ := siteOfHost(t, s, sitePassword)
	p := attack.Picture{Clues: []attack.Clue{{Path: "/wp-content/uploads/shell.php"}, {Path: "/wp-content/uploads/shell.php"}}}
	got := a.sitesForBreakIn(t.Context(), e, nil, p)
	if len(got) != 1 || len(got[0].Unseen) != 0 || got[0].Name != "shop.example" || got[0].Version != "6.1.9" {
		t.Fatalf("got %+v", got)
	}
	in := got[0]
	if len(in.Sessions) != 1 || in.Sessions[0].Client != netip.MustParseAddr(visitorIP) || !in.Sessions[0].IsAdmin || len(in.Keys) != 1 || len(in.Admins) != 1 || len(in.Pings) != 1 {
		t.Errorf("got %+v", in)
	}
	if len(in.Files) != 2 || in.Files[0].Why != attack.WhyAsked || in.Files[1].Why != attack.WhyUploads || in.Files[1].Does != attack.DoesCommands {
		t.Errorf("files: %+v", in.Files)
	}
}

func TestASiteThatCannotBeAsked(t *testing.T) {
	s := mysqltest.Start(t)
	siteTables(s, t, time.Now())
	a, e, _ := siteOfHost(t, s, sitePassword)
	s.Stop()
	got := a.sitesForBreakIn(t.Context(), e, nil, attack.Picture{})
	seen := map[string]bool{}
	for _, u := range got[0].Unseen {
		seen[u.Source] = true
		if strings.Contains(u.Why, sitePassword) {
			t.Errorf("a password is told: %s", u.Why)
		}
	}
	for _, source := range []string{"sessions", "application-passwords", "admins", "audit-log"} {
		if !seen[source] {
			t.Errorf("%s: it is not said that it was not seen: %+v", source, got[0].Unseen)
		}
	}
	if len(got[0].Files) != 1 {
		t.Errorf("the files are not looked at: %+v", got[0].Files)
	}
}

// TestOnlyRead holds that the connection changes nothing, though its account may.
func TestOnlyRead(t *testing.T) {
	s := mysqltest.Start(t)
	siteTables(s, t, time.Now())
	hand, err := mysql.OpenHand(t.Context(), mysql.Target{Socket: s.Socket}, []mysql.Credential{{User: "wp", Password: sitePassword, From: "test"}}, insideFor, onlyRead...)
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close()
	if _, err := hand.Exec(t.Context(), "DELETE FROM shop.wp_users"); err == nil {
		t.Error("rows were deleted over a connection that only reads")
	}
	if _, err := hand.Named(t.Context(), "SELECT SLEEP(15) AS s FROM shop.wp_users"); err == nil {
		t.Error("a slow statement is not given up")
	}
}

func TestSiteCallers(t *testing.T) {
	s := mysqltest.Start(t)
	siteTables(s, t, time.Now())
	a, e, dir := siteOfHost(t, s, sitePassword)
	h := &hands{a: a, eyes: e}
	root := discover.Root{Dir: dir, WPConfig: filepath.Join(dir, "wp-config.php"), Host: "shop.example"}
	c := remedy.Callers{Days: 30, Requests: 100}
	if err := h.siteCallers(t.Context(), root, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Rightly) != 2 || c.Rightly[0].ID != "application-password" || c.Rightly[0].Address != "198.51.100.7" || c.Rightly[1].ID != "pingback" {
		t.Errorf("got %+v", c.Rightly)
	}
	root.WPConfig = filepath.Join(dir, "nowhere.php")
	if err := h.siteCallers(t.Context(), root, &c); err == nil {
		t.Error("a site that cannot be read is not told")
	}
}
