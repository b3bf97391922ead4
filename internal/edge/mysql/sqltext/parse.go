package sqltext

import (
	"slices"
	"strings"

	"hirune/internal/core/evidence"
)

// Statement is what the text of a statement says.
type Statement struct {
	Digest  string
	Verb    string            // SELECT, DELETE, … upper case; of the statement itself where WITH or SET STATEMENT comes first
	Schema  string            // of the table, where the text names it
	Table   string            // the table it writes, or reads first
	Aliases map[string]string // alias or name, lower case → table, as far as the text tells
	Filter  evidence.Filter   // of SELECT, UPDATE and DELETE; Table is empty otherwise
}

// Parse reads what it can from a text that may be cut off anywhere.
func Parse(text string) Statement {
	ts := lex(text)
	p := parser{ts: main(ts)}
	out := Statement{Digest: digest(ts)}
	if len(p.ts) == 0 || p.ts[0].kind != word {
		return out
	}
	out.Verb = p.ts[0].upper
	p.aliases()
	ref := p.target(out.Verb)
	out.Schema, out.Table, out.Aliases = ref.schema, ref.table, p.names
	if ref.table != "" && slices.Contains([]string{"SELECT", "UPDATE", "DELETE"}, out.Verb) {
		out.Filter = p.filter(ref)
		out.Filter.Digest, out.Filter.Verb = out.Digest, out.Verb
		out.Filter.Schema, out.Filter.Table = out.Schema, out.Table
	}
	return out
}

// main leaves out what stands before the statement proper: opening
// parentheses, SET STATEMENT … FOR, WITH ….
func main(ts []token) []token {
	for len(ts) > 0 && (ts[0].sym("(") || ts[0].sym(";")) {
		ts = ts[1:]
	}
	switch {
	case len(ts) > 1 && ts[0].is("SET") && ts[1].is("STATEMENT"):
		if i := find(ts, 0, "FOR"); i < len(ts) {
			return main(ts[i+1:])
		}
	case len(ts) > 0 && ts[0].is("WITH"):
		if i := find(ts, 1, "SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE"); i < len(ts) {
			return ts[i:]
		}
	}
	return ts
}

// find returns the index of the first of the words at the depth of ts[from],
// or len(ts). It stops where a parenthesis closes what it is in.
func find(ts []token, from int, words ...string) int {
	for i := from; i < len(ts); i++ {
		switch t := ts[i]; {
		case t.sym("("):
			i = closing(ts, i) - 1
		case t.sym(")"):
			return len(ts)
		case t.kind == word && slices.Contains(words, t.upper) && (i == 0 || !ts[i-1].sym(".")):
			return i
		}
	}
	return len(ts)
}

type tableRef struct{ schema, table, alias string }

type parser struct {
	ts    []token
	names map[string]string
}

// at returns the token at i, or the end.
func (p parser) at(i int) token {
	if i < len(p.ts) {
		return p.ts[i]
	}
	return token{}
}

// ref reads [schema.]table [[AS] alias] at i and returns the index after it.
func (p parser) ref(i int) (tableRef, int) {
	t := p.at(i)
	if t.kind != quoted && (t.kind != word || keywords[t.upper]) {
		return tableRef{}, i
	}
	r := tableRef{table: t.text}
	i++
	if p.at(i).sym(".") && p.at(i+1).ident() {
		r.schema, r.table = r.table, p.at(i+1).text
		i += 2
	}
	if p.at(i).is("AS") {
		i++
	}
	if a := p.at(i); a.kind == quoted || a.kind == word && !keywords[a.upper] && !notAlias[a.upper] {
		r.alias = a.text
		i++
	}
	return r, i
}

// notAlias may follow a table without being its alias.
var notAlias = wordSet(`PARTITION USE FORCE IGNORE VALUE READ WRITE SKIP NOWAIT WINDOW ENGINE WAIT QUICK EXTENDED MODIFY TO`)

// aliases notes every table that follows FROM, JOIN, UPDATE, INTO or a comma
// between tables.
func (p *parser) aliases() {
	p.names = map[string]string{}
	for i := 0; i < len(p.ts); i++ {
		if t := p.ts[i]; !t.is("FROM") && !t.is("JOIN") && !t.is("UPDATE") && !t.is("INTO") && !t.is("USING") {
			continue
		}
		for j := p.modifiers(i + 1); ; {
			r, next := p.ref(j)
			if r.table == "" {
				break
			}
			p.name(r)
			if !p.at(next).sym(",") {
				break
			}
			j = next + 1
		}
	}
}

func (p *parser) name(r tableRef) {
	if r.alias != "" {
		p.names[strings.ToLower(r.alias)] = r.table
	}
	if k := strings.ToLower(r.table); p.names[k] == "" {
		p.names[k] = r.table
	}
}

// modifiers passes the words between a verb and its table.
func (p parser) modifiers(i int) int {
	for slices.Contains([]string{"LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK", "IGNORE", "INTO", "FROM", "TABLE", "TABLES",
		"ONLINE", "OFFLINE", "IF", "NOT", "EXISTS", "LOCAL", "NO_WRITE_TO_BINLOG", "TEMPORARY", "ONLY"}, p.at(i).upper) && p.at(i).kind == word {
		i++
	}
	return i
}

// target finds the table that the statement writes, or reads first.
func (p parser) target(verb string) tableRef {
	switch verb {
	case "SELECT", "EXPLAIN", "DESCRIBE", "SHOW", "HANDLER":
		return p.reads(0)
	case "INSERT", "REPLACE", "UPDATE", "TRUNCATE", "OPTIMIZE", "ANALYZE", "REPAIR", "CHECK", "LOCK", "RENAME":
		r, _ := p.ref(p.modifiers(1))
		return r
	case "DELETE":
		return p.deletes()
	case "ALTER", "DROP", "CREATE":
		return p.defines()
	case "LOAD":
		r, _ := p.ref(p.modifiers(find(p.ts, 0, "INTO")))
		return r
	}
	return tableRef{}
}

// reads finds the table after FROM, going into derived tables.
func (p parser) reads(from int) tableRef {
	for i := find(p.ts, from, "FROM") + 1; i < len(p.ts); i++ {
		if !p.at(i).sym("(") {
			r, _ := p.ref(i)
			return r
		}
		if p.at(i + 1).is("SELECT") {
			return p.reads(i + 1)
		}
	}
	return tableRef{}
}

// deletes finds the table of DELETE FROM t, DELETE a FROM t a, DELETE FROM a USING t a.
func (p parser) deletes() tableRef {
	i := p.modifiers(1)
	r, _ := p.ref(i)
	if r.alias == "" && p.at(i+1).sym(".") && p.at(i+2).sym("*") {
		r.schema = ""
	}
	if real := p.names[strings.ToLower(r.table)]; real != "" && real != r.table {
		return tableRef{table: real, alias: r.table}
	}
	return r
}

// defines finds the table of ALTER TABLE t, DROP TABLE t, CREATE INDEX i ON t.
func (p parser) defines() tableRef {
	if i := find(p.ts, 1, "INDEX", "TRIGGER"); i <= 3 && i < len(p.ts) {
		r, _ := p.ref(find(p.ts, i, "ON") + 1)
		return r
	}
	if i := find(p.ts, 1, "TABLE"); i <= 4 {
		r, _ := p.ref(p.modifiers(i))
		return r
	}
	return tableRef{}
}
