package errorlog

import (
	"regexp"
	"strings"

	"hirune/internal/core/evidence"
)

// unitName finds the unit that a line of systemd is about: "mariadb.service:
// Main process exited, …", "Stopping nginx.service - A web server…".
var unitName = regexp.MustCompile(`([A-Za-z0-9@_.\-]+)\.service\b`)

// UnitService returns the service whose unit a line of systemd names; "" where
// it names none that we know.
func UnitService(line string) string {
	m := unitName.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	name, _, _ := strings.Cut(m[1], "@")
	switch {
	case name == "mariadb" || name == "mysql" || name == "mysqld":
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
