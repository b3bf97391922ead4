package stack

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/template"
)

//go:embed files
var files embed.FS

type pair struct{ Name, Value string }

// fill renders one embedded template to a path with a mode.
func fill(name, path string, mode os.FileMode, data any) error {
	t, err := template.ParseFS(files, "files/"+name)
	if err != nil {
		return fmt.Errorf("read the template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return fmt.Errorf("fill the template %s: %w", name, err)
	}
	return os.WriteFile(path, out.Bytes(), mode)
}

func (s *Stack) writeConfig() error {
	conf := func(name string) string { return filepath.Join(s.Dir, "conf", name) }
	threads := min(25, s.cfg.MaxRequestWorkers)
	data := struct {
		Config
		*Stack
		Settings, PoolLines                                      []pair
		Modules                                                  []string
		StartServers, SpareServers, ThreadsPerChild, ServerLimit int
		MaxRequestWorkers                                        int
	}{
		Config: s.cfg, Stack: s, Settings: s.pairs(s.cfg.Engine), PoolLines: s.pairs(s.cfg.FPM),
		Modules: []string{"mpm_event", "authz_core", "mime", "dir", "rewrite", "proxy", "proxy_fcgi"},
		// Debian's ratio of spare to most children, for any pool size.
		StartServers: min(2, s.cfg.MaxChildren), SpareServers: max(2, min(3, s.cfg.MaxChildren)),
		ThreadsPerChild: threads, ServerLimit: s.cfg.MaxRequestWorkers / threads, MaxRequestWorkers: s.cfg.MaxRequestWorkers / threads * threads,
	}
	paths := map[string]string{"my.cnf.tmpl": conf("my.cnf"), "php-fpm.conf.tmpl": conf("php-fpm.conf"), "apache2.conf.tmpl": conf("apache2.conf")}
	if s.cfg.Web == Nginx {
		delete(paths, "apache2.conf.tmpl")
		paths["nginx.conf.tmpl"], paths["nginx-site.tmpl"] = conf("nginx.conf"), filepath.Join(s.Dir, "sites-enabled", "wordpress")
	}
	for template, path := range paths {
		if err := fill(template, path, 0o644, data); err != nil {
			return err
		}
	}
	return s.writeWPConfig()
}

// pairs are settings in order of name.
func (s *Stack) pairs(settings map[string]string) []pair {
	var out []pair
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		out = append(out, pair{k, s.Expand(settings[k])})
	}
	return out
}

func (s *Stack) writeWPConfig() error {
	var keys []pair
	for _, name := range []string{"AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY", "AUTH_SALT", "SECURE_AUTH_SALT", "LOGGED_IN_SALT", "NONCE_SALT"} {
		keys = append(keys, pair{name, secret()})
	}
	path := filepath.Join(s.Docroot(), "wp-config.php")
	err := fill("wp-config.php.tmpl", path, 0o640, struct {
		*Stack
		Prefix string
		Keys   []pair
	}{s, s.cfg.Prefix, keys})
	if err != nil {
		return err
	}
	return chownTo(path, "www-data")
}
