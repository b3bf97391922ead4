package report

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// Findings turns the causes of a document back into findings, as far as a plan
// is made from them: what each is about, who does it, the accused statement.
// Sentences are not read back.
func (d Document) Findings() []diagnose.Finding {
	return each(d.Causes, Cause.finding)
}

func (c Cause) finding() diagnose.Finding {
	s, o := c.Subject, c.Origin
	f := diagnose.Finding{
		Rule: c.ID, Confidence: c.Confidence, Harmless: c.Harmless, Remedies: c.Remedies, Active: c.Active.span(), Share: diagnose.UnknownShare,
		About:  diagnose.Subject{Schema: s.Schema, Table: s.Table, Column: s.Column, Session: s.Session, Client: s.Client, Clients: s.Clients, Path: s.Path, Service: s.Service, Process: s.Process, Remote: s.Remote},
		Origin: diagnose.Origin{Plugin: o.Plugin, Version: o.Version, Hook: o.Hook, Schedule: o.Schedule, Site: o.Site, User: o.User, File: o.File},
	}
	if a := c.Statement; a != nil {
		f.Statement = &diagnose.Statement{Digest: a.Digest, Verb: a.Verb, At: moment(a.At), Filter: evidence.Filter{
			Digest: a.Digest, Verb: a.Verb, Schema: a.Schema, Table: a.Table, Equal: a.Equal, Range: a.Range, Wrapped: a.Wrapped, Limit: a.Limit, OrderBy: a.OrderBy,
		}}
		if a.Cutoff != nil {
			f.Statement.Filter.CutoffUnixS = a.Cutoff.Unix()
		}
	}
	return f
}

func (i Interval) span() diagnose.Span { return diagnose.Span{From: moment(i.From), To: moment(i.To)} }

// moment is the time, or zero where it is unknown.
func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Suffering is how visitors fared in the outage of the document; How is empty
// where it was not measured.
func (d Document) Suffering() diagnose.Visitors {
	v := d.Visitors
	if v == nil {
		return diagnose.Visitors{}
	}
	return diagnose.Visitors{How: v.How, QuietMs: amount(v.QuietMs), OutageMs: amount(v.OutageMs), WorstMs: amount(v.WorstMs),
		FailShare: amount(v.FailShare), QuietFail: amount(v.QuietFail), StillGoing: v.StillGoing}
}

// amount is the value, or -1 where it is unknown.
func amount(f *float64) float64 {
	if f == nil {
		return -1
	}
	return *f
}
