package archtest

import (
	"slices"
	"sort"
	"strings"
	"testing"
)

const (
	core = "internal/core"
	edge = "internal/edge"
)

// allowed is the map: each package with those of ours that it may import. An
// entry that ends in "/..." stands for everything below. Standard library and
// other modules are the business of purity_test.go and of depguard.
var allowed = map[string][]string{
	"internal/core/hint":     {},
	"internal/core/evidence": {},

	"internal/core/recording":      {"internal/core/evidence"},
	"internal/core/diagnose":       {"internal/core/evidence", "internal/core/recording"},
	"internal/core/diagnose/rules": {"internal/core/evidence", "internal/core/recording", "internal/core/diagnose"},

	// Who attacks, whether it matters, whether somebody got in; whom to block, and whom never.
	"internal/core/attack": {"internal/core/evidence", "internal/core/diagnose"},
	"internal/core/block":  {},

	// What to do about a finding, as data; carrying it out through interfaces; whether it helped.
	"internal/core/remedy":          {"internal/core/evidence", "internal/core/diagnose", "internal/core/block"},
	"internal/core/remedy/remedies": {"internal/core/evidence", "internal/core/diagnose", "internal/core/remedy", "internal/core/attack", "internal/core/block"},
	"internal/core/apply":           {"internal/core/evidence", "internal/core/hint", "internal/core/remedy"},
	"internal/core/verify":          {"internal/core/evidence", "internal/core/recording", "internal/core/diagnose", "internal/core/remedy"},

	// What will bring the site down next.
	"internal/core/audit": {"internal/core/evidence", "internal/core/recording", "internal/core/diagnose"},

	"internal/core/report": {
		"internal/core/hint", "internal/core/evidence", "internal/core/recording", "internal/core/diagnose",
		"internal/core/remedy", "internal/core/verify", "internal/core/attack", "internal/core/block", "internal/core/audit",
	},

	// The systems: each knows the vocabulary and the way to give advice, and no other edge.
	"internal/edge/accesslog":   {"internal/core/evidence", "internal/core/hint", "internal/core/attack", "internal/edge/tail"},
	"internal/edge/discover":    {"internal/core/evidence", "internal/core/hint", "internal/edge/webconf"},
	"internal/edge/errorlog":    {"internal/core/evidence", "internal/core/hint"},
	"internal/edge/mysql":       {"internal/core/evidence", "internal/core/hint", "internal/edge/mysql/sqltext"},
	"internal/edge/probe":       {"internal/core/evidence", "internal/core/hint"},
	"internal/edge/tail":        {"internal/core/evidence", "internal/core/hint"},
	"internal/edge/slowlog":     {},
	"internal/edge/openmetrics": {"internal/core/evidence", "internal/core/hint", "internal/edge/mysql/sqltext"},
	"internal/edge/sysstat":     {"internal/core/evidence"},
	"internal/edge/wordpress":   {"internal/core/evidence", "internal/core/hint", "internal/core/attack"},

	// The hands: they carry steps out, and read what a plan has to know first.
	"internal/edge/mysql/survey": {"internal/core/evidence", "internal/core/hint", "internal/core/remedy", "internal/edge/mysql", "internal/edge/mysql/sqltext"},
	"internal/edge/mysql/change": {"internal/core/evidence", "internal/core/hint", "internal/core/remedy", "internal/core/apply", "internal/edge/mysql", "internal/edge/mysql/sqltext"},
	"internal/edge/webserver":    {"internal/core/evidence", "internal/core/hint", "internal/core/remedy", "internal/core/apply", "internal/core/block", "internal/edge/webconf"},
	"internal/edge/schedule":     {"internal/core/evidence", "internal/core/hint", "internal/core/remedy", "internal/core/apply"},
	"internal/edge/firewall":     {"internal/core/evidence", "internal/core/hint", "internal/core/block", "internal/core/remedy", "internal/core/apply"},
	"internal/edge/banbook":      {"internal/core/hint", "internal/core/block"},
	"internal/edge/protect":      {"internal/core/evidence", "internal/core/hint", "internal/core/block"},
	"internal/edge/journal":      {"internal/core/hint", "internal/core/apply", "internal/core/remedy"},

	// The text of statements is understood without a database.
	"internal/edge/mysql/sqltext": {"internal/core/evidence"},

	// The text of a web server's configuration, without a question about a site.
	"internal/edge/webconf": {},

	// A real server for the tests of those who talk to one.
	"internal/edge/mysql/mysqltest": {},

	// What a server kept by itself before anybody watched: read once, through the systems.
	"internal/edge/past": {"internal/core/evidence", "internal/core/hint", "internal/edge/accesslog", "internal/edge/mysql/sqltext", "internal/edge/slowlog", "internal/edge/sysstat"},

	"internal/edge/tape":    {"internal/core/evidence", "internal/core/recording", "internal/core/hint"},
	"internal/edge/collect": {"internal/core/evidence", "internal/core/hint"},
	"internal/edge/collect/collectors": {
		"internal/core/attack", "internal/core/evidence", "internal/core/hint", "internal/edge/collect", // the systems, for reading:
		"internal/edge/accesslog", "internal/edge/discover", "internal/edge/errorlog", "internal/edge/mysql",
		"internal/edge/mysql/sqltext", "internal/edge/probe", "internal/edge/tail", "internal/edge/wordpress",
	},

	"internal/archtest": {},
	"cmd/hirune":        {"internal/core/...", "internal/edge/..."},

	// The lab judges hirune from the outside, by the program's own output.
	"lab/...":   {"lab/...", "internal/core/..."},
	"bench/...": {"bench/...", "lab/...", "internal/core/...", "internal/edge/..."},
}

