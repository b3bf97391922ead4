package mysqltest

import "testing"

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
// added to the command line of each. Where a server is not here its subtest is
// skipped with the reason, which with CI=true is a failure.
func Each(t *testing.T, test func(t *testing.T, s *Server), args ...string) {
	t.Helper()
	for _, f := range known() {
		t.Run(f.Name, func(t *testing.T) {
			t.Helper() // a reason stands at the line of the test
			test(t, StartFlavour(t, f, args...))
		})
	}
}
