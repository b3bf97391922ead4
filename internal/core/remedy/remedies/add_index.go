package remedies

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// AddIndex gives a clean-up job the index that its statement needs, by the
// server's own online DDL.
func AddIndex() remedy.Remedy {
	return remedy.Remedy{
		ID:     "add-index",
		Title:  "add the index that the accused statement needs",
		Source: "measured: with the index the job is a range scan, but only once most of its rows are gone; the metadata lock at either end stops the site unless it is bounded",
		Needs:  remedy.Needs{Database: true},
		Plan:   planAddIndex,
	}
}

// Bounds of the wait for the table's metadata lock: behind it every reader and
// writer of the table queues. Ten tries of a second make the budget.
const (
	indexStall  = time.Second
	indexBudget = 10 * time.Second
	indexTries  = 10
)

// rangeShare is the share of old rows from which servers were seen to read the
// whole table in spite of the index: MariaDB at 10 %, MySQL at 20 %.
const rangeShare = 0.05

// Limits of InnoDB: bytes of one index entry, and indexes of one table.
const (
	mostKeyBytes = 3072
	mostIndexes  = 64
)

func planAddIndex(f diagnose.Finding, w remedy.World, wish remedy.Wishes) remedy.Plan {
	p := begin("add-index", f, w)
	if p.Refused = unread(f, w, true); len(p.Refused) > 0 {
		return p
	}
	t := w.Table
	columns, no := indexColumns(f, t)
	if no == nil {
		if i, ok := covered(t, f, columns); ok {
			p.Says = sentences{say("index-there", "table", t.Name, "index", i.Name, "column", columns[0])}
			return p
		}
	}
	p.Refused = slices.Concat(server(w.Server), place(t.Schema, w, wish), no, indexForm(t), rights(w.Server, t.Schema, "ALTER", "INDEX"))
	if len(p.Refused) > 0 {
		return p
	}
	bytes := indexBytes(t, columns)
	if p.Refused = indexDisk(w, bytes); len(p.Refused) > 0 {
		return p
	}
	indexSteps(&p, f, w, columns, bytes)
	return p
}

// indexColumns are those that the statement compares by =, then the first that
// it compares by a range: an index serves no more.
func indexColumns(f diagnose.Finding, t *remedy.Table) ([]string, sentences) {
	var columns []string
	if st := f.Statement; st != nil {
		fl := st.Filter
		columns = slices.Concat(fl.Equal, fl.Range[:min(len(fl.Range), 1)])
		switch digest := strings.ToUpper(st.Digest); {
		case len(columns) == 0 && len(fl.Wrapped) > 0:
			return nil, sentences{say("refused-index-wrapped", "table", t.Name, "column", fl.Wrapped[0]), say("instead-plugin-query")}
		case strings.Contains(digest, " OR ") || strings.Contains(digest, " XOR "):
			return nil, sentences{say("refused-index-or", "table", t.Name), say("instead-plugin-query")}
		}
	}
	if len(columns) == 0 && f.About.Column != "" {
		columns = []string{f.About.Column}
	}
	if len(columns) == 0 {
		return nil, sentences{say("refused-index-unknown", "table", t.Name), say("instead-record")}
	}
	return spelled(t, columns)
}

// spelled gives the columns as the table spells them, and says why one of them
// cannot be indexed.
func spelled(t *remedy.Table, columns []string) ([]string, sentences) {
	out, bytes := []string{}, 0
	for _, name := range columns {
		c, ok := t.ColumnOf(name)
		if !ok {
			return columns, sentences{say("refused-no-column", "table", t.Name, "column", name), say("instead-doctor")}
		}
		n := keyBytes(c)
		if n < 0 {
			return columns, sentences{say("refused-index-type", "table", t.Name, "column", c.Name, "type", c.Type), say("instead-dba")}
		}
		if bytes += n; bytes > mostKeyBytes {
			return columns, sentences{say("refused-index-long", "table", t.Name, "column", c.Name, "bytes", diagnose.Bytes(bytes), "most", diagnose.Bytes(mostKeyBytes)), say("instead-dba")}
		}
		out = append(out, c.Name)
	}
	return out, nil
}

// keyBytes is the most that a column takes in an index; -1 where it cannot be
// indexed whole.
func keyBytes(c remedy.Column) int {
	switch c.Type {
	case "tinyint", "bool", "year":
		return 2
	case "smallint", "mediumint", "date", "int", "enum", "set", "time", "timestamp", "float":
		return 8
	case "bigint", "double", "datetime":
		return 9
	case "decimal":
		return 32
	case "char", "varchar", "binary", "varbinary":
		n := typeLength(c.FullType)
		if n < 0 {
			return -1
		}
		return n*charBytes(c) + 3
	}
	return -1
}

// typeLength reads the length in "varchar(191)"; -1 where there is none.
func typeLength(full string) int {
	_, rest, ok := strings.Cut(full, "(")
	digits, _, closed := strings.Cut(rest, ")")
	n, err := strconv.Atoi(strings.TrimSpace(digits))
	if !ok || !closed || err != nil || n < 0 || n > 1<<16 {
		return -1
	}
	return n
}

func charBytes(c remedy.Column) int {
	switch strings.ToLower(c.Charset) {
	case "latin1", "ascii":
		return 1
	case "utf8", "utf8mb3":
		return 3
	case "":
		if strings.HasSuffix(c.Type, "binary") {
			return 1
		}
	}
	return 4
}

// indexForm says what in the table's form forbids to add an index online.
func indexForm(t *remedy.Table) sentences {
	switch {
	case !innoDB(t):
		return sentences{say("refused-index-engine", "table", t.Name, "engine", t.Engine), say("instead-dba")}
	case t.Fulltext || t.Spatial:
		return sentences{say("refused-index-fulltext", "table", t.Name), say("instead-dba")}
	case len(t.Indexes) >= mostIndexes:
		return sentences{say("refused-index-many", "table", t.Name, "count", diagnose.Count(len(t.Indexes))), say("instead-dba")}
	case t.Ddl:
		return sentences{say("refused-ddl", "table", t.Name, "session", diagnose.Count(-1)), say("instead-wait")}
	}
	return nil
}
