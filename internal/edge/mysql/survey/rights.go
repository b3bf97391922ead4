package survey

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hirune/internal/edge/mysql"
)

// errNoGrants: the server was started without its tables of rights.
const errNoGrants = 1290

// Rights lists what the account of h may do to a table of the schema, in upper
// case and sorted: global rights, those on the schema, and those on the table
// that do not reach beyond it. "ALL PRIVILEGES" stands only for rights on
// everything; whoever has it has each of the others listed, too. Source: SHOW
// GRANTS, with the roles that are active.
func Rights(ctx context.Context, h *mysql.Hand, schema, table string) ([]string, error) {
	lines, err := grants(ctx, h)
	if mysql.Number(err) == errNoGrants {
		return []string{all}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the account may do: %w", err)
	}
	return rightsOf(lines, schema, table), nil
}

func grants(ctx context.Context, h *mysql.Hand) ([]string, error) {
	lines, err := column(ctx, h, "SHOW GRANTS")
	if err != nil {
		return nil, err
	}
	role, err := column(ctx, h, "SELECT COALESCE(CURRENT_ROLE(), '')")
	if err != nil || len(role) == 0 || role[0] == "" || role[0] == "NONE" {
		if h.Lost() {
			return nil, err
		}
		return lines, nil // a server without roles
	}
	text := "SHOW GRANTS FOR CURRENT_ROLE"
	if !h.MariaDB() {
		text = "SHOW GRANTS FOR CURRENT_USER() USING " + role[0] // quoted by the server
	}
	more, err := column(ctx, h, text)
	if err != nil && h.Lost() {
		return nil, err
	}
	return append(lines, more...), nil
}

// column reads the first column of each row.
func column(ctx context.Context, h *mysql.Hand, text string, args ...any) ([]string, error) {
	rows, err := h.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, h.Failed(rows.Err())
}

const all = "ALL PRIVILEGES"

// ofSchema are the rights that ALL PRIVILEGES on a schema stands for. Global ones
// are more.
var ofSchema = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "CREATE TEMPORARY TABLES",
	"LOCK TABLES", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE", "EVENT", "TRIGGER"}

// ofServer are the global rights of ALL PRIVILEGES that a plan may ask for.
var ofServer = []string{all, "PROCESS", "RELOAD", "SUPER", "CONNECTION ADMIN", "CONNECTION_ADMIN", "REPLICATION CLIENT", "REPLICATION SLAVE"}

// ofTable are the rights on one table that mean the same there as on its schema.
// The others of a table's grant, such as CREATE, do not reach its siblings.
var ofTable = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "INDEX", "ALTER", "REFERENCES", "TRIGGER"}

