package remedies

import (
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

// covered returns an index that does already what the new one would: it begins
// with the same columns. The order of those compared by = is free.
func covered(t *remedy.Table, f diagnose.Finding, columns []string) (evidence.Index, bool) {
	equal := 0
	if f.Statement != nil {
		equal = min(len(f.Statement.Filter.Equal), len(columns))
	}
	for _, i := range t.Indexes {
		if len(i.Columns) >= len(columns) && sameSet(i.Columns[:equal], columns[:equal]) && slices.EqualFunc(i.Columns[equal:len(columns)], columns[equal:], strings.EqualFold) {
			return i, true
		}
	}
	return evidence.Index{}, false
}

func sameSet(a, b []string) bool {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y string) bool { return strings.EqualFold(x, y) }) {
			return false
		}
	}
	return true
}

// indexName is hirune_ and the columns: whoever finds it knows whose it is.
func indexName(t *remedy.Table, columns []string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.Join(columns, "_"))
	taken := func(name string) bool {
		return slices.ContainsFunc(t.Indexes, func(i evidence.Index) bool { return strings.EqualFold(i.Name, name) })
	}
	name := fitName("hirune_"+plain, "")
	for n := 2; taken(name); n++ {
		name = fitName("hirune_"+plain, "_"+strconv.Itoa(n))
	}
	return name
}

// indexBytes estimates the size of the index: the columns, the key, the record's
// own bytes, in pages that are two thirds full.
func indexBytes(t *remedy.Table, columns []string) int64 {
	entry := 8 + 13
	for _, name := range columns {
		c, _ := t.ColumnOf(name)
		entry += min(keyBytes(c), 64) // texts are rarely as long as they may be
	}
	return measure(t, remedy.Doomed{}).rows * int64(entry) * 3 / 2
}

// indexDisk says which disk is too small: the index goes to the data directory,
// its sort to tmpdir.
func indexDisk(w remedy.World, bytes int64) sentences {
	for _, d := range []struct{ disk, id string }{{remedy.DiskData, "refused-index-disk"}, {remedy.DiskTmp, "refused-index-tmp"}} {
		if have := free(w, d.disk); have >= 0 && !fits(bytes, have) {
			return sentences{say(d.id, "needs", diagnose.Bytes(bytes), "free", diagnose.Bytes(have)), say("instead-free-disk")}
		}
	}
	return nil
}

func indexSteps(p *remedy.Plan, f diagnose.Finding, w remedy.World, columns []string, bytes int64) {
	t, s := w.Table, w.Server
	size := max(t.FileBytes, t.DataBytes+t.IdxBytes)
	takes := round(perGB(size, indexPerGB))
	step := remedy.AddIndex{On: on(w), Index: indexName(t, columns), Columns: columns, MariaDB: waits(s), Stall: indexStall, Budget: indexBudget, Tries: indexTries}
	e := remedy.Estimate{Takes: takes, TakesCapped: 5 * takes, DiskBytes: bytes, Stall: indexStall, Locks: say("locks-ddl", "stall", indexStall), Risk: remedy.RiskLow}
	add(p, step, e, say("undo-index", "index", step.Index), say("step-index", "table", t.Name, "index", step.Index, "columns", columns))
	p.Says = append(p.Says, say("index-why", "table", t.Name, "columns", columns, "bytes", diagnose.Bytes(bytes)))
	p.Says = append(p.Says, indexProof(p, f, w)...)
	p.Says = append(p.Says, indexWaits(w)...)
	if s.Replicas > 0 {
		p.Says = append(p.Says, say("index-replicas", "replicas", diagnose.Count(s.Replicas), "takes", takes))
	}
	p.Says = append(p.Says, say("index-bounded", "stall", indexStall, "budget", indexBudget, "tries", diagnose.Count(indexTries)))
	if free(w, remedy.DiskData) < 0 || free(w, remedy.DiskTmp) < 0 {
		p.Says = append(p.Says, say("index-disk-unknown", "bytes", diagnose.Bytes(bytes)))
	}
	p.Says = append(p.Says, comesAgain("index-again", *p, f)...)
}

// waits reports whether the server bounds the wait in the statement itself:
// MariaDB from 10.3 on.
func waits(s *remedy.Server) bool {
	return s.MariaDB() && (s.Major > 10 || s.Major == 10 && s.Minor >= 3)
}

// indexProof adds the question whether the statement is a range scan now, and
// says that the purge has to come first where most rows are old.
func indexProof(p *remedy.Plan, f diagnose.Finding, w remedy.World) sentences {
	c := decide(f, w, remedy.Wishes{}, bareName(w.Table.Name, prefixOf(w)))
	if len(c.refused) > 0 || len(c.which.Also) > 0 {
		return sentences{say("index-unproven", "table", w.Table.Name)}
	}
	add(p, remedy.ExplainStatement{On: on(w), Doomed: c.which, When: "after-index", Want: "range"}, looks(), say("undo-nothing"), say("step-explain-index", "table", w.Table.Name))
	if m := measure(w.Table, c.which); m.share >= rangeShare {
		return sentences{say("index-after-purge", "table", w.Table.Name, "share", diagnose.Share01(m.share))}
	}
	return nil
}

// indexWaits says whom the server will make the change wait for.
func indexWaits(w remedy.World) sentences {
	var out sentences
	for _, s := range others(w.Server) {
		switch on := strings.EqualFold(s.Table, w.Table.Name); {
		case s.Dump:
			out = append(out, say("index-waits-dump", "session", diagnose.Count(s.ID), "user", s.User, "age", ms(s.RunningMs)))
		case on && (ms(s.TrxAgeMs) >= indexPatience || ms(s.RunningMs) >= indexPatience):
			out = append(out, say("index-waits", "session", diagnose.Count(s.ID), "user", s.User, "age", ms(max(s.TrxAgeMs, s.RunningMs))))
		case s.Table == "" && ms(s.TrxAgeMs) >= indexPatience:
			out = append(out, say("index-may-wait", "session", diagnose.Count(s.ID), "user", s.User, "age", ms(s.TrxAgeMs)))
		}
	}
	return out
}

// indexPatience is the age of a transaction from which it is not a page's own.
const indexPatience = 2 * indexStall
