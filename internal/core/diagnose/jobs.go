package diagnose

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Job is what the processes of one job of the host, no part of the site, used
// in a span: all that one scheduler started at once, or all processes of one name
// and parent.
type Job struct {
	Name      string   // the program that used most
	Parent    string   // of that program
	Programs  []string // all programs of it, as they were seen with their ancestors
	Scheduler string   // "cron", "systemd", …; empty if none was seen
	Unit      string
	CPU       float64 // seconds
	ReadKB    int64
	WriteKB   int64
	RSSKB     int64 // most at one moment
	Processes int   // most at one moment
	Active    Span  // from when it began to the last sample
}

// IO is what it read and wrote, in KB.
func (j Job) IO() int64 { return j.ReadKB + j.WriteKB }

// schedulers are the programs that start jobs by the clock. Source: cron,
// cronie, anacron, at and systemd.
var schedulers = []string{"cron", "crond", "CRON", "anacron", "atd", "fcron"}

type jobKey struct{ scheduler, unit, parent, name string }

// keyOf tells jobs apart. All that a unit or one child of a scheduler started
// is one job, whatever programs it is made of.
func keyOf(u evidence.ProcessUse) jobKey {
	line := append(strings.Split(u.Line, "/"), u.Name)
	for i := len(line) - 2; i >= 0; i-- {
		if slices.Contains(schedulers, line[i]) {
			return jobKey{scheduler: line[i], parent: line[i+1]}
		}
	}
	if slices.Contains(schedulers, u.Parent) {
		return jobKey{scheduler: u.Parent, parent: u.Name}
	}
	if u.Unit != "" {
		return jobKey{scheduler: "systemd", unit: u.Unit}
	}
	return jobKey{parent: u.Parent, name: u.Name}
}

// daemon reports whether a program is a service of the site that was not yet
// known when it was seen.
func daemon(name string) bool {
	return slices.Contains([]string{"mariadbd", "mysqld", "apache2", "httpd", "nginx"}, name) || strings.HasPrefix(name, "php-fpm")
}

// jobBreak is the longest time between two samples of one run of a job: a program
// is told only while it uses something.
const jobBreak = time.Minute

// Jobs returns what processes outside the services used in a span, by job, the
// one that used most CPU first. The kernel's own threads are no jobs.
func (c *Case) Jobs(s Span) []Job {
	open := map[jobKey]*jobTally{}
	var done []*jobTally
	for at, u := range recording.All[evidence.ProcessUse](c.In(s)) {
		if u.Parent == "kthreadd" || u.OverMs <= 0 || daemon(u.Name) {
			continue
		}
		k := keyOf(u)
		if j := open[k]; j == nil || at.Sub(j.Active.To) > jobBreak {
			open[k] = &jobTally{key: k, used: map[string]int64{}, parents: map[string]string{}, rss: map[int64]int64{}, n: map[int64]int{}}
			done = append(done, open[k])
		}
		open[k].add(at, u)
	}
	out := make([]Job, 0, len(done))
	for _, j := range done {
		out = append(out, j.job())
	}
	slices.SortFunc(out, func(a, b Job) int {
		return cmp.Or(cmp.Compare(b.CPU, a.CPU), cmp.Compare(b.IO(), a.IO()), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Unit, b.Unit), a.Active.From.Compare(b.Active.From))
	})
	return out
}

// jobTally adds up the samples of one job. Its sums are of whole numbers: they
// do not depend on the order of the facts.
type jobTally struct {
	Job
	key     jobKey
	cpuMs   int64
	used    map[string]int64  // by program, in what ranks it
	parents map[string]string // by program
	rss     map[int64]int64   // by moment
	n       map[int64]int
}

func (j *jobTally) add(at time.Time, u evidence.ProcessUse) {
	began := at.Add(-max(time.Duration(u.AgeS)*time.Second, time.Duration(u.OverMs)*time.Millisecond))
	if j.Active.Zero() {
		j.Active = Span{began, at}
	}
	j.Active = Span{earlier(j.Active.From, began), later(j.Active.To, at)}
	j.cpuMs, j.ReadKB, j.WriteKB = j.cpuMs+u.CPUMs, j.ReadKB+u.ReadKB, j.WriteKB+u.WriteKB
	ms := at.UnixMilli()
	j.rss[ms] += u.RSSKB
	j.n[ms] += max(u.Count, 1)
	j.RSSKB, j.Processes = max(j.RSSKB, j.rss[ms]), max(j.Processes, j.n[ms])
	j.used[u.Name] += 1000*u.CPUMs + u.ReadKB + u.WriteKB
	if p, ok := j.parents[u.Name]; !ok || u.Parent < p {
		j.parents[u.Name] = u.Parent
	}
	for _, p := range append(strings.Split(u.Line, "/"), u.Name, u.Unit) {
		if p != "" && !slices.Contains(j.Programs, p) {
			j.Programs = append(j.Programs, p)
		}
	}
}

