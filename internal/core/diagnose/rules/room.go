package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// Without a failed write in a log only a file system without any room is
	// accused; with one it is enough that room is scarce when looked at, because a
	// write that fails gives back what it had taken.
	fullShare, fullKB     = 0.001, 1024
	scarceShare, scarceKB = 0.02, 16 << 10
	fullFiles             = 0.001
	scarceFiles           = 0.02
	// brokenLeast is the share of failing answers from which a full disk shows.
	brokenLeast = 0.15
	// grewLeast is the share of a file system that something must have grown by
	// to be named as what filled it.
	grewLeast = 0.1
	// largeLeast is the share that it must take where its growth was not seen.
	largeLeast = 0.25
	// fillLead is how long before it was full something may have begun to fill it.
	fillLead = 10 * time.Minute
)

// room is one file system that ran out of space or of inodes.
type room struct {
	inodes bool
	mount  string
	holds  string // what of the site suffers most
	first  evidence.Filesystem
	worst  evidence.Filesystem
	full   bool          // to the last bit, not only scarce
	seen   time.Time     // when there was still room, last before; zero if never
	span   diagnose.Span // when it was short of room
	lines  []diagnose.Lines
	took   evidence.Taken
	grew   int64 // by how many KB, or files; -1 if only its size is known
}

// left is the free share and the free amount, in KB or files.
func (r room) left(f evidence.Filesystem) (share float64, amount int64) {
	if r.inodes {
		if f.Inodes <= 0 {
			return 1, 1 << 40
		}
		return float64(f.InodesFree) / float64(f.Inodes), f.InodesFree
	}
	if f.SizeKB <= 0 {
		return 1, 1 << 40
	}
	return float64(f.FreeKB) / float64(f.SizeKB), f.FreeKB
}

func (r room) isFull(f evidence.Filesystem) bool {
	share, amount := r.left(f)
	if r.inodes {
		return share <= fullFiles || amount <= 2
	}
	return share <= fullShare || amount <= fullKB
}

func (r room) isScarce(f evidence.Filesystem) bool {
	share, amount := r.left(f)
	if r.inodes {
		return share <= scarceFiles || amount <= 2
	}
	return share <= scarceShare || amount <= scarceKB && share <= 0.1
}

// roomsOf returns the file systems that were short of room in the scope of the case.
func roomsOf(c *diagnose.Case, inodes bool) []room {
	byMount := map[string]*room{}
	var order []string
	scope := c.Scope()
	for at, f := range recording.All[evidence.Filesystem](c.W) {
		r := byMount[f.Mount]
		if r == nil {
			r = &room{inodes: inodes, mount: f.Mount, first: f, worst: f, grew: -1}
			byMount[f.Mount], order = r, append(order, f.Mount)
		}
		if len(f.Holds) > 0 {
			r.holds = dearest(f.Holds)
		}
		if at.After(scope.To) {
			continue
		}
		_, now := r.left(f)
		_, worst := r.left(r.worst)
		switch short := r.isScarce(f); {
		case short && r.span.Zero():
			r.span, r.worst, r.full = diagnose.Span{From: at, To: at}, f, r.isFull(f)
		case short:
			r.span.To, r.full = at, r.full || r.isFull(f)
			r.worst = pickWorse(now <= worst, f, r.worst)
		case r.span.Zero():
			r.seen, r.worst = at, f
		case at.Before(scope.From):
			r.span, r.full, r.seen, r.worst = diagnose.Span{}, false, at, f // over before it could matter
		}
	}
	var out []room
	for _, m := range order {
		if r := byMount[m]; !r.span.Zero() {
			out = append(out, *r)
		}
	}
	return out
}

func pickWorse(worse bool, f, old evidence.Filesystem) evidence.Filesystem {
	if worse {
		return f
	}
	return old
}

// dearest is what of the things on a file system the site can do without least.
func dearest(holds []string) string {
	for _, h := range []string{"database", "database-tmp", "sessions", "site", "tmp", "logs", "root"} {
		if slices.Contains(holds, h) {
			return h
		}
	}
	return ""
}

// writeFailed reports whether a line says that there was no room to write. That
// a table is full may have other reasons, such as a limit of its own.
func writeFailed(l evidence.ErrorLine) bool {
	return strings.HasSuffix(l.ID, "-disk-full") || strings.HasSuffix(l.ID, "-table-full")
}

