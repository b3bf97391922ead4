package webconf

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestLinksStayInside keeps a container's links from leading to our files.
func TestLinksStayInside(t *testing.T) {
	dir := t.TempDir()
	for link, to := range map[string]string{"abs": "/etc/passwd", "up": "../../../../../../etc/passwd", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
		tr := Tree{Base: dir}
		if _, err := tr.Read("/" + link); err == nil {
			t.Errorf("%s: read through the link", link)
		}
	}
}

func TestWildcards(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a/x.conf", "b/y.conf", "b/.z.conf", "b/n.txt"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(f)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := (Tree{Base: dir}).Glob("/*/*.conf"); !slices.Equal(got, []string{"/a/x.conf", "/b/y.conf"}) {
		t.Errorf("got %v", got)
	}
}