// job is the sum, named after the program that used most.
func (j *jobTally) job() Job {
	slices.Sort(j.Programs)
	for _, name := range slices.Sorted(maps.Keys(j.used)) {
		if j.Name == "" || j.used[name] > j.used[j.Name] {
			j.Name, j.Parent = name, j.parents[name]
		}
	}
	j.Scheduler, j.Unit, j.CPU = j.key.scheduler, j.key.unit, float64(j.cpuMs)/1000
	return j.Job
}

// Started is a job of the host's own schedules that was due when something began.
type Started struct {
	evidence.Schedule
	Due   time.Time // zero where its times are not known
	Named bool      // its command names a program that was seen
}

// shells run the commands of others: their names say nothing of which.
var shells = []string{"sh", "bash", "dash", "run-parts", "sudo", "su", "nice", "ionice", "timeout", "env", "flock", "chronic", "cron", "crond", "anacron", "systemd"}

// ScheduleOf returns the job of the host's schedules that a job seen at work
// stands for: one whose command names one of its programs and that was due when
// it began; else the only one that was due then.
func (c *Case) ScheduleOf(j Job) (Started, bool) {
	var named, due []Started
	seen := map[string]bool{}
	for _, s := range recording.Ever[evidence.Schedule](c.W) {
		if key := s.Origin + "\x00" + s.Spec + "\x00" + s.Command; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		st := Started{Schedule: s, Named: names(s, j)}
		every := Interval(s.Spec)
		timed := s.Next > 0 && every > 0
		fits := false
		if timed {
			e := eventAt(evidence.CronEvent{NextUnixS: s.Next, IntervalS: int64(every / time.Second)}, j.Active.From)
			// What runs every few minutes was always due just now.
			st.Due, fits = e.Due, e.Matches && (every >= time.Hour || st.Named)
		}
		switch {
		case st.Named && (fits || !timed):
			named = append(named, st)
		case fits && every >= 12*time.Hour:
			due = append(due, st)
		}
	}
	slices.SortStableFunc(named, func(a, b Started) int {
		return cmp.Or(cmp.Compare(b2i(b.Due.IsZero()), b2i(a.Due.IsZero())), a.Due.Compare(b.Due), cmp.Compare(a.Origin, b.Origin))
	})
	switch {
	case len(named) > 0:
		return named[0], true
	case len(due) == 1 && j.Scheduler != "":
		return due[0], true
	}
	return Started{}, false
}

func b2i(b bool) int {
	if b {
		return 0
	}
	return 1
}

// names reports whether a schedule's command, or its unit, names a program of
// the job that is no shell.
func names(s evidence.Schedule, j Job) bool {
	unit := strings.TrimPrefix(s.Origin, "timer ")
	words := strings.FieldsFunc(s.Command, func(r rune) bool { return strings.ContainsRune(" \t/'\"|&;()<>=", r) })
	for _, p := range j.Programs {
		if slices.Contains(shells, p) {
			continue
		}
		if unit != s.Origin && p == unit+".service" {
			return true
		}
		for _, w := range words {
			// The kernel cuts a program's name to 15 bytes.
			if w == p || len(p) == 15 && strings.HasPrefix(w, p) {
				return true
			}
		}
	}
	return false
}

// Interval is how long it is from one run of a schedule to the next; 0 where
// that is not the same each time, or not known.
func Interval(spec string) time.Duration {
	const day = 24 * time.Hour
	switch spec {
	case "@hourly", "hourly":
		return time.Hour
	case "@daily", "@midnight", "daily":
		return day
	case "@weekly", "weekly":
		return 7 * day
	}
	number := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if f := strings.Fields(spec); len(f) == 5 && f[2] == "*" && f[3] == "*" {
		step, stepped := strings.CutPrefix(f[0], "*/")
		n, err := strconv.Atoi(step)
		switch {
		case number(f[0]) && number(f[1]) && number(f[4]):
			return 7 * day
		case f[4] != "*":
			return 0
		case number(f[0]) && number(f[1]):
			return day
		case number(f[0]) && f[1] == "*":
			return time.Hour
		case stepped && err == nil && n > 0 && n < 60 && 60%n == 0 && f[1] == "*":
			return time.Duration(n) * time.Minute
		}
		return 0
	}
	if clock, ok := strings.CutPrefix(spec, "*-*-* "); ok && strings.Trim(clock, "0123456789:") == "" {
		return day
	}
	return 0
}

// scheduleAgain says when the host's own schedule starts the accused job again.
func (c *Case) scheduleAgain(f Finding) *Recurrence {
	every := Interval(f.Origin.Schedule)
	for _, s := range recording.Ever[evidence.Schedule](c.W) {
		if s.Spec != f.Origin.Schedule || s.Origin != f.Origin.File || s.Next <= 0 || every <= 0 {
			continue
		}
		e := eventAt(evidence.CronEvent{NextUnixS: s.Next, IntervalS: int64(every / time.Second)}, f.Active.From)
		next := e.Due
		for !next.After(c.W.To) { // bounded by what a recording is long
			next = next.Add(c.W.To.Sub(next).Truncate(every) + every)
		}
		at := e.Due.In(c.Loc).Format("15:04:05")
		return &Recurrence{At: at, Next: next.UTC(), Schedule: s.Spec, Seen: 1,
			Say: Say("again-host-schedule", "job", s.Command, "at", at, "next", next)}
	}
	return nil
}
