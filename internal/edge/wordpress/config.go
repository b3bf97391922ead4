package wordpress

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

const (
	configBytes = 256 << 10
	configFiles = 8
)

// Config is what wp-config.php says. It holds a password: it prints without.
type Config struct {
	Path      string
	DBName    string
	User      string
	Password  string
	Host      string // TCP host; empty where a socket is used
	Port      int    // 0: the default
	Socket    string // UNIX socket; "" with an empty Host: the client's default socket
	Prefix    string // of the tables
	Home      string // WP_HOME
	Content   string // WP_CONTENT_DIR
	Multisite bool
	NoCron    bool     // DISABLE_WP_CRON
	Unread    []string // constants that are not written out, e.g. taken from the environment
}

// String implements fmt.Stringer, without the password.
func (c Config) String() string {
	return fmt.Sprintf("%s (database %s, prefix %s)", c.Path, c.DBName, c.Prefix)
}

// GoString implements fmt.GoStringer, without the password.
func (c Config) GoString() string { return c.String() }

// ReadConfig reads a wp-config.php and the files that it requires by a name
// that is written out. host is the site's name: Debian's wp-config.php takes
// the file named after it. It fails, with a hint, where the file cannot be
// read or names no database.
func ReadConfig(path, host string) (Config, error) {
	r := configReader{values: map[string]value{}, host: host, left: configFiles}
	if err := r.file(path); err != nil {
		advice := "let hirune read " + path + ": run it as root"
		return Config{Path: path}, hint.Wrap(fmt.Errorf("read WordPress' configuration: %w: %w", evidence.ErrAbsent, err), "wp-config-unreadable", advice)
	}
	c := r.config(path)
	if c.DBName == "" {
		return c, hint.Wrap(fmt.Errorf("read WordPress' configuration %s: %w: it names no database", path, evidence.ErrAbsent),
			"wp-config-unclear", "the values are computed by PHP: name the site's database in hirune's configuration")
	}
	return c, nil
}

// value is what a constant is set to; known is false where PHP computes it.
type value struct {
	text  string
	known bool
}

type configReader struct {
	values map[string]value
	host   string
	left   int // files that may still be read
	read   []string

	debianRead bool // the site's own file below /etc/wordpress
}

func (r *configReader) file(path string) error {
	src, err := readRegular(path, configBytes)
	if err != nil {
		return err
	}
	r.left--
	r.read = append(r.read, path)
	r.parse(src, filepath.Dir(path))
	return nil
}

// include reads a required file where it is required: what it sets comes
// before what follows. One that cannot be read leaves its values unset.
func (r *configReader) include(path string) bool {
	if r.left <= 0 || slices.Contains(r.read, path) {
		return false
	}
	return r.file(path) == nil
}

// readRegular reads a file that is a file, whatever a site's owner put there.
func readRegular(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s: %w", path, fs.ErrInvalid))
	}
	return io.ReadAll(io.LimitReader(f, most))
}

func (r *configReader) parse(src []byte, dir string) {
	toks := tokens(src)
	for i, t := range toks {
		switch {
		case t.kind == kName && strings.EqualFold(t.text, "define") && at(toks, i+1).is("(") && at(toks, i+2).kind == kString && at(toks, i+3).is(","):
			r.set(at(toks, i+2).text, toks[min(len(toks), i+4):], ")")
		case t.kind == kName && strings.EqualFold(t.text, "const") && at(toks, i+2).is("="):
			r.set(at(toks, i+1).text, toks[min(len(toks), i+3):], ";")
		case t.kind == kVar && t.text == "table_prefix" && at(toks, i+1).is("="):
			r.set("$table_prefix", toks[min(len(toks), i+2):], ";")
		case t.kind == kName && (strings.HasPrefix(strings.ToLower(t.text), "require") || strings.HasPrefix(strings.ToLower(t.text), "include")):
			r.require(toks[i+1:], dir)
		case t.kind == kString && t.text == "/etc/wordpress/config-":
			r.debian()
		}
	}
}

