package collectors

import (
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/tail"
)

// packageLogs are the logs of the package managers that keep one as text.
// Debian's rotated part is read once.
func packageLogs(root string) []*packageLog {
	dpkg, dnf := rooted(root, "/var/log/dpkg.log"), rooted(root, "/var/log/dnf.rpm.log")
	return []*packageLog{
		{tail: tail.New(dpkg), how: "dpkg.log", read: dpkgLine, past: []string{dpkg + ".1"}},
		{tail: tail.New(dnf), how: "dnf.rpm.log", read: dnfLine, past: []string{dnf + ".1"}},
	}
}

var dpkgVerbs = map[string]string{"install": "installed", "upgrade": "updated", "remove": "removed", "purge": "removed"}

// dpkgLine reads
//
//	2026-11-22 19:29:00 upgrade php8.2-fpm:amd64 8.2.7-1~deb12u1 8.2.30-1~deb12u1
//
// in local time, where the package belongs to a service of the site.
func dpkgLine(line string, loc *time.Location, _ time.Time) (time.Time, evidence.Change, bool) {
	w := strings.Fields(line)
	if len(w) != 6 || dpkgVerbs[w[2]] == "" {
		return time.Time{}, evidence.Change{}, false
	}
	name, _, _ := strings.Cut(w[3], ":")
	at, err := time.ParseInLocation(time.DateTime, w[0]+" "+w[1], loc)
	service := serviceOfPackage(name)
	if err != nil || service == "" {
		return time.Time{}, evidence.Change{}, false
	}
	version := func(s string) string { return strings.Trim(s, "<>") }
	c := evidence.Change{What: evidence.ChangePackage, Name: name, From: version(w[4]), To: version(w[5]), Verb: dpkgVerbs[w[2]], Service: service}
	if c.From == "none" {
		c.From = ""
	}
	if c.To == "none" {
		c.To = ""
	}
	return at, c, plainPackage(c)
}

var dnfVerbs = map[string]string{"Installed:": "installed", "Upgrade:": "updated", "Upgraded:": "", "Erase:": "removed"}

// dnfLine reads
//
//	2026-11-22T19:29:00+0900 SUBDEBUG Upgrade: php-fpm-8.0.30-1.el9.x86_64
//
// Source: dnf's own logging of rpm's messages. Without the version before.
func dnfLine(line string, _ *time.Location, _ time.Time) (time.Time, evidence.Change, bool) {
	w := strings.Fields(line)
	if len(w) != 4 || dnfVerbs[w[2]] == "" {
		return time.Time{}, evidence.Change{}, false
	}
	at, err := time.Parse("2006-01-02T15:04:05-0700", w[0])
	if err != nil {
		at, err = time.Parse(time.RFC3339, w[0])
	}
	name, version := nevra(w[3])
	service := serviceOfPackage(name)
	if err != nil || service == "" {
		return time.Time{}, evidence.Change{}, false
	}
	c := evidence.Change{What: evidence.ChangePackage, Name: name, To: version, Verb: dnfVerbs[w[2]], Service: service}
	return at, c, plainPackage(c)
}

// nevra takes "php-fpm-8.0.30-1.el9.x86_64" apart: the version begins at the last
// hyphen but one.
func nevra(s string) (name, version string) {
	if i := strings.LastIndexByte(s, '.'); i > 0 {
		s = s[:i] // the architecture
	}
	release := strings.LastIndexByte(s, '-')
	if release < 0 {
		return s, ""
	}
	i := strings.LastIndexByte(s[:release], '-')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// serviceOfPackage is the service that a package belongs to; "" : none of the site's.
func serviceOfPackage(name string) string {
	has := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("php", "libapache2-mod-php"):
		return evidence.ServicePHP
	case has("mariadb", "mysql", "percona", "MariaDB", "galera"):
		return evidence.ServiceDatabase
	case has("apache2", "httpd", "libapache2-mod", "mod_"):
		return evidence.ServiceApache
	case has("nginx", "libnginx-mod"):
		return evidence.ServiceNginx
	}
	return ""
}

// plainPackage refuses what no package manager writes.
func plainPackage(c evidence.Change) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+:~_-^"
	for _, s := range []string{c.Name, c.From, c.To} {
		if len(s) > 120 || strings.Trim(s, plain) != "" {
			return false
		}
	}
	return true
}
