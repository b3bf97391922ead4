package collectors

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
)

const (
	maxJobs    = 500     // that are told
	maxTabSize = 1 << 18 // bytes of one crontab
)

// Schedules reads the host's own schedules: crontabs and systemd timers.
type Schedules struct {
	Root string         // prefix of /etc, /var and /usr
	Zone *time.Location // of the host; nil: time.Local
}

// Name implements collect.Collector.
func (*Schedules) Name() string { return "schedule" }

// Blinds implements collect.Blinder.
func (*Schedules) Blinds() string {
	return "cron jobs and timers of this host"
}

// Collect emits one evidence.Schedule for each job. A crontab that may not be
// read is an error; the others are told.
func (c *Schedules) Collect(_ context.Context, b *collect.Beat) error {
	r := scheduleReader{root: c.Root, zone: c.Zone, now: b.Now}
	if r.zone == nil {
		r.zone = time.Local
	}
	r.crontab("/etc/crontab", "/etc/crontab", true)
	for _, n := range r.names("/etc/cron.d") {
		if isCronName(n) {
			r.crontab("/etc/cron.d/"+n, "/etc/cron.d/"+n, true)
		}
	}
	for _, dir := range []string{"/var/spool/cron/crontabs", "/var/spool/cron"} {
		for _, n := range r.names(dir) {
			if st, err := os.Stat(r.at(path.Join(dir, n))); err == nil && st.Mode().IsRegular() {
				r.crontab(path.Join(dir, n), "crontab "+n, false)
			}
		}
	}
	r.periodic()
	r.timers()
	for _, s := range r.jobs {
		b.Emit(s)
	}
	return errors.Join(r.errs...)
}

type scheduleReader struct {
	root  string
	zone  *time.Location
	now   time.Time
	jobs  []evidence.Schedule
	runAt map[string]string // spec by directory, from run-parts lines
	errs  []error
}

func (r *scheduleReader) at(p string) string { return rooted(r.root, p) }

