package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// These tests name the line that was forgotten when something was added; see
// "Adding things" in docs/architecture.md.

// in returns the sources of one package, its tests left out.
func in(all []source, pkg string) []source {
	return slices.DeleteFunc(slices.Clone(all), func(s source) bool { return s.pkg() != pkg || s.test })
}

// methodsOf returns the types of the sources that have a method of that name
// and number of parameters, with the place of the method.
func methodsOf(ss []source, method string, params int) map[string]string {
	out := map[string]string{}
	for _, s := range ss {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv != nil && f.Name.Name == method && f.Type.Params.NumFields() == params {
				out[typeName(f.Recv.List[0].Type)] = s.at(f.Pos())
			}
		}
	}
	return out
}

// typeName is the name of a type without its pointer and type parameters.
func typeName(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return typeName(x.X)
	case *ast.IndexExpr:
		return typeName(x.X)
	case *ast.SelectorExpr:
		return typeName(x.X) + "." + x.Sel.Name
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// makers returns the functions of the sources that return a type, as its name
// without the pointer, alone or with more results.
func makers(ss []source, of string) map[string]string {
	out := map[string]string{}
	for _, s := range ss {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Type.Results != nil && len(f.Type.Results.List) > 0 && typeName(f.Type.Results.List[0].Type) == of {
				out[f.Name.Name] = s.at(f.Pos())
			}
		}
	}
	return out
}

// mentions returns every identifier below a node.
func mentions(n ast.Node) map[string]bool {
	out := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if i, ok := n.(*ast.Ident); ok {
			out[i.Name] = true
		}
		return true
	})
	return out
}

// mentioned returns the identifiers of all the sources.
func mentioned(ss []source) map[string]bool {
	out := map[string]bool{}
	for _, s := range ss {
		for name := range mentions(s.file) {
			out[name] = true
		}
	}
	return out
}

// decl finds a variable or function at the top level of the sources.
func decl(t *testing.T, ss []source, name string) ast.Node {
	t.Helper()
	for _, s := range ss {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == name {
				return f.Body
			}
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && v.Names[0].Name == name {
					return v
				}
			}
		}
	}
	t.Fatalf("no %s was found: has the table moved?", name)
	return nil
}

func TestEveryFactHasItsLineInTheCodecTable(t *testing.T) {
	ss := in(tree(t), "internal/core/evidence")
	table := mentions(decl(t, ss, "decoders"))
	facts := methodsOf(ss, "Kind", 0)
	if len(facts) < 29 {
		t.Fatalf("found %d kinds of fact, want at least 29: has the vocabulary moved?", len(facts))
	}
	for name, at := range facts {
		if !table[name] {
			t.Errorf("%s: fact %s has no line in decoders", at, name)
		}
	}
}

func TestEveryRuleHasItsLineAndItsFile(t *testing.T) {
	ss := in(tree(t), "internal/core/diagnose/rules")
	all := mentions(decl(t, ss, "All"))
	rules := makers(ss, "diagnose.Rule")
	if len(rules) < 6 {
		t.Fatalf("found %d rules, want at least 6", len(rules))
	}
	for name, at := range rules {
		if !all[name] {
			t.Errorf("%s: rule %s has no line in All()", at, name)
		}
	}
	for _, s := range ss {
		for _, id := range ruleIDs(s) {
			if want := strings.ReplaceAll(id, "-", "_") + ".go"; path.Base(s.path) != want {
				t.Errorf("%s: rule %q belongs into the file %s", s.path, id, want)
			}
		}
	}
}

// ruleIDs returns the ids of the rules that a file writes down.
func ruleIDs(s source) []string {
	var out []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		c, ok := n.(*ast.CompositeLit)
		if !ok || typeName(c.Type) != "diagnose.Rule" {
			return true
		}
		for _, e := range c.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok || typeName(kv.Key) != "ID" {
				continue
			}
			if lit, ok := kv.Value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				id, err := strconv.Unquote(lit.Value)
				if err == nil {
					out = append(out, id)
				}
			}
		}
		return true
	})
	return out
}

// notInLab are the rules whose outage no lab can make, each with the reason.
var notInLab = map[string]string{
	"noisy-neighbour": "only a hypervisor makes steal; its scenes are in the tests of the rules",
}

