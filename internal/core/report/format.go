package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
)

// nbsp keeps a number and its unit on one line; it leaves the report as a plain
// space. Text from outside cannot hold one: clean escapes it.
const nbsp = "\u00a0"

// group writes n with a comma between thousands, in both languages.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// decimal writes x with at most n decimals and no trailing zeros.
func decimal(x float64, n int) string {
	whole, frac, _ := strings.Cut(strconv.FormatFloat(x, 'f', n, 64), ".")
	if i, err := strconv.ParseInt(whole, 10, 64); err == nil && i != 0 {
		whole = group(i)
	}
	if frac = strings.TrimRight(frac, "0"); frac == "" {
		return whole
	}
	return whole + "." + frac
}

// share writes a share in per cent. It never rounds up to 100 or down to 0.
func (p *printer) share(x float64) string {
	x = min(x, 1) // two clocks can make a little more than all of it
	d := 0
	if x > 0 && x < 0.0095 || x >= 0.995 && x < 1 {
		d = 1
	}
	s := decimal(x*100, d)
	switch {
	case x > 0 && x < 0.0005:
		s = "<0.1"
	case x >= 0.9995 && x < 1:
		s = "99.9"
	}
	if p.ja {
		return s + "%"
	}
	return s + nbsp + "%"
}

// size uses powers of 1024, as free(1) and the database's own settings do.
func size(n float64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB"}
	i := 0
	for n >= 1024 && i < len(units)-1 {
		n, i = n/1024, i+1
	}
	if n < 10 && i > 0 {
		return decimal(n, 1) + nbsp + units[i]
	}
	return decimal(n, 0) + nbsp + units[i]
}

func (p *printer) unit(n, key string) string {
	if p.ja {
		return n + p.words["unit."+key]
	}
	return n + nbsp + p.words["unit."+key]
}

func (p *printer) duration(d time.Duration) string {
	s := d.Seconds()
	two := func(big, small int64, b, c string) string {
		out := p.unit(group(big), b)
		if small == 0 {
			return out
		}
		if !p.ja {
			out += nbsp
		}
		return out + p.unit(group(small), c)
	}
	whole := int64(math.Round(s))
	switch {
	case s < 0.9995:
		return p.unit(decimal(s*1000, 0), "ms")
	case s < 59.95:
		return p.unit(decimal(s, 1), "s")
	case whole < 3600:
		return two(whole/60, whole%60, "min", "s")
	case whole < 86400:
		return two(whole/3600, whole%3600/60, "h", "min")
	}
	return two(whole/86400, whole%86400/3600, "d", "h")
}

func (p *printer) ms(x float64) string {
	return p.duration(time.Duration(math.Min(x, 1e12) * float64(time.Millisecond)))
}

func (p *printer) clock(t time.Time) string { return t.In(p.loc).Format("15:04:05") }

func (p *printer) date(t time.Time) string {
	if p.ja {
		return t.In(p.loc).Format("2006年1月2日")
	}
	return t.In(p.loc).Format("2 Jan 2006")
}

// moment is the time of day, with the date where it is not the verdict's day.
func (p *printer) moment(t time.Time) string {
	a, b := t.In(p.loc), p.day.In(p.loc)
	switch {
	case a.Year() != b.Year():
		return p.date(t) + " " + p.clock(t)
	case a.YearDay() == b.YearDay():
		return p.clock(t)
	case p.ja:
		return a.Format("1月2日 15:04:05")
	}
	return a.Format("2 Jan 15:04:05")
}

func (p *printer) span(s diagnose.Span) string {
	if p.ja {
		return p.moment(s.From) + "～" + p.moment(s.To)
	}
	return p.moment(s.From) + "–" + p.moment(s.To)
}

// zone is the abbreviation of the zone in which all times are shown.
func (p *printer) zone(t time.Time) string {
	name, _ := t.In(p.loc).Zone()
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		name = "UTC" + name
	}
	return clean(name, 20)
}

// value renders a parameter of a sentence; false where it is unknown: empty,
// negative, zero time, not a number.
func (p *printer) value(name string, v any) (string, bool) {
	switch x := v.(type) {
	case raw:
		return string(x), x != ""
	case string:
		return p.text(name, x), x != ""
	case []string:
		return p.text(name, strings.Join(x, ", ")), len(x) > 0
	case time.Time:
		return p.moment(x), !x.IsZero()
	case time.Duration:
		if x < 0 && name == "step" { // a clock that was set back
			return "-" + p.duration(-x), true
		}
		return p.duration(x), x > 0 || x == 0 && name != "running"
	case uint64:
		return strconv.FormatUint(x, 10), true
	}
	f, ok := number(v)
	if !ok || math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
		return "", false
	}
	if name == "clients" && f == 0 { // nobody counted them
		return "", false
	}
	return p.quantity(name, v, f), true
}

func (p *printer) quantity(name string, v any, f float64) string {
	switch v.(type) {
	case diagnose.Share01:
		return p.share(f)
	case diagnose.Bytes:
		return size(f)
	case diagnose.Ms:
		return p.ms(f)
	}
	switch name {
	case "session", "pid", "status": // names of things, not amounts
		return strconv.FormatInt(int64(f), 10)
	case "cpu": // a plain number is CPU seconds
		return p.duration(time.Duration(f * float64(time.Second)))
	case "quota", "throttled": // a plain number is in CPUs
		return p.unit(decimal(f, 2), "cpus")
	}
	if f < 1 {
		return decimal(f, 2)
	}
	if f < 100 {
		return decimal(f, 1)
	}
	return decimal(f, 0)
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case diagnose.Count:
		return float64(x), true
	case diagnose.Share01:
		return float64(x), true
	case diagnose.Bytes:
		return float64(x), true
	case diagnose.Ms:
		return float64(x), true
	case diagnose.Number:
		return float64(x), true
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// text renders a string parameter. Values of our own closed sets (classes of
// requests, services, EXPLAIN's access types) have words; all else is hostile.
func (p *printer) text(name, s string) string {
	if w, ok := p.words[name+"."+s]; ok {
		return w
	}
	if w, ok := p.words["attack."+s+".title"]; ok && name == "suspect" {
		return w
	}
	switch name {
	case "digest", "message", "hint", "what", "indexes", "file":
		return p.quote(s, longRunes)
	}
	return p.quote(s, nameRunes)
}
