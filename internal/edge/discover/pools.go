package discover

import (
	"cmp"
	"path"
	"strings"
)

const fpmTitle = "php-fpm: master process ("

// fpm takes the pools of one running PHP-FPM. Its title names the file.
func (h *host) fpm(p *process) {
	title := strings.Join(p.args, " ")
	rest, ok := strings.CutPrefix(title, fpmTitle)
	if !ok {
		return // just starting, or a tool of that name
	}
	file, _, _ := strings.Cut(rest, ")")
	cfg, errs := parseFPM(p.tree, file)
	h.notes("configuration of "+p.comm, errs)
	errorLog := h.fpmErrorLog(p, cfg.Global.Set["error_log"])
	for _, s := range cfg.Pools {
		pool := Pool{Instance: fpmName(p, file), Name: s.Name, MasterPID: p.pid, Started: p.started, MaxChildren: -1, ErrorLog: errorLog, User: s.Set["user"], Config: p.tree.Host(s.File)}
		if n := atoi(s.Set["pm.max_children"]); n > 0 {
			pool.MaxChildren = n
		}
		pool.Listen = fpmListen(p, s.Set["listen"])
		pool.StatusPath, pool.StatusListen = s.Set["pm.status_path"], fpmListen(p, s.Set["pm.status_listen"])
		if v := s.Set["slowlog"]; v != "" && atoi(strings.TrimRight(s.Set["request_slowlog_timeout"], "smhd")) > 0 {
			pool.SlowLog = p.seen(h.relativeLog(p, v))
		}
		pool.PHPErrorLog = h.phpErrorLog(p, file, s.Set)
		pool.SessionDir, pool.UploadDir = sessionDir(p, file, s.Set), phpPath(p, phpSetting(p, file, s.Set, "upload_tmp_dir"))
		h.found.Pools = append(h.found.Pools, pool)
	}
}

// fpmName is "php-fpm:8.2", or "php-fpm" where the program does not say. A
// file in no usual place is part of the name, so that a second master of one
// version keeps its name whether the first runs or not.
func fpmName(p *process, file string) string {
	name, more := "php-fpm", ""
	if !strings.HasPrefix(file, "/etc/") && !strings.HasPrefix(file, "/opt/bitnami/") {
		more = ":" + file
	}
	for _, s := range []string{p.program(), p.comm} {
		if v, ok := strings.CutPrefix(s, "php-fpm"); ok && strings.Trim(v, "-") != "" {
			return name + ":" + strings.Trim(v, "-") + more
		}
	}
	return name + more
}

// fpmListen makes "9000" and "*:9000" an address that can be asked.
func fpmListen(p *process, s string) string {
	switch {
	case s == "":
		return ""
	case path.IsAbs(s):
		return p.seen(s)
	case atoi(s) > 0:
		return "127.0.0.1:" + s
	}
	for _, any := range []string{"*:", "0.0.0.0:", "[::]:"} {
		if port, ok := strings.CutPrefix(s, any); ok {
			return "127.0.0.1:" + port
		}
	}
	return s
}

// phpErrorLog returns where the scripts of a pool write their errors: the pool's
// own setting, or that of the php.ini beside FPM's configuration, which is where
// Debian, RHEL and Bitnami have it.
func (h *host) phpErrorLog(p *process, file string, pool map[string]string) string {
	return phpPath(p, phpSetting(p, file, pool, "error_log"))
}

// phpSetting is a setting of PHP that a pool makes, or else its php.ini.
func phpSetting(p *process, file string, pool map[string]string, name string) string {
	v := cmp.Or(pool["php_admin_value["+name+"]"], pool["php_value["+name+"]"])
	if v == "" {
		ini, _ := parseFPM(p.tree, path.Join(path.Dir(file), "php.ini"))
		for _, s := range append(ini.Pools, ini.Global) {
			v = cmp.Or(v, s.Set[name])
		}
	}
	return v
}

// phpPath is a path of a PHP setting as this host sees it; empty for what is none.
func phpPath(p *process, name string) string {
	if !path.IsAbs(name) || strings.HasPrefix(name, "/proc/") || strings.HasPrefix(name, "/dev/") {
		return ""
	}
	return p.seen(name)
}

// usualSessions are where PHP keeps sessions where no setting says it: as it was
// built on Debian, RHEL and elsewhere.
var usualSessions = []string{"/var/lib/php/sessions", "/var/lib/php/session", "/tmp"}

// sessionDir is where a pool keeps sessions as files. The setting may have the
// depth of its directories and a mode before the path: "2;0600;/var/sessions".
func sessionDir(p *process, file string, pool map[string]string) string {
	if h := phpSetting(p, file, pool, "session.save_handler"); h != "" && h != "files" {
		return ""
	}
	v := phpSetting(p, file, pool, "session.save_path")
	if v = v[strings.LastIndexByte(v, ';')+1:]; v != "" {
		return phpPath(p, v)
	}
	for _, d := range usualSessions {
		if st, ok := p.tree.Stat(d); ok && st.IsDir() {
			return p.seen(d)
		}
	}
	return ""
}

// fpmErrorLog returns the master's own log; FPM without error_log writes to
// log/php-fpm.log below a directory it was built with.
func (h *host) fpmErrorLog(p *process, configured string) string {
	switch configured {
	case "syslog":
		return ""
	case "":
		configured = "log/php-fpm.log"
	}
	if strings.HasPrefix(configured, "/proc/") || strings.HasPrefix(configured, "/dev/") {
		return ""
	}
	return p.seen(h.relativeLog(p, configured))
}

// relativeLog finds a relative log among the open files, else below /var.
func (h *host) relativeLog(p *process, name string) string {
	if path.IsAbs(name) {
		return name
	}
	for _, f := range p.files {
		if strings.HasSuffix(f.target, "/"+name) {
			return f.target
		}
	}
	return path.Join("/var", name)
}
