package main

import (
	"fmt"
	"math/rand"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// gist is what of a verdict must not depend on names, on the order of the
// records or on the date: one line each. Names are translated by say.
func gist(v diagnose.Verdict, say func(string) string) []string {
	out := []string{string(v.Status), "suffered " + v.Outage.Duration().String()}
	for _, f := range v.Causes {
		out = append(out, fmt.Sprintf("cause %s %.3f table %s column %s plugin %s hook %s share %.3f", f.Rule, f.Confidence, say(f.About.Table), say(f.About.Column), say(f.Origin.Plugin), say(f.Origin.Hook), f.Share))
		for _, p := range f.Proof {
			out = append(out, "proof "+p.ID)
		}
	}
	for _, l := range v.Chain {
		out = append(out, fmt.Sprintf("link %s after %s", l.ID, l.Span.From.Sub(v.Window.To)))
	}
	for _, r := range v.Rejected {
		out = append(out, fmt.Sprintf("cleared %s", r.ID))
	}
	for _, s := range v.Surer {
		out = append(out, "surer "+s.ID)
	}
	return out
}

func asItIs(s string) string { return s }

// differing says in which lines two gists differ.
func differing(want, got []string) string {
	var out []string
	for _, l := range want {
		if !slices.Contains(got, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}

func TestTheOrderOfTheRecordsChangesNothing(t *testing.T) {
	for _, f := range frozenCases(t) {
		mixed := slices.Clone(f.loaded.records)
		rand.New(rand.NewSource(7)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		want, got := f.with(slices.Clone(f.loaded.records)), f.with(mixed)
		if d := differing(gist(want, asItIs), gist(got, asItIs)); d != "" {
			t.Errorf("%s: another verdict in another order:\n%s", f.name, d)
		}
	}
}

// postponed returns the record as if all had happened some time later: moments
// inside of facts move along.
func postponed(r evidence.Record, by time.Duration) evidence.Record {
	r.At = r.At.Add(by)
	s := int64(by / time.Second)
	switch f := r.Fact.(type) {
	case evidence.CronEvent:
		f.NextUnixS += s
		r.Fact = f
	case evidence.Schedule:
		if f.Next != 0 {
			f.Next += s
		}
		r.Fact = f
	case evidence.Filter:
		if f.CutoffUnixS != 0 {
			f.CutoffUnixS += s
		}
		r.Fact = f
	case evidence.TableGrowth:
		f.Probes = slices.Clone(f.Probes)
		for i := range f.Probes {
			f.Probes[i].UnixS += s
		}
		r.Fact = f
	}
	return r
}

func TestAnotherDateChangesOnlyDates(t *testing.T) {
	const weeks = 4 * 7 * 24 * time.Hour // weekday and time of day stay
	for _, f := range frozenCases(t) {
		shifted := f
		shifted.loaded.from, shifted.loaded.to = f.loaded.from.Add(weeks), f.loaded.to.Add(weeks)
		if !f.loaded.at.IsZero() {
			shifted.loaded.at = f.loaded.at.Add(weeks)
		}
		var records []evidence.Record
		for _, r := range f.loaded.records {
			records = append(records, postponed(r, weeks))
		}
		want, got := f.with(slices.Clone(f.loaded.records)), shifted.with(records)
		if d := differing(gist(want, asItIs), gist(got, asItIs)); d != "" {
			t.Errorf("%s: another verdict on another date:\n%s", f.name, d)
		}
	}
}

// The scenarios begin with at least 20 quiet seconds; repeated they make an hour.
const quietLeast = 18 * time.Second

func TestAHealthyHourInFrontChangesNothing(t *testing.T) {
	for _, f := range frozenCases(t) {
		began := firstHost(f.loaded.records)
		var calm, hour []evidence.Record
		for _, r := range f.loaded.records {
			if lists(r.Fact) && !r.At.Before(began) && r.At.Before(began.Add(quietLeast)) {
				calm = append(calm, r)
			}
		}
		if len(calm) == 0 {
			t.Fatalf("%s: nothing was recorded in its quiet time", f.name)
		}
		for back := quietLeast; back <= time.Hour; back += quietLeast {
			for _, r := range calm {
				hour = append(hour, postponed(r, -back))
			}
		}
		longer := f
		longer.loaded.from = f.loaded.from.Add(-time.Hour)
		// What was changed before anybody watched, was so in the longer recording, too.
		for _, r := range f.loaded.records {
			if _, is := r.Fact.(evidence.Change); is && r.At.Before(began) {
				r = postponed(r, -time.Hour)
			}
			hour = append(hour, r)
		}
		want, got := f.with(slices.Clone(f.loaded.records)), longer.with(hour)
		if want.Status != got.Status || !reflect.DeepEqual(causesOf(want), causesOf(got)) {
			t.Errorf("%s: with a healthy hour in front %s %v, without it %s %v", f.name, got.Status, causesOf(got), want.Status, causesOf(want))
		}
	}
}

// lists reports whether a fact tells what happened, not what exists or what logs
// held before.
func lists(f evidence.Fact) bool {
	switch f := f.(type) {
	case evidence.Host, evidence.Cgroup, evidence.Filesystem, evidence.ServiceUse, evidence.ProcessUse, evidence.WorkerPool, evidence.Outbound, evidence.SelfCost,
		evidence.Statement, evidence.Transaction, evidence.LockWait, evidence.DBStatus, evidence.DigestUse, evidence.SessionUse, evidence.Attack, evidence.Probe:
		return true
	case evidence.Traffic:
		return !f.FromHist
	case evidence.ClientUse:
		return !f.FromHist
	case evidence.PathUse:
		return !f.FromHist
	}
	return false
}

func firstHost(records []evidence.Record) time.Time {
	var first time.Time
	for _, r := range records {
		if _, ok := r.Fact.(evidence.Host); ok && (first.IsZero() || r.At.Before(first)) {
			first = r.At
		}
	}
	return first
}

func causesOf(v diagnose.Verdict) []string {
	var out []string
	for _, f := range v.Causes {
		out = append(out, f.Rule)
	}
	return out
}

// named are the texts of facts that hold names of tables, columns, indexes,
// plugins, hooks, options, schemas, users, sites and files, by kind and field.
var named = map[string]bool{
	"statement.Digest": true, "statement.Table": true, "statement.Schema": true, "statement.User": true, "transaction.Digest": true, "transaction.User": true,
	"lock-wait.Schema": true, "lock-wait.Table": true, "lock-wait.Index": true, "lock-wait.WaiterDigest": true, "lock-wait.BlockerDigest": true, "lock-wait.BlockerUser": true,
	"digest.Digest": true, "digest.Schema": true, "sessions.User": true, "sessions.Schema": true,
	"table.Schema": true, "table.Name": true, "table.Indexes.Name": true, "table.Indexes.Columns": true,
	"growth.Schema": true, "growth.Name": true, "growth.Column": true,
	"plan.Digest": true, "plan.Table": true, "plan.Key": true, "plan.Keys": true,
	"filter.Digest": true, "filter.Schema": true, "filter.Table": true, "filter.Equal": true, "filter.Range": true, "filter.Wrapped": true, "filter.OrderBy": true,
	"site.Schema": true, "site.Prefix": true, "site.Plugins": true, "site.Root": true,
	"cron-event.Hook": true, "cron-event.Owner": true, "owner.Table": true, "owner.Plugin": true,
	"hook-table.Hook": true, "hook-table.Table": true, "hook-table.Plugin": true, "hook-table.File": true,
	"error-line.Message": true, "filesystem.Takes.Path": true, "error-line.File": true, "change.Name": true, "options.Table": true, "options.Largest.Name": true, "options.Largest.Owner": true,
}

// renamer gives each name another one, the same by the same. Of a name only
// that it is one is left: no part of it, not its length, not its first letter.
type renamer struct{ names map[string]string }

var oneName = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_-]*`)

// learn takes in the names that stand alone in their fields.
func (n *renamer) learn(field, text string) {
	switch field {
	case "statement.Digest", "transaction.Digest", "lock-wait.WaiterDigest", "lock-wait.BlockerDigest", "digest.Digest", "plan.Digest", "filter.Digest", "error-line.Message", "error-line.File", "plan.Keys", "site.Root", "hook-table.File", "change.Name":
		return // texts in which names stand
	}
	// "core" and PRIMARY are words of the vocabulary, not names.
	if text == "" || text == "core" || text == "PRIMARY" || n.names[text] != "" {
		return
	}
	n.names[text] = fmt.Sprintf("n%06d", (len(n.names)*7919+104729)%1_000_000)
}

func (n *renamer) say(text string) string {
	if to, ok := n.names[text]; ok {
		return to
	}
	return oneName.ReplaceAllStringFunc(text, func(word string) string {
		if to, ok := n.names[word]; ok {
			return to
		}
		return word
	})
}

// each calls do for every text of a fact that holds names, and puts what it
// returns in its place.
func each(f evidence.Fact, do func(field, text string) string) evidence.Fact {
	v := reflect.New(reflect.TypeOf(f)).Elem()
	v.Set(reflect.ValueOf(f))
	eachOf(v, f.Kind(), do)
	out, _ := reflect.TypeAssert[evidence.Fact](v)
	return out
}

func eachOf(v reflect.Value, path string, do func(field, text string) string) {
	for i := range v.NumField() {
		f, name := v.Field(i), path+"."+v.Type().Field(i).Name
		switch {
		case f.Kind() == reflect.String && named[name]:
			f.SetString(do(name, f.String()))
		case f.Kind() == reflect.Slice && f.Len() > 0 && f.Type().Elem().Kind() == reflect.String && named[name]:
			copied := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			for k := range f.Len() {
				copied.Index(k).SetString(do(name, f.Index(k).String()))
			}
			f.Set(copied)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			copied := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			reflect.Copy(copied, f)
			for k := range f.Len() {
				eachOf(copied.Index(k), name, do)
			}
			f.Set(copied)
		}
	}
}

// Rules work from structure: with every table, column, index, plugin, hook,
// schema and user under another name, the verdict is the same.
func TestOtherNamesGiveTheSameVerdict(t *testing.T) {
	for _, f := range frozenCases(t) {
		n := renamer{map[string]string{}}
		for _, r := range f.loaded.records {
			each(r.Fact, func(field, text string) string { n.learn(field, text); return text })
		}
		if len(n.names) < 20 {
			t.Fatalf("%s: only %d names", f.name, len(n.names))
		}
		var renamed []evidence.Record
		for _, r := range f.loaded.records {
			r.Fact = each(r.Fact, func(_, text string) string { return n.say(text) })
			renamed = append(renamed, r)
		}
		want, got := f.with(slices.Clone(f.loaded.records)), f.with(renamed)
		if d := differing(gist(want, n.say), gist(got, asItIs)); d != "" {
			t.Errorf("%s: another verdict under other names:\n%s", f.name, d)
		}
	}
}
