package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"hirune/lab/load"
)

// table prints one line for each method, the medians of its runs.
func table(w io.Writer, o options, results []result) {
	fmt.Fprintf(w, "%d rows of 3.3 KB, %.0f %% to go, pool %s, %s; visitors: %g pages, %g inserts, %g reads a second; medians of %d, times of visitors while it ran.\n\n",
		o.rows, o.old*100, o.pool, o.setting(), o.pages, o.inserts, o.reads, o.times)
	fmt.Fprintln(w, "| method | wall s | of it the work | rows/s | db CPU s | and in the time after | tool CPU s | tool MB | page p50 / p99 ms | pages failed | insert p50 / p99 ms | inserts failed | wrong |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, name := range o.methods {
		line(w, byName(name).title, slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.Method != name }))
	}
}

func (o options) setting() string {
	out := "not capped"
	if o.cap > 0 {
		out = fmt.Sprintf("capped at %g of a core, the tool too", o.cap)
		if o.toolOutside {
			out = fmt.Sprintf("the site capped at %g of a core, the tool not", o.cap)
		}
	}
	if o.readView {
		out += ", an old read view open elsewhere"
	}
	return out
}

func line(w io.Writer, title string, runs []result) {
	of := func(value func(result) float64) float64 { return median(runs, value) }
	figures := func(kind load.Kind) (times, failed string) {
		f := func(pick func(load.Figures) float64) float64 {
			return of(func(r result) float64 { return pick(r.During[kind]) })
		}
		sent, bad := 0, 0
		for _, r := range runs {
			sent, bad = sent+r.During[kind].Sent, bad+r.During[kind].Failed
		}
		return fmt.Sprintf("%.0f / %.0f", f(func(f load.Figures) float64 { return f.P50Ms }), f(func(f load.Figures) float64 { return f.P99Ms })), fmt.Sprintf("%d of %d", bad, sent)
	}
	var wrong []string
	for _, r := range runs {
		wrong = append(wrong, r.Wrong...)
	}
	work := ""
	if w := of(func(r result) float64 { return r.Tool.WorkS }); w > 0 {
		work = fmt.Sprintf("%.1f", w)
	}
	page, pageFailed := figures(load.Page)
	ins, insFailed := figures(insert)
	fmt.Fprintf(w, "| %s | %.1f | %s | %.0f | %.1f | %.1f | %.1f | %.0f | %s | %s | %s | %s | %s |\n", title, of(func(r result) float64 { return r.WallS }), work, of(func(r result) float64 { return r.RowsPerS }),
		of(func(r result) float64 { return r.DBCPUS }), of(func(r result) float64 { return r.AfterS }), of(func(r result) float64 { return r.Tool.CPUSeconds }),
		of(func(r result) float64 { return r.Tool.RSSMB }), page, pageFailed, ins, insFailed, strings.ReplaceAll(strings.Join(wrong, "; "), "|", "/"))
}

// median is the middle value, the lower one of two; 0 of none.
func median(runs []result, value func(result) float64) float64 {
	var all []float64
	for _, r := range runs {
		all = append(all, value(r))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}
