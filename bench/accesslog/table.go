package main

import (
	"fmt"
	"io"
	"slices"
)

// print writes the tables.
func (r results) print(w io.Writer) {
	fmt.Fprintf(w, "\n| tool | lines | wall s | CPU s | peak MB | lines/s | lines per CPU s |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, runs := range grouped(r.Beside) {
		row(w, runs)
	}
	fmt.Fprintf(w, "\nGrowing logs:\n\n| tool | lines | wall s | CPU s | peak MB | lines/s | lines per CPU s |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, runs := range grouped(r.Linear) {
		row(w, runs)
	}
	for _, runs := range grouped(r.Distinct) {
		fmt.Fprintf(w, "\n%d different clients:\n\n| tool | lines | wall s | CPU s | peak MB | lines/s | lines per CPU s |\n|---|--:|--:|--:|--:|--:|--:|\n", runs[0].Clients)
		row(w, runs)
	}
	fmt.Fprintf(w, "\n| attack | lines in the log | attempts that hirune says |\n|---|--:|--:|\n")
	for _, c := range r.Told {
		fmt.Fprintf(w, "| %s | %d | %d |\n", c.ID, c.Held, c.Told)
	}
}

// grouped puts the runs of one tool on one log together, in the order of the first.
func grouped(all []run) (out [][]run) {
	for _, r := range all {
		i := slices.IndexFunc(out, func(g []run) bool { return g[0].Tool == r.Tool && g[0].Lines == r.Lines })
		if i < 0 {
			i, out = len(out), append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

func row(w io.Writer, runs []run) {
	wall := median(runs, func(r run) float64 { return r.WallS })
	cpu := median(runs, func(r run) float64 { return r.CPUS })
	peak := median(runs, func(r run) float64 { return r.PeakMB })
	n := float64(runs[0].Lines)
	fmt.Fprintf(w, "| %s | %s | %.2f | %.2f | %.1f | %s | %s |\n", runs[0].Tool, thousands(n), wall, cpu, peak, thousands(n/wall), thousands(n/cpu))
}

// median of the runs; of two the first.
func median(runs []run, of func(run) float64) float64 {
	v := make([]float64, len(runs))
	for i, r := range runs {
		v[i] = of(r)
	}
	slices.Sort(v)
	return v[(len(v)-1)/2]
}

// thousands writes a number to three digits: 1,230,000.
func thousands(f float64) string {
	n, unit := int64(f), int64(1)
	for n/unit >= 1000 {
		unit *= 10
	}
	n = (n + unit/2) / unit * unit
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
