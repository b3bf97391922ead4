package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/tape"
)

// rounds is what the doctor says of what runs here, area by area: first what
// was found, then what cannot be seen.
func (a *app) rounds(found discover.Found, records []evidence.Record) []check {
	w := recording.New(records)
	var out []check
	out = append(out, hostChecks(w)...)
	out = append(out, webChecks(found)...)
	out = append(out, poolChecks(found)...)
	out = append(out, databaseChecks(found, w)...)
	out = append(out, siteChecks(found, w)...)
	out = append(out, visitorChecks(found, w)...)
	out = append(out, scheduleChecks(w)...)
	out = append(out, serviceChecks(w)...)
	out = append(out, hiddenChecks(w)...)
	return out
}

func hostChecks(w recording.Window) []check {
	h, _, ok := recording.Last[evidence.Host](w, nil)
	if !ok {
		return nil
	}
	c := check{Mark: markOK, Area: "host", Message: count(h.CPUs, "CPU") + ", " + size(h.MemTotalKB<<10) + " memory"}
	if !h.PSI {
		c.Evidence = "the kernel does not tell how long tasks wait (no /proc/pressure); load and run queue are used instead"
	}
	return []check{c}
}

// webChecks says which web servers run and whether their logs can be read.
func webChecks(found discover.Found) []check {
	if len(found.WebServers) == 0 {
		return []check{{Mark: markUnknown, Area: "web server", Message: "none was found", Hint: "is Apache or nginx running? try again with sudo"}}
	}
	var out []check
	for _, s := range found.WebServers {
		c := check{Mark: markOK, Area: "web server", Name: s.Instance, Message: "listens on " + list(s.Listen)}
		if s.MaxWorkers > 0 {
			c.Message += fmt.Sprintf(", at most %d workers", s.MaxWorkers)
		}
		out = append(out, c)
		if len(s.AccessLogs) == 0 {
			out = append(out, check{Mark: markUnknown, Area: "access log", Name: s.Instance, Message: "none was found", Hint: "does its configuration have a CustomLog (Apache) or access_log (nginx) line? name it in " + discover.DefaultConfig + ": [[log]] path = \"…\""})
		}
		for _, l := range s.AccessLogs {
			out = append(out, logCheck(l, s.Service))
		}
		for _, p := range s.ErrorLogs {
			out = append(out, fileCheck("error log", p))
		}
	}
	return out
}

// logCheck says whether an access log can be read and has durations.
func logCheck(l discover.AccessLog, service string) check {
	c := fileCheck("access log", l.Path)
	if c.Mark == markOK && !timed(l.Format) {
		c.Mark, c.Message = markNote, "can be read, but does not say how long requests took"
		c.Hint = `add %D to the LogFormat of this log: LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D" combined`
		if service == evidence.ServiceNginx {
			c.Hint = "add $request_time to the log_format of this log"
		}
	}
	return c
}

// timed reports whether a log format has the duration of a request.
func timed(format string) bool {
	for _, f := range []string{"%D", "%T", "}T", "$request_time", "$upstream_response_time"} {
		if strings.Contains(format, f) {
			return true
		}
	}
	return false
}

// fileCheck says whether a file can be read.
func fileCheck(area, path string) check {
	f, err := os.Open(path)
	if err != nil {
		c := check{Mark: markUnknown, Area: area, Name: path, Message: "cannot be read: " + reason(err)}
		if os.IsPermission(err) {
			c.Hint = "run it with sudo, or: sudo usermod -aG adm $USER"
		}
		return c
	}
	f.Close()
	return check{Mark: markOK, Area: area, Name: path, Message: "can be read"}
}

// reason is an error of the file system without its path.
func reason(err error) string {
	if os.IsPermission(err) {
		return "permission denied"
	}
	if os.IsNotExist(err) {
		return "it is not there"
	}
	return err.Error()
}

func poolChecks(found discover.Found) []check {
	var out []check
	for _, p := range found.Pools {
		c := check{Mark: markOK, Area: "PHP-FPM", Name: p.Instance + " " + p.Name, Message: "listens on " + p.Listen}
		if p.MaxChildren > 0 {
			c.Message += fmt.Sprintf(", at most %d children", p.MaxChildren)
		}
		out = append(out, c)
	}
	return out
}

// databaseChecks says which databases run and which of them answers.
func databaseChecks(found discover.Found, w recording.Window) []check {
	if len(found.Databases) == 0 {
		for _, s := range recording.All[evidence.ServiceState](w) {
			if s.Service == evidence.ServiceDatabase && !s.Up {
				return []check{{Mark: markBad, Area: "database", Message: "no MariaDB or MySQL runs here, although a site needs one", Hint: "start it: sudo systemctl start mariadb, on Bitnami sudo /opt/bitnami/ctlscript.sh start mariadb"}}
			}
		}
		return []check{{Mark: markUnknown, Area: "database", Message: "no MariaDB or MySQL runs here", Hint: "is it on another host? name it in " + discover.DefaultConfig + ": [[database]] address = \"host:3306\""}}
	}
	servers := map[string]evidence.DBServer{}
	for _, s := range recording.All[evidence.DBServer](w) {
		servers[s.DB] = s
	}
	tables := map[string]int{}
	for _, t := range recording.All[evidence.Table](w) {
		tables[t.DB]++
	}
	var out []check
	for _, d := range found.Databases {
		where := cmp.Or(d.Socket, d.Address)
		s, ok := servers[d.Instance]
		if !ok && len(found.Databases) == 1 && len(servers) == 1 {
			for _, s = range servers {
				ok = true
			}
		}
		if !ok {
			out = append(out, check{Mark: markUnknown, Area: "database", Name: d.Instance, Message: "runs (" + where + "), but does not tell what it does"})
			continue
		}
		m := fmt.Sprintf("%s %s at %s, buffer pool %s, %d connections", s.Flavour, s.Version, where, size(s.BufferPoolBytes), s.MaxConnections)
		if n := tables[s.DB]; n > 0 {
			m += fmt.Sprintf(", %d tables", n)
		}
		out = append(out, check{Mark: markOK, Area: "database", Name: d.Instance, Message: m})
	}
	return out
}