// rightsOf reads the lines of SHOW GRANTS.
func rightsOf(lines []string, schema, table string) []string {
	have := map[string]bool{}
	for _, line := range lines { // what is taken back in part comes last
		g, ok := parseGrant(line)
		if !ok {
			continue
		}
		for _, name := range g.on(schema, table) {
			if g.revoke {
				delete(have, name)
				delete(have, all)
			} else {
				have[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(have))
}

// grant is one line of SHOW GRANTS that gives rights, or takes some back.
type grant struct {
	revoke bool
	rights []string // upper case; those on single columns left out
	schema string   // as it is written, a pattern; "*" : all
	table  string   // "*" : all
}

// on lists the rights that the grant gives on a table of the schema.
func (g grant) on(schema, table string) []string {
	names := g.rights
	whole := slices.Contains(names, all)
	switch {
	case g.schema == "*" && g.table == "*":
		if whole {
			names = slices.Concat(ofServer, ofSchema)
		}
		return names
	case schema == "":
		return nil
	case g.table == "*" && like(g.schema, schema):
		if whole {
			names = ofSchema
		}
		return names
	case g.table == table && table != "" && g.schema == schema:
		if whole {
			return ofTable
		}
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !slices.Contains(ofTable, n) })
	}
	return nil
}

// parseGrant reads GRANT a, b (column) ON `my\_db`.* TO …; ok is false for the
// grant of a role, of a routine, of a proxy.
func parseGrant(line string) (g grant, ok bool) {
	s := scanner{text: line}
	switch strings.ToUpper(s.word()) {
	case "GRANT":
	case "REVOKE":
		g.revoke = true
	default:
		return g, false
	}
	for {
		name, columns, more := s.right()
		if name == "" {
			return g, false
		}
		if !columns {
			g.rights = append(g.rights, name)
		}
		if !more {
			break
		}
	}
	if !strings.EqualFold(s.word(), "ON") {
		return g, false
	}
	s.skip("TABLE ")
	if g.schema, ok = s.name(); !ok || !s.take(".") {
		return g, false
	}
	if g.table, ok = s.name(); !ok {
		return g, false
	}
	next := strings.ToUpper(s.word())
	return g, next == "TO" || next == "FROM"
}

// scanner reads a line of SHOW GRANTS from its beginning.
type scanner struct{ text string }

func (s *scanner) space() { s.text = strings.TrimLeft(s.text, " ") }

func (s *scanner) take(token string) bool {
	rest, ok := strings.CutPrefix(s.text, token)
	s.text = rest
	return ok
}

// skip takes a word in any case if it is next.
func (s *scanner) skip(word string) {
	s.space()
	if len(s.text) >= len(word) && strings.EqualFold(s.text[:len(word)], word) {
		s.text = s.text[len(word):]
	}
}

// word reads letters, digits and _.
func (s *scanner) word() string {
	s.space()
	n := 0
	for n < len(s.text) && (isLetter(s.text[n]) || s.text[n] == '_' || s.text[n] >= '0' && s.text[n] <= '9') {
		n++
	}
	w := s.text[:n]
	s.text = s.text[n:]
	return w
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// right reads the words of one right up to a comma or ON; columns says that it
// is for single columns only.
func (s *scanner) right() (name string, columns, more bool) {
	var words []string
	for {
		before := s.text
		w := strings.ToUpper(s.word())
		if w == "ON" || w == "" && len(words) == 0 {
			s.text = before
			return strings.Join(words, " "), columns, false
		}
		if w != "" {
			words = append(words, w)
			continue
		}
		switch s.space(); {
		case s.take(","):
			return strings.Join(words, " "), columns, true
		case s.take("("):
			columns = true
			if !s.closing() {
				return "", false, false
			}
		default:
			return "", false, false
		}
	}
}

// closing skips to after the next ")" that is not in a quoted name.
func (s *scanner) closing() bool {
	for s.text != "" {
		switch s.text[0] {
		case '`', '"':
			if _, ok := s.name(); !ok {
				return false
			}
		case ')':
			s.text = s.text[1:]
			return true
		default:
			s.text = s.text[1:]
		}
	}
	return false
}

// name reads * or a name in backticks or, with ANSI_QUOTES, in double quotes.
func (s *scanner) name() (string, bool) {
	s.space()
	if s.take("*") {
		return "*", true
	}
	if s.text == "" || s.text[0] != '`' && s.text[0] != '"' {
		w := s.word()
		return w, w != ""
	}
	q := s.text[0]
	var b strings.Builder
	for i := 1; i < len(s.text); i++ {
		switch {
		case s.text[i] != q:
			b.WriteByte(s.text[i])
		case i+1 < len(s.text) && s.text[i+1] == q:
			b.WriteByte(q)
			i++
		default:
			s.text = s.text[i+1:]
			return b.String(), true
		}
	}
	return "", false
}

// like matches a schema against the pattern of a grant: _ is any one character,
// % any number of them, a backslash takes the next one as it is.
func like(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	// back is where to go on after the last %, having given it one character more
	pi, ni, backP, backN := 0, 0, -1, 0
	for ni < len(n) {
		switch {
		case pi < len(p) && p[pi] == '%':
			pi++
			backP, backN = pi, ni
		case pi < len(p) && p[pi] == '_':
			pi++
			ni++
		case pi+1 < len(p) && p[pi] == '\\' && p[pi+1] == n[ni]:
			pi += 2
			ni++
		case pi < len(p) && p[pi] != '\\' && p[pi] == n[ni]:
			pi++
			ni++
		case backP >= 0:
			backN++
			pi, ni = backP, backN
		default:
			return false
		}
	}
	for pi < len(p) && p[pi] == '%' {
		pi++
	}
	return pi == len(p)
}
