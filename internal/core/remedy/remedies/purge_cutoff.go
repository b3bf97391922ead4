package remedies

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// youngest is the age below which no row is ever doomed by a wish: whoever wants
// the table empty uses the plugin's own button.
const youngest = time.Hour

// widestZones is how far the times of two zones of the earth are apart: what a
// date without a zone may be wrong by.
const widestZones = 26 * time.Hour

// choice is which rows are to go, and where that comes from.
type choice struct {
	which   remedy.Doomed
	own     bool      // the very condition and cutoff of the plugin's statement
	plain   bool      // the plugin's statement deletes by this column and nothing else
	longer  bool      // plain, and the user keeps at least what the plugin keeps
	known   bool      // the catalogue knows the table
	entry   known     // of the catalogue
	says    sentences // where the cutoff comes from
	refused sentences
}

func (c choice) refuse(s ...diagnose.Sentence) choice {
	c.refused = s
	return c
}

// decide says which rows are doomed: those that the plugin's own statement wants
// gone, or those beyond the retention of the catalogue or of the user's wish.
func decide(f diagnose.Finding, w remedy.World, wish remedy.Wishes, bareTable string) choice {
	t, sh := w.Table, shapeOf(f)
	var c choice
	c.entry, c.known = lookUp(bareTable)
	c.plain = sh.plain
	column := sh.column
	switch {
	case c.known && c.entry.column == "":
		return c.refuse(say("refused-not-disposable", "table", t.Name, "plugin", c.entry.plugin), say("instead-plugin", "table", t.Name))
	case sh.plain:
	case c.known:
		column = c.entry.column
	case sh.seen && len(f.Statement.Filter.Wrapped) > 0:
		return c.refuse(say("refused-wrapped", "table", t.Name, "column", f.Statement.Filter.Wrapped[0]), say("instead-plugin", "table", t.Name))
	case sh.seen:
		return c.refuse(say("refused-conditions", "table", t.Name, "digest", f.Statement.Digest), say("instead-plugin", "table", t.Name))
	case f.About.Column == "":
		return c.refuse(say("refused-no-statement", "table", t.Name), say("instead-record"))
	default:
		column = f.About.Column
	}
	col, ok := t.ColumnOf(column)
	if !ok {
		return c.refuse(say("refused-no-column", "table", t.Name, "column", column), say("instead-doctor"))
	}
	if kindOf(col) == kindOther {
		return c.refuse(say("refused-column-type", "table", t.Name, "column", col.Name, "type", col.Type), say("instead-plugin", "table", t.Name))
	}
	if c.known && strings.EqualFold(col.Name, c.entry.column) {
		c.which.Also = c.entry.also
	}
	if c.known && len(c.entry.also) > len(c.which.Also) { // dated otherwise, its condition is not proven
		return c.refuse(say("refused-conditions", "table", t.Name, "digest", f.Statement.Digest), say("instead-plugin", "table", t.Name))
	}
	for _, a := range c.which.Also {
		if _, ok := t.ColumnOf(a.Column); !ok {
			return c.refuse(say("refused-no-column", "table", t.Name, "column", a.Column), say("instead-doctor"))
		}
	}
	return c.cutoff(f, w, wish, sh, col)
}

// cutoff fixes the moment, once.
func (c choice) cutoff(f diagnose.Finding, w remedy.World, wish remedy.Wishes, sh shape, col remedy.Column) choice {
	own := c.retention(f, sh)
	switch {
	case wish.Keep > 0:
		c.fix(w, col, w.Now.Add(-max(wish.Keep, youngest)))
		c.says = sentences{say("purge-cutoff-keep", "column", col.Name, "cutoff", c.which.Cutoff, "keep", max(wish.Keep, youngest))}
		c.longer = sh.plain && own > 0 && wish.Keep >= own
		if own > 0 && wish.Keep < own {
			c.says = append(c.says, say("purge-shorter", "keep", max(wish.Keep, youngest), "own", own.Round(time.Hour)))
		}
	case sh.fixed:
		c.own = true
		at := time.Unix(f.Statement.Filter.CutoffUnixS, 0).UTC()
		c.exact(w, col, at)
		slack := time.Duration(0)
		if kindOf(col) != kindNumber {
			slack = widestZones // its date may be of a zone that is ahead
		}
		if at.After(w.Now.Add(slack)) {
			return c.refuse(say("refused-future", "table", w.Table.Name, "cutoff", c.which.Literal), say("instead-keep"))
		}
		c.says = sentences{say("purge-cutoff-own", "column", col.Name, "cutoff", c.shown(col), "at", f.Statement.At, "keep", orUnknown(own))}
	case c.known && c.entry.expires:
		c.fix(w, col, w.Now.Add(-youngest))
		c.says = sentences{say("purge-cutoff-expired", "column", col.Name, "cutoff", c.which.Cutoff)}
	case c.known && own > 0:
		c.fix(w, col, w.Now.Add(-own))
		c.says = sentences{say("purge-cutoff-plugin", "column", col.Name, "cutoff", c.which.Cutoff, "keep", own, "plugin", c.entry.plugin)}
		if c.entry.constant != "" {
			c.says = append(c.says, say("purge-constant", "constant", c.entry.constant))
		}
	default:
		return c.refuse(say("refused-no-cutoff", "table", w.Table.Name), say("instead-keep"))
	}
	return c
}