// names lists a directory; one that is not there is empty.
func (r *scheduleReader) names(dir string) []string {
	entries, err := os.ReadDir(r.at(dir))
	if errors.Is(err, fs.ErrPermission) {
		r.errs = append(r.errs, notHere(fmt.Errorf("list %s: permission denied", dir), "not-root", "run it with sudo"))
	}
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// read returns a regular file's content; false if it cannot be read.
func (r *scheduleReader) read(p string) ([]byte, bool) {
	f, err := os.OpenFile(r.at(p), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		r.errs = append(r.errs, notHere(fmt.Errorf("read %s: permission denied", p), "not-root", "run it with sudo"))
	}
	if err != nil {
		return nil, false
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, false
	}
	b, err := io.ReadAll(io.LimitReader(f, maxTabSize))
	return b, err == nil
}

// crontab reads one table; withUser says that a user stands before the command.
func (r *scheduleReader) crontab(file, origin string, withUser bool) {
	b, ok := r.read(file)
	if !ok {
		return
	}
	zone := r.zone
	for line := range bytes.Lines(b) {
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		if v, ok := cronSetting(text, "CRON_TZ"); ok {
			if z, err := time.LoadLocation(v); err == nil {
				zone = z
			}
			continue
		}
		spec, command, ok := splitCronLine(text, withUser)
		if !ok {
			continue
		}
		r.add(origin, spec, command, r.next(spec, zone))
		r.noteRunParts(spec, command)
	}
}

// next returns the next run as unix seconds; 0 if the spec has none we know.
func (r *scheduleReader) next(spec string, zone *time.Location) int64 {
	c, err := parseCron(spec)
	if err != nil {
		return 0
	}
	if t, ok := c.next(r.now, zone); ok {
		return t.Unix()
	}
	return 0
}

func (r *scheduleReader) add(origin, spec, command string, next int64) {
	if len(r.jobs) < maxJobs {
		r.jobs = append(r.jobs, evidence.Schedule{Origin: oneLine(origin, maxSpecText), Spec: oneLine(spec, maxSpecText), Command: redactCommand(command), Next: next})
	}
}

// splitCronLine splits a line into its spec and its command; false for a
// setting such as MAILTO=root.
func splitCronLine(line string, withUser bool) (spec, command string, ok bool) {
	n := 5
	if line[0] == '@' {
		n = 1
	}
	rest := line
	var words []string
	for range n {
		rest = strings.TrimLeft(rest, " \t")
		i := strings.IndexAny(rest, " \t")
		if i < 0 {
			return "", "", false
		}
		words, rest = append(words, rest[:i]), rest[i:]
	}
	if first := words[0][0]; first != '@' && first != '*' && (first < '0' || first > '9') {
		return "", "", false
	}
	rest = strings.TrimSpace(rest)
	if withUser {
		i := strings.IndexAny(rest, " \t")
		if i < 0 {
			return "", "", false
		}
		rest = strings.TrimSpace(rest[i:])
	}
	return strings.Join(words, " "), rest, rest != ""
}

// cronSetting reads NAME=value of a crontab.
func cronSetting(line, name string) (string, bool) {
	k, v, ok := strings.Cut(line, "=")
	return strings.Trim(strings.TrimSpace(v), `"'`), ok && strings.TrimSpace(k) == name
}

// isCronName reports whether cron reads a file of that name in /etc/cron.d.
func isCronName(n string) bool {
	return !strings.ContainsAny(n, ".~#,")
}

// noteRunParts remembers when the scripts of a directory run:
// "17 * * * * root cd / && run-parts --report /etc/cron.hourly".
func (r *scheduleReader) noteRunParts(spec, command string) {
	if r.runAt == nil {
		r.runAt = map[string]string{}
	}
	for _, d := range periodicDirs {
		if strings.Contains(command, "run-parts") && strings.Contains(command, d) || strings.Contains(command, "anacron") && strings.HasSuffix(d, "daily") {
			r.runAt[d] = spec
		}
	}
}

var periodicDirs = []string{"/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"}

// periodic tells the scripts in /etc/cron.daily and the like, with the time
// that a crontab gives for their directory; by anacron the time is not known.
func (r *scheduleReader) periodic() {
	for _, dir := range periodicDirs {
		for _, n := range r.names(dir) {
			st, err := os.Stat(r.at(path.Join(dir, n)))
			if err != nil || !st.Mode().IsRegular() || st.Mode()&0o111 == 0 || !isCronName(n) {
				continue
			}
			spec, known := r.runAt[dir]
			next := int64(0)
			if known {
				next = r.next(spec, r.zone)
			} else {
				spec = "@" + strings.TrimPrefix(dir, "/etc/cron.")
			}
			r.add(dir, spec, path.Join(dir, n), next)
		}
	}
}

// timers tells the enabled systemd timers, in the words of their unit files:
// OnCalendar=daily, OnUnitActiveSec=1h.
func (r *scheduleReader) timers() {
	for _, n := range r.names("/etc/systemd/system/timers.target.wants") {
		if !strings.HasSuffix(n, ".timer") {
			continue
		}
		name := strings.TrimSuffix(n, ".timer")
		specs, service := r.timer(n)
		command := r.execStart(orString(service, name+".service"))
		for _, s := range specs {
			r.add("timer "+name, s, orString(command, name+".service"), calendarNext(s, r.now, r.zone))
		}
	}
}

// unitDirs is where unit files are, the first one wins.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// unit returns the settings of a unit file with its drop-ins, in order.
func (r *scheduleReader) unit(name string) [][2]string {
	var out [][2]string
	for _, d := range unitDirs {
		if b, ok := r.read(path.Join(d, name)); ok {
			out = unitSettings(b)
			break
		}
	}
	for _, d := range slices.Backward(unitDirs) {
		dir := path.Join(d, name+".d")
		for _, n := range r.names(dir) {
			if b, ok := r.read(path.Join(dir, n)); ok && strings.HasSuffix(n, ".conf") {
				out = append(out, unitSettings(b)...)
			}
		}
	}
	return out
}

func unitSettings(b []byte) [][2]string {
	var out [][2]string
	s := bufio.NewScanner(bytes.NewReader(b))
	for s.Scan() {
		k, v, ok := strings.Cut(strings.TrimSpace(s.Text()), "=")
		if ok && !strings.HasPrefix(k, "#") && !strings.HasPrefix(k, ";") {
			out = append(out, [2]string{strings.TrimSpace(k), strings.TrimSpace(v)})
		}
	}
	return out
}

// timer returns the times of a timer and the unit that it starts. An empty
// setting takes back those before it.
func (r *scheduleReader) timer(name string) (specs []string, service string) {
	for _, kv := range r.unit(name) {
		switch kv[0] {
		case "OnCalendar", "OnUnitActiveSec", "OnUnitInactiveSec", "OnBootSec", "OnStartupSec", "OnActiveSec":
			if kv[1] == "" {
				specs = nil
				continue
			}
			s := kv[1]
			if kv[0] != "OnCalendar" {
				s = kv[0] + "=" + kv[1]
			}
			specs = append(specs, s)
		case "Unit":
			service = kv[1]
		}
	}
	return specs, service
}

func (r *scheduleReader) execStart(unit string) string {
	for _, kv := range r.unit(unit) {
		if kv[0] == "ExecStart" && kv[1] != "" {
			return strings.TrimLeft(kv[1], "-@:+!")
		}
	}
	return ""
}

// calendarNext knows the plain forms of OnCalendar; 0 for the others. A random
// delay is not in it.
func calendarNext(spec string, now time.Time, zone *time.Location) int64 {
	names := map[string]string{"minutely": "* * * * *", "hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *", "yearly": "0 0 1 1 *", "annually": "0 0 1 1 *"}
	cron, ok := names[spec]
	if !ok {
		var h, m, s int
		day := strings.TrimPrefix(spec, "*-*-* ")
		if n, err := fmt.Sscanf(day, "%d:%d:%d", &h, &m, &s); err != nil && n < 2 || strings.ContainsAny(day, "/,.~ -*") {
			return 0
		}
		cron = fmt.Sprintf("%d %d * * *", m, h)
	}
	c, err := parseCron(cron)
	if err != nil {
		return 0
	}
	if t, ok := c.next(now, zone); ok {
		return t.Unix()
	}
	return 0
}
