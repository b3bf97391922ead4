package slowlog

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// who reads "wp[wp] @ localhost [127.0.0.1]  Id:   45".
func (r *Reader) who(b []byte) {
	if user, _, ok := bytes.Cut(b, []byte("[")); ok {
		r.now.User = name(user)
	}
	if i := bytes.LastIndex(b, []byte("Id:")); i >= 0 {
		r.now.ConnID = uint64(max(number(bytes.TrimSpace(b[i+3:])), 0))
	}
}

// use reads "use `wordpress`;": the schema of this connection from now on.
func (r *Reader) use(line []byte) {
	if len(r.schema) >= schemasMost {
		clear(r.schema)
	}
	s := name(bytes.Trim(bytes.TrimSuffix(bytes.TrimSpace(line[len("use "):]), []byte(";")), "`"))
	r.now.Schema = s
	if r.now.ConnID != 0 {
		r.schema[r.now.ConnID] = s
	}
}

// schemasMost bounds what is remembered of connections.
const schemasMost = 1000

// numbers reads a line of "Name: value" pairs.
func (r *Reader) numbers(b []byte) {
	f := bytes.Fields(b)
	for i := 0; i+1 < len(f); i++ {
		v := f[i+1]
		switch string(f[i]) {
		case "Thread_id:":
			r.now.ConnID = uint64(max(number(v), 0))
		case "Schema:":
			if !bytes.HasSuffix(v, []byte(":")) { // an empty one is followed by the next name
				r.now.Schema = name(v)
			}
		case "Query_time:":
			d, ok := seconds(v)
			r.now.Took, r.figures = d, ok
		case "Lock_time:":
			r.now.Locked, _ = seconds(v)
		case "Rows_sent:":
			r.now.Sent = number(v)
		case "Rows_examined:":
			r.now.Examined = number(v)
		case "Rows_affected:":
			r.now.Affected = number(v)
		}
	}
}

// number returns a whole number, or -1.
func number(b []byte) int64 {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// tookMost is longer than any statement runs; more is damage.
const tookMost = 30 * 24 * time.Hour

func seconds(b []byte) (time.Duration, bool) {
	s, err := strconv.ParseFloat(string(b), 64)
	if err != nil || !(s >= 0 && s <= tookMost.Seconds()) {
		return 0, false
	}
	return time.Duration(s * float64(time.Second)), true
}

// name makes a name fit to be kept: printable, at most 64 bytes.
func name(b []byte) string {
	s := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, strings.ToValidUTF8(string(bytes.TrimSpace(b[:min(len(b), 256)])), "?"))
	return strings.ToValidUTF8(s[:min(len(s), 64)], "")
}

// clocks are the ways in which the servers write the time of an entry.
var clocks = []string{"060102 15:04:05", "060102  3:04:05", "2006-01-02 15:04:05"}

// parseClock reads the time of an entry; zoned says that the text names its zone.
func parseClock(s string, loc *time.Location) (at time.Time, zoned bool) {
	s = strings.TrimSpace(s)
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return at, true
	}
	for _, layout := range clocks {
		if at, err := time.ParseInLocation(layout, s, loc); err == nil {
			return at, false
		}
	}
	return time.Time{}, false
}
