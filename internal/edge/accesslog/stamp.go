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
	timeAny // one of them, by the look of it
)

// clock reads times of log lines. Neighbouring lines have equal times, or ones
// that differ in their seconds alone, so the last minute is kept.
type clock struct {
	kind timeKind
	loc  *time.Location // where the text names no zone; nil: UTC
	head [18]byte       // the text up to the seconds
	n    int            // bytes of head; 0: nothing is kept
	zone [8]byte
	z    int   // bytes of zone
	base int64 // when the minute began
}

// unix returns the time in seconds.
func (c *clock) unix(b []byte) (int64, bool) {
	kind := c.kind
	if kind == timeAny {
		kind = kindOf(b)
	}
	switch kind {
	case timeCommon:
		return c.text(b, len("22/Nov/2026:12:00:"))
	case timeISO:
		return c.text(b, len("2026-11-22T12:00:"))
	case timeUnix:
		return seconds(b, 1)
	case timeUnixMs:
		return seconds(b, 1000)
	case timeUnixUs:
		return seconds(b, 1_000_000)
	case timeNone, timeAny:
	}
	return 0, false
}

// kindOf tells how a time is written. A number of seconds has ten digits for
// the next two centuries.
func kindOf(b []byte) timeKind {
	switch digits := until(b, '.'); {
	case len(b) > 2 && b[2] == '/':
		return timeCommon
	case len(b) > 4 && b[4] == '-':
		return timeISO
	case digits > 14:
		return timeUnixUs
	case digits > 11:
		return timeUnixMs
	}
	return timeUnix
}

// latest is the end of the year 9999, the last that a date can name.
const latest = 253402300799

// seconds reads a number of which so many are a second; a fraction goes.
func seconds(b []byte, each int64) (int64, bool) {
	n, ok := number(b[:until(b, '.')])
	return n / each, ok && n/each <= latest
}

// text reads a date of which sec bytes stand before the seconds.
func (c *clock) text(b []byte, sec int) (int64, bool) {
	if len(b) < sec+2 {
		return 0, false
	}
	s, zone := b[sec:sec+2], b[sec+2:]
	if s[0] < '0' || s[0] > '6' || s[1] < '0' || s[1] > '9' || s[0] == '6' && s[1] != '0' {
		return 0, false
	}
	if len(zone) > 1 && (zone[0] == '.' || zone[0] == ',') {
		for zone = zone[1:]; len(zone) > 0 && zone[0] >= '0' && zone[0] <= '9'; {
			zone = zone[1:]
		}
	}
	add := int64(s[0]-'0')*10 + int64(s[1]-'0')
	if c.n == sec && c.z == len(zone) && string(c.head[:sec]) == string(b[:sec]) && string(c.zone[:c.z]) == string(zone) {
		return c.base + add, true
	}
	base, ok := c.minute(b[:sec], zone)
	if ok && len(zone) <= len(c.zone) {
		c.n, c.z, c.base = copy(c.head[:], b[:sec]), copy(c.zone[:], zone), base
	}
	return base + add, ok
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// minute reads a date with hour and minute, up to the colon before the seconds.
func (c *clock) minute(b, zone []byte) (int64, bool) {
	if len(b) == len(c.head) {
		m := bytes.Index([]byte(months), b[3:6])
		if b[2] != '/' || b[6] != '/' || b[11] != ':' || m < 0 || m%3 != 0 {
			return 0, false
		}
		return c.moment(b[7:11], int64(m/3+1), b[0:2], b[12:], zone)
	}
	m, ok := number(b[5:7])
	if b[4] != '-' || b[7] != '-' || !ok {
		return 0, false
	}
	return c.moment(b[0:4], m, b[8:10], b[11:], zone)
}

// moment joins a date, hh:mm: and a zone such as " +0900", "+09:00", "Z" or none.
func (c *clock) moment(year []byte, mon int64, day, hm, zone []byte) (int64, bool) {
	y, ok1 := number(year)
	d, ok2 := number(day)
	h, ok3 := number(hm[0:2])
	m, ok4 := number(hm[3:5])
	if !ok1 || !ok2 || !ok3 || !ok4 || hm[2] != ':' || hm[5] != ':' || y < 1970 || mon < 1 || mon > 12 || d < 1 || d > 31 || h > 24 || m > 59 {
		return 0, false
	}
	zone = bytes.TrimSpace(zone)
	if off, ok := zoneSeconds(zone); ok {
		return time.Date(int(y), time.Month(mon), int(d), int(h), int(m), 0, 0, time.UTC).Unix() - off, true
	}
	loc := c.loc
	if loc == nil {
		loc = time.UTC
	}
	return time.Date(int(y), time.Month(mon), int(d), int(h), int(m), 0, 0, loc).Unix(), true
}

func zoneSeconds(z []byte) (int64, bool) {
	if len(z) == 1 && z[0] == 'Z' {
		return 0, true
	}
	if len(z) == 6 && z[3] == ':' {
		z = []byte{z[0], z[1], z[2], z[4], z[5]}
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