// lookUp returns what a package may import, and whether it is on the map.
func lookUp(pkg string) ([]string, bool) {
	if a, ok := allowed[pkg]; ok {
		return a, true
	}
	for k, a := range allowed {
		if dir, wild := strings.CutSuffix(k, "/..."); wild && under(pkg, dir) {
			return a, true
		}
	}
	return nil, false
}

// may reports whether the list allows a package.
func may(list []string, pkg string) bool {
	return slices.ContainsFunc(list, func(a string) bool {
		if dir, wild := strings.CutSuffix(a, "/..."); wild {
			return under(pkg, dir)
		}
		return a == pkg
	})
}

// mayTest says what a test file may import beyond its package's own line:
// tests of core stay in core, tests of an edge may bring in others to check a
// contract, the command replays frozen tapes against the lab's scenarios.
func mayTest(pkg, of string) bool {
	switch {
	case pkg == "cmd/hirune":
		return under(of, "lab/scenario") || under(of, "lab/scenarios")
	case under(pkg, core):
		return under(of, core)
	case under(pkg, edge):
		return under(of, core) || under(of, edge)
	}
	return false
}

// forTests reports whether a package exists for tests alone.
func forTests(pkg string) bool { return strings.HasSuffix(pkg, "test") }

// breaksOfMap returns what in a file goes against the map.
func breaksOfMap(s source) []string {
	list, ok := lookUp(s.pkg())
	if !ok {
		return []string{s.path + ": package " + s.pkg() + " is not on the map in internal/archtest/map_test.go"}
	}
	var out []string
	for p, pos := range s.imports() {
		of, ours := strings.CutPrefix(p, module+"/")
		if !ours || of == s.pkg() || s.test && mayTest(s.pkg(), of) || may(list, of) && (s.test || !forTests(of)) {
			continue
		}
		out = append(out, s.at(pos)+": "+s.pkg()+" may not import "+of)
	}
	sort.Strings(out)
	return out
}

