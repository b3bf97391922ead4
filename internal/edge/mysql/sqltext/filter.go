package sqltext

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/evidence"
)

// clauses end the condition of a WHERE.
var clauses = []string{"GROUP", "ORDER", "HAVING", "LIMIT", "FOR", "LOCK", "UNION", "EXCEPT", "INTERSECT", "RETURNING", "PROCEDURE", "INTO", "WINDOW", "OFFSET"}

// filter reads the conditions on one table from the outermost WHERE.
func (p parser) filter(table tableRef) evidence.Filter {
	var f evidence.Filter
	start := 0
	if p.at(0).is("SELECT") { // of a derived table, where the outer one reads nothing else
		start = p.scope(0)
	}
	if i := find(p.ts, start, "WHERE"); i < len(p.ts) {
		f = (&conditions{table: table}).read(p.ts[i+1 : clauseEnd(p.ts, i+1)])
	}
	f.Limit = find(p.ts, start, "LIMIT") < len(p.ts)
	if i := find(p.ts, start, "ORDER"); p.at(i + 1).is("BY") {
		f.OrderBy = orderBy(p.ts[i+2:clauseEnd(p.ts, i+2)], table)
	}
	return f
}

// scope is where the SELECT that reads the table begins.
func (p parser) scope(from int) int {
	i := find(p.ts, from, "FROM")
	if p.at(i+1).sym("(") && p.at(i+2).is("SELECT") {
		return p.scope(i + 2)
	}
	return from
}

// clauseEnd is where the clause that begins at i ends.
func clauseEnd(ts []token, i int) int {
	for ; i < len(ts); i++ {
		switch t := ts[i]; {
		case t.sym("("):
			i = closing(ts, i) - 1
		case t.sym(")"), t.sym(";"):
			return i
		case t.kind == word && slices.Contains(clauses, t.upper) && !ts[i-1].sym("."):
			return i
		}
	}
	return len(ts)
}

func orderBy(ts []token, table tableRef) []string {
	var out []string
	for _, part := range split(ts, func(t token) bool { return t.sym(",") }) {
		if n := len(part); n > 0 && (part[n-1].is("ASC") || part[n-1].is("DESC")) {
			part = part[:n-1]
		}
		if name, ok := column(part, table); ok {
			out = append(out, name)
		}
	}
	return out
}

// split cuts ts at the separators outside of parentheses.
func split(ts []token, sep func(token) bool) [][]token {
	var out [][]token
	from := 0
	for i := 0; i < len(ts); i++ {
		if ts[i].sym("(") {
			i = closing(ts, i) - 1
		} else if sep(ts[i]) {
			out = append(out, ts[from:i])
			from = i + 1
		}
	}
	return append(out, ts[min(from, len(ts)):])
}

// conditions gathers the columns of one table that are compared with values.
type conditions struct {
	table tableRef
	f     evidence.Filter
}

func (c *conditions) read(ts []token) evidence.Filter {
	c.any(ts, 0)
	return c.f
}

// maxNesting bounds the recursion into parentheses of a hostile text.
const maxNesting = 40

// any takes a condition apart at AND, OR and XOR.
func (c *conditions) any(ts []token, depth int) {
	between := false
	terms := split(ts, func(t token) bool {
		switch {
		case t.is("BETWEEN"):
			between = true
		case t.is("AND") && between:
			between = false
		case t.is("AND"), t.is("OR"), t.is("XOR"), t.sym("&&"), t.sym("||"):
			return true
		}
		return false
	})
	for _, term := range terms {
		c.term(term, depth)
	}
}

func (c *conditions) term(ts []token, depth int) {
	for len(ts) > 0 && (ts[0].is("NOT") || ts[0].sym("!")) {
		ts = ts[1:]
	}
	if len(ts) > 0 && ts[0].sym("(") && closing(ts, 0) == len(ts) && depth < maxNesting {
		if len(ts) > 1 && ts[1].is("SELECT") {
			return
		}
		c.any(inside(ts), depth+1)
		return
	}
	c.compare(ts)
}

// inside is what the parentheses around ts hold; the last may be cut off.
func inside(ts []token) []token {
	ts = ts[1:]
	if n := len(ts); n > 0 && ts[n-1].sym(")") {
		ts = ts[:n-1]
	}
	return ts
}

// compare reads one comparison: column op value, value op column.
func (c *conditions) compare(ts []token) {
	for i := 0; i < len(ts); i++ {
		if ts[i].sym("(") {
			i = closing(ts, i) - 1
			continue
		}
		if op := operatorAt(ts, i); op != opNone {
			c.note(ts[:i], ts[i+1:], op)
			return
		}
	}
}

type op int

const (
	opNone op = iota
	opEqual
	opRange
	opOther // a comparison for which an index gives nothing
)

