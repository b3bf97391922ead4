package wordpress

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"hirune/internal/core/evidence"
)

// cronMost bounds the recurring events that are kept of a schedule that has run
// away, and cronSingles the single ones.
const (
	cronMost    = 50_000
	cronSingles = 2_000
)

// CronEvents reads the option cron: the recurring events first, then the
// single ones, each in the order in which they are due. Site and Owner are
// left empty. Total is how many there are. It holds one moment of the schedule at a
// time in memory: there are options of many MB.
// Source: a map of time, hook and hash of the arguments, in UTC.
func CronEvents(option string) (events []evidence.CronEvent, total int, err error) {
	kept := [2]int{}
	most := [2]int{cronMost, cronSingles}
	err = eachOf(option, func(t Pair) {
		due, err := strconv.ParseInt(t.Key, 10, 64)
		hooks, isArray := t.Value.(Array)
		if err != nil || !isArray {
			return // the element "version"
		}
		for _, h := range hooks {
			calls, _ := h.Value.(Array)
			for _, c := range calls {
				total++
				if e := cronEvent(h.Key, due, c.Value); kept[single(e)] < most[single(e)] {
					kept[single(e)]++
					events = append(events, e)
				}
			}
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read WordPress' schedule: %w", err)
	}
	slices.SortStableFunc(events, func(a, b evidence.CronEvent) int {
		return cmp.Or(cmp.Compare(single(a), single(b)), cmp.Compare(a.NextUnixS, b.NextUnixS))
	})
	return events, total, nil
}

func cronEvent(hook string, due int64, call any) evidence.CronEvent {
	e := evidence.CronEvent{Hook: printable(hook), NextUnixS: due}
	if a, ok := call.(Array); ok {
		e.IntervalS, _ = a.Get("interval").(int64)
		s, _ := a.Get("schedule").(string)
		e.Schedule = printable(s)
	}
	return e
}

func single(e evidence.CronEvent) int {
	if e.Schedule == "" {
		return 1
	}
	return 0
}

// ActivePlugins reads the option active_plugins: "directory/file.php" each.
func ActivePlugins(option string) ([]string, error) {
	v, err := Unserialize(option)
	if err != nil {
		return nil, fmt.Errorf("read the active plugins: %w", err)
	}
	a, _ := v.(Array)
	var out []string
	for _, p := range a {
		if s, ok := p.Value.(string); ok {
			out = append(out, printable(s))
		}
	}
	return out, nil
}

// printable shortens a name to 191 bytes, WordPress' own bound, and escapes
// what is not to be shown.
func printable(s string) string {
	clean := true
	for i := range len(s) {
		clean = clean && s[i] >= 0x20 && s[i] < 0x7f
	}
	if !clean {
		q := strconv.QuoteToASCII(s)
		s = q[1 : len(q)-1]
	}
	return s[:min(len(s), 191)]
}