// retention is what the plugin itself keeps; 0 unknown.
func (c choice) retention(f diagnose.Finding, sh shape) time.Duration {
	if sh.fixed && !f.Statement.At.IsZero() {
		if d := f.Statement.At.Sub(time.Unix(f.Statement.Filter.CutoffUnixS, 0)); d >= youngest {
			return d
		}
	}
	return c.entry.retention
}

// orUnknown is a retention to the hour; 0, which is unknown, becomes -1.
func orUnknown(d time.Duration) time.Duration {
	if d <= 0 {
		return -1
	}
	return d.Round(time.Hour)
}

// shown is the cutoff as the owner can read it: a date is shown as the column
// has it, because its zone is not known.
func (c choice) shown(col remedy.Column) any {
	if kindOf(col) == kindNumber {
		return c.which.Cutoff
	}
	return c.which.Literal
}

// exact writes the plugin's own cutoff as the column holds it. A date was read as
// if it were UTC, so written as UTC it is the same text again. A TIMESTAMP is
// compared in the zone of the session, and the plugin's may be another than ours:
// so it is taken for the zones that doom least.
func (c *choice) exact(w remedy.World, col remedy.Column, at time.Time) {
	at = at.UTC()
	c.which.Column, c.which.Cutoff = col.Name, at
	if strings.EqualFold(col.Type, "timestamp") {
		least, most := offsets(w, at)
		at = at.Add(time.Duration(least-most) * time.Second)
	}
	c.write(w.Table, col, at)
}

// fix writes a moment of our own. A date of an unknown zone is taken for that of
// the zone that keeps most rows, among those that the site and the server use.
func (c *choice) fix(w remedy.World, col remedy.Column, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	c.which.Column, c.which.Cutoff = col.Name, at
	local := at
	low := strings.ToLower(col.Name)
	if kindOf(col) != kindNumber && !c.entry.utc && !strings.HasSuffix(low, "_gmt") && !strings.HasSuffix(low, "_utc") {
		least, _ := offsets(w, at)
		local = at.Add(time.Duration(least) * time.Second)
	}
	c.write(w.Table, col, local)
}

// offsets are the smallest and the largest offset to UTC, in seconds, of the zones
// that may have written a date: UTC, the site's, and the machine's.
func offsets(w remedy.World, at time.Time) (least, most int64) {
	all := []int64{0}
	if w.Site != nil {
		all = append(all, w.Site.UTCOffset)
	}
	if w.Loc != nil {
		_, o := at.In(w.Loc).Zone()
		all = append(all, int64(o))
	}
	return slices.Min(all), slices.Max(all)
}

// write sets the literal. Of a number that is not known to be of milliseconds the
// seconds are written: wrong, that dooms nothing.
func (c *choice) write(t *remedy.Table, col remedy.Column, at time.Time) {
	switch kindOf(col) {
	case kindNumber:
		n := at.Unix()
		if t.Millis && strings.EqualFold(t.Growth.Column, col.Name) { // of another column it says nothing, and seconds as milliseconds would doom every row
			n *= 1000
		}
		c.which.Literal = strconv.FormatInt(n, 10)
	case kindDay:
		c.which.Literal, c.which.Date = at.Format(time.DateOnly), true
	case kindDate, kindOther:
		c.which.Literal, c.which.Date = at.Format(time.DateTime), true
	}
}

// Kinds of columns that can date a row.
type columnKind int

const (
	kindOther  columnKind = iota
	kindNumber            // unix seconds, or milliseconds
	kindDate              // DATETIME, TIMESTAMP
	kindDay               // DATE
)

func kindOf(c remedy.Column) columnKind {
	switch strings.ToLower(c.Type) {
	case "int", "bigint", "double", "decimal":
		return kindNumber
	case "datetime", "timestamp":
		return kindDate
	case "date":
		return kindDay
	}
	return kindOther
}
