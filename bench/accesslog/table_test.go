package main

import (
	"strings"
	"testing"
)

func TestTables(t *testing.T) {
	r := results{Beside: []run{
		{Tool: "a", Lines: 5_000_000, WallS: 4, CPUS: 2, PeakMB: 10}, {Tool: "b", Lines: 100, WallS: 1, CPUS: 1},
		{Tool: "a", Lines: 5_000_000, WallS: 1, CPUS: 9, PeakMB: 30}, {Tool: "a", Lines: 5_000_000, WallS: 2, CPUS: 3, PeakMB: 20},
	}, Told: []compare{{"x", 10, 9}}}
	var b strings.Builder
	r.print(&b)
	for _, want := range []string{"| a | 5,000,000 | 2.00 | 3.00 | 20.0 | 2,500,000 | 1,670,000 |", "| b | 100 | 1.00 | 1.00 | 0.0 | 100 | 100 |", "| x | 10 | 9 |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in\n%s", want, &b)
		}
	}
}
