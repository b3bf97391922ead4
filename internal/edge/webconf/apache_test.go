package webconf

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestApacheWords(t *testing.T) {
	for line, want := range map[string][]string{
		`LogFormat "%h \"%r\" %>s" x`:     {"LogFormat", `%h "%r" %>s`, "x"},
		`CustomLog 'a b' "c\\d"`:          {"CustomLog", "a b", `c\d`},
		`a\\b c\d`:                        {`a\b`, `c\d`},
		"Listen\t80":                      {"Listen", "80"},
		`ErrorLog "open`:                  {"ErrorLog", "open"},
		`  `:                              nil,
		`CustomLog "|prog -x 'y'" common`: {"CustomLog", "|prog -x 'y'", "common"},
	} {
		if got := apacheWords(line); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

// files writes a tree of files and returns it as a process' own.
func files(t testing.TB, all map[string]string) Tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range all {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Tree{Base: dir}
}

// outline writes directives on one line: name args, blocks in braces, what an
// include takes in in brackets, each with the line that it stands on.
func outline(ds []Directive) string {
	var out []string
	for _, d := range ds {
		s := strings.Join(append([]string{d.Name}, d.Args...), " ") + ":" + strconv.Itoa(d.Line)
		switch {
		case d.Open:
			s += "{" + outline(d.Block) + "}"
		case d.Includes():
			s += "[" + outline(d.Block) + "]"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestApache(t *testing.T) {
	for _, c := range []struct {
		name   string
		files  map[string]string
		want   string
		faults int
	}{
		{"names and lines", map[string]string{"f": "# x\nServerName \\\n  X\n\nListen 80\r\n"}, "servername X:2 listen 80:5", 0},
		{"a comment goes on over a backslash", map[string]string{"f": "# x \\\nListen 80\nListen 81\n"}, "listen 81:3", 0},
		{"sections", map[string]string{"f": "<VirtualHost *:80>\n<Directory \"/a b\">\nX y\n</Directory>\n</VirtualHost>\n"}, "virtualhost *:80:1{directory /a b:2{x y:3}}", 0},
		{"modules", map[string]string{"f": "LoadModule ssl_module a.so\n<IfModule mod_ssl.c>\nA 1\n</IfModule>\n<IfModule ssl_module>\nB 1\n</IfModule>\n<IfModule !mod_ssl.c>\nC 1\n</IfModule>\n<IfModule mod_x.c>\n<VirtualHost *>\nD 1\n</VirtualHost>\n</IfModule>\n"}, "loadmodule ssl_module a.so:1 a 1:3 b 1:6", 0},
		{"a module after its condition", map[string]string{"f": "<IfModule mod_ssl.c>\nA 1\n</IfModule>\nLoadModule ssl_module a.so\n"}, "loadmodule ssl_module a.so:4", 0},
		{"defines", map[string]string{"f": "<IfDefine D>\nA ${D}${E}${NO}\n</IfDefine>\nDefine X 1 2\n<IfDefine X>\nA ${X}\nUnDefine X\n</IfDefine>\n<IfDefine X>\nB\n</IfDefine>\n<IfDefine !X>\nC\n</IfDefine>\n"}, "a de${NO}:2 define X 1 2:4 a 1 2:6 undefine X:7 c:13", 0},
		{"conditions that are not judged stay", map[string]string{"f": "<IfVersion >= 2.4>\nA 1\n</IfVersion>\n<If \"x\">\nB 1\n</If>\n"}, "ifversion >= 2.4:1{a 1:2} if x:4{b 1:5}", 0},
		{"a macro is not seen", map[string]string{"f": "<Macro M $x>\nListen $x\n</Macro>\nUse M 80\n"}, "macro M $x:1{} use M 80:4", 0},
		{"a macro that is off", map[string]string{"f": "<IfDefine NO>\n<Macro M>\n</Macro>\n</IfDefine>\n"}, "", 0},
		{"includes", map[string]string{"f": "ServerRoot /c\nInclude a*.conf\nIncludeOptional no\nInclude sub\n", "c/a1.conf": "A 1\n", "c/a2.conf": "A 2\n", "c/.a3.conf": "A 3\n", "c/sub/x/y": "Y 1\n", "c/sub/.z": "Z 1\n"}, "serverroot /c:1 include a*.conf:2[a 1:1 a 2:1] includeoptional no:3[] include sub:4[z 1:1 y 1:1]", 0},
		{"includes that must be there", map[string]string{"f": "Include no\nInclude no*\nListen 80\n"}, "include no:1[] include no*:2[] listen 80:3", 2},
		{"a hidden file by its name", map[string]string{"f": "Include .x\n", ".x": "A 1\n"}, "include .x:1[a 1:1]", 0},
		{"a section does not reach beyond its file", map[string]string{"f": "Include a\nA 1\n", "a": "<VirtualHost *>\nB 1\n"}, "include a:1[virtualhost *:1{b 1:2}] a 1:2", 0},
		{"a section that another file began", map[string]string{"f": "<VirtualHost *>\nInclude a\nA 1\n</VirtualHost>\n", "a": "B 1\n</VirtualHost>\nC 1\n"}, "virtualhost *:1{include a:2[b 1:1] a 1:3}", 1},
		{"a section inside that stays open", map[string]string{"f": "<VirtualHost *>\n<Directory x>\nA 1\n</VirtualHost>\nB 1\n"}, "virtualhost *:1{directory x:2{a 1:3}} b 1:5", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadApache(files(t, c.files), ApacheStart{File: "f", Root: "/", Defines: []string{"D=d"}, Env: map[string]string{"E": "e", "D": "no"}})
			if err != nil || outline(got.Directives) != c.want || len(got.Faults) != c.faults {
				t.Errorf("got %s, %v, %v, want %s and %d faults", outline(got.Directives), got.Faults, err, c.want, c.faults)
			}
		})
	}
}

func TestApacheIncludesItself(t *testing.T) {
	got, err := ReadApache(files(t, map[string]string{"f": "Listen 80\nInclude /f\nInclude /\n"}), ApacheStart{File: "f", Root: "/"})
	if err != nil || len(got.Directives) == 0 || got.Directives[0].Name != "listen" {
		t.Errorf("got %s, %v", outline(got.Directives), err)
	}
}

func TestApacheMainFile(t *testing.T) {
	if _, err := ReadApache(Tree{Base: t.TempDir()}, ApacheStart{File: "/no"}); err == nil {
		t.Error("a main file that is not there is no error")
	}
	got, err := ReadApache(files(t, map[string]string{"f": "A 1\n</If>\nB 1\n"}), ApacheStart{File: "/f"})
	if err == nil || outline(got.Directives) != "a 1:1" {
		t.Errorf("got %s, %v, want an error and what came before", outline(got.Directives), err)
	}
}

func TestApacheArguments(t *testing.T) {
	args := []string{"httpd", "-f/c", "-d", "/r", "-D", "A", "-DB=1"}
	if f, d, no := Flag(args, "-f"), Flag(args, "-d"), Flag(args, "-x"); f != "/c" || d != "/r" || no != "" {
		t.Errorf("got %q %q %q", f, d, no)
	}
	if got := Defines(args); !slices.Equal(got, []string{"A", "B=1"}) {
		t.Errorf("got %q", got)
	}
}

func FuzzApache(f *testing.F) {
	f.Add("<VirtualHost *:80>\nServerName x\nCustomLog \"|a\" c\n</VirtualHost>\nInclude x*\n<IfModule !y>\nDefine a b\n</IfModule>\n${a}")
	f.Add("<VirtualHost *:80>\nDocumentRoot \"/w\"\nServerName https://x:80\n</VirtualHost>\n<IfModule !mod_x.c>\nLoadModule a b\n</IfModule>\n")
	f.Add("<>\n</>\nDefine a ${a}\\\n\nServerRoot ''\n<If a>\n</Directory>\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, _ := ReadApache(files(t, map[string]string{"f": text}), ApacheStart{File: "/f"})
		lines := 1 + strings.Count(text, "\n")
		walk(c.Directives, func(d Directive) {
			if d.Line < 1 || d.Line > lines {
				t.Errorf("directive %q on line %d of %d", d.Name, d.Line, lines)
			}
		})
	})
}

func walk(ds []Directive, visit func(Directive)) {
	for _, d := range ds {
		visit(d)
		walk(d.Block, visit)
	}
}
