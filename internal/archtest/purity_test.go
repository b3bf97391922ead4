package archtest

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// notInCore are packages of the standard library that touch the world or
// make the same input give two answers.
var notInCore = []string{"os", "os/exec", "os/signal", "net", "net/http", "database/sql", "syscall", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand"}

// clocks are what package time has that asks the clock or waits for it.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// mayRun are the packages that may start other programs; every other edge
// reads files and sockets, which costs less and cannot hang on a child.
var mayRun = []string{
	"internal/edge/sysstat",         // sadf: the files' format changes with each version
	"internal/edge/errorlog",        // journalctl: its files are binary, and reading them needs cgo
	"internal/edge/mysql/mysqltest", // a server for tests
	"internal/edge/webserver",       // httpd -t, nginx -t: only the server itself can test its configuration
	"lab/...", "bench/...",
}

// breaksOfPurity returns what in a file goes against the rules of its place.
// Tests may read files and start goroutines.
func breaksOfPurity(s source) []string {
	if s.test {
		return nil
	}
	var out []string
	if under(s.pkg(), core) {
		out = append(out, impureImports(s)...)
		out = append(out, impureCalls(s)...)
	}
	if pos, ok := s.imports()["os/exec"]; ok && !under(s.pkg(), core) && !may(mayRun, s.pkg()) {
		out = append(out, s.at(pos)+": "+s.pkg()+" may not start programs (os/exec)")
	}
	if !strings.HasSuffix(s.path, "/main.go") {
		out = append(out, calls(s, "os", []string{"Exit"})...)
	}
	return append(out, inits(s)...)
}

func impureImports(s source) []string {
	var out []string
	for p, pos := range s.imports() {
		if slices.Contains(notInCore, p) {
			out = append(out, s.at(pos)+": core may not import "+p)
		}
	}
	return out
}

func impureCalls(s source) []string {
	out := calls(s, "time", clocks)
	ast.Inspect(s.file, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			out = append(out, s.at(g.Pos())+": core starts no goroutine")
		}
		return true
	})
	return out
}

// calls finds the uses of some names of a package, called or not.
func calls(s source, importPath string, names []string) []string {
	local := s.localName(importPath)
	if local == "" {
		return nil
	}
	var out []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && slices.Contains(names, sel.Sel.Name) {
			out = append(out, s.at(sel.Pos())+": "+importPath+"."+sel.Sel.Name+" is not for this place")
		}
		return true
	})
	return out
}

// inits finds func init: what is wired is wired in the open.
func inits(s source) []string {
	var out []string
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			out = append(out, s.at(f.Pos())+": no func init")
		}
	}
	return out
}

func TestCoreIsPureAndEdgesKeepToTheirTools(t *testing.T) {
	for _, s := range tree(t) {
		for _, b := range breaksOfPurity(s) {
			t.Error(b)
		}
	}
}

func TestBreaksOfPurityAreFound(t *testing.T) {
	const inCore, inEdge = "internal/core/report/x.go", "internal/edge/probe/x.go"
	cases := []struct{ name, path, text, want string }{
		{"os in core", inCore, `package report; import _ "os"`, "may not import os"},
		{"slog in core", inCore, `package report; import _ "log/slog"`, "may not import log/slog"},
		{"clock in core", inCore, `package report; import "time"; var x = time.Now()`, "time.Now"},
		{"clock under another name", inCore, `package report; import clock "time"; var x = clock.Since`, "time.Since"},
		{"goroutine in core", inCore, `package report; func f() { go f() }`, "no goroutine"},
		{"a moment as data is fine in core", inCore, `package report; import "time"; var x time.Time`, ""},
		{"exec in an edge", inEdge, `package probe; import _ "os/exec"`, "may not start programs"},
		{"exec for the journal", "internal/edge/errorlog/x.go", `package errorlog; import _ "os/exec"`, ""},
		{"exit outside main.go", "cmd/hirune/root.go", `package main; import "os"; func f() { os.Exit(1) }`, "os.Exit"},
		{"exit in main.go", "cmd/hirune/main.go", `package main; import "os"; func main() { os.Exit(1) }`, ""},
		{"init", inEdge, `package probe; func init() {}`, "no func init"},
		{"a method named init", inEdge, `package probe; type t int; func (t) init() {}`, ""},
		{"a test may read files", "internal/core/report/x_test.go", `package report; import _ "os"`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantBreak(t, breaksOfPurity(parseText(t, c.path, c.text)), c.want) })
	}
}
