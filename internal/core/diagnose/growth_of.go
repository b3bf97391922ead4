package diagnose

import "time"

// TableAge is how the rows of a table spread over time, where its keys follow time.
type TableAge struct {
	Column  string    // that dates the rows
	Oldest  time.Time // of the rows that are there
	Newest  time.Time
	PerDay  float64 // rows that came on each of the last days
	Ordered bool
}

// lastDays is over how long the rows of late are counted: a week has its quiet days.
const lastDays = 7 * 24 * time.Hour

// AgeOf returns how the rows of a table spread over time; false where that was not
// seen or the keys do not follow time.
func (c *Case) AgeOf(schema, table string) (TableAge, bool) {
	cv, ok := c.curve(Subject{Schema: schema, Table: table})
	if !ok {
		return TableAge{}, false
	}
	a := TableAge{Column: cv.Column, Ordered: cv.Ordered, Oldest: time.Unix(cv.Probes[0].UnixS, 0).UTC(), Newest: time.Unix(cv.Probes[len(cv.Probes)-1].UnixS, 0).UTC()}
	from := later(a.Newest.Add(-lastDays), a.Oldest)
	a.PerDay = perDay(cv, Span{from, a.Newest})
	return a, true
}
