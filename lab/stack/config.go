package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const dirPrefix = "hirune-lab-"

// Config says what site to bring up. The zero value is a small healthy site with an empty audit table.
type Config struct {
	BaseDir  string `toml:"-"` // where the stack's directory goes; TMPDIR, else /var/tmp
	CacheDir string `toml:"-"` // where seeded data directories are kept; BaseDir/hirune-lab-cache
	Keep     bool   `toml:"-"` // leave the directory when the stack goes down
	// Wrap changes the command line of each daemon, to start it inside a control group. It must end in exec: the PID stays.
	Wrap func(argv []string) []string `toml:"-"`

	Web               string            `toml:"web"`                 // Apache or Nginx
	Prefix            string            `toml:"prefix"`              // WordPress' table prefix
	BufferPool        string            `toml:"buffer_pool"`         // innodb_buffer_pool_size
	MaxConnections    int               `toml:"max_connections"`     // of the database
	Engine            map[string]string `toml:"engine"`              // further lines of [mariadbd]
	MaxChildren       int               `toml:"max_children"`        // of PHP-FPM
	MaxRequestWorkers int               `toml:"max_request_workers"` // of Apache
	FPM               map[string]string `toml:"fpm"`                 // further lines of the pool www; Expand replaces the stack's facts
	LogDuration       bool              `toml:"log_duration"`        // append %D to the access log; Apache only
	SQL               string            `toml:"sql"`                 // run as root in the site's database before the first page
	Files             []File            `toml:"file"`
	Mounts            []Mount           `toml:"mount"`
	Plugin            Plugin            `toml:"plugin"`
	Seed              Seed              `toml:"seed"`
}

// Web servers.
const (
	Apache = "apache" // 2.4, event, proxy_fcgi
	Nginx  = "nginx"  // fastcgi_pass
)

// Plugin is the plugin that writes failed log-ins down and purges them daily. The zero value is the audit log of case 0 with
// its true table, columns and hook.
type Plugin struct {
	Slug          string `toml:"slug"`  // directory below plugins/, and file
	File          string `toml:"file"`  // main file; SLUG.php
	Title         string `toml:"title"` // Plugin Name
	Table         string `toml:"table"` // without the prefix
	Column        string `toml:"column"`
	Datetime      bool   `toml:"datetime"` // the column is a DATETIME in UTC, not an integer of seconds
	Hook          string `toml:"hook"`
	RetentionDays int    `toml:"retention_days"`
	TraceBytes    int    `toml:"trace_bytes"` // least length of the call stack: what makes a row 3.3 KB
	MustUse       bool   `toml:"must_use"`    // a file in mu-plugins/ instead of an active plugin
}

// File is one more file below the document root, in whose text Expand replaces the stack's facts.
type File struct {
	Path string `toml:"path"`
	Text string `toml:"text"`
}

// Mount is a small file system below the stack's directory, made before any daemon starts: what fills up is not the machine's own.
type Mount struct {
	At     string `toml:"at"`     // below the stack's directory
	Size   string `toml:"size"`   // as mount takes it: 40M
	Inodes int    `toml:"inodes"` // 0: as many as it likes
	Open   bool   `toml:"open"`   // anybody may make files in it, as in /tmp
}

// Seed is what the site has lived through before the run.
type Seed struct {
	Rows       int     `toml:"rows"`        // in the plugin's table
	OldShare   float64 `toml:"old_share"`   // share of the rows older than the plugin keeps them
	OldDays    int     `toml:"old_days"`    // over how many days before that the old rows spread
	WeekShare  float64 `toml:"week_share"`  // share of the rest that falls into the last seven days
	Posts      int     `toml:"posts"`       // on the site
	ViewsDaily int     `toml:"views_daily"` // page views a day in the rotated access logs
	// ViewsLately are page views a second in the last two hours, in the log only: as many as the run has.
	ViewsLately float64 `toml:"views_lately"`
}

