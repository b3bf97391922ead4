package webserver

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/webconf"
)

// denyName is the name of our file.
const denyName = "hirune-block.conf"

// apacheLevel finds the pattern that takes in a file at the level of the server.
func apacheLevel(in In, p process) (place, error) {
	t, err := readApache(in.Config, apacheRoot(p, in.Config), p.args, p.env)
	if err != nil {
		return place{}, err
	}
	out := place{path: pathIn(t.takes, denyName)}
	if out.path == "" {
		out.problem = "no IncludeOptional of a directory was found at the level of the server in " + shown(in.Config)
		out.fix = "IncludeOptional " + filepath.Join(filepath.Dir(in.Config), "hirune-*.conf")
	}
	return out, nil
}

// nginxLevel finds the pattern of the http block that takes in a file, or the
// line that it gets. Blocks whose own access rules would replace those of the
// list get a line, too.
// Source: nginx, ngx_http_access_module: the rules are inherited from the level
// above only where a level has none of its own.
func nginxLevel(in In, _ process) (place, error) {
	l, err := httpLevel(in, denyName)
	if err != nil || l.problem != "" {
		return l.place, err
	}
	if slices.ContainsFunc(rulesOf(l.http.Block, l.path), allowsAll) {
		l.problem = "the http block allows everybody by a rule of its own, which comes before the list"
		return l.place, nil
	}
	for _, b := range ownRules(l.http.Block, l.path) {
		if l.hook(in, b) {
			continue
		}
		l.hooks = nil
		l.problem = fmt.Sprintf("the access rules in line %d of %s would let in who is refused, and no line can be added to so short a block", b.Line, shown(b.File))
		return l.place, nil
	}
	slices.SortStableFunc(l.hooks, byPlace)
	return l.place, nil
}

// level is the place of a file in the http block.
type level struct {
	place
	http webconf.Directive
	line string // that takes the file in
}

// httpLevel finds how the http block takes in a file of that name.
func httpLevel(in In, name string) (level, error) {
	c, err := webconf.ReadNginx(webconf.Tree{}, in.Config)
	if err != nil {
		return level{}, err
	}
	https := webconf.Named(c.Directives, "http")
	if len(https) != 1 {
		return level{place: place{problem: "the configuration has no http block of its own"}}, nil
	}
	l := level{http: https[0], place: place{path: httpPattern(in, c.Directives, https[0], name)}}
	dir := real(filepath.Dir(in.Config))
	inPattern := l.path != ""
	if !inPattern {
		l.path = filepath.Join(dir, name)
	}
	l.line = "include " + starred(l.path) + ";"
	l.fix = l.line
	switch {
	case strings.ContainsAny(l.path, " \t;{}\"'\\$#"):
		l.problem = "the configuration's directory has a name that cannot be included as it is: " + shown(dir)
	case !inPattern && !l.hook(in, l.http):
		l.problem = "the http block in " + shown(l.http.File) + " has no directive that begins a line of its own"
	}
	return l, nil
}

// starred is the pattern of a file's name that a line of ours has: while there is
// no file, nothing is missing.
func starred(path string) string { return strings.TrimSuffix(path, ".conf") + "*.conf" }

// hook gives a block the line, unless its owner has put it in. It reports whether
// the block takes the file in then.
func (l *level) hook(in In, b webconf.Directive) bool {
	h, err := hookOf(b, l.line)
	if err != nil {
		return takers(b.Block, in, l.path, false) > 0
	}
	if !slices.Contains(l.hooks, h) {
		l.hooks = append(l.hooks, h)
	}
	return true
}

func byPlace(a, b remedy.Hook) int {
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	return a.At - b.At
}

// httpPattern is the path of our file by a pattern of the http block that no
// other block includes; "" where there is none.
func httpPattern(in In, main []webconf.Directive, http webconf.Directive, name string) string {
	for _, d := range http.Block {
		pattern, ok := patternOf(d, filepath.Dir(in.Config))
		if !ok {
			continue
		}
		dir := filepath.Dir(pattern)
		if match, _ := filepath.Match(filepath.Base(pattern), name); !match || webconf.IsPattern(dir) || !isDir(dir) {
			continue
		}
		path := filepath.Join(real(dir), name)
		if pattern != starred(path) && otherTakers(main, in, path) == 1 {
			return path
		}
	}
	return ""
}

// otherTakers counts the includes that take a file in, our own lines apart.
func otherTakers(ds []webconf.Directive, in In, path string) int {
	n := 0
	for _, d := range ds {
		if pattern, ok := patternOf(d, filepath.Dir(in.Config)); ok && pattern != starred(path) {
			if match, _ := filepath.Match(filepath.Base(pattern), filepath.Base(path)); match && real(filepath.Dir(pattern)) == filepath.Dir(path) {
				n++
			}
		}
		n += otherTakers(d.Block, in, path)
	}
	return n
}

// ownRules are the blocks below whose own access rules would let in who is
// refused. One that ends with "deny all" lets in whom its owner names, and is
// left alone; so is one that opens a file to everybody and starts no program.
func ownRules(ds []webconf.Directive, path string) []webconf.Directive {
	var out []webconf.Directive
	for _, d := range webconf.Flat(ds) {
		if !d.Open {
			continue
		}
		rules := rulesOf(d.Block, path)
		switch {
		case len(rules) == 0 || deniesAll(rules[len(rules)-1]):
		case d.Name == "location" && !slices.ContainsFunc(rules, func(r webconf.Directive) bool { return !allowsAll(r) }) && !passes(d.Block):
		default:
			out = append(out, d)
		}
		out = append(out, ownRules(d.Block, path)...)
	}
	return out
}

// rulesOf are a block's access rules, in their order, without those of our file.
func rulesOf(ds []webconf.Directive, path string) []webconf.Directive {
	return slices.DeleteFunc(webconf.Flat(ds), func(d webconf.Directive) bool {
		return d.Name != "allow" && d.Name != "deny" || filepath.Base(d.File) == filepath.Base(path)
	})
}

func allowsAll(d webconf.Directive) bool { return d.Name == "allow" && everybody(d.Arg(0)) }
func deniesAll(d webconf.Directive) bool { return d.Name == "deny" && everybody(d.Arg(0)) }

func everybody(s string) bool { return s == "all" || s == "0.0.0.0/0" || s == "::/0" }

// passes reports whether requests are handed on from there.
func passes(ds []webconf.Directive) bool {
	return slices.ContainsFunc(webconf.Flat(ds), func(d webconf.Directive) bool {
		return strings.HasSuffix(d.Name, "_pass") || passes(d.Block)
	})
}
