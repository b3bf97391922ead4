package mysql

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFindCredentials(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"/etc/passwd":                       "root:x:0:0::/root:/bin/sh\nhana:x:1000:1000::/home/hana:/bin/sh\n",
		"/root/.my.cnf":                     "[mysqldump]\npassword=no\n[client]\npassword = \"a#b\\\\c\" \n",
		"/home/hana/.my.cnf":                "[client]\nuser=hana\npassword=h@na # mine\n",
		"/home/bitnami/bitnami_credentials": "Welcome to the Bitnami package\n\nThe default username and password is 'user' and 'b1tnami'.\n",
		"/etc/mysql/debian.cnf":             "[client]\nhost = localhost\nuser = debian-sys-maint\npassword = dsm\n",
		"/srv/site/wp-config.php": `<?php
// define('DB_USER', 'commented');
/* define('DB_PASSWORD', 'commented'); */ # define('DB_NAME', 'x');
define( "DB_NAME", 'shop' );
Define('DB_USER','wp');
define('DB_PASSWORD', 'it\'s "x" \\ $y');
define('DB_HOST', getenv('H'));
`,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, notes := FindCredentials(Places{Root: dir, UID: 0, SudoUser: "hana", WPConfigs: []string{"/srv/site/wp-config.php", "/srv/none/wp-config.php"}})
	want := []Credential{
		{"root", "", "", "UNIX socket"},
		{"root", `a#b\c`, "", "/root/.my.cnf"},
		{"hana", "h@na", "", "/home/hana/.my.cnf"},
		{"root", "b1tnami", "", "/home/bitnami/bitnami_credentials"},
		{"debian-sys-maint", "dsm", "", "/etc/mysql/debian.cnf"},
		{"wp", `it's "x" \ $y`, "shop", "/srv/site/wp-config.php"},
	}
	if !reflect.DeepEqual(got, want) || len(notes) != 0 {
		t.Errorf("got\n%v\nwant\n%v\nnotes %v", dump(got), dump(want), notes)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", got[1], got[1], got[1], got); strings.Contains(s, "a#b") || strings.Contains(s, "dsm") {
		t.Errorf("a password is printed: %s", s)
	}
	if got, _ := FindCredentials(Places{Root: t.TempDir(), UID: 1000}); len(got) != 0 {
		t.Errorf("without root and files: %v", got)
	}
}

func dump(cs []Credential) string {
	var b strings.Builder
	for _, c := range cs {
		fmt.Fprintf(&b, "%q %q %q %q\n", c.User, c.Password, c.Schema, c.From)
	}
	return b.String()
}

func FuzzCredentialFiles(f *testing.F) {
	for _, s := range []string{"", "[client]\nuser=a\npassword='", "<?php define('DB_USER', 'a", "define(", "password is 'a' and 'b'.", "/*", "define(\"DB_NAME\",\"\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) Credential{
			func(s string) Credential { return optionCredential(strings.NewReader(s)) },
			func(s string) Credential { return readWPConfig(strings.NewReader(s)) },
			func(s string) Credential { return bitnamiCredential(strings.NewReader(s)) },
			func(s string) Credential { return passwordCredential(strings.NewReader(s)) },
		} {
			if c := parse(s); len(c.Password) > len(s) || len(c.User) > max(len(s), 4) {
				t.Errorf("%q gives %d bytes of password", s, len(c.Password))
			}
		}
	})
}

func TestAccountIsQuoted(t *testing.T) {
	for in, want := range map[string]string{"wp@localhost": "'wp'@'localhost'", "a'b@%": "'a''b'@'%'", "a@b@h": "'a@b'@'h'"} {
		if got := account(in); got != want {
			t.Errorf("account(%q): got %s, want %s", in, got, want)
		}
	}
}

func TestDeleteAsSelect(t *testing.T) {
	for in, want := range map[string]string{
		"DELETE FROM t WHERE a < 1":              "SELECT * FROM t WHERE a < 1",
		" delete  quick from\n`s`.`t` where a=1": "SELECT * FROM `s`.`t` where a=1",
		"DELETE a FROM t a WHERE a.x = 1":        "",
		"DELETE FROM t":                          "",
		"DELETE FROM a USING t AS a WHERE a.x=1": "",
	} {
		if got, ok := asSelect(in); got != want || ok != (want != "") {
			t.Errorf("asSelect(%q): got %q, want %q", in, got, want)
		}
	}
}
