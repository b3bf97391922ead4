package errorlog

import "testing"

func TestFile(t *testing.T) {
	for line, want := range map[string]string{
		`PHP Fatal error:  Uncaught Error: Call to undefined function a_b() in /srv/www/wp-content/plugins/slots/inc/db.php:12`:                                                    "plugins/slots/inc/db.php",
		`PHP Parse error:  syntax error, unexpected token "}" in /srv/wp-content/x/wp-content/themes/paper/functions.php on line 3`:                                                "themes/paper/functions.php",
		`AH01071: Got error 'PHP message: PHP Fatal error:  Uncaught Error: no in /srv/www/wp-content/mu-plugins/one.php:7\nStack trace:\n#0 /srv/www/wp-content/plugins/b/b.php'`: "mu-plugins/one.php",
		`PHP Fatal error:  Uncaught TypeError: call_user_func_array() in /srv/www/wp-includes/class-wp-hook.php:310`:                                                               "wp-includes/class-wp-hook.php",
		`PHP Parse error:  syntax error in /srv/www/wp-config.php on line 30`:                                                                                                      "wp-config.php",
		`PHP Fatal error:  x in /a b/c.php on line 1`:   "",
		`PHP Fatal error:  found in /etc/passwd`:        "",
		`PHP Fatal error:  x in /srv/a.php.bak:3`:       "",
		`Too many connections`:                          "",
		"in /srv/wp-content/plugins/x\x1b[31m/y.php:1":  "",
		" in /srv/wp-content/plugins/x\x1b[31m/y.php:1": `plugins/x\x1b[31m/y.php`,
	} {
		if got := File([]byte(line)); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", line, got, want)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, s := range samples(f) {
		f.Add([]byte(s.line))
	}
	f.Add([]byte(" in /wp-content/ in /.php:1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if got := File(line); len(got) > fileMost || got != printable([]byte(got)) && len(got) < MessageMost {
			t.Errorf("%q: got %q", line, got)
		}
	})
}
