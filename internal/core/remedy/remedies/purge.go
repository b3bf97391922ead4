package remedies

import (
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// Purge deletes the rows that a clean-up job wants gone, so that visitors do not
// notice: by ranges of the key, or by moving the survivors to a new table.
func Purge() remedy.Remedy {
	return remedy.Remedy{
		ID:     "purge",
		Title:  "delete old rows of a log in small pieces",
		Source: "measured: ranges of the primary key need no index, hold few locks, and pause well; an index alone does not help while most rows are old",
		Needs:  remedy.Needs{Database: true},
		Plan:   planPurge,
	}
}

func planPurge(f diagnose.Finding, w remedy.World, wish remedy.Wishes) remedy.Plan {
	p := begin("purge", f, w)
	if p.Refused = purgeRefused(f, w, wish); len(p.Refused) > 0 {
		return p
	}
	bareTable := bareName(w.Table.Name, prefixOf(w))
	c := decide(f, w, wish, bareTable)
	if len(c.refused) > 0 {
		p.Refused = c.refused
		return p
	}
	p.Refused = slices.Concat(logLike(c, w, bareTable), structure(c, w.Table, wish), busy(w))
	if len(p.Refused) > 0 {
		return p
	}
	j := job{choice: c, size: measure(w.Table, c.which), f: f, w: w, wish: wish}
	if !wish.NoArchive {
		j.archive = archivePath(w)
	}
	if j.empty {
		p.Says = append(c.says, say("purge-nothing", "table", w.Table.Name))
		return p
	}
	ways := j.ways()
	chosen := j.pick(ways)
	p.Others = j.others(ways, chosen)
	if p.Refused = chosen.refused; len(p.Refused) > 0 {
		return p
	}
	j.steps(&p, chosen)
	p.Says = append(p.Says, comesAgain("purge-again", p, f)...)
	return p
}

// purgeRefused says what stands against it before anything is decided.
func purgeRefused(f diagnose.Finding, w remedy.World, wish remedy.Wishes) sentences {
	if no := unread(f, w, true); no != nil {
		return no
	}
	out := slices.Concat(server(w.Server), place(w.Table.Schema, w, wish), disposable(w.Table.Name, bareName(w.Table.Name, prefixOf(w))))
	if wish.Strategy != "" && !slices.Contains([]string{remedy.Chunks, remedy.Swap, remedy.Truncate}, wish.Strategy) {
		out = append(out, say("refused-strategy", "strategy", wish.Strategy), say("instead-chunks"))
	}
	return out
}

func prefixOf(w remedy.World) string {
	if w.Site == nil {
		return ""
	}
	return w.Site.Prefix
}

// others are the ways that were not taken, and why not.
func (j job) others(ways map[string]way, chosen way) []remedy.Other {
	var out []remedy.Other
	for _, id := range []string{remedy.Chunks, remedy.Swap, remedy.Truncate} {
		w := ways[id]
		if id == chosen.id {
			continue
		}
		o := remedy.Other{ID: id, Estimate: w.estimate, Possible: len(w.refused) == 0}
		switch {
		case !o.Possible:
			o.Why = w.refused[0]
		case id == remedy.Chunks:
			o.Why = say("other-chunks", "takes", w.estimate.Takes, "chosen", chosen.estimate.Takes)
		case id == remedy.Truncate:
			o.Why = say("other-truncate")
		case j.better(ways[remedy.Chunks], w):
			o.Why = say("other-swap-faster", "takes", w.estimate.Takes, "needs", diagnose.Bytes(w.estimate.DiskBytes))
		default:
			o.Why = say("other-swap-no-gain", "takes", w.estimate.Takes, "needs", diagnose.Bytes(w.estimate.DiskBytes))
		}
		out = append(out, o)
	}
	return out
}

// Bounds of one piece of work. A row lock of ours is held for chunkTarget; where
// each write locks the whole table it is shorter. swapStall bounds the wait for
// the names' lock, behind which visitors would queue.
const (
	chunkTarget   = 100 * time.Millisecond
	lockingTarget = 20 * time.Millisecond
	swapStall     = time.Second
	// slackOfStall is how much longer than its target one piece may take before the
	// next ones are made smaller, as under a cap that has just begun.
	slackOfStall = 5
)
