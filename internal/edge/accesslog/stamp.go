package accesslog

import (
	"bytes"
	"time"
)

// timeKind is how a format writes the time of a request.
type timeKind uint8

const (
	timeNone   timeKind = iota
	timeCommon          // 22/Nov/2026:12:00:00 +0900
	timeISO             // 2026-11-22T12:00:00+09:00
	timeUnix            // seconds, perhaps with a fraction
	timeUnixMs
	timeUnixUs
)

// clock reads times of log lines. Neighbouring lines have equal times, so the
// last answer is kept.
type clock struct {
	kind timeKind
	loc  *time.Location // where the text names no zone
	text [32]byte
	n    int
	last int64
	ok   bool
}

// unix returns the time in seconds.
func (c *clock) unix(b []byte) (int64, bool) {
	if len(b) == c.n && c.n > 0 && bytes.Equal(b, c.text[:c.n]) {
		return c.last, c.ok
	}
	c.last, c.ok = c.read(b)
	c.n = 0
	if len(b) <= len(c.text) {
		c.n = copy(c.text[:], b)
	}
	return c.last, c.ok
}

func (c *clock) read(b []byte) (int64, bool) {
	switch c.kind {
	case timeCommon:
		return c.common(b)
	case timeISO:
		return c.iso(b)
	case timeUnix, timeUnixMs, timeUnixUs:
		unit := map[timeKind]int64{timeUnix: 1_000_000, timeUnixMs: 1000, timeUnixUs: 1}[c.kind]
		us, ok := decimal(b, unit)
		return us / 1_000_000, ok
	case timeNone:
	}
	return 0, false
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

func (c *clock) common(b []byte) (int64, bool) {
	if len(b) < 20 || b[2] != '/' || b[6] != '/' || b[11] != ':' {
		return 0, false
	}
	m := bytes.Index([]byte(months), b[3:6])
	d, ok1 := number(b[0:2])
	y, ok2 := number(b[7:11])
	if m < 0 || m%3 != 0 || !ok1 || !ok2 {
		return 0, false
	}
	return c.moment(y, int64(m/3+1), d, b[12:20], b[20:])
}

func (c *clock) iso(b []byte) (int64, bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y, ok1 := number(b[0:4])
	m, ok2 := number(b[5:7])
	d, ok3 := number(b[8:10])
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	return c.moment(y, m, d, b[11:19], b[19:])
}

// moment joins a date, hh:mm:ss and a zone such as " +0900", "+09:00", "Z" or none.
func (c *clock) moment(y, mon, d int64, hms, zone []byte) (int64, bool) {
	h, ok1 := number(hms[0:2])
	m, ok2 := number(hms[3:5])
	s, ok3 := number(hms[6:8])
	if !ok1 || !ok2 || !ok3 || y < 1970 || y > 9999 || mon < 1 || mon > 12 || d < 1 || d > 31 || h > 24 || m > 59 || s > 60 {
		return 0, false
	}
	zone = bytes.TrimSpace(zone)
	if off, ok := zoneSeconds(zone); ok {
		return time.Date(int(y), time.Month(mon), int(d), int(h), int(m), int(s), 0, time.UTC).Unix() - off, true
	}
	return time.Date(int(y), time.Month(mon), int(d), int(h), int(m), int(s), 0, c.loc).Unix(), true
}

func zoneSeconds(z []byte) (int64, bool) {
	if len(z) == 1 && z[0] == 'Z' {
		return 0, true
	}
	if len(z) == 6 && z[3] == ':' {
		z = append(append(make([]byte, 0, 5), z[:3]...), z[4:]...)
	}
	if len(z) != 5 || z[0] != '+' && z[0] != '-' {
		return 0, false
	}
	hhmm, ok := number(z[1:])
	off := hhmm/100*3600 + hhmm%100*60
	if z[0] == '-' {
		off = -off
	}
	return off, ok
}
