package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rulesDir holds the rules' source, out of which the page tells what they say.
const rulesDir = "../../internal/core/diagnose/rules"

// said returns, for each function of the rules' package that makes a rule, the
// sentences that it and what it calls can say. Calls are followed by name.
func said(t *testing.T) map[string][]string {
	t.Helper()
	files := token.NewFileSet()
	pkgs, err := parser.ParseDir(files, rulesDir, func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0) //nolint:staticcheck // of one package without build tags this is all there is to know
	if err != nil || len(pkgs) != 1 {
		t.Fatalf("read %s: %d packages, %v", rulesDir, len(pkgs), err)
	}
	bodies := map[string][]ast.Node{}
	var makers []string
	for _, f := range pkgs["rules"].Files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			bodies[fn.Name.Name] = append(bodies[fn.Name.Name], fn.Body)
			if fn.Recv == nil && fn.Name.IsExported() && fn.Name.Name != "All" {
				makers = append(makers, fn.Name.Name)
			}
		}
	}
	out := map[string][]string{}
	for _, m := range makers {
		seen := map[string]bool{}
		says := map[string]bool{}
		follow(bodies, m, seen, says)
		out[m] = keys(says)
	}
	return out
}

// imported are the packages that rules may use; what stands behind their names is not followed.
var imported = map[string]bool{"cmp": true, "diagnose": true, "evidence": true, "maps": true, "math": true, "recording": true, "slices": true, "sort": true, "strconv": true, "strings": true, "time": true, "unicode": true}

// follow collects the literals that are ids of sentences in a function and in
// those of the package whose names it mentions.
func follow(bodies map[string][]ast.Node, name string, seen, says map[string]bool) {
	if seen[name] {
		return
	}
	seen[name] = true
	for _, body := range bodies[name] {
		ast.Inspect(body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					says[text] = true
				}
			case *ast.SelectorExpr: // recording.All is not our All
				if x, ok := n.X.(*ast.Ident); ok && imported[x.Name] {
					return false
				}
			case *ast.Ident:
				follow(bodies, n.Name, seen, says)
			}
			return true
		})
	}
}

// sentences are those of a rule whose ids begin with a prefix and have words.
func sentences(says []string, words func(string) string, prefixes ...string) []string {
	var out []string
	for _, id := range says {
		if w := words(id); w != "" && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) }) {
			out = append(out, "`"+id+"` "+w)
		}
	}
	return out
}
