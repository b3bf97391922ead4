package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hirune/internal/core/hint"
)

// farthest is how many letters may differ between what was typed and what is
// offered: more would be a guess.
const farthest = 2

// usage is an error in what the user typed, with a way on.
func usage(cmd *cobra.Command, text, advice string) error {
	if advice == "" {
		advice = "see: " + cmd.CommandPath() + " --help"
	}
	return hint.Wrap(errors.New(text), "usage", advice)
}

// wrongFlag puts the nearest flag beside a mistyped one.
func wrongFlag(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return usage(cmd, err.Error(), "")
	}
	name := missing.GetSpecifiedName()
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := nearest(name, names); near != "" {
		return usage(cmd, "unknown flag --"+name, fmt.Sprintf("did you mean --%s? try: %s --%s", near, cmd.CommandPath(), near))
	}
	return usage(cmd, err.Error(), "")
}

// wrongVerb puts the nearest verb beside a mistyped one.
func wrongVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := nearest(args[0], names); near != "" {
		return usage(cmd, text, fmt.Sprintf("did you mean %s? try: %s %s", near, cmd.CommandPath(), near))
	}
	return usage(cmd, text, "")
}

// noArgs refuses arguments that a verb would otherwise silently pass over.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(cmd, fmt.Sprintf("%s takes no argument, got %q", cmd.CommandPath(), args[0]), "")
}

// noTapeArg refuses arguments, too, and knows what who names a file means.
func (a *app) noTapeArg(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && (exists(args[0]) || strings.HasSuffix(args[0], ".hirune")) {
		return usage(cmd, fmt.Sprintf("%s takes no argument, got %q", cmd.CommandPath(), args[0]), "did you mean: "+cmd.CommandPath()+" --tape "+args[0])
	}
	return noArgs(cmd, args)
}

// nearest returns the candidate that is closest to what was typed, or "".
func nearest(typed string, candidates []string) string {
	best, at := "", farthest+1
	slices.Sort(candidates)
	for _, c := range candidates {
		d := distance(strings.ToLower(typed), c)
		if len(typed) >= 3 && strings.HasPrefix(c, strings.ToLower(typed)) {
			d = min(d, 1)
		}
		if d < at {
			best, at = c, d
		}
	}
	return best
}

// distance is the number of letters to add, drop, change or swap with their
// neighbour to get from a to b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range t {
		d[0][j+1] = j + 1
	}
	for i := range s {
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			d[i+1][j+1] = min(d[i][j+1]+1, d[i+1][j]+1, d[i][j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}
