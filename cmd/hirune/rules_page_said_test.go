package main

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rulesDir holds the rules' source, out of which the page tells what they say.
const rulesDir = "../../internal/core/diagnose/rules"

// said returns, for each function of the rules' package that makes a rule, the
// texts that stand in it and in what it calls: the ids of its sentences are
// among them.
func said(t *testing.T) map[string][]string {
	t.Helper()
	set := token.NewFileSet()
	files := sources(t, set)
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: importer.ForCompiler(set, "source", nil)}
	if _, err := conf.Check("hirune/internal/core/diagnose/rules", set, files, info); err != nil {
		t.Fatalf("read %s: %v", rulesDir, err)
	}
	s := speech{info: info, bodies: map[types.Object]ast.Node{}}
	var makers []*ast.FuncDecl
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				s.bodies[info.Defs[d.Name]] = d
				if d.Recv == nil && d.Name.IsExported() && d.Name.Name != "All" {
					makers = append(makers, d)
				}
			case *ast.GenDecl: // tables that functions look into
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR {
						s.bodies[info.Defs[v.Names[0]]] = v
					}
				}
			}
		}
	}
	out := map[string][]string{}
	for _, m := range makers {
		s.seen, s.texts = map[types.Object]bool{}, map[string]bool{}
		s.follow(info.Defs[m.Name])
		out[m.Name.Name] = keys(s.texts)
	}
	return out
}

func sources(t *testing.T, set *token.FileSet) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(rulesDir)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, filepath.Join(rulesDir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// speech collects the texts of a function and of what it uses of its package.
type speech struct {
	info   *types.Info
	bodies map[types.Object]ast.Node
	seen   map[types.Object]bool
	texts  map[string]bool
}

func (s *speech) follow(o types.Object) {
	body := s.bodies[o]
	if o == nil || body == nil || s.seen[o] {
		return
	}
	s.seen[o] = true
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				s.texts[text] = true
			}
		case *ast.Ident:
			s.follow(s.info.Uses[n])
		}
		return true
	})
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
