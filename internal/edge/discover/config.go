package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"hirune/internal/core/hint"
)

// DefaultConfig is where the override file is looked for.
const DefaultConfig = "/etc/hirune/hirune.toml"

// Config overrides what discovery finds. Everything in it is optional.
type Config struct {
	Databases []DatabaseConfig `toml:"database"`
	Logs      []LogConfig      `toml:"log"`
	Sites     []SiteConfig     `toml:"site"`
	Pools     []PoolConfig     `toml:"pool"`
	Ignore    IgnoreConfig     `toml:"ignore"`
	Block     BlockConfig      `toml:"block"`
}

// DatabaseConfig says how to reach a database, by socket or address.
type DatabaseConfig struct {
	Socket       string `toml:"socket"`
	Address      string `toml:"address"` // host:port
	User         string `toml:"user"`
	PasswordFile string `toml:"password_file"` // its first line is the password
}

// LogConfig says how an access log is written.
type LogConfig struct {
	Path   string `toml:"path"`
	Format string `toml:"format"` // LogFormat or log_format
	Site   string `toml:"site"`
}

// SiteConfig names a site.
type SiteConfig struct {
	Root string `toml:"root"` // directory
	URL  string `toml:"url"`  // where it answers
}

// PoolConfig says what is not found of a PHP-FPM pool, told by its listen.
type PoolConfig struct {
	Name         string `toml:"name"`
	Listen       string `toml:"listen"` // socket path or host:port
	MaxChildren  int    `toml:"max_children"`
	StatusPath   string `toml:"status_path"`
	StatusListen string `toml:"status_listen"`
}

// IgnoreConfig leaves out what is found.
type IgnoreConfig struct {
	Databases []string `toml:"databases"` // instance, socket or address
	Web       []string `toml:"web"`       // instances
	Logs      []string `toml:"logs"`      // paths
	Pools     []string `toml:"pools"`     // names or listens
	Sites     []string `toml:"sites"`     // directories
}

// BlockConfig says who may be blocked, and by whom.
type BlockConfig struct {
	Auto    bool     `toml:"auto"`    // the recorder may block by itself
	Allow   []string `toml:"allow"`   // addresses and prefixes that are never blocked
	Proxies []string `toml:"proxies"` // what stands before the web server
}

// Prefixes are addresses and prefixes as they were written; those that are neither
// were faults of the configuration.
func Prefixes(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		if p, ok := parseNet(t); ok {
			out = append(out, p)
		}
	}
	return out
}

// LoadConfig reads an override file. A file that does not exist is an empty
// one. All faults are reported together, each with its line.
func LoadConfig(file string) (Config, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil
	} else if err != nil {
		return Config{}, hint.Wrap(fmt.Errorf("read the configuration: %w", err), "config-unreadable", "run it with sudo")
	}
	c, err := ParseConfig(string(b))
	if err != nil {
		return Config{}, hint.Wrap(fmt.Errorf("%s: %w", file, err), "config-wrong", "mend these lines, or move the file away: everything is found without it")
	}
	return c, nil
}

// ParseConfig reads the text of an override file.
func ParseConfig(text string) (Config, error) {
	var c Config
	md, err := toml.Decode(text, &c)
	if err != nil {
		if pe, ok := errors.AsType[toml.ParseError](err); ok {
			return Config{}, fmt.Errorf("line %d: %s", pe.Position.Line, pe.Message)
		}
		return Config{}, err
	}
	var faults []error
	lines := keyLines(text)
	for _, key := range md.Undecoded() {
		faults = append(faults, unknownKey(key, lines))
	}
	faults = append(faults, c.check(lines)...)
	return c, errors.Join(faults...)
}

// knownKeys is what each table may hold.
var knownKeys = map[string][]string{
	"":         {"database", "log", "site", "pool", "ignore", "block"},
	"database": {"socket", "address", "user", "password_file"},
	"log":      {"path", "format", "site"},
	"site":     {"root", "url"},
	"pool":     {"name", "listen", "max_children", "status_path", "status_listen"},
	"ignore":   {"databases", "web", "logs", "pools", "sites"},
	"block":    {"auto", "allow", "proxies"},
}

func unknownKey(key toml.Key, lines map[string][]int) error {
	table, name := "", key[0]
	if len(key) > 1 {
		table, name = key[0], key[1]
	}
	msg := fmt.Sprintf("unknown key %q", key.String())
	if s := hint.Nearest(name, knownKeys[table]); s != "" {
		msg += fmt.Sprintf(" (did you mean %q?)", s)
	} else {
		msg += fmt.Sprintf(" (known here: %s)", strings.Join(knownKeys[table], ", "))
	}
	if at := lines[key.String()]; len(at) > 0 {
		return fmt.Errorf("line %d: %s", at[0], msg)
	}
	return errors.New(msg)
}

// check returns the faults of the values.
func (c Config) check(lines map[string][]int) []error {
	var out []error
	fault := func(key string, i int, format string, args ...any) {
		at := ""
		if l := lines[key]; i < len(l) {
			at = fmt.Sprintf("line %d: ", l[i])
		}
		out = append(out, fmt.Errorf(at+format, args...))
	}
	for i, d := range c.Databases {
		if (d.Socket == "") == (d.Address == "") {
			fault("database", i, "[[database]] needs either socket or address")
		}
		if d.Address != "" && !isHostPort(d.Address) {
			fault("database", i, "address %q is not host:port, such as 127.0.0.1:3306", d.Address)
		}
		if d.PasswordFile != "" && !path.IsAbs(d.PasswordFile) {
			fault("database", i, "password_file must be an absolute path")
		}
	}
	for i, l := range c.Logs {
		if !path.IsAbs(l.Path) {
			fault("log", i, "[[log]] needs path, an absolute path")
		}
	}
	for i, s := range c.Sites {
		if !path.IsAbs(s.Root) {
			fault("site", i, "[[site]] needs root, an absolute path")
		}
		if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			fault("site", i, "url %q is not an address such as https://example.com/", s.URL)
		}
	}
	for i, p := range c.Pools {
		if p.Listen == "" || !path.IsAbs(p.Listen) && !isHostPort(p.Listen) {
			fault("pool", i, "[[pool]] needs listen, a socket's path or host:port")
		}
		if p.MaxChildren < 0 {
			fault("pool", i, "max_children must not be negative")
		}
	}
	for i, t := range slices.Concat(c.Block.Allow, c.Block.Proxies) {
		key := "block.allow"
		if i >= len(c.Block.Allow) {
			key = "block.proxies"
		}
		if p, ok := parseNet(t); !ok || p.Bits() == 0 {
			fault(key, 0, "%s: %q is neither an address nor a prefix such as 192.0.2.0/24", key, t)
		}
	}
	return out
}

func isHostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return err == nil && atoi(port) > 0 && atoi(port) < 1<<16
}

// keyLines finds the lines of each table ("database") and key
// ("database.user"), in their order. The text has been parsed before.
func keyLines(text string) map[string][]int {
	out, table, n := map[string][]int{}, "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && !strings.Contains(line, "=") {
			name, _, _ := strings.Cut(strings.TrimLeft(line, "[ "), "]")
			table = strings.TrimSpace(name)
			out[table] = append(out[table], n)
			continue
		}
		if key, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			key = strings.Trim(strings.TrimSpace(key), `"'`)
			if table != "" {
				key = table + "." + key
			}
			out[key] = append(out[key], n)
		}
	}
	return out
}
