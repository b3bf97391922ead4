package remedies

import (
	"regexp"
	"strings"

	"hirune/internal/core/diagnose"
)

// What a statement filters by is told by its Filter; that it filters by nothing
// else only by its shape: a Filter leaves out what no index helps with, such as
// "level <> 'x'", LIKE, EXISTS and OR. So the shape has to be this one, whole.
const (
	sqlName = "(?:[0-9A-Za-z_$\\x80-\\x{10ffff}-]+|`(?:[^`]|``)+`)"
	// sqlMoment is an expression without a column: a literal, or words of dates.
	sqlMoment = `(?:\?|NOW|CURDATE|UNIX_TIMESTAMP|UTC_TIMESTAMP|UTC_DATE|CURRENT_TIMESTAMP|CURRENT_DATE|DATE_SUB|DATE_ADD|SUBDATE|ADDDATE|FROM_UNIXTIME|INTERVAL|SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|YEAR|[ ,()*+-])+`
)

var plainDelete = regexp.MustCompile(`(?i)^DELETE (?:LOW_PRIORITY |QUICK |IGNORE )*FROM (?:` + sqlName + `\.)?(` + sqlName + `) WHERE (\(?)` +
	`(?:(?:` + sqlName + `\.){0,2}(` + sqlName + `) <=? (` + sqlMoment + `?)|(` + sqlMoment + `?) >=? (?:` + sqlName + `\.){0,2}(` + sqlName + `))(\)?)` +
	`(?: ORDER BY (?:` + sqlName + `\.){0,2}` + sqlName + `(?: ASC| DESC)?)?(?: LIMIT \?)?;?$`)

// shape is what the accused statement is known to do.
type shape struct {
	seen   bool   // there is a statement
	plain  bool   // it deletes all rows whose column lies before a moment, and nothing else
	column string // of a plain one
	fixed  bool   // its moment is a literal that was read
}

// shapeOf reads the accused statement by its digest and its filter; where the two
// do not agree it is not plain.
func shapeOf(f diagnose.Finding) shape {
	st := f.Statement
	if st == nil || st.Digest == "" {
		return shape{}
	}
	out := shape{seen: true}
	m := plainDelete.FindStringSubmatch(strings.TrimSpace(st.Digest))
	if m == nil || !strings.EqualFold(st.Verb, "DELETE") {
		return out
	}
	fl := st.Filter
	column, moment := bare(m[3]), m[4]
	if column == "" {
		column, moment = bare(m[6]), m[5]
	}
	if m[2] == "" { // the last parenthesis is a part of the moment
		moment += m[7]
	}
	if m[2] != "" && m[7] == "" || strings.Count(moment, "(") != strings.Count(moment, ")") {
		return out
	}
	if len(fl.Equal)+len(fl.Wrapped) > 0 || len(fl.Range) != 1 || !strings.EqualFold(fl.Range[0], column) || !strings.EqualFold(bare(m[1]), fl.Table) {
		return out
	}
	out.plain, out.column = true, column
	out.fixed = moment == "?" && fl.CutoffUnixS > 0
	return out
}

// bare takes the quotes off a name.
func bare(s string) string {
	if len(s) >= 2 && s[0] == '`' {
		return strings.ReplaceAll(s[1:len(s)-1], "``", "`")
	}
	return s
}
