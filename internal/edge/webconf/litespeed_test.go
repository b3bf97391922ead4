package webconf

import (
	"strings"
	"testing"
)

func TestLiteSpeedText(t *testing.T) {
	for _, c := range []struct{ name, text, want, fault string }{
		{"values and blocks", "# x\nserverName\nuser  nobody\naccessLog $SERVER_ROOT/logs/access.log {\n keepDays 30\n}\ntuning{\n a b, c\n}\n", "servername:2 user nobody:3 accesslog $SERVER_ROOT/logs/access.log:4{keepdays 30:5} tuning:7{a b, c:8}", ""},
		{"a text of several lines", "rewrite {\n rules <<<END_rules\n RewriteRule } {\n a b\n END_rules\n}\nx 1\n", "rewrite:1{rules <<<END_rules:2} x 1:7", ""},
		{"quotes stay", "logFormat \"%h \"%r\" %>s\"\n", "logformat \"%h \"%r\" %>s\":1", ""},
		{"an open block", "a 1\nb {\n c 1\n", "a 1:1", "unexpected end"},
		{"a brace too many", "a 1\n}\nb 1\n", "a 1:1", "unexpected }"},
	} {
		ds, err := parseLiteSpeed("f", c.text)
		if got := outline(ds); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.fault)
		}
	}
}

func TestLiteSpeedIncludes(t *testing.T) {
	c, err := ReadLiteSpeed(files(t, map[string]string{"c/f": "include v/*.conf\ninclude /no\ninclude f\n", "c/v/1.conf": "a 1\n"}), "/c/f")
	if err != nil || Value(c.Directives, "a") != "1" || len(c.Faults) == 0 {
		t.Errorf("got %s, %v, %v", outline(c.Directives), c.Faults, err)
	}
}

func FuzzLiteSpeed(f *testing.F) {
	f.Add("a b {\n c <<<X\n }\n X\n}\nd{\n}")
	f.Fuzz(func(t *testing.T, text string) {
		ds, _ := parseLiteSpeed("f", text)
		lines := 1 + strings.Count(text, "\n")
		walk(ds, func(d Directive) {
			if d.Line < 1 || d.Line > lines || d.Name == "" && !d.Open {
				t.Errorf("directive %q on line %d of %d", d.Name, d.Line, lines)
			}
		})
	})
}