func TestPackagesImportOnlyWhatTheMapAllows(t *testing.T) {
	for _, s := range tree(t) {
		for _, b := range breaksOfMap(s) {
			t.Error(b)
		}
	}
}

func TestEveryExactLineOfTheMapHasItsPackage(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range tree(t) {
		seen[s.pkg()] = true
	}
	for pkg := range allowed {
		if !strings.HasSuffix(pkg, "/...") && !seen[pkg] {
			t.Errorf("%s is on the map but not in the tree: take its line away or add the package", pkg)
		}
	}
}

// leastPackages is a floor: a walk that lost its way finds fewer.
const leastPackages = 18

func TestTheTreeIsFound(t *testing.T) {
	pkgs, tests := map[string]bool{}, 0
	for _, s := range tree(t) {
		pkgs[s.pkg()] = true
		if s.test {
			tests++
		}
	}
	if len(pkgs) < leastPackages || tests < leastPackages {
		t.Errorf("found %d packages and %d test files, want at least %d of each: does the walk still see the tree?", len(pkgs), tests, leastPackages)
	}
	for _, must := range []string{"internal/core/evidence", "internal/edge/tape", "cmd/hirune", "lab/scenario"} {
		if !pkgs[must] {
			t.Errorf("package %s was not found", must)
		}
	}
}

func TestBreaksOfMapAreFound(t *testing.T) {
	cases := []struct{ name, path, text, want string }{
		{"core imports an edge", "internal/core/report/x.go", `package report; import _ "hirune/internal/edge/tape"`, "may not import internal/edge/tape"},
		{"an edge imports another", "internal/edge/probe/x.go", `package probe; import _ "hirune/internal/edge/mysql"`, "may not import internal/edge/mysql"},
		{"the lab is imported", "cmd/hirune/x.go", `package main; import _ "hirune/lab/stack"`, "may not import lab/stack"},
		{"the command is imported", "lab/run/x.go", `package run; import _ "hirune/cmd/hirune"`, "may not import cmd/hirune"},
		{"unknown package", "internal/edge/clouds/x.go", `package clouds`, "is not on the map"},
		{"unknown folder", "internal/utils/x.go", `package utils`, "is not on the map"},
		{"a core test imports an edge", "internal/core/report/x_test.go", `package report; import _ "hirune/internal/edge/tape"`, "may not import internal/edge/tape"},
		{"a renamed import", "internal/core/evidence/x.go", `package evidence; import h "hirune/internal/core/hint"`, "may not import internal/core/hint"},
		{"a package for tests is imported", "cmd/hirune/x.go", `package main; import _ "hirune/internal/edge/mysql/mysqltest"`, "may not import internal/edge/mysql/mysqltest"},
		{"a package for tests is imported by a test", "internal/edge/collect/collectors/x_test.go", `package collectors; import _ "hirune/internal/edge/mysql/mysqltest"`, ""},
		{"a test of an edge imports the lab", "internal/edge/tape/x_test.go", `package tape; import _ "hirune/lab/scenario"`, "may not import lab/scenario"},
		{"the command's test imports the lab's site", "cmd/hirune/x_test.go", `package main; import _ "hirune/lab/stack"`, "may not import lab/stack"},
		{"the command's test reads scenarios", "cmd/hirune/x_test.go", `package main; import _ "hirune/lab/scenario"`, ""},
		{"allowed", "internal/edge/collect/collectors/x.go", `package collectors; import _ "hirune/internal/edge/mysql"`, ""},
		{"allowed in a test", "internal/edge/probe/x_test.go", `package probe; import _ "hirune/internal/edge/collect"`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantBreak(t, breaksOfMap(parseText(t, c.path, c.text)), c.want) })
	}
}

// wantBreak checks that there is just one break with the text, or none for "".
func wantBreak(t *testing.T, got []string, want string) {
	t.Helper()
	if want == "" && len(got) != 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
		t.Errorf("got breaks %q, want %q", got, want)
	}
}
