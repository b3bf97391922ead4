package rules

import (
	"cmp"
	"slices"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// filled says what took the room, who writes it and what to do about that.
func (r *room) filled(c *diagnose.Case, f *diagnose.Finding) {
	general := "free-room"
	if r.inodes {
		general = "free-inodes"
	}
	f.Remedies = []string{general}
	if !r.biggest(c) {
		f.Missing = append(f.Missing, diagnose.Say("missing-what-grew", "mount", r.mount))
	} else {
		f.About.Path = r.took.Path
		f.Claim.Args["path"] = r.took.Path
		if r.inodes {
			f.Claim.Args["files"] = diagnose.Count(r.took.Files)
		} else {
			f.Claim.Args["bytes"] = diagnose.Bytes(r.took.KB * 1024)
		}
		if r.took.What == evidence.TakenTable {
			f.About.Path, f.About.Table = "", r.took.Path
			if o, ok := c.Owner("", r.took.Path); ok {
				f.Origin.Plugin, f.Origin.Version, f.Origin.Site = o.Plugin, o.Version, o.Site
			}
		}
		f.Proof = slices.Insert(f.Proof, 1, r.tookProof())
		if id := answerFor[r.took.What]; id != "" {
			f.Remedies = []string{id, general}
		}
	}
	r.writer(c, f)
}

// answerFor are the remedies for what most often fills a disk.
var answerFor = map[string]string{
	evidence.TakenSessions: "clean-sessions", evidence.TakenBinlog: "purge-binlogs", evidence.TakenLog: "rotate-logs",
	evidence.TakenTable: "keep-it-small", evidence.TakenDeleted: "reopen-deleted",
}

func (r *room) amount(t evidence.Taken) int64 {
	if r.inodes {
		return t.Files
	}
	return t.KB
}

// biggest finds what grew most while the room went, or else what takes most.
func (r *room) biggest(c *diagnose.Case) bool {
	type key struct{ what, path string }
	first, last := map[key]int64{}, map[key]evidence.Taken{}
	looks := 0
	for at, f := range recording.All[evidence.Filesystem](c.W) {
		if f.Mount != r.mount || len(f.Takes) == 0 || at.After(c.Scope().To) {
			continue
		}
		looks++
		for _, t := range f.Takes {
			k := key{t.What, t.Path}
			if _, ok := first[k]; !ok {
				first[k] = r.amount(t)
				if looks > 1 {
					first[k] = 0 // too small to be told before
				}
			}
			last[k] = t
		}
	}
	all := r.worst.SizeKB
	if r.inodes {
		all = r.worst.Inodes
	}
	var grown, large []evidence.Taken
	for k, t := range last {
		if looks > 1 && float64(r.amount(t)-first[k]) >= grewLeast*float64(all) {
			grown = append(grown, t)
		}
		if float64(r.amount(t)) >= largeLeast*float64(all) {
			large = append(large, t)
		}
	}
	by := func(size func(evidence.Taken) int64) func(a, b evidence.Taken) int {
		return func(a, b evidence.Taken) int {
			return cmp.Or(cmp.Compare(size(b), size(a)), strings.Compare(a.What, b.What), strings.Compare(a.Path, b.Path))
		}
	}
	growth := func(t evidence.Taken) int64 { return r.amount(t) - first[key{t.What, t.Path}] }
	switch {
	case len(grown) > 0:
		slices.SortFunc(grown, by(growth))
		r.took, r.grew = grown[0], growth(grown[0])
	case len(large) > 0:
		slices.SortFunc(large, by(r.amount))
		r.took = large[0]
	default:
		return false
	}
	return true
}

func (r *room) tookProof() diagnose.Sentence {
	if r.inodes {
		return diagnose.Say("proof-took-files", "took", r.took.What, "path", r.took.Path, "files", diagnose.Count(r.took.Files), "grew", diagnose.Count(r.grew))
	}
	grew := diagnose.Bytes(-1)
	if r.grew >= 0 {
		grew = diagnose.Bytes(r.grew * 1024)
	}
	return diagnose.Say("proof-took-room", "took", r.took.What, "path", r.took.Path, "bytes", diagnose.Bytes(r.took.KB*1024), "grew", grew)
}

// writer names the job of the host that wrote as much as the room that went.
func (r *room) writer(c *diagnose.Case, f *diagnose.Finding) {
	lost := r.first.FreeKB - r.worst.FreeKB
	if r.inodes || lost <= 0 {
		return
	}
	jobs := c.Jobs(diagnose.Span{From: r.span.From.Add(-fillLead), To: r.span.To})
	slices.SortStableFunc(jobs, func(a, b diagnose.Job) int { return cmp.Compare(b.WriteKB, a.WriteKB) })
	if len(jobs) == 0 || jobs[0].WriteKB*2 < lost {
		return
	}
	j := jobs[0]
	f.About.Process = j.Name
	f.Proof = append(f.Proof, diagnose.Say("proof-writer", "process", j.Name, "parent", j.Parent, "bytes", diagnose.Bytes(j.WriteKB*1024)))
	if s, ok := c.ScheduleOf(j); ok {
		f.Origin.Schedule, f.Origin.File = s.Spec, s.Schedule.Origin
		f.Proof = append(f.Proof, diagnose.Say("proof-job-schedule", "spec", s.Spec, "job", s.Command, "due", s.Due, "started", j.Active.From))
	}
}

// unseenShortage is what only the logs tell: writes fail for want of room, and
// no file system was seen to be short of it.
func unseenShortage(c *diagnose.Case) []diagnose.Finding {
	lines := c.Lines(c.Scope(), func(l evidence.ErrorLine) bool { return strings.HasSuffix(l.ID, "-disk-full") })
	// Where nobody looked at the file systems it may be the inodes as well.
	if c.Outage.Zero() || !c.W.Whole().Has(evidence.Filesystem{}.Kind()) || len(lines) == 0 || len(roomsOf(c, false)) > 0 || len(roomsOf(c, true)) > 0 {
		return nil
	}
	r := room{lines: lines, span: diagnose.Span{From: lines[0].First, To: lines[0].Last}}
	n := int64(0)
	for _, l := range lines {
		n, r.span.To = n+l.Count, latestOf(r.span.To, l.Last)
	}
	if n < unseenLeastLines || !explains(c, r.span) || asInQuiet(c, r) || !hurtBy(c, r) {
		return nil
	}
	f := diagnose.Finding{
		Share: diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: max(c.Failing(c.Outage), 0)}, Active: r.span,
		Claim: diagnose.Say("link-room-unseen", "service", lines[0].Service), Confidence: 0.7,
		Steps: []diagnose.Link{writesFail(r)}, Remedies: []string{"free-room"},
		Missing: []diagnose.Sentence{diagnose.Say("missing-room-moment")},
	}
	for _, l := range lines[:min(len(lines), 3)] {
		f.Proof = append(f.Proof, diagnose.Say("proof-write-fails", "service", l.Service, "count", diagnose.Count(l.Count), "message", l.Message, "at", l.First))
	}
	r.victims(c, &f)
	return []diagnose.Finding{f}
}

// unseenLeastLines is how often writes must have failed where nothing else says so.
const unseenLeastLines = 3

// outOfRoom reports whether a file system that a service cannot do without was
// without any room when it ended.
func outOfRoom(c *diagnose.Case, s stop) bool {
	for _, inodes := range []bool{false, true} {
		for _, r := range roomsOf(c, inodes) {
			needs := s.Service == evidence.ServiceDatabase && (r.holds == "database" || r.holds == "database-tmp") || s.Service != evidence.ServiceDatabase && r.holds != "database" && r.holds != "database-tmp"
			if r.full && needs && !r.span.From.After(s.span.From.Add(orderSlack)) {
				return true
			}
		}
	}
	return false
}
