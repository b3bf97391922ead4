package remedies

import (
	"path"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// A swap is proposed from swapShare on, where the time to delete in place is worth
// it: then it is swapFaster times faster at least. It is chosen without being
// asked for only where deleting in place would take swapWorth or longer.
const (
	swapShare  = 0.65
	swapFaster = 3
	swapWorth  = 10 * time.Minute
)

// job is a purge with all that has been decided about it.
type job struct {
	choice
	size
	f       diagnose.Finding
	w       remedy.World
	wish    remedy.Wishes
	archive string // "" : none
}

// way is one strategy with what it would take.
type way struct {
	id       string
	estimate remedy.Estimate
	refused  sentences // not possible
}

func (j job) ways() map[string]way {
	return map[string]way{
		remedy.Chunks:   {remedy.Chunks, j.chunksEstimate(), j.chunksRefused()},
		remedy.Swap:     {remedy.Swap, j.swapEstimate(), j.swapRefused()},
		remedy.Truncate: {remedy.Truncate, j.truncateEstimate(), j.truncateRefused()},
	}
}

// pick chooses the strategy.
func (j job) pick(ways map[string]way) way {
	chunks, swap := ways[remedy.Chunks], ways[remedy.Swap]
	if w, ok := ways[j.wish.Strategy]; ok {
		return w
	}
	if j.wish.Strategy == "" && len(swap.refused) == 0 && j.better(chunks, swap) && chunks.estimate.Takes >= swapWorth {
		return swap
	}
	return chunks
}

// better reports whether a swap is worth being proposed.
func (j job) better(chunks, swap way) bool {
	return j.share >= swapShare && chunks.estimate.Takes >= swapFaster*swap.estimate.Takes
}

func (j job) server() *remedy.Server { return j.w.Server }

// archiveBytes is what the deleted rows take when they are kept.
func (j job) archiveBytes() int64 {
	if j.archive == "" {
		return 0
	}
	return j.atMost() * j.packed
}

// binlogBytes is what the binary log grows by: whole rows, where it is not kept
// in statements. Measured: 3.15 KB for a row of 3.1.
func (j job) binlogBytes(rows int64) int64 {
	if s := j.server(); !s.Binlog || strings.EqualFold(s.BinlogFormat, "STATEMENT") {
		return 0
	}
	return rows * (j.rowBytes + 64)
}

func (j job) chunksEstimate() remedy.Estimate {
	t := j.chunks(j.server().MariaDB(), j.archive != "")
	e := remedy.Estimate{Takes: t.free, TakesCapped: t.capped, Rows: j.doomed, DiskBytes: j.archiveBytes() + j.binlogBytes(j.atMost()),
		Stall: slackOfStall * chunkTarget, Locks: say("locks-rows"), Risk: remedy.RiskLow}
	if !innoDB(j.w.Table) {
		e.Stall, e.Locks, e.Risk = slackOfStall*lockingTarget, say("locks-table"), remedy.RiskMedium
	}
	if j.archive == "" {
		e.Irreversible, e.Risk = true, remedy.RiskHigh
	}
	return e
}

// chunksRefused says why rows cannot be deleted in place.
func (j job) chunksRefused() sentences {
	need := []string{"SELECT", "DELETE"}
	if j.archive != "" {
		need = append(need, "INSERT") // the way back
	}
	if no := rights(j.server(), j.w.Table.Schema, need...); no != nil {
		return no
	}
	return j.chunksDisk()
}

// chunksDisk says why the archive and the binary log do not fit.
func (j job) chunksDisk() sentences {
	need, have := j.archiveBytes(), free(j.w, remedy.DiskArchive)
	log, logFree := j.binlogBytes(j.atMost()), j.server().BinlogDirFree
	if need > 0 && log > 0 && have == logFree { // most likely one disk
		need, log = need+log, need+log
	}
	if need > 0 && have >= 0 && !fits(need, have) {
		return sentences{say("refused-archive-disk", "needs", diagnose.Bytes(need), "free", diagnose.Bytes(have)), say("instead-no-archive")}
	}
	return logFits(log, logFree)
}

func logFits(need, have int64) sentences {
	if need > 0 && have >= 0 && !fits(need, have) {
		return sentences{say("refused-binlog-disk", "needs", diagnose.Bytes(need), "free", diagnose.Bytes(have)), say("instead-free-disk")}
	}
	return nil
}

// survivorBytes is what the survivors take in a table of their own: an estimate by
// probes, so never less than a twentieth unless none survives.
func (j job) survivorBytes() int64 {
	switch {
	case j.all && len(j.which.Also) == 0:
		return 0
	case j.doomed < 0 || j.rows <= 0:
		return j.fileSize
	}
	return max(int64(float64(j.fileSize)*float64(j.kept())/float64(j.rows)), j.fileSize/20)
}

func (j job) swapEstimate() remedy.Estimate {
	t := j.swap(j.server().MariaDB())
	kept := j.rows
	if j.doomed >= 0 {
		kept = j.kept()
	}
	return remedy.Estimate{Takes: t.free, TakesCapped: t.capped, Rows: j.doomed, DiskBytes: j.survivorBytes() + j.binlogBytes(kept),
		Stall: swapStall, Locks: say("locks-rename"), Risk: remedy.RiskMedium}
}

// swapRefused says why the survivors cannot be moved to a new table: what
// CREATE TABLE LIKE does not copy would be lost.
func (j job) swapRefused() sentences {
	t := j.w.Table
	if len(t.References)+len(t.ReferencedBy) > 0 {
		return sentences{say("refused-swap-keys", "table", t.Name), say("instead-chunks")}
	}
	if no := rights(j.server(), t.Schema, "SELECT", "CREATE", "INSERT", "UPDATE", "DELETE", "ALTER", "DROP"); no != nil {
		return no
	}
	need, have := j.survivorBytes(), free(j.w, remedy.DiskData)
	if need > 0 && (have < 0 || !fits(need, have)) {
		return sentences{say("refused-swap-disk", "needs", diagnose.Bytes(need), "free", diagnose.Bytes(have)), say("instead-chunks")}
	}
	kept := j.rows
	if j.doomed >= 0 {
		kept = j.kept()
	}
	return logFits(j.binlogBytes(kept), j.server().BinlogDirFree)
}

func (j job) truncateEstimate() remedy.Estimate {
	return remedy.Estimate{Takes: time.Second, TakesCapped: time.Second, Rows: j.doomed, Stall: swapStall, Locks: say("locks-rename"), Risk: remedy.RiskMedium}
}

// truncateRefused says why the table cannot be swapped with an empty one.
func (j job) truncateRefused() sentences {
	if !j.all || len(j.which.Also) > 0 { // with a further condition some old rows survive
		return sentences{say("refused-survivors", "table", j.w.Table.Name, "kept", diagnose.Count(j.kept())), say("instead-chunks")}
	}
	j.doomed, j.share = j.rows, 1
	return j.swapRefused()
}

// archivePath is the file that takes the deleted rows. Names of the database are
// taken apart: none of them may leave the folder.
func archivePath(w remedy.World) string {
	safe := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
				return r
			}
			return '_'
		}, s)
	}
	name := safe(w.Table.Schema) + "." + safe(w.Table.Name) + "-" + w.Now.UTC().Format("20060102T150405Z") + ".rows.zst"
	return path.Join(w.StateDir, "archive", name)
}
