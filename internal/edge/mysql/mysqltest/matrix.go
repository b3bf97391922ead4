package mysqltest

import (
	"os"
	"testing"
)

// Flavours are the servers that can be run here.
func Flavours() []Flavour {
	var out []Flavour
	for _, f := range known() {
		if f.missing() == "" {
			out = append(out, f)
		}
	}
	return out
}

// Each runs a subtest on a fresh server of every flavour, named for it; args are
// added to the command line of each. A server that is not here is named in the
// log. With CI=true that is a failure, unless .ci/servers has declared it absent.
func Each(t *testing.T, test func(t *testing.T, s *Server), args ...string) {
	t.Helper()
	ran := 0
	for _, f := range known() {
		if why := f.missing(); why != "" {
			without(t, f, why)
			continue
		}
		ran++
		t.Run(f.Name, func(t *testing.T) { test(t, StartFlavour(t, f, args...)) })
	}
	if ran == 0 {
		absent(t, "no database server can be run here: "+Debian.missing())
	}
}

// without tells that a flavour is left out; in CI it may be only where its
// absence was declared.
func without(t *testing.T, f Flavour, why string) {
	t.Helper()
	if told := f.declared(); told != "" {
		t.Logf("not run on %s, which is declared absent: %s", f.Name, told)
		return
	}
	if os.Getenv("CI") == "true" {
		t.Errorf("not run on %s: %s", f.Name, why)
		return
	}
	t.Logf("not run on %s: %s", f.Name, why)
}
