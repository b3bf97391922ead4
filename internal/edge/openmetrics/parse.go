// Package openmetrics turns the history of a monitoring that already runs into
// facts: the metrics of node_exporter, mysqld_exporter and some others, as
// OpenMetrics or as Prometheus' text with timestamps, in any order of time.
package openmetrics

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sample is one line: a value of a series at a moment.
type Sample struct {
	Name   string
	Labels []Label // in the order of the line
	Value  float64
	AtMs   int64 // Unix milliseconds
}

// Label is one name with its value.
type Label struct{ Name, Value string }

// Get returns the value of a label, "" where it is not there.
func (s *Sample) Get(name string) string {
	for _, l := range s.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// Bounds of one line.
const (
	LineMost   = 64 << 10
	labelsMost = 64
)

// Why a line is no sample.
var (
	errNoTime   = errors.New("it has no timestamp")
	errBadTime  = errors.New("its timestamp is no number")
	errBadValue = errors.New("its value is no number")
	errBadName  = errors.New("it begins with no metric name")
	errBadLabel = errors.New("its labels cannot be read")
)

// msFrom is the smallest number that is taken for milliseconds: as seconds it is
// the year 5138. OpenMetrics has seconds, Prometheus' text milliseconds.
const msFrom = 1e11

// parseLine reads a line into s, whose labels are used again. ok is false for a
// comment, an empty line and one whose value says nothing (NaN: the series ended).
func parseLine(line string, s *Sample) (ok bool, err error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return false, nil
	}
	s.Labels = s.Labels[:0]
	rest := line
	n := strings.IndexAny(line, "{ \t")
	if n < 0 {
		return false, errBadName
	}
	s.Name, rest = line[:n], strings.TrimLeft(line[n:], " \t")
	if strings.HasPrefix(rest, "{") {
		if rest, err = s.labels(rest[1:]); err != nil {
			return false, err
		}
	}
	if s.Name == "" { // {__name__="up",…}, as promtool tsdb dump prints
		s.Name = s.Get("__name__")
	}
	if !isName(s.Name) {
		return false, errBadName
	}
	if i := strings.Index(rest, " # "); i >= 0 {
		rest = rest[:i] // an exemplar
	}
	f := strings.Fields(rest)
	switch {
	case len(f) == 0:
		return false, errBadValue
	case len(f) == 1:
		return false, errNoTime
	}
	if s.Value, err = strconv.ParseFloat(f[0], 64); err != nil {
		return false, errBadValue
	}
	at, err := strconv.ParseFloat(f[1], 64)
	if err != nil || len(f) > 2 || !(at > 0 && at < 1e15) {
		return false, errBadTime
	}
	if at < msFrom {
		at *= 1000
	}
	s.AtMs = int64(math.Round(at))
	return !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0), nil
}

// labels reads name="value" pairs up to the closing brace and returns what
// follows it.
func (s *Sample) labels(rest string) (string, error) {
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if strings.HasPrefix(rest, "}") {
			return rest[1:], nil
		}
		i := strings.IndexByte(rest, '=')
		if i <= 0 || len(s.Labels) >= labelsMost {
			return "", errBadLabel
		}
		name := strings.Trim(strings.TrimSpace(rest[:i]), `"`)
		rest = strings.TrimLeft(rest[i+1:], " \t")
		if !strings.HasPrefix(rest, `"`) || !isName(name) {
			return "", errBadLabel
		}
		value, after, ok := quoted(rest[1:])
		if !ok {
			return "", errBadLabel
		}
		s.Labels = append(s.Labels, Label{name, value})
		rest = after
	}
}

// quoted reads up to the closing quote.
func quoted(s string) (value, rest string, ok bool) {
	i := strings.IndexAny(s, `"\`)
	if i >= 0 && s[i] == '"' {
		return s[:i], s[i+1:], true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != ':' && c != '.' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// clean makes a label's value fit to be kept: printable, at most most bytes.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 4*most)], "?"))
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// LineError is a line that is no sample.
type LineError struct {
	Line int
	Err  error
}

// Error implements error. The text of the line is not in it: it may hold anything.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }
