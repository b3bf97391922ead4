package evidence

import "strings"

// Table is one table with its size and its indexes.
// Source: information_schema.TABLES and STATISTICS; the size on disk from the
// tablespace, because TABLES can be hugely stale.
type Table struct {
	DB        string  `cbor:"b,omitempty"`
	Schema    string  `cbor:"s"`
	Name      string  `cbor:"t"`
	Engine    string  `cbor:"e"`
	Rows      int64   `cbor:"r"` // the server's estimate; -1 unknown
	DataBytes int64   `cbor:"d"`
	IdxBytes  int64   `cbor:"x"`
	FileBytes int64   `cbor:"f"`           // on disk; -1 unknown
	AutoInc   int64   `cbor:"a,omitempty"` // next AUTO_INCREMENT
	Indexes   []Index `cbor:"i,omitempty"`
}

// Kind implements Fact.
func (Table) Kind() string { return "table" }

// IndexedBy reports whether an index begins with the column.
func (t Table) IndexedBy(column string) bool {
	for _, i := range t.Indexes {
		if len(i.Columns) > 0 && strings.EqualFold(i.Columns[0], column) {
			return true
		}
	}
	return false
}

// Index is one index; Columns in key order, Name "PRIMARY" for the primary key.
type Index struct {
	Name    string   `cbor:"n"`
	Columns []string `cbor:"c"`
	Unique  bool     `cbor:"u,omitempty"`
}

// TableGrowth is how the rows of an append-only table spread over time, found
// by probing its primary key: no scan.
type TableGrowth struct {
	DB      string        `cbor:"b,omitempty"`
	Schema  string        `cbor:"s"`
	Name    string        `cbor:"t"`
	Column  string        `cbor:"c"`           // the time-like column
	Ordered bool          `cbor:"o,omitempty"` // the probes rise with the primary key
	MinKey  int64         `cbor:"n"`           // smallest and largest primary key
	MaxKey  int64         `cbor:"x"`
	Probes  []GrowthProbe `cbor:"p"` // ascending by key
}

// Kind implements Fact.
func (TableGrowth) Kind() string { return "growth" }

// GrowthProbe is the time of the row with that key, or of the next one there is.
type GrowthProbe struct {
	Key   int64 `cbor:"k"`
	UnixS int64 `cbor:"u"`
}

// Plan is how the server reads a table for a statement.
// Source: EXPLAIN of the running or of the recorded statement; never of a
// form that executes it.
type Plan struct {
	DB      string `cbor:"b,omitempty"`
	Digest  string `cbor:"d"`
	ConnID  uint64 `cbor:"c,omitempty"` // the connection that ran it; 0 if it was not running
	Table   string `cbor:"t"`
	Access  string `cbor:"a"`           // EXPLAIN's type: ALL, index, range, ref, …
	Key     string `cbor:"k,omitempty"` // the index that is used
	Keys    string `cbor:"p,omitempty"` // possible keys
	Rows    int64  `cbor:"r"`           // the optimizer's estimate
	Extra   string `cbor:"x,omitempty"`
	Running bool   `cbor:"l,omitempty"` // taken while it ran
}

// Kind implements Fact.
func (Plan) Kind() string { return "plan" }

// FullScan reports whether the plan reads the whole table or the whole index.
func (p Plan) FullScan() bool {
	return strings.EqualFold(p.Access, "ALL") || strings.EqualFold(p.Access, "index")
}

// Filter is what a statement filters one table by, read from its text.
type Filter struct {
	DB      string   `cbor:"b,omitempty"`
	Digest  string   `cbor:"d"`
	Verb    string   `cbor:"v"`
	Schema  string   `cbor:"s,omitempty"`
	Table   string   `cbor:"t"`
	Equal   []string `cbor:"e,omitempty"` // columns compared by = or IN
	Range   []string `cbor:"r,omitempty"` // columns compared by <, <=, >, >=, BETWEEN
	Wrapped []string `cbor:"w,omitempty"` // columns inside a function: no index helps
	Limit   bool     `cbor:"l,omitempty"`
	OrderBy []string `cbor:"o,omitempty"`
	// CutoffUnixS is the moment that a range literal stands for, if it looks
	// like one (Unix seconds or a date); 0 if not. It is no secret, and says
	// which rows are doomed.
	CutoffUnixS int64 `cbor:"u,omitempty"`
}

// Kind implements Fact.
func (Filter) Kind() string { return "filter" }
