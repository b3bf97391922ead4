package discover

import (
	"path"
	"strings"

	"hirune/internal/edge/webconf"
)

// fpmConfig is what a php-fpm.conf says.
type fpmConfig struct {
	Global fpmSection
	Pools  []fpmSection // in the order of the files
}

// fpmSection is one section of it, "global" or a pool.
type fpmSection struct {
	Name string
	File string            // where it began
	Set  map[string]string // values as written, with $pool replaced
}

// parseFPM reads a php-fpm.conf and what it includes. Relative includes are
// taken from the directory of the main file; FPM takes them from its prefix,
// which its title does not tell.
func parseFPM(t webconf.Tree, file string) (fpmConfig, []error) {
	r := fpmReader{tree: t, left: webconf.MaxFiles, main: file, byName: map[string]int{}}
	r.cfg.Global = fpmSection{Name: "global", File: file, Set: map[string]string{}}
	r.file(file, -1, 0)
	return r.cfg, r.errs
}

type fpmReader struct {
	tree   webconf.Tree
	cfg    fpmConfig
	main   string
	byName map[string]int
	left   int
	errs   []error
}

// file reads one file; section is the index of the pool that is open where it
// is included, -1 for global.
func (r *fpmReader) file(name string, section, depth int) {
	if r.left == 0 || depth > webconf.MaxDepth {
		return
	}
	r.left--
	b, err := r.tree.Read(name)
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	for line := range strings.Lines(string(b)) {
		section = r.line(strings.TrimSpace(line), name, section, depth)
	}
}

func (r *fpmReader) line(line, file string, section, depth int) int {
	if line == "" || line[0] == ';' || line[0] == '#' {
		return section
	}
	if line[0] == '[' {
		name, _, _ := strings.Cut(line[1:], "]")
		return r.section(strings.TrimSpace(name), file)
	}
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return section
	}
	key, value = strings.TrimSpace(key), iniValue(value)
	if key == "include" {
		for _, f := range r.tree.Glob(webconf.Under(path.Dir(r.main), value)) {
			r.file(f, section, depth+1)
		}
		return section
	}
	if section < 0 {
		r.cfg.Global.Set[key] = value
		return section
	}
	p := &r.cfg.Pools[section]
	p.Set[key] = strings.ReplaceAll(value, "$pool", p.Name)
	return section
}

// section opens a pool, or goes on with one that was open before.
func (r *fpmReader) section(name, file string) int {
	if strings.EqualFold(name, "global") {
		return -1
	}
	i, ok := r.byName[name]
	if !ok {
		i = len(r.cfg.Pools)
		r.byName[name] = i
		r.cfg.Pools = append(r.cfg.Pools, fpmSection{Name: name, File: file, Set: map[string]string{}})
	}
	return i
}

// iniValue strips blanks, quotes and a comment.
func iniValue(v string) string {
	v = strings.TrimSpace(v)
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') {
		if end := strings.IndexByte(v[1:], v[0]); end >= 0 {
			return v[1 : end+1]
		}
	}
	if i := strings.IndexByte(v, ';'); i >= 0 {
		v = strings.TrimSpace(v[:i])
	}
	return v
}
