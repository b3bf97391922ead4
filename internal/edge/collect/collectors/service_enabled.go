package collectors

import (
	"os"
	"path"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

// expectedService is a service that is set up to run.
type expectedService struct {
	service, instance string
	how, detail       string
	unit, program     string
}

// unitNames are the units of the services by program, where a distribution has
// one name only.
var unitNames = map[string]string{"mariadbd": "mariadb", "apache2": "apache2", "httpd": "httpd", "nginx": "nginx"}

// enabledServices reads what is set up to start with the machine: Bitnami's own
// services, or systemd's enabled units. Nothing is asked of systemd itself: the
// links that "systemctl enable" makes are files.
func enabledServices(root string, f *discover.Found) []expectedService {
	switch f.Manager {
	case "bitnami":
		return bitnamiServices(root)
	case "systemd":
		return systemdServices(root)
	}
	return nil
}

// bitnamiParts are the parts of a Bitnami image by directory, with the names
// that ctlscript.sh knows them by.
var bitnamiParts = []struct{ service, dir, program string }{
	{evidence.ServiceDatabase, "mariadb", "mariadbd"},
	{evidence.ServiceDatabase, "mysql", "mysqld"},
	{evidence.ServiceApache, "apache", "httpd"},
	{evidence.ServiceNginx, "nginx", "nginx"},
	{evidence.ServicePHP, "php", "php-fpm"},
}

func bitnamiServices(root string) []expectedService {
	var out []expectedService
	for _, p := range bitnamiParts {
		if isPart(root, p.dir) {
			out = append(out, expectedService{service: p.service, instance: bitnamiName(root, p.service), how: "ctlscript", program: p.program})
		}
	}
	return out
}

// isPart reports whether a part is installed with a configuration to run by:
// the image keeps client programs of others.
func isPart(root, dir string) bool {
	for _, sub := range []string{"conf", "etc/php-fpm.conf"} {
		if _, err := os.Stat(rooted(root, path.Join("/opt/bitnami", dir, sub))); err == nil {
			return true
		}
	}
	return false
}

// bitnamiName is the name by which ctlscript.sh starts a service, or "".
func bitnamiName(root, service string) string {
	for _, p := range bitnamiParts {
		if p.service != service || !isPart(root, p.dir) {
			continue
		}
		if service == evidence.ServicePHP {
			return "php-fpm"
		}
		return p.dir
	}
	return ""
}

// systemdServices reads the links below /etc/systemd/system/*.wants.
func systemdServices(root string) []expectedService {
	var out []expectedService
	for _, dir := range []string{"multi-user.target.wants", "default.target.wants", "graphical.target.wants"} {
		at := rooted(root, "/etc/systemd/system/"+dir)
		entries, _ := os.ReadDir(at)
		for _, e := range entries {
			unit := e.Name()
			if to, err := os.Readlink(path.Join(at, unit)); err == nil {
				unit = path.Base(to) // mysql.service may stand for mariadb.service
			}
			if service := unitService(unit); service != "" {
				out = append(out, expectedService{service: service, instance: strings.TrimSuffix(unit, ".service"), how: "systemd", unit: unit, detail: "enabled and not running"})
			}
		}
	}
	return out
}

// unitService tells a service by the name of its unit.
func unitService(unit string) string {
	switch name := strings.TrimSuffix(unit, ".service"); {
	case name == "mariadb" || name == "mysql" || name == "mysqld" || strings.HasPrefix(name, "mariadb@") || strings.HasPrefix(name, "mysql@"):
		return evidence.ServiceDatabase
	case name == "apache2" || name == "httpd":
		return evidence.ServiceApache
	case name == "nginx":
		return evidence.ServiceNginx
	case strings.HasPrefix(name, "php") && strings.HasSuffix(name, "-fpm"):
		return evidence.ServicePHP
	}
	return ""
}