func tokens(src []byte) []token {
	var out []token
	for l := (lexer{src: src}); ; {
		t := l.next()
		if t.kind == kEnd {
			return out
		}
		out = append(out, t)
	}
}

func at(toks []token, i int) token {
	if i < len(toks) {
		return toks[i]
	}
	return token{}
}

// set keeps the first value of a constant, as PHP does.
func (r *configReader) set(name string, toks []token, end string) {
	if _, done := r.values[name]; done {
		return
	}
	t := at(toks, 0)
	literal := !t.mixed && (t.kind == kString || t.kind == kNumber || t.kind == kName)
	if t.kind == kName && !slices.Contains([]string{"true", "false", "null"}, strings.ToLower(t.text)) {
		literal = false
	}
	r.values[name] = value{text: t.text, known: literal && (at(toks, 1).is(end) || at(toks, 1).is(","))}
}

// require notes 'path', ('path') and (__DIR__ . '/path'); wp-settings.php is
// WordPress itself.
func (r *configReader) require(toks []token, dir string) {
	for at(toks, 0).is("(") {
		toks = toks[1:]
	}
	base := ""
	if at(toks, 0).text == "__DIR__" && at(toks, 1).is(".") {
		base, toks = dir, toks[2:]
	}
	t := at(toks, 0)
	if t.kind != kString || t.mixed || at(toks, 1).is(".") || !strings.HasSuffix(t.text, ".php") || strings.HasSuffix(t.text, "wp-settings.php") {
		return
	}
	path := t.text
	if base != "" || !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if path == debianDir+"config-default.php" && r.debianRead {
		return // it stands in for the file of the site, which there is
	}
	r.include(filepath.Clean(path))
}

const debianDir = "/etc/wordpress/"

// debian does what Debian's wp-config.php computes: the file named after the
// site. Without a name for the site it takes the only one that there is.
func (r *configReader) debian() {
	host, _, _ := strings.Cut(strings.ToLower(r.host), ":")
	if host != "" && !strings.ContainsAny(host, "/\x00") && r.include(debianDir+"config-"+host+".php") {
		r.debianRead = true
		return
	}
	if found, err := filepath.Glob(debianDir + "config-*.php"); err == nil && len(found) == 1 {
		r.debianRead = r.include(found[0])
	}
}

// config reads the constants.
func (r *configReader) config(path string) Config {
	c := Config{Path: path, Prefix: "wp_"}
	text := func(name string) string {
		v, set := r.values[name]
		if set && !v.known {
			c.Unread = append(c.Unread, name)
			return ""
		}
		return v.text
	}
	c.DBName, c.User, c.Password = text("DB_NAME"), text("DB_USER"), text("DB_PASSWORD")
	c.Host, c.Port, c.Socket = dbHost(text("DB_HOST"))
	if p := text("$table_prefix"); p != "" {
		c.Prefix = p
	}
	c.Home, c.Content = text("WP_HOME"), text("WP_CONTENT_DIR")
	c.Multisite, c.NoCron = truth(text("MULTISITE")), truth(text("DISABLE_WP_CRON"))
	return c
}

func truth(s string) bool {
	s = strings.ToLower(s)
	return s != "" && s != "0" && s != "false" && s != "null"
}

// dbHost reads host, host:port, host:/socket, [::1]:port, :/socket and
// localhost, which means the client's default socket.
// Source: wpdb::parse_db_host.
func dbHost(s string) (host string, port int, socket string) {
	s = strings.TrimPrefix(s, "p:")
	if i := strings.Index(s, ":/"); i >= 0 {
		return "", 0, s[i+1:]
	}
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (strings.Count(s, ":") == 1 || strings.HasPrefix(s, "[") && i > strings.IndexByte(s, ']')) {
		if n, err := strconv.Atoi(s[i+1:]); err == nil {
			host, port = s[:i], n
		}
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" && port == 0 {
		host = ""
	}
	return host, port, ""
}