// siteChecks says which sites were found, with their plugins.
func siteChecks(found discover.Found, w recording.Window) []check {
	sites := map[string]evidence.Site{}
	for _, s := range recording.All[evidence.Site](w) {
		sites[s.Root] = s
	}
	var out []check
	for _, s := range sites {
		m := strings.TrimSpace(s.Platform + " " + s.Version)
		if s.URL != "" {
			m += " at " + s.URL
		}
		if s.Platform == "wordpress" {
			m += fmt.Sprintf(", %s, tables %s.%s*", count(len(s.Plugins), "plugin"), s.Schema, s.Prefix)
		}
		c := check{Mark: markOK, Area: "site", Name: cmp.Or(s.Name, s.Root), Message: m}
		if c.Name != s.Root {
			c.Evidence = s.Root
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y check) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Evidence, y.Evidence)) })
	if len(out) == 0 && len(found.Roots) == 0 {
		out = append(out, check{Mark: markUnknown, Area: "site", Message: "no document root was found", Hint: "name it in " + discover.DefaultConfig + ": [[site]] root = \"/var/www/…\""})
	}
	return out
}

// visitorChecks says what a visitor of each site gets.
func visitorChecks(found discover.Found, w recording.Window) []check {
	last := map[string]evidence.Probe{}
	for _, p := range recording.All[evidence.Probe](w) {
		last[p.Site] = p
	}
	var out []check
	for _, site := range keys(last) {
		out = append(out, visitorCheck(last[site]))
	}
	for _, r := range found.Roots {
		name := cmp.Or(r.Host, r.Dir)
		if _, answered := last[name]; !answered && r.Listen != "" && len(out) < probesShown {
			last[name] = evidence.Probe{}
			out = append(out, check{Mark: markBad, Area: "visitor", Name: name, Message: fmt.Sprintf("waits for a page for more than %s", long(glance)), Hint: "find out why: hirune diagnose"})
		}
	}
	return out
}

// probesShown is how many sites are asked, at most.
const probesShown = 10

func visitorCheck(p evidence.Probe) check {
	c := check{Mark: markOK, Area: "visitor", Name: p.Site, Message: fmt.Sprintf("gets an answer (status %d) in %d ms", p.Status, p.TookMs), Evidence: p.URL}
	if p.Failed() {
		c.Mark, c.Hint = markBad, "find out why: hirune diagnose"
		c.Message = fmt.Sprintf("gets an error (status %d)", p.Status)
		if p.Status == 0 {
			c.Message = "gets no answer: " + p.Error
		}
	}
	return c
}

func scheduleChecks(w recording.Window) []check {
	cron, jobs := map[string]int{}, recording.Count[evidence.Schedule](w)
	for _, e := range recording.All[evidence.CronEvent](w) {
		cron[e.Site]++
	}
	var out []check
	for _, site := range keys(cron) {
		out = append(out, check{Mark: markOK, Area: "schedule", Name: site, Message: count(cron[site], "event") + " of WordPress"})
	}
	if jobs > 0 {
		out = append(out, check{Mark: markOK, Area: "schedule", Name: "host", Message: count(jobs, "job") + " in crontabs and timers"})
	}
	return out
}

// serviceChecks names the services that are down.
func serviceChecks(w recording.Window) []check {
	last := map[string]evidence.ServiceState{}
	for _, s := range recording.All[evidence.ServiceState](w) {
		last[s.Service+" "+s.Instance] = s
	}
	var out []check
	for _, name := range keys(last) {
		s := last[name]
		if s.Up {
			continue
		}
		c := check{Mark: markBad, Area: "service", Name: cmp.Or(s.Instance, s.Service), Message: "is down", Evidence: s.Detail}
		if s.Start != "" {
			c.Hint = "start it: " + s.Start
		}
		out = append(out, c)
	}
	return out
}

// hiddenChecks says what cannot be seen, and what would change that.
func hiddenChecks(w recording.Window) []check {
	last := map[string]evidence.Unseen{}
	for _, u := range recording.All[evidence.Unseen](w) {
		last[u.Source+" "+u.Code+" "+u.What] = u
	}
	var out []check
	for _, k := range keys(last) {
		if u := last[k]; !u.Seen {
			out = append(out, check{Mark: markUnknown, Area: u.Source, Message: "cannot see " + u.What, Evidence: u.Detail, Hint: u.Hint})
		}
	}
	return out
}

// ownRecorder says whether the recorder runs.
func (a *app) ownRecorder() check {
	path := a.readTape()
	if pid := tape.Holder(path); pid != 0 {
		return check{Mark: markOK, Area: "recorder", Message: fmt.Sprintf("running (pid %d), tape %s", pid, path)}
	}
	return check{Mark: markNote, Area: "recorder", Message: "not running: the next outage will leave no recording", Hint: a.sudo("hirune record")}
}

// count is a number of things, in plain English.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func list(items []string) string {
	if len(items) == 0 {
		return "(unknown)"
	}
	return strings.Join(items, ", ")
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
