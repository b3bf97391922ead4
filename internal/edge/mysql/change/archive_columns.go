package change

import (
	"bytes"
	"fmt"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

// How the values of a column come out of the server and go back into it, byte
// for byte. The session reads with character_set_results=binary, so a text comes
// in the bytes that the column holds.
type valueKind int

const (
	asNumber valueKind = iota // digits: whole numbers, decimals, years
	asFloat                   // multiplied by 1e0: a FLOAT is then printed in full, also -0
	asBytes                   // any bytes: texts, blobs, geometry, bits, vectors
	asIndex                   // the number of an ENUM or SET value, which also tells '' from an error
	asMoment                  // dates and times
	asASCII                   // types that the server reads from text, not from bytes: uuid, inet6
	asJSON                    // MySQL takes no binary string for JSON
)

// kinds are the types, by DATA_TYPE, that an archive takes.
func kindOf(dataType string) (valueKind, bool) {
	switch strings.ToLower(dataType) {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "decimal", "numeric":
		return asNumber, true
	case "float", "double", "real":
		return asFloat, true
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit",
		"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection", "vector":
		return asBytes, true
	case "enum", "set":
		return asIndex, true
	case "date", "time", "datetime", "timestamp":
		return asMoment, true
	case "uuid", "inet4", "inet6":
		return asASCII, true
	case "json":
		return asJSON, true
	}
	return 0, false
}

// stored are the columns of an archive's rows, and how each is read and written.
type stored struct {
	columns []remedy.Column
	kinds   []valueKind
}

// storedOf leaves generated columns out and refuses a type that is not known
// to come back as it was.
func storedOf(columns []remedy.Column) (stored, error) {
	var s stored
	for _, c := range columns {
		if c.Generated {
			continue
		}
		k, ok := kindOf(c.Type)
		if !ok {
			return s, fmt.Errorf("keep the rows: %w: column %s is of type %s, which is not known to come back as it was", apply.ErrRefused, c.Name, c.Type)
		}
		s.columns, s.kinds = append(s.columns, c), append(s.kinds, k)
	}
	return s, nil
}

// selects lists the expressions that read the columns.
func (s stored) selects() string {
	out := make([]string, len(s.columns))
	for i, c := range s.columns {
		name := remedy.Ident(c.Name)
		switch s.kinds[i] {
		case asFloat:
			name = "(" + name + " * 1e0)"
		case asIndex:
			name = "CAST(" + name + " AS UNSIGNED)"
		case asNumber, asBytes, asMoment, asASCII, asJSON:
		}
		out[i] = name
	}
	return strings.Join(out, ", ")
}

// names lists the columns for an INSERT.
func (s stored) names() string {
	out := make([]string, len(s.columns))
	for i, c := range s.columns {
		out[i] = remedy.Ident(c.Name)
	}
	return strings.Join(out, ", ")
}

// appendTuple appends one row as an INSERT takes it.
func (s stored) appendTuple(b []byte, row archivedRow) []byte {
	b = append(b, '(')
	for i, v := range row.values {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendValue(b, s.kinds[i], v)
	}
	return append(b, ')')
}

func (s stored) appendValue(b []byte, k valueKind, v []byte) []byte {
	switch {
	case v == nil:
		return append(b, "NULL"...)
	case k == asNumber && plain(v, "0123456789-."), k == asIndex && plain(v, "0123456789"):
		return append(b, v...)
	case k == asFloat && plain(v, "0123456789-.e+"):
		b = append(b, v...)
		if !bytes.ContainsRune(v, 'e') {
			b = append(b, "e0"...) // "-0" alone would be a whole number, which has no -0
		}
		return b
	case k == asBytes:
		b = append(b, "_binary"...)
	case k == asJSON:
		b = append(b, "_utf8mb4"...)
	}
	return appendQuoted(b, v)
}

// plain reports whether v has only these characters: what stands in SQL without
// quotes is checked, also when it comes out of our own file.
func plain(v []byte, chars string) bool {
	return len(v) > 0 && len(bytes.Trim(v, chars)) == 0
}

// appendQuoted quotes for a session without NO_BACKSLASH_ESCAPES, which ours
// are. No byte of a character in UTF-8 looks like a quote or a backslash.
func appendQuoted(b, v []byte) []byte {
	b = append(b, '\'')
	for len(v) > 0 {
		i := bytes.IndexAny(v, `'\`)
		if i < 0 {
			break
		}
		b = append(append(b, v[:i]...), '\\', v[i])
		v = v[i+1:]
	}
	return append(append(b, v...), '\'')
}
