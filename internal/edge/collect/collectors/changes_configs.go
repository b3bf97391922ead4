package collectors

import (
	"path/filepath"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

// ownedConfig is a configuration file with what it configures.
type ownedConfig struct{ path, service, site string }

// ownedConfigs lists the configuration files of what runs here: the ones that are
// named by what runs, and what the usual layouts include from beside them.
func ownedConfigs(root string, f discover.Found) []ownedConfig {
	var out []ownedConfig
	add := func(service, site string, patterns ...string) {
		for _, p := range patterns {
			if p == "" {
				continue
			}
			paths, err := filepath.Glob(p)
			if err != nil {
				continue
			}
			if len(paths) == 0 && !strings.Contains(p, "*") {
				paths = []string{p} // a file that may come to be
			}
			for _, at := range paths {
				out = append(out, ownedConfig{at, service, site})
			}
		}
	}
	for _, r := range f.Roots {
		name := r.Host
		if name == "" {
			name = r.Dir
		}
		if r.WPConfig != "" {
			add("", name, r.WPConfig)
		}
		add(evidence.ServiceApache, name, filepath.Join(r.Dir, ".htaccess"))
		add(evidence.ServicePHP, name, filepath.Join(r.Dir, ".user.ini"))
	}
	for _, d := range f.Databases {
		if d.Config != "" {
			add(evidence.ServiceDatabase, "", d.Config)
			continue
		}
		etc := rooted(root, "/etc")
		add(evidence.ServiceDatabase, "", etc+"/my.cnf", etc+"/my.cnf.d/*.cnf", etc+"/mysql/my.cnf", etc+"/mysql/*.conf.d/*.cnf", etc+"/mysql/conf.d/*.cnf")
	}
	for _, p := range f.Pools {
		if p.Config == "" {
			continue
		}
		beside, above := filepath.Dir(p.Config), filepath.Dir(filepath.Dir(p.Config))
		add(evidence.ServicePHP, "", p.Config, beside+"/php.ini", beside+"/php-fpm.conf", above+"/php.ini", above+"/php-fpm.conf", above+"/conf.d/*.ini", rooted(root, "/etc/php.ini"))
	}
	for _, w := range f.WebServers {
		if w.Config == "" {
			continue
		}
		beside := filepath.Dir(w.Config)
		add(w.Service, "", w.Config, beside+"/sites-enabled/*", beside+"/conf.d/*.conf", beside+"/conf-enabled/*.conf", beside+"/mods-enabled/*.conf", beside+"/ports.conf", beside+"/snippets/*.conf")
	}
	return out
}
