package rules

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// A job is accused from this share of what is scarce, and proven from the
	// second one on, where it took more than anybody else.
	jobLeastShare = 0.3
	jobMostShare  = 0.45
	// jobRise is how many times as much it must take as in the quiet time.
	jobRise = 3.0
	// jobBusyDisk and jobIowait are when the disk is what everybody waits for.
	jobBusyDisk = 0.7
	jobIowait   = 0.2
	// jobMemoryFree is the share of memory below which a machine begins to suffer,
	// and jobMemory the share that a job must take of all of it.
	jobMemoryFree = 0.05
	jobMemory     = 0.3
	// jobOld is how long before the outage a program may have been started to be
	// a job; what has run for longer is a daemon that got more to do.
	jobOld = 2 * time.Hour
)

// HostJob is a job of the server itself, no part of the site: an upgrade, a
// backup, the compression of logs.
func HostJob() diagnose.Rule {
	return diagnose.Rule{
		ID:     "host-job",
		Title:  "a job of the server itself takes the CPU, the disk or the memory that the site needs",
		Source: "cases 25 and 32 of the public reports: package upgrades and session clean-up in one minute; a backup at night",
		Needs:  map[string]string{evidence.ServiceUse{}.Kind(): "missing-processes", evidence.Host{}.Kind(): "missing-host"},
		Match:  matchHostJob,
		Clear:  clearHostJob,
	}
}

// burdenOf is what a job took of one scarce thing.
type burdenOf struct {
	what  string // "cpu", "disk", "memory"; "credit": CPU time until it was capped
	in    diagnose.Span
	share float64
	quiet float64
	most  bool // nobody else took more
}

