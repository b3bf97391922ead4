package remedies

import (
	"slices"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// disposable says why a table's rows are not ours to delete, by its name. What
// the catalogue knows is judged there.
func disposable(table, bareTable string) sentences {
	if isCore(table, bareTable) {
		return sentences{say("refused-core-table", "table", table), say("instead-plugin", "table", table)}
	}
	if _, ok := lookUp(bareTable); ok {
		return nil
	}
	if w := preciousWord(bareTable); w != "" {
		return sentences{say("refused-name", "table", table, "word", w), say("instead-plugin", "table", table)}
	}
	return nil
}

// logLike says why the table is not proven to be a log, where neither the
// plugin's own statement nor the catalogue says that these rows may go.
func logLike(c choice, w remedy.World, bareTable string) sentences {
	t := w.Table
	if c.own || c.known || c.longer {
		return nil
	}
	ordered := t.Growth.Ordered && strings.EqualFold(t.Growth.Column, c.which.Column) && len(t.Growth.Probes) >= fewestProbes
	if !ordered || t.AutoInc <= 0 || t.Key == "" || len(t.Children)+len(t.ReferencedBy) > 0 || !named(bareTable) {
		return sentences{say("refused-not-a-log", "table", t.Name), say("instead-plugin", "table", t.Name)}
	}
	return nil
}

// structure says what in the table's form forbids to delete its rows in any way.
func structure(c choice, t *remedy.Table, wish remedy.Wishes) sentences {
	var out sentences
	if len(t.ReferencedBy) > 0 {
		out = append(out, say("refused-referenced", "table", t.Name, "tables", t.ReferencedBy), say("instead-plugin", "table", t.Name))
	}
	if kids := children(c, t); len(kids) > 0 && !accepted(wish, "orphans") {
		out = append(out, say("refused-children", "table", t.Name, "tables", kids), say("instead-plugin", "table", t.Name))
		if c.known || c.plain {
			out = append(out, say("instead-accept", "name", "orphans"))
		}
	}
	if len(t.Triggers) > 0 { // what they do is not known, and a new table would not have them
		out = append(out, say("refused-triggers", "table", t.Name, "triggers", t.Triggers), say("instead-dba"))
	}
	if t.Partitions > 0 {
		out = append(out, say("refused-partitions", "table", t.Name, "count", diagnose.Count(t.Partitions)), say("instead-partitions"))
	}
	if !innoDB(t) && !lockingEngine(t) {
		out = append(out, say("refused-engine", "table", t.Name, "engine", t.Engine), say("instead-dba"))
	}
	if t.Key == "" {
		out = append(out, say("refused-no-key", "table", t.Name), say("instead-dba"))
	}
	return out
}

// children are the tables that hold rows of the table's rows: found by name, or
// known to the catalogue.
func children(c choice, t *remedy.Table) []string {
	out := slices.Clone(t.Children)
	for _, k := range c.entry.children {
		if !slices.ContainsFunc(out, func(name string) bool { return strings.HasSuffix(strings.ToLower(name), k) }) {
			out = append(out, k)
		}
	}
	return out
}
