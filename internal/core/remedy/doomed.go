package remedy

import (
	"strconv"
	"strings"
	"time"
)

// Doomed says which rows are to go: those whose Column lies before the cutoff
// and that meet every condition of Also.
type Doomed struct {
	Column  string    `json:"column"`
	Literal string    `json:"literal"`        // the cutoff as the column holds it: digits or a date
	Date    bool      `json:"date,omitempty"` // the column is a DATE, DATETIME or TIMESTAMP
	Cutoff  time.Time `json:"cutoff"`         // the moment that the literal stands for
	Also    []OneOf   `json:"also,omitempty"` // from the catalogue
}

// OneOf is the condition that a column has one of the values.
type OneOf struct {
	Column string   `json:"column"`
	Values []string `json:"values"`
}

// SQL is the condition as the server takes it.
func (d Doomed) SQL() string {
	lit := d.Literal
	if d.Date || !number(lit) {
		lit = Quote(lit)
	}
	all := []string{Ident(d.Column) + " < " + lit}
	for _, a := range d.Also {
		vs := make([]string, len(a.Values))
		for i, v := range a.Values {
			vs[i] = Quote(v)
		}
		all = append(all, Ident(a.Column)+" IN ("+strings.Join(vs, ", ")+")")
	}
	return strings.Join(all, " AND ")
}

// number reports whether s can stand in SQL as a number.
func number(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "0123456789.-") == ""
}

// Survive is the condition of the rows that stay: NULL included, which is
// never before a moment.
func (d Doomed) Survive() string { return "NOT COALESCE(" + d.SQL() + ", 0)" }

// Statement is the statement of the job, whole: one DELETE of all that is doomed.
func (d Doomed) Statement(o On) string { return "DELETE FROM " + o.Name() + " WHERE " + d.SQL() }

// Name is the table's name with its schema, quoted.
func (o On) Name() string { return Ident(o.Schema) + "." + Ident(o.Table) }

// Sibling is another table of the same schema, quoted.
func (o On) Sibling(table string) string { return Ident(o.Schema) + "." + Ident(table) }

// Ident quotes a name of the database.
func Ident(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// Quote quotes a text; it holds under every sql_mode, so a backslash is refused
// by making it impossible: it is written as CHAR(92) would be, by hex.
func Quote(s string) string {
	if strings.ContainsAny(s, "\\\x00") {
		var b strings.Builder
		b.WriteString("x'")
		for i := range len(s) {
			b.WriteString(strconv.FormatUint(uint64(s[i])>>4, 16) + strconv.FormatUint(uint64(s[i])&15, 16))
		}
		return b.String() + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