func operatorAt(ts []token, i int) op {
	switch t := ts[i]; {
	case t.kind == symbol:
		switch t.text {
		case "=", "<=>":
			return opEqual
		case "<", "<=", ">", ">=":
			return opRange
		case "<>", "!=":
			return opOther
		}
	case t.is("IN"):
		return opEqual
	case t.is("IS") && (i+1 >= len(ts) || !ts[i+1].is("NOT")):
		return opEqual
	case t.is("BETWEEN"):
		return opRange
	case t.is("NOT"), t.is("LIKE"), t.is("REGEXP"), t.is("RLIKE"), t.is("IS"):
		return opOther
	}
	return opNone
}

// note files the column under what is done with it. A comparison of two
// columns is a join condition and tells nothing.
func (c *conditions) note(left, right []token, o op) {
	if o == opOther {
		return
	}
	l, r := columnsIn(left, c.table), columnsIn(right, c.table)
	side, names := left, l
	if len(l) == 0 {
		side, names = right, r
	}
	if len(names) == 0 || len(l) > 0 && len(r) > 0 || foreign(left, c.table) || foreign(right, c.table) {
		return
	}
	name, bare := column(side, c.table)
	switch {
	case !bare:
		for _, n := range names {
			c.f.Wrapped = add(c.f.Wrapped, n)
		}
	case o == opEqual:
		c.f.Equal = add(c.f.Equal, name)
	default:
		c.f.Range = add(c.f.Range, name)
		value := right
		if len(l) == 0 {
			value = left
		}
		if c.f.CutoffUnixS == 0 && len(value) == 1 {
			c.f.CutoffUnixS = moment(value[0].raw)
		}
	}
}

// moments that a literal may stand for: from the year 2000 to 2100.
const (
	year2000 = 946684800
	year2100 = 4102444800
)

// moment reads Unix seconds, milliseconds, or a date in UTC; 0 if it is none.
func moment(raw string) int64 {
	raw = strings.Trim(raw, `'"`)
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		if n > year2000*1000 {
			n /= 1000
		}
		if n < year2000 || n > year2100 {
			return 0
		}
		return n
	}
	for _, layout := range []string{time.DateTime, time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, raw); err == nil && t.Unix() >= year2000 && t.Unix() <= year2100 {
			return t.Unix()
		}
	}
	return 0
}

func add(list []string, name string) []string {
	if slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) }) {
		return list
	}
	return append(list, name)
}

// column reports whether ts is nothing but a column of the table.
func column(ts []token, table tableRef) (string, bool) {
	for len(ts) > 0 && (ts[0].is("BINARY")) {
		return "", false
	}
	for len(ts) > 1 && ts[0].sym("(") && closing(ts, 0) == len(ts) {
		ts = inside(ts)
	}
	names := columnsIn(ts, table)
	if len(names) != 1 || len(ts)%2 == 0 {
		return "", false
	}
	for i, t := range ts {
		if i%2 == 0 && !t.ident() || i%2 == 1 && !t.sym(".") {
			return "", false
		}
	}
	return names[0], true
}

// columnsIn lists the columns of the table that an expression names; what a
// subquery names is left out.
func columnsIn(ts []token, table tableRef) []string {
	var out []string
	walkNames(ts, func(qualifier, name string) {
		if qualifier == "" || owns(table, qualifier) {
			out = add(out, name)
		}
	})
	return out
}

// foreign reports whether an expression names a column of another table.
func foreign(ts []token, table tableRef) bool {
	found := false
	walkNames(ts, func(qualifier, _ string) {
		found = found || qualifier != "" && !owns(table, qualifier)
	})
	return found
}

func owns(t tableRef, qualifier string) bool {
	return strings.EqualFold(qualifier, t.table) || t.alias != "" && strings.EqualFold(qualifier, t.alias)
}

// walkNames calls f for each name in an expression that can be a column's,
// with the table that qualifies it.
func walkNames(ts []token, f func(qualifier, name string)) {
	for i := 0; i < len(ts); i++ {
		t := ts[i]
		if t.sym("(") && i+1 < len(ts) && ts[i+1].is("SELECT") {
			i = closing(ts, i) - 1
			continue
		}
		if !t.ident() {
			continue
		}
		start, last, qualifier := i, t, ""
		for i+2 < len(ts) && ts[i+1].sym(".") && ts[i+2].ident() {
			qualifier, last = last.text, ts[i+2]
			i += 2
		}
		if start > 0 && ts[start-1].sym("@") || i+1 < len(ts) && ts[i+1].sym("(") {
			continue // a variable, a function
		}
		if qualifier == "" && last.kind == word && notColumn(ts, start) {
			continue
		}
		f(qualifier, last.text)
	}
}

// notColumn reports whether an unquoted word is part of the language.
func notColumn(ts []token, i int) bool {
	u := ts[i].upper
	if keywords[u] || u == "END" || u == "ESCAPE" || u == "SEPARATOR" {
		return true
	}
	return units[u] && i > 1 && slices.ContainsFunc(ts[:i], func(t token) bool { return t.is("INTERVAL") })
}
