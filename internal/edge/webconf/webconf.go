// Package webconf reads the text of the configuration of an Apache, an nginx or
// an OpenLiteSpeed: words, blocks, what is included, variables and conditions,
// each directive with the file and line that it stands on.
//
// It answers no question about a site. Its text belongs to the server's owner
// and may be broken or of a newer version; what cannot be read becomes a fault
// and the rest goes on, within bounds on files, sizes and depth.
package webconf

import "strings"

// Config is a main file with what it includes.
type Config struct {
	Directives []Directive
	Faults     []error // what could not be read or understood of the files that it includes
}

// Directive is one directive, block or section.
type Directive struct {
	Name  string // of Apache in lower case
	Args  []string
	Block []Directive // what it holds: of an include the directives of its files
	Open  bool        // it has a block of its own
	File  string
	Line  int  // from 1
	First bool // nothing stands before it on its line
}

// Includes reports whether it takes in other files, which are its Block then.
func (d Directive) Includes() bool {
	return !d.Open && (d.Name == "include" || d.Name == "includeoptional")
}

// Arg returns an argument, "" where there are not so many.
func (d Directive) Arg(i int) string {
	if i >= len(d.Args) {
		return ""
	}
	return d.Args[i]
}

// Flat returns directives with those of the files that they include in the
// include's place.
func Flat(ds []Directive) []Directive {
	var out []Directive
	for _, d := range ds {
		if d.Includes() {
			out = append(out, Flat(d.Block)...)
			continue
		}
		out = append(out, d)
	}
	return out
}

// Named returns the directives with a name, also those of included files.
func Named(ds []Directive, name string) []Directive {
	var out []Directive
	for _, d := range Flat(ds) {
		if d.Name == name {
			out = append(out, d)
		}
	}
	return out
}

// Value returns the first argument of the last directive with a name, "" where
// there is none.
func Value(ds []Directive, name string) string {
	v := ""
	for _, d := range Named(ds, name) {
		if len(d.Args) > 0 {
			v = d.Args[0]
		}
	}
	return v
}

// IsPattern reports whether a path has wildcards.
func IsPattern(path string) bool { return strings.ContainsAny(path, "*?[") }
