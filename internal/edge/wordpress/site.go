package wordpress

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Site is one WordPress on this host, as its files tell it.
type Site struct {
	Name    string // host name or directory
	Dir     string
	URL     string
	Version string // empty: unknown
	Config  Config
}

// Querier reads a site's database. Its errors are passed on as they are.
type Querier interface {
	// Option returns the value of an option, from the table <prefix>options of the schema.
	Option(ctx context.Context, schema, prefix, name string) (string, error)
	// TableNames returns the names of the schema's tables that begin with the prefix.
	TableNames(ctx context.Context, schema, prefix string) ([]string, error)
}

// ReadSite reads what is in the files of the site in dir, configured by the
// wp-config.php at config. host is its name, if it is known. Errors are as
// those of ReadConfig; what could be read comes with it.
func ReadSite(dir, config, host string) (Site, error) {
	s := Site{Name: host, Dir: dir, Version: version(dir)}
	if s.Name == "" {
		s.Name = dir
	}
	var err error
	s.Config, err = ReadConfig(config, host)
	s.URL = s.Config.Home
	return s, err
}

// version reads $wp_version from wp-includes/version.php.
func version(dir string) string {
	src, err := readRegular(filepath.Join(dir, "wp-includes", "version.php"), configBytes)
	if err != nil {
		return ""
	}
	toks := tokens(src)
	for i, t := range toks {
		if t.kind == kVar && t.text == "wp_version" && at(toks, i+1).is("=") && at(toks, i+2).kind == kString {
			return printable(at(toks, i+2).text)
		}
	}
	return ""
}

// Content is the directory that holds plugins and themes, symbolic links resolved.
func (s Site) Content() string {
	dir := s.Config.Content
	if dir == "" {
		dir = filepath.Join(s.Dir, "wp-content")
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

// header reads a line such as " * Version: 1.2" of a plugin's first comment.
func header(src []byte, name string) string {
	for line := range strings.Lines(string(src[:min(len(src), 8<<10)])) {
		k, v, ok := strings.Cut(strings.TrimLeft(line, " \t/*#@"), ":")
		if ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return printable(strings.TrimSpace(v))
		}
	}
	return ""
}

// openContent opens the directory of plugins so that no link leads out of it.
func openContent(dir string) (*os.Root, error) { return os.OpenRoot(dir) }
