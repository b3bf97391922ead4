package webconf

import "path"

// ReadNginx reads an nginx configuration. Relative includes are taken from the
// main file's directory. The error is of the main file, and what came before it
// is returned, too.
func ReadNginx(t Tree, file string) (Config, error) { return readMain(t, file, parseNginx) }

// readMain reads a main file with what it includes, each by the parser of its
// language.
func readMain(t Tree, file string, parse func(file, text string) ([]Directive, error)) (Config, error) {
	r := reader{tree: t, parse: parse, dir: path.Dir(file), left: MaxFiles}
	ds, err := r.file(file, 0)
	return Config{Directives: ds, Faults: r.faults}, err
}

type reader struct {
	tree   Tree
	parse  func(file, text string) ([]Directive, error)
	dir    string // that relative includes are taken from
	left   int
	faults []error
}

func (r *reader) file(name string, depth int) ([]Directive, error) {
	if r.left == 0 || depth > MaxDepth {
		return nil, nil
	}
	r.left--
	text, err := r.tree.Read(name)
	if err != nil {
		return nil, err
	}
	ds, err := r.parse(name, string(text))
	r.expand(ds, depth)
	return ds, err
}

// expand puts the directives of the included files into their includes.
func (r *reader) expand(ds []Directive, depth int) {
	for i := range ds {
		d := &ds[i]
		if !d.Includes() || len(d.Args) != 1 {
			r.expand(d.Block, depth)
			continue
		}
		for _, f := range r.tree.Glob(Under(r.dir, d.Args[0])) {
			in, err := r.file(f, depth+1)
			if err != nil {
				r.faults = append(r.faults, err)
			}
			d.Block = append(d.Block, in...)
		}
	}
}