func TestEveryRuleIsTestedAndHasItsOutageAndItsLookAlike(t *testing.T) {
	const rules = "internal/core/diagnose/rules"
	var ids []string
	tested := map[string]bool{}
	for _, s := range tree(t) {
		switch {
		case s.pkg() != rules:
		case s.test:
			for _, text := range texts(s) {
				tested[text] = true
			}
		default:
			ids = append(ids, ruleIDs(s)...)
		}
	}
	if len(ids) < 6 {
		t.Fatalf("found %d ids of rules, want at least 6", len(ids))
	}
	fires, silent := scenarioVerdicts(t)
	for _, id := range ids {
		if !tested[id] {
			t.Errorf("no test in %s names rule %s", rules, id)
		}
		if !fires[id] && notInLab[id] == "" {
			t.Errorf("no scenario in lab/scenarios has cause = %q", id)
		}
		if !silent[id] {
			t.Errorf("no scenario in lab/scenarios has %q in its forbid: the rule needs a look-alike", id)
		}
	}
}

// texts returns every string of a file.
func texts(s source) []string {
	var out []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				out = append(out, text)
			}
		}
		return true
	})
	return out
}

// scenarioVerdicts returns the causes that some scenario wants, and those that
// some scenario forbids.
func scenarioVerdicts(t *testing.T) (wanted, forbidden map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), "lab/scenarios/*.toml"))
	if err != nil || len(files) < 7 {
		t.Fatalf("found %d scenarios (error %v), want at least 7", len(files), err)
	}
	wanted, forbidden = map[string]bool{}, map[string]bool{}
	for _, f := range files {
		var s struct {
			Verdict struct {
				Cause  string   `toml:"cause"`
				Forbid []string `toml:"forbid"`
			} `toml:"verdict"`
		}
		if _, err := toml.DecodeFile(f, &s); err != nil {
			t.Fatalf("read scenario %s: %v", f, err)
		}
		wanted[s.Verdict.Cause] = true
		for _, id := range s.Verdict.Forbid {
			forbidden[id] = true
		}
	}
	return wanted, forbidden
}

func TestEveryCollectorIsWired(t *testing.T) {
	all := tree(t)
	ss := in(all, "internal/edge/collect/collectors")
	wired := mentioned(in(all, "cmd/hirune"))
	collectors := methodsOf(ss, "Collect", 2)
	if len(collectors) < 8 {
		t.Fatalf("found %d collectors, want at least 8", len(collectors))
	}
	for name, at := range collectors {
		ways := makers(ss, name)
		ways[name] = at
		if !slices.ContainsFunc(keys(ways), func(w string) bool { return wired[w] }) {
			t.Errorf("%s: collector %s is made nowhere in cmd/hirune", at, name)
		}
	}
}

func keys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestEveryRemedyHasItsLine(t *testing.T) {
	ss := in(tree(t), "internal/core/remedy/remedies")
	all := mentions(decl(t, ss, "All"))
	made := makers(ss, "remedy.Remedy")
	if len(made) < 6 {
		t.Fatalf("found %d remedies, want at least 6", len(made))
	}
	for name, at := range made {
		if ast.IsExported(name) && !all[name] {
			t.Errorf("%s: remedy %s has no line in All()", at, name)
		}
	}
}

func TestEveryStepHasItsLinesInTheCodecTableAndAmongTheHands(t *testing.T) {
	all := tree(t)
	ss := in(all, "internal/core/remedy")
	table := mentions(decl(t, ss, "decoders"))
	steps := methodsOf(ss, "Script", 0)
	if len(steps) < 10 {
		t.Fatalf("found %d kinds of step, want at least 10: have they moved?", len(steps))
	}
	var hands ast.Node
	for _, s := range in(all, "cmd/hirune") {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "doers" {
				hands = f.Body
			}
		}
	}
	if hands == nil {
		t.Fatal("no function doers in cmd/hirune")
	}
	doers := mentions(hands)
	for name, at := range steps {
		if !table[name] {
			t.Errorf("%s: step %s has no line in decoders", at, name)
		}
		if !doers[name] {
			t.Errorf("%s: step %s has no Doer in cmd/hirune", at, name)
		}
	}
}
