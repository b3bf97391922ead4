package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hirune/lab/load"
	"hirune/lab/scenario"
)

// judge compares first what visitors felt, then what hirune says.
func (b *bench) judge(ctx context.Context) error {
	b.out.Phases = map[string]map[load.Kind]load.Figures{}
	for _, p := range b.sc.Phases {
		b.out.Phases[p.Name] = load.Between(b.results, seconds(p.From), seconds(p.Until))
		b.out.Last = b.out.Phases[p.Name]
	}
	b.out.Faults = load.Faults(b.results)
	for _, u := range b.sc.Suffer {
		b.out.Wrong = append(b.out.Wrong, u.Judge(b.out.Phases[u.Phase][u.Kind])...)
	}
	if b.opt.Hirune == "" {
		return nil
	}
	if info, err := os.Stat(b.tape()); err == nil {
		b.out.TapeBytes = info.Size()
	}
	text, exit, err := b.diagnose(ctx, false, "verdict.json", "--tape", b.tape(), "--json")
	if err != nil {
		b.out.Wrong = append(b.out.Wrong, err.Error())
		return nil
	}
	answer, wrong := b.sc.Verdict.Judge(text, exit)
	b.out.Status, b.out.Causes = answer.Status, answer.CauseIDs()
	b.out.Wrong = append(b.out.Wrong, wrong...)
	b.out.Score = b.sc.Verdict.Score(answer)
	if _, _, err := b.diagnose(ctx, false, "verdict.txt", "--tape", b.tape(), "--lang", "en", "--verbose"); err != nil {
		b.out.Wrong = append(b.out.Wrong, err.Error())
	}
	return nil
}

// write leaves everything a person needs to look into a run.
func (b *bench) write() error {
	length := seconds(b.sc.Seconds)
	return errors.Join(
		writeJSON(filepath.Join(b.opt.Out, "load.json"), load.Timeline(b.results, length)),
		writeJSON(filepath.Join(b.opt.Out, "credit.json"), b.points),
		writeJSON(filepath.Join(b.opt.Out, "outcome.json"), b.out),
		b.keepLogs(),
	)
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// copyLogs keeps what the daemons wrote in this run: not the older, rotated logs, which the lab made itself.
func copyLogs(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("keep the logs: %w", err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("keep the logs: %w", err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "access.log.") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("keep the logs: %w", err)
		}
	}
	return nil
}

// Print writes an outcome for a person.
func (o Outcome) Print(w io.Writer, sc scenario.Scenario) {
	fmt.Fprintf(w, "\n%s  (%.0f s)\n", o.Scenario, o.Took)
	for _, p := range sc.Phases {
		figures := o.Phases[p.Name]
		for _, kind := range slices.Sorted(maps.Keys(figures)) {
			f := figures[kind]
			fmt.Fprintf(w, "  %-8s %-7s sent %4d  failed %4d  p50 %8.0f ms  p99 %8.0f ms\n", p.Name, kind, f.Sent, f.Failed, f.P50Ms, f.P99Ms)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(o.Faults)) {
		fmt.Fprintf(w, "  %4d x %s\n", o.Faults[why], why)
	}
	if o.CappedFrom >= 0 {
		fmt.Fprintf(w, "  credit spent at %.0f s\n", o.CappedFrom)
	}
	if o.Status != "" {
		fmt.Fprintf(w, "  verdict: %s %s\n", o.Status, strings.Join(o.Causes, ", "))
	}
	if o.Live != nil {
		fmt.Fprintf(w, "  live: %.1f s, exit %d, %s %s %s\n", o.Live.Seconds, o.Live.Exit, o.Live.Status, strings.Join(o.Live.Causes, ", "), o.Live.Error)
	}
	if o.Cold != nil {
		fmt.Fprintf(w, "  cold: %.1f s, exit %d, %s %s %s\n", o.Cold.Seconds, o.Cold.Exit, o.Cold.Status, strings.Join(o.Cold.Causes, ", "), o.Cold.Error)
	}
	for _, wrong := range o.Wrong {
		fmt.Fprintf(w, "  WRONG: %s\n", wrong)
	}
	if len(o.Wrong) == 0 {
		fmt.Fprintln(w, "  as it had to be")
	}
}

// Table writes the outcomes of many runs as Markdown, failures included, and what they come to together.
func Table(w io.Writer, outcomes []Outcome) {
	fmt.Fprint(w, "| scenario | run | pages in its last phase: p50 / p99 / failed | credit spent at | verdict | links | cleared | tape | right |\n|---|---|---|---|---|---|---|---|---|\n")
	count := map[string]int{}
	var top, links, of, cleared, clearOf, accused int
	for _, o := range outcomes {
		count[o.Scenario]++
		right, capped := "yes", "never"
		if len(o.Wrong) > 0 {
			right = "**no**: " + strings.ReplaceAll(strings.Join(o.Wrong, "; "), "|", "/")
		}
		if len(o.Score.Missing) > 0 {
			right += " (missing: " + strings.Join(o.Score.Missing, ", ") + ")"
		}
		if o.CappedFrom >= 0 {
			capped = fmt.Sprintf("%.0f s", o.CappedFrom)
		}
		page := o.Last[load.Page]
		fmt.Fprintf(w, "| %s | %d | %.0f / %.0f ms / %d of %d | %s | %s %s | %d of %d | %d of %d | %.2f MB | %s |\n", o.Scenario, count[o.Scenario], page.P50Ms, page.P99Ms,
			page.Failed, page.Sent, capped, o.Status, strings.Join(o.Causes, ", "), o.Score.Links, o.Score.Of, o.Score.Cleared, o.Score.ClearOf, float64(o.TapeBytes)/1e6, right)
		if o.Score.Top {
			top++
		}
		links, of, cleared, clearOf, accused = links+o.Score.Links, of+o.Score.Of, cleared+o.Score.Cleared, clearOf+o.Score.ClearOf, accused+len(o.Score.Accused)
	}
	fmt.Fprintf(w, "\nTop-1 right: %d of %d. Links of the chains: %d of %d. Suspects cleared: %d of %d. False accusations: %d.\n", top, len(outcomes), links, of, cleared, clearOf, accused)
}