func matchHostJob(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() {
		return nil // a job that hurts nobody is none of our business
	}
	var out []diagnose.Finding
	var jobs []diagnose.Job
	for _, j := range c.Jobs(c.Scope()) {
		// 1. It was at work when visitors began to suffer.
		if !explains(c, j.Active) {
			continue
		}
		// 2. It takes much of what is scarce, and did not before.
		b, ok := heaviest(c, j)
		if !ok {
			continue
		}
		out, jobs = append(out, jobFinding(c, j, b)), append(jobs, j)
	}
	// What a shell spent is what its children spent, once they have ended: the child
	// that is found itself is the job.
	out = slices.DeleteFunc(out, func(f diagnose.Finding) bool {
		return slices.ContainsFunc(jobs, func(j diagnose.Job) bool {
			return j.Parent != "" && j.Parent == f.About.Process && j.Name != j.Parent && f.Active.Contains(j.Active.From)
		})
	})
	slices.SortStableFunc(out, func(a, b diagnose.Finding) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return out[:min(len(out), 2)]
}

// overlaps reports whether a span covers at least 1/part of another.
func overlaps(s, of diagnose.Span, part time.Duration) bool {
	from, to := latestOf(s.From, of.From), s.To
	if of.To.Before(to) {
		to = of.To
	}
	return to.Sub(from)*part >= of.Duration()
}

// hot is when a job is judged: while it ran and visitors suffered.
func hot(c *diagnose.Case, j diagnose.Job) diagnose.Span {
	s := diagnose.Span{From: latestOf(j.Active.From, c.Outage.From.Add(-orderSlack)), To: c.Outage.To}
	if j.Active.To.Before(s.To) {
		s.To = j.Active.To
	}
	return s
}

// heaviest returns the scarce thing of which the job takes most.
func heaviest(c *diagnose.Case, j diagnose.Job) (burdenOf, bool) {
	in := hot(c, j)
	now, before := jobIn(c, in, j), jobIn(c, c.Quiet, j)
	var all []burdenOf
	if b, ok := creditBurden(c, j); ok {
		all = append(all, b)
	}
	if !overlaps(j.Active, c.Outage, 3) {
		in = diagnose.Span{} // it was over before most of it: only what it left behind counts
	}
	if b, ok := cpuBurden(c, in, now, before); ok {
		all = append(all, b)
	}
	if b, ok := diskBurden(c, in, now, before); ok {
		all = append(all, b)
	}
	if b, ok := memoryBurden(c, in, now, before); ok {
		all = append(all, b)
	}
	if len(all) == 0 {
		return burdenOf{}, false
	}
	return slices.MaxFunc(all, func(a, b burdenOf) int { return cmp.Compare(a.share, b.share) }), true
}

// jobIn is the same job in another span; nothing where it was not seen.
func jobIn(c *diagnose.Case, s diagnose.Span, j diagnose.Job) diagnose.Job {
	if s.Zero() {
		return diagnose.Job{}
	}
	out := diagnose.Job{}
	for _, o := range c.Jobs(s) {
		if o.Name == j.Name && o.Parent == j.Parent && o.Unit == j.Unit || j.Scheduler != "" && o.Scheduler == j.Scheduler && slices.Equal(o.Programs, j.Programs) {
			out.CPU, out.ReadKB, out.WriteKB, out.RSSKB = out.CPU+o.CPU, out.ReadKB+o.ReadKB, out.WriteKB+o.WriteKB, max(out.RSSKB, o.RSSKB)
		}
	}
	return out
}

// creditBurden is the job's share of the CPU time that was used from its beginning
// to the moment when the CPU was capped: it spent the credit.
func creditBurden(c *diagnose.Case, j diagnose.Job) (burdenOf, bool) {
	capped, _ := c.Capped(diagnose.Span{From: j.Active.From, To: c.Outage.To})
	in := diagnose.Span{From: j.Active.From, To: capped.From}
	if capped.Zero() || capped.From.After(c.Outage.From.Add(orderSlack)) || in.Duration() < spendLeast {
		return burdenOf{}, false
	}
	if j.Active.To.Before(in.To) {
		in.To = j.Active.To
	}
	// While credit was left nobody suffered from it: it began in the quiet time.
	quiet := c.Quiet
	if quiet.Contains(j.Active.From) && j.Active.From.Sub(quiet.From) > quiet.Duration()/4 {
		quiet.To = j.Active.From.Add(-time.Second)
	}
	l, now, before := c.Load(in), jobIn(c, in, j), jobIn(c, quiet, j)
	used := l.Busy
	if group := groupUse(c, in, cappedGroup(c)); group > 0 {
		used = group
	}
	b := burdenOf{what: "credit", in: in, share: min(now.CPU/max(used, now.CPU, 0.001), 1)}
	return weighed(c, b, in, quiet, l, now, before)
}

// spendLeast is how long a job must have been at work to have spent a credit.
const spendLeast = 5 * time.Second

// weighed holds what a job takes of the CPU against what it took while all was
// well, and against what rose besides.
func weighed(c *diagnose.Case, b burdenOf, in, quiet diagnose.Span, l diagnose.Load, now, before diagnose.Job) (burdenOf, bool) {
	b.most = now.CPU >= l.Database && now.CPU >= l.PHP
	seconds := max(in.Duration().Seconds(), 1)
	if q := c.Load(quiet); q.Seconds > 0 {
		b.quiet = min(before.CPU/max(q.Busy, before.CPU, 0.001), 1)
		if now.CPU/seconds < jobRise*before.CPU/q.Seconds {
			return b, false
		}
		// What rose more than the job is what to look at.
		rise := now.CPU/seconds - before.CPU/q.Seconds
		b.most = b.most && rise >= l.Database/seconds-q.Database/q.Seconds && rise >= l.PHP/seconds-q.PHP/q.Seconds
	}
	return b, b.share >= jobLeastShare
}

// cappedGroup is the control group that a quota held back in the outage; "" where
// it was the whole machine.
func cappedGroup(c *diagnose.Case) string {
	path, most := "", int64(0)
	for _, g := range recording.All[evidence.Cgroup](c.In(c.Outage)) {
		if g.QuotaCPUs > 0 && g.ThrottledMs > most {
			path, most = g.Path, g.ThrottledMs
		}
	}
	return path
}

// cpuBurden is the job's share of the CPU time that was used where it and the
// site compete for it.
func cpuBurden(c *diagnose.Case, in diagnose.Span, now, before diagnose.Job) (burdenOf, bool) {
	l := c.Load(in)
	if in.Zero() || !c.Starved(in) || l.Seconds <= 0 {
		return burdenOf{}, false
	}
	used := l.Busy
	if l.Confined {
		// A quota holds the services back. The job matters if it lives in the same
		// group, or if the whole machine is spent.
		group := groupUse(c, in, cappedGroup(c))
		switch {
		case group-l.Services >= now.CPU/2:
			used = group
		case c.BusyShare(in) < 0.85:
			return burdenOf{}, false
		}
	}
	return weighed(c, burdenOf{what: "cpu", in: in, share: min(now.CPU/max(used, now.CPU, 0.001), 1)}, in, c.Quiet, l, now, before)
}

// groupUse is the CPU time of one control group, in seconds; 0 unknown.
func groupUse(c *diagnose.Case, s diagnose.Span, path string) float64 {
	ms := int64(0)
	for _, g := range recording.All[evidence.Cgroup](c.In(s)) {
		if g.Path == path && path != "" && g.UsedMs > 0 {
			ms += g.UsedMs
		}
	}
	return float64(ms) / 1000
}

// diskBurden is the job's share of what was read and written while the disk was
// what everybody waited for.
func diskBurden(c *diagnose.Case, in diagnose.Span, now, before diagnose.Job) (burdenOf, bool) {
	io, busy, waiting := hostIO(c, in)
	if io <= 0 || busy < jobBusyDisk && waiting < jobIowait {
		return burdenOf{}, false
	}
	b := burdenOf{what: "disk", in: in, share: min(float64(now.IO())/float64(max(io, now.IO())), 1), most: 2*now.IO() >= io}
	if !c.Quiet.Zero() {
		all, quietBusy, quietWaiting := hostIO(c, c.Quiet)
		b.quiet = min(float64(before.IO())/float64(max(all, before.IO(), 1)), 1)
		same := quietBusy >= 0.8*busy && quietWaiting >= 0.8*waiting // the disk was as busy while all was well
		perS := func(j diagnose.Job, s diagnose.Span) float64 { return float64(j.IO()) / max(s.Duration().Seconds(), 1) }
		if same || perS(now, in) < jobRise*perS(before, c.Quiet) {
			return b, false
		}
	}
	return b, b.share >= jobLeastShare
}

// hostIO is what the machine read and wrote in KB, the share of the time that
// its busiest disk was in use, and of CPU time that waited for it.
func hostIO(c *diagnose.Case, s diagnose.Span) (kb int64, busy, waiting float64) {
	var over, disk, iowait, capacity int64
	for _, h := range recording.All[evidence.Host](c.In(s)) {
		kb += h.ReadKB + h.WriteKB
		over, disk = over+h.OverMs, disk+h.DiskBusyMs
		iowait, capacity = iowait+h.IowaitMs, capacity+h.CapacityMs()
	}
	return kb, float64(disk) / float64(max(over, 1)), float64(iowait) / float64(max(capacity, 1))
}

// memoryBurden is the job's share of the memory while the machine had none left.
func memoryBurden(c *diagnose.Case, in diagnose.Span, now, before diagnose.Job) (burdenOf, bool) {
	least, total, swapped := int64(-1), int64(0), int64(0)
	for _, h := range recording.All[evidence.Host](c.In(in)) {
		if least < 0 || h.MemAvailKB < least {
			least = h.MemAvailKB
		}
		total, swapped = h.MemTotalKB, swapped+h.SwapInKB
	}
	if least < 0 || total <= 0 || float64(least) > jobMemoryFree*float64(total) || swapped == 0 {
		return burdenOf{}, false
	}
	b := burdenOf{what: "memory", in: in, share: float64(now.RSSKB) / float64(total), quiet: float64(before.RSSKB) / float64(total), most: 2*now.RSSKB >= total}
	return b, b.share >= jobMemory && float64(now.RSSKB) >= 1.5*float64(before.RSSKB)
}

func jobFinding(c *diagnose.Case, j diagnose.Job, b burdenOf) diagnose.Finding {
	f := diagnose.Finding{
		About: diagnose.Subject{Process: j.Name}, Share: diagnose.UnknownShare, Active: j.Active, Confidence: 0.52,
		Claim: diagnose.Say("host-job", "process", j.Name, "took", b.what, "share", diagnose.Share01(b.share)),
		Proof: []diagnose.Sentence{diagnose.Say("proof-job-share", "took", b.what, "process", j.Name, "share", diagnose.Share01(b.share), "quiet", diagnose.Share01(b.quiet))},
		Steps: []diagnose.Link{jobStep(j, b)}, Remedies: []string{"move-job", "slow-job"},
	}
	if b.what == "cpu" || b.what == "credit" {
		f.Share.CPU = b.share
	} else {
		f.Share.WorkerTime = b.share // of what they wait for
	}
	// 3. It is what took most.
	switch {
	case b.most && b.share >= jobMostShare:
		f.Confidence += 0.2
	case b.most:
		f.Confidence += 0.1
	}
	// 4. It was not at work while all was well.
	old := c.Outage.From.Sub(j.Active.From) > jobOld
	switch {
	case c.Quiet.Zero():
		f.Missing = append(f.Missing, diagnose.Say("missing-quiet"))
	case !old:
		f.Confidence += 0.1
		f.Proof = append(f.Proof, diagnose.Say("proof-job-began", "process", j.Name, "started", j.Active.From, "processes", diagnose.Count(j.Processes)))
	}
	// 5. Visitors asked for no more than usual.
	if q, o := c.QuietRate(diagnose.Dynamic), mean(c.Rates(c.Outage, diagnose.Dynamic)); q > 0 {
		if o <= diagnose.DemandFactor*q {
			f.Confidence += 0.07
			f.Proof = append(f.Proof, diagnose.Say("proof-demand-same", "quiet", diagnose.Number(q), "outage", diagnose.Number(o)))
		} else {
			f.Confidence = min(f.Confidence, 0.6)
		}
	}
	// 6. Whose it is, and why now.
	f.Confidence += jobOrigin(c, j, &f)
	if old {
		f.Confidence = min(f.Confidence, 0.6) // a daemon with more to do: whose work is it?
	}
	return f
}

// jobStep is what the job takes while visitors suffer.
func jobStep(j diagnose.Job, b burdenOf) diagnose.Link {
	share := diagnose.UnknownShare
	if b.what == "cpu" || b.what == "credit" {
		share.CPU = b.share
	}
	return diagnose.Link{ID: "job-takes", Role: diagnose.RoleStep, Span: b.in, Share: share,
		Say: diagnose.Say("link-job-takes", "process", j.Name, "took", b.what, "share", diagnose.Share01(b.share))}
}

// jobOrigin says who started it, and returns how much surer that makes it.
func jobOrigin(c *diagnose.Case, j diagnose.Job, f *diagnose.Finding) float64 {
	if s, ok := c.ScheduleOf(j); ok {
		f.Origin.Schedule, f.Origin.File = s.Spec, s.Schedule.Origin
		f.Proof = append(f.Proof, diagnose.Say("proof-job-schedule", "spec", s.Spec, "job", s.Command, "due", s.Due, "started", j.Active.From))
		return 0.1
	}
	switch {
	case j.Unit != "":
		f.Proof = append(f.Proof, diagnose.Say("proof-job-unit", "process", j.Name, "unit", j.Unit))
	case j.Scheduler != "":
		f.Proof = append(f.Proof, diagnose.Say("proof-job-cron", "process", j.Name, "scheduler", j.Scheduler))
	default:
		f.Proof = append(f.Proof, diagnose.Say("proof-job-parent", "process", j.Name, "parent", j.Parent))
		f.Missing = append(f.Missing, diagnose.Say("missing-job-origin", "process", j.Name))
		return 0.03
	}
	return 0.07
}

// clearHostJob names the busiest program outside the services, if it took little
// of what was used.
func clearHostJob(c *diagnose.Case) []diagnose.Rejected {
	jobs := c.Jobs(c.Troubled())
	l := c.Load(c.Troubled())
	if len(jobs) == 0 || l.Busy <= 0 {
		return nil
	}
	share, quiet := min(jobs[0].CPU/max(l.Busy, jobs[0].CPU), 1), -1.0
	if q := c.Load(c.Quiet); q.Busy > 0 {
		quiet = min(jobIn(c, c.Quiet, jobs[0]).CPU/q.Busy, 1)
	}
	_, busy, waiting := hostIO(c, c.Troubled())
	if share >= jobLeastShare && c.Starved(c.Troubled()) || busy >= jobBusyDisk || waiting >= jobIowait {
		return nil
	}
	return []diagnose.Rejected{{ID: "host-job", Metric: "cpu_share", Baseline: quiet, Window: share,
		Say: diagnose.Say("cleared-host-job", "process", jobs[0].Name, "share", diagnose.Share01(share))}}
}
