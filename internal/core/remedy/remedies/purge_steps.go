package remedies

import (
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// firstChunk is how many rows the first range is made for; the work is measured
// from there on. firstLocking is the same where each write locks the table.
const (
	firstChunk   = 1000
	firstLocking = 100
	mostKeys     = 1_000_000 // of a first range, where keys are sparse
)

// steps writes the steps of the chosen way, and what to know about them.
func (j job) steps(p *remedy.Plan, chosen way) {
	p.Says = append(p.Says, j.rowsSay())
	p.Says = append(p.Says, j.says...)
	for _, a := range j.which.Also {
		p.Says = append(p.Says, say("purge-only", "column", a.Column, "values", strings.Join(a.Values, ", ")))
	}
	j.explain(p, "before", "", "step-explain-before")
	if chosen.id == remedy.Chunks {
		j.chunkSteps(p, chosen)
	} else {
		j.swapSteps(p, chosen)
	}
	j.warn(p)
}

// rowsSay says how much goes and how much stays.
func (j job) rowsSay() diagnose.Sentence {
	return say("purge-rows", "table", j.w.Table.Name, "rows", diagnose.Count(j.rows), "doomed", diagnose.Count(j.doomed), "kept", diagnose.Count(j.kept()))
}

// add appends a step with the next number.
func add(p *remedy.Plan, s remedy.Step, e remedy.Estimate, undo diagnose.Sentence, says ...diagnose.Sentence) {
	p.Steps = append(p.Steps, remedy.Planned{ID: strconv.Itoa(len(p.Steps) + 1), Step: s, Estimate: e, Says: says, Undo: undo})
}

func on(w remedy.World) remedy.On {
	return remedy.On{Instance: w.Server.Instance, Schema: w.Table.Schema, Table: w.Table.Name}
}

// looks is the estimate of a step that only reads.
func looks() remedy.Estimate {
	return remedy.Estimate{Takes: time.Second, TakesCapped: time.Second, Locks: say("locks-none"), Risk: remedy.RiskNone}
}

func (j job) explain(p *remedy.Plan, when, want, id string) {
	add(p, remedy.ExplainStatement{On: on(j.w), Doomed: j.which, When: when, Want: want}, looks(), say("undo-nothing"), say(id, "table", j.w.Table.Name))
}

// isolation of the sessions that change rows: READ COMMITTED locks no gaps, so
// inserts go on; with a binary log in statements it is error 1665.
func isolation(s *remedy.Server) string {
	if s.Binlog && strings.EqualFold(s.BinlogFormat, "STATEMENT") {
		return "REPEATABLE READ"
	}
	return "READ COMMITTED"
}

func (j job) chunkSteps(p *remedy.Plan, chosen way) {
	t := j.w.Table
	rows, target := int64(firstChunk), chunkTarget
	if !innoDB(t) {
		rows, target = firstLocking, lockingTarget
	}
	s := remedy.DeleteInChunks{On: on(j.w), Key: t.Key, FromKey: j.fromKey, ToKey: j.toKey, Doomed: j.which, Isolation: isolation(j.server()),
		Archive: j.archive, Columns: t.Columns, Chunk: min(rows*min(j.density, mostKeys), mostKeys), Target: target, InnoDB: innoDB(t)}
	undo := say("undo-archive", "file", j.archive)
	if j.archive == "" {
		undo = say("undo-no-archive")
	}
	add(p, s, chosen.estimate, undo, say("step-delete", "table", t.Name, "key", t.Key, "doomed", diagnose.Count(j.doomed)))
	j.explain(p, "after-purge", "", "step-explain-after")
	if accepted(j.wish, "rebuild") || accepted(j.wish, remedy.RebuildTable{}.Kind()) {
		j.rebuild(p)
		return
	}
	p.Says = append(p.Says, say("purge-space", "table", t.Name, "bytes", diagnose.Bytes(j.reclaimable())), say("offer-rebuild"))
}

// reclaimable is the room that the doomed rows take in the file.
func (j job) reclaimable() int64 {
	if j.doomed < 0 {
		return -1
	}
	return max(j.fileSize-j.survivorBytes(), 0)
}

// rebuild gives the room back, where there is a place for the copy.
func (j job) rebuild(p *remedy.Plan) {
	t, need, have := j.w.Table, j.survivorBytes(), free(j.w, remedy.DiskData)
	switch {
	case !innoDB(t) || t.Fulltext || t.Spatial:
		p.Says = append(p.Says, say("no-rebuild-form", "table", t.Name))
		return
	case have < 0 || !fits(need, have):
		p.Says = append(p.Says, say("no-rebuild-disk", "needs", diagnose.Bytes(need), "free", diagnose.Bytes(have)))
		return
	case rights(j.server(), t.Schema, "ALTER", "INSERT", "CREATE") != nil:
		p.Says = append(p.Says, say("no-rebuild-rights", "table", t.Name))
		return
	}
	takes := round(perGB(need, 2*indexPerGB))
	e := remedy.Estimate{Takes: takes, TakesCapped: 5 * takes, DiskBytes: need, FreesBytes: max(j.reclaimable(), 0), Stall: swapStall, Locks: say("locks-ddl", "stall", swapStall), Risk: remedy.RiskMedium}
	add(p, remedy.RebuildTable{On: on(j.w), Stall: swapStall}, e, say("undo-nothing"), say("step-rebuild", "table", t.Name, "bytes", diagnose.Bytes(j.reclaimable())))
}

func (j job) swapSteps(p *remedy.Plan, chosen way) {
	t := j.w.Table
	stamp := namedByHirune + j.w.Now.UTC().Format("0601021504")
	s := remedy.KeepAndSwap{On: on(j.w), Key: t.Key, Doomed: j.which, New: besides(t.Name, stamp+"_new"), Old: besides(t.Name, stamp+"_old"), Columns: t.Columns,
		Isolation: isolation(j.server()), Chunk: min(firstChunk*min(j.density, mostKeys), mostKeys), Empty: chosen.id == remedy.Truncate, Stall: swapStall}
	id := "step-swap"
	if s.Empty {
		id = "step-empty"
	}
	add(p, s, chosen.estimate, say("undo-swap", "old", s.Old), say(id, "table", t.Name, "kept", diagnose.Count(j.kept())))
	j.explain(p, "after-purge", "", "step-explain-after")
	if !accepted(j.wish, "drop-old-table") && !accepted(j.wish, remedy.DropTable{}.Kind()) {
		drop := remedy.DropTable{On: remedy.On{Schema: t.Schema, Table: s.Old}}
		p.Says = append(p.Says, say("purge-old-table", "old", s.Old, "bytes", diagnose.Bytes(j.fileSize), "hint", drop.Drop()))
		return
	}
	takes := round(perGB(j.fileSize, dropPerGB))
	e := remedy.Estimate{Takes: takes, TakesCapped: 5 * takes, Rows: 0, FreesBytes: j.fileSize, Stall: swapStall, Locks: say("locks-rename"), Risk: remedy.RiskHigh, Irreversible: true}
	add(p, remedy.DropTable{On: remedy.On{Instance: j.w.Server.Instance, Schema: t.Schema, Table: s.Old}, Stall: swapStall}, e, say("undo-drop"), say("step-drop", "old", s.Old, "bytes", diagnose.Bytes(j.fileSize)))
}

// mostName is the longest name of a table or an index, in characters.
const mostName = 64

// besides names a table of ours beside another. The Doer adds up to roomBesides
// characters to it for one more.
func besides(name, ending string) string {
	r := []rune(name)
	return string(r[:min(len(r), mostName-roomBesides-len(ending))]) + ending
}

const (
	namedByHirune = "_hirune_"
	roomBesides   = 4
)

// fitName makes a name of one and an ending, cut to what the server takes.
func fitName(name, ending string) string {
	r := []rune(name)
	return string(r[:min(len(r), mostName-len(ending))]) + ending
}

// warn says what else the owner has to know before saying yes.
func (j job) warn(p *remedy.Plan) {
	s, t := j.server(), j.w.Table
	chunks := p.Steps[1].Step.Kind() == remedy.DeleteInChunks{}.Kind()
	note := func(when bool, what diagnose.Sentence) {
		if when {
			p.Says = append(p.Says, what)
		}
	}
	note(chunks && j.archive != "", say("purge-archive", "file", j.archive, "bytes", diagnose.Bytes(j.archiveBytes())))
	note(chunks && j.archive == "", say("purge-no-archive"))
	note(chunks && j.archive != "" && free(j.w, remedy.DiskArchive) < 0, say("purge-disk-unknown", "file", j.archive))
	note(chunks && !j.ordered, say("purge-unordered", "key", t.Key, "column", j.which.Column))
	note(!innoDB(t), say("purge-no-transactions", "table", t.Name, "engine", t.Engine))
	note(len(t.References) > 0, say("purge-references", "table", t.Name))
	note(len(children(j.choice, t)) > 0, say("purge-orphans", "tables", children(j.choice, t)))
	grows := j.binlogBytes(j.atMost())
	note(chunks && grows > 0, say("purge-binlog", "bytes", diagnose.Bytes(grows), "format", s.BinlogFormat))
	note(isolation(s) != "READ COMMITTED", say("purge-isolation"))
	note(s.Replicas > 0, say("purge-replicas", "replicas", diagnose.Count(s.Replicas)))
	note(chunks && innoDB(t), say("purge-aftermath", "during", j.aftermath(s.MariaDB())))
	note(true, say("purge-measured"))
}
