package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hirune/internal/core/hint"
)

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
	if near := hint.Nearest(name, names); near != "" {
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
	if near := hint.Nearest(args[0], names); near != "" {
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