// WithDefaults fills in what is not given.
func (c Config) WithDefaults() Config {
	or(&c.BaseDir, os.Getenv("TMPDIR"))
	or(&c.BaseDir, "/var/tmp")
	or(&c.CacheDir, filepath.Join(c.BaseDir, "hirune-lab-cache"))
	or(&c.Web, Apache)
	or(&c.Prefix, "wp_")
	or(&c.BufferPool, "128M")
	or(&c.MaxConnections, 151)
	or(&c.MaxChildren, 10)
	or(&c.MaxRequestWorkers, 150)
	or(&c.Seed.OldDays, 60)
	or(&c.Seed.WeekShare, 0.5)
	or(&c.Seed.Posts, 300)
	or(&c.Seed.ViewsDaily, 4000)
	c.Plugin = c.Plugin.withDefaults()
	return c
}

func (p Plugin) withDefaults() Plugin {
	if p.Slug == "" {
		p.File = "wp-security.php"
	}
	or(&p.Slug, "all-in-one-wp-security-and-firewall")
	or(&p.File, p.Slug+".php")
	or(&p.Title, "All-In-One Security (AIOS)")
	or(&p.Table, "aiowps_audit_log")
	or(&p.Column, "created")
	or(&p.Hook, "aiowps_clean_old_events")
	or(&p.RetentionDays, 90)
	or(&p.TraceBytes, 2550)
	return p
}

func or[T comparable](field *T, fallback T) {
	var zero T
	if *field == zero {
		*field = fallback
	}
}

// All of these end up in SQL, PHP or a configuration file, so they are held to plain words.
var (
	word = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	slug = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	line = regexp.MustCompile(`^[A-Za-z0-9_. ,:/()-]+$`)
	size = regexp.MustCompile(`^[0-9]+[KMG]?$`)
)

func (c Config) check() error {
	var errs []error
	must := func(what, value string, re *regexp.Regexp) {
		if !re.MatchString(value) {
			errs = append(errs, fmt.Errorf("%s %q must match %s", what, value, re))
		}
	}
	must("prefix", c.Prefix, word)
	must("buffer_pool", c.BufferPool, size)
	must("plugin.table", c.Plugin.Table, word)
	must("plugin.column", c.Plugin.Column, word)
	must("plugin.hook", c.Plugin.Hook, word)
	must("plugin.slug", c.Plugin.Slug, slug)
	must("plugin.title", c.Plugin.Title, line)
	for name, value := range c.Engine {
		must("engine setting", name, word)
		must("engine."+name, value, line)
	}
	for name, value := range c.FPM {
		must("fpm setting", name, regexp.MustCompile(`^[a-z][a-z_.]*(\[[a-z_.]+\])?$`))
		must("fpm."+name, strings.NewReplacer("{dir}", "", "{logs}", "").Replace(value), line)
	}
	for _, f := range c.Files {
		if !filepath.IsLocal(f.Path) {
			errs = append(errs, fmt.Errorf("file %q lies outside of the document root", f.Path))
		}
	}
	for _, m := range c.Mounts {
		must("mount.size", m.Size, size)
		if !filepath.IsLocal(m.At) {
			errs = append(errs, fmt.Errorf("mount %q lies outside of the stack's directory", m.At))
		}
	}
	if c.Web != Apache && (c.Web != Nginx || c.LogDuration) {
		errs = append(errs, fmt.Errorf("web %q: %s, or %s without log_duration", c.Web, Apache, Nginx))
	}
	if c.Seed.OldShare < 0 || c.Seed.OldShare > 1 || c.Seed.WeekShare < 0 || c.Seed.WeekShare > 1 {
		errs = append(errs, errors.New("seed: shares lie between 0 and 1"))
	}
	if len(filepath.Join(c.BaseDir, dirPrefix+"0000000000", "run", "mariadb.sock")) > 100 {
		errs = append(errs, fmt.Errorf("base directory %q is too long for a socket's path", c.BaseDir))
	}
	return errors.Join(errs...)
}

const (
	stopGrace  = 25 * time.Second // a database may flush for some seconds; a stuck rollback is not waited for
	startBound = 60 * time.Second
)
