package webconf

import (
	"slices"
	"strings"
	"testing"
)

func TestNginxText(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		fault            string
	}{
		{"words", `a "b c" 'd\'e' f\;g ${h}i; # no`, `a b c d'e f\;g ${h}i:1`, ""},
		{"escapes", `a \.php$ "\t|\"|\\|\d" \\x;`, "a \\.php$ \t|\"|\\|\\d \\x:1", ""},
		{"a quote or a sharp inside a word", `a b"c d"e#f;`, `a b"c d"e#f:1`, ""},
		{"blocks", "b x { y 1; z { }\n}\nc;", "b x:1{y 1:1 z:1{}} c:3", ""},
		{"lines of long words", "a 'x\ny';\nb;", "a x\ny:1 b:3", ""},
		{"a program in another language", "x_by_lua_block { t = {}\n} b;", "x_by_lua_block:1{} b:2", ""},
		{"a brace in a program's text ends it", `x_by_lua_block { return "}" end } z 2;`, "x_by_lua_block:1{}", "unexpected"},
		{"an open block", "a { b", "a:1{}", "unexpected end"},
		{"a brace too many", "a; }", "a:1", "unexpected }"},
		{"an open quote", "a 'b;", "", "unexpected end"},
		{"nested without end", strings.Repeat("a {", 60), "", "nested too deep"},
		{"a byte order mark's worth of nothing", "", "", ""},
	} {
		ds, err := parseNginx("f", c.text)
		if got := outline(ds); c.fault != "nested too deep" && got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.fault)
		}
	}
}

func TestNginxFirstOfTheLine(t *testing.T) {
	ds, err := parseNginx("f", "a; b;\n  c {\n\td; }\n")
	var first []string
	walk(ds, func(d Directive) {
		if d.First {
			first = append(first, d.Name)
		}
	})
	if err != nil || !slices.Equal(first, []string{"a", "c", "d"}) {
		t.Errorf("got %q, %v", first, err)
	}
}

func TestNginxIncludes(t *testing.T) {
	tree := files(t, map[string]string{
		"etc/n.conf":      "http {\n include s/*.conf;\n include /no;\n server { include ../more; root /a; }\n}\ninclude n.conf;\n",
		"etc/s/1.conf":    "server { root /b; }",
		"etc/s/2.conf":    "server { root",
		"etc/s/.3.conf":   "server { root /d; }",
		"more":            "root /c; index x;",
		"etc/s/ignored.c": "server { root /e; }",
	})
	c, err := ReadNginx(tree, "/etc/n.conf")
	if err != nil {
		t.Fatal(err)
	}
	http := Named(c.Directives, "http")
	if len(http) == 0 {
		t.Fatalf("got %s", outline(c.Directives))
	}
	var roots []string
	for _, s := range Named(http[0].Block, "server") {
		roots = append(roots, Value(s.Block, "root"))
	}
	if !slices.Equal(roots, []string{"/b", "", "/a"}) || len(Named(http[0].Block, "include")) != 0 {
		t.Errorf("got roots %q", roots)
	}
	if len(c.Faults) < 2 || !strings.Contains(c.Faults[0].Error(), "/etc/s/2.conf: line 1") || !strings.Contains(c.Faults[1].Error(), "/no") {
		t.Errorf("got faults %v", c.Faults)
	}
	if _, err := ReadNginx(tree, "/etc/s/2.conf"); err == nil {
		t.Error("a main file that breaks off is no error")
	}
}

func TestNginxArgs(t *testing.T) {
	for title, want := range map[string][]string{
		"nginx: master process nginx -c /x -g daemon off;": {"nginx", "-c", "/x", "-g", "daemon", "off;"},
		"nginx: worker process":                            nil,
	} {
		if got := NginxArgs([]string{title}); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", title, got, want)
		}
	}
	if got := NginxArgs([]string{"nginx", "-c", "/x y"}); !slices.Equal(got, []string{"nginx", "-c", "/x y"}) {
		t.Errorf("got %q", got)
	}
}

func FuzzNginx(f *testing.F) {
	f.Add("http { server { listen 80; log_format a 'x' \"y\"; } x_by_lua_block { {} } }")
	f.Add("http { server { listen 80; root /w; location ~ \\.php$ { x \"a;b\"; } } }")
	f.Add("a_by_lua_block { x = { } } b ${c} 'd\\'e';\n\"x\ny\" \\\nz;")
	f.Fuzz(func(t *testing.T, text string) {
		ds, _ := parseNginx("f", text)
		lines := 1 + strings.Count(text, "\n")
		walk(ds, func(d Directive) {
			if d.Line < 1 || d.Line > lines {
				t.Errorf("directive %q on line %d of %d", d.Name, d.Line, lines)
			}
		})
	})
}