// shortages makes the argument: a file system ran out of room before visitors
// suffered, what must write to it failed, and that is what visitors met.
func shortages(c *diagnose.Case, inodes bool) []diagnose.Finding {
	rooms := roomsOf(c, inodes)
	lines := c.Lines(c.Scope(), writeFailed)
	if !inodes {
		// One word stands for both in the logs: where there is space, it is the inodes.
		rooms = slices.DeleteFunc(rooms, func(r room) bool { return r.worst.Inodes > 0 && r.worst.InodesFree == 0 && !r.full })
	}
	var out []diagnose.Finding
	for _, r := range rooms {
		r.lines = linesOn(lines, r.mount, rooms)
		if len(r.lines) > 0 && r.lines[0].First.Before(r.span.From) {
			r.span.From = r.lines[0].First
		}
		for _, l := range r.lines {
			if l.Last.After(r.span.To) {
				r.span.To = l.Last
			}
		}
		if f, ok := shortage(c, r); ok {
			out = append(out, f)
		}
	}
	// The one that is without any room, and that the site needs most, first.
	slices.SortStableFunc(out, func(a, b diagnose.Finding) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return out[:min(len(out), 1)]
}

// linesOn are the lines that are, or may be, about a file system: those that
// name another one that is short of room are not.
func linesOn(all []diagnose.Lines, mount string, rooms []room) []diagnose.Lines {
	return slices.DeleteFunc(slices.Clone(all), func(l diagnose.Lines) bool {
		on := func(m string) bool {
			return m != "/" && slices.ContainsFunc(l.Texts, func(t string) bool { return strings.Contains(t, strings.TrimSuffix(m, "/")+"/") })
		}
		return !on(mount) && slices.ContainsFunc(rooms, func(o room) bool { return o.mount != mount && on(o.mount) })
	})
}

func shortage(c *diagnose.Case, r room) (diagnose.Finding, bool) {
	if !r.full && len(r.lines) == 0 {
		return diagnose.Finding{}, false // little room is no trouble yet
	}
	// 1. It began before visitors suffered; what was the same while all was well
	// did not bring them down.
	if c.Outage.Zero() && len(r.lines) == 0 || !explains(c, r.span) || asInQuiet(c, r) {
		return diagnose.Finding{}, false
	}
	hurts := hurtBy(c, r)
	if !c.Outage.Zero() && !hurts && (c.Starved(c.Outage) || len(r.lines) == 0) {
		return diagnose.Finding{}, false
	}
	id := "disk-full"
	if r.inodes {
		id = "inodes-exhausted"
	}
	f := diagnose.Finding{
		About: diagnose.Subject{Path: r.mount}, Share: diagnose.UnknownShare, Active: r.span,
		Claim:      diagnose.Say(id, "mount", r.mount, "holds", r.holds),
		Confidence: 0.6, Proof: []diagnose.Sentence{r.proof()},
	}
	// 2. To the last bit.
	if r.full {
		f.Confidence += 0.1
	}
	// 3. What had to be written failed, and a log says so.
	for _, l := range r.lines[:min(len(r.lines), 3)] {
		f.Proof = append(f.Proof, diagnose.Say("proof-write-fails", "service", l.Service, "count", diagnose.Count(l.Count), "message", l.Message, "at", l.First))
	}
	if len(r.lines) > 0 {
		f.Confidence += 0.15
		f.Steps = append(f.Steps, writesFail(r))
	} else {
		f.Missing = append(f.Missing, diagnose.Say("missing-write-errors"))
	}
	// 4. It was seen to run out, and that is what visitors met.
	if !r.seen.IsZero() {
		f.Confidence += 0.04
	}
	if hurts {
		f.Confidence += 0.06
		f.Share.WorkerTime = max(c.Failing(c.Outage), 0)
		f.Proof = append(f.Proof, answers(c)...)
	}
	if !c.Outage.Zero() && !hurts || c.Outage.Zero() {
		f.Confidence = min(f.Confidence, 0.75)
	}
	r.filled(c, &f)
	r.victims(c, &f)
	return f, true
}

// victims are the services that ended because they could not write.
func (r room) victims(c *diagnose.Case, f *diagnose.Finding) {
	for _, s := range stops(c) {
		end := endingOf(c, s)
		if !end.full || s.pid == 0 || s.span.From.Before(f.Active.From) {
			continue
		}
		f.Steps = append(f.Steps, diagnose.Link{ID: "service-down", Role: diagnose.RoleStep, Span: s.span, Share: diagnose.UnknownShare, Say: end.claim(s)})
		f.Proof = append(f.Proof, end.proofs(c, s)...)
		f.Active.To = latestOf(f.Active.To, s.span.To)
		f.Remedies = append(f.Remedies, "start-service")
		return
	}
}

// proof says how much room there was, and how much was left.
func (r room) proof() diagnose.Sentence {
	_, before := r.left(r.first)
	_, after := r.left(r.worst)
	if !r.isScarce(r.first) {
		if r.inodes {
			return diagnose.Say("proof-inodes-fell", "mount", r.mount, "before", diagnose.Count(before), "free", diagnose.Count(after), "all", diagnose.Count(r.worst.Inodes), "space", diagnose.Share01(float64(r.worst.FreeKB)/float64(max(r.worst.SizeKB, 1))))
		}
		return diagnose.Say("proof-room-fell", "mount", r.mount, "before", diagnose.Bytes(before*1024), "free", diagnose.Bytes(after*1024), "size", diagnose.Bytes(r.worst.SizeKB*1024))
	}
	if r.inodes {
		return diagnose.Say("proof-inodes-none", "mount", r.mount, "free", diagnose.Count(after), "all", diagnose.Count(r.worst.Inodes), "space", diagnose.Share01(float64(r.worst.FreeKB)/float64(max(r.worst.SizeKB, 1))))
	}
	return diagnose.Say("proof-room-none", "mount", r.mount, "free", diagnose.Bytes(after*1024), "size", diagnose.Bytes(r.worst.SizeKB*1024))
}

func writesFail(r room) diagnose.Link {
	n := int64(0)
	first := r.lines[0]
	last := first.Last
	for _, l := range r.lines {
		n += l.Count
		last = latestOf(last, l.Last)
	}
	return diagnose.Link{ID: "writes-fail", Role: diagnose.RoleStep, Span: diagnose.Span{From: first.First, To: last}, Share: diagnose.UnknownShare,
		Say: diagnose.Say("link-writes-fail", "count", diagnose.Count(n))}
}

func latestOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// asInQuiet reports whether the shortage was there already while all was well:
// it ran from before the quiet time, and writes failed then as often as later.
func asInQuiet(c *diagnose.Case, r room) bool {
	if c.Quiet.Zero() || c.Outage.Zero() || !r.span.From.Before(c.Quiet.From.Add(c.Quiet.Duration()/2)) || !c.Quiet.From.Before(c.Outage.From) {
		return false
	}
	per := func(s diagnose.Span) float64 {
		n := int64(0)
		for _, l := range c.Lines(s, writeFailed) {
			n += l.Count
		}
		return float64(n) / max(s.Duration().Seconds(), 1)
	}
	return per(c.Outage) <= 2*per(c.Quiet)
}

// hurtBy reports whether what visitors met is what failed writes make: errors,
// or workers that all wait while the machine has nothing to do.
func hurtBy(c *diagnose.Case, r room) bool {
	if c.Outage.Zero() {
		return false
	}
	// A starved machine is slow to fail; an error that comes as quickly as a page
	// is no want of CPU, whoever else uses it up.
	quick := c.PageMs(c.Outage) >= 0 && c.PageMs(c.Outage) <= 2*c.PageMs(c.Quiet)
	if c.Failing(c.Outage) >= brokenLeast && (!c.Starved(c.Outage) || quick) {
		return true
	}
	for _, l := range r.lines {
		if slices.ContainsFunc(l.Texts, func(t string) bool { return strings.Contains(t, "Waiting for someone to free") }) {
			return true
		}
	}
	busy := c.BusyShare(c.Outage)
	return len(r.lines) > 0 && r.holds == "database" && !c.Starved(c.Outage) && c.Workers(c.Outage) >= 0.9 && busy >= 0 && busy < 0.5
}
