package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hirune/internal/core/hint"
)

// manCmd prints the page of hirune itself, or writes the pages of all verbs
// into a folder.
func (a *app) manCmd() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "man",
		Short: "Print the manual page, or write all pages into a folder",
		Example: `  hirune man | man -l -
  sudo hirune man --dir /usr/local/share/man/man1`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir != "" {
				return writePages(cmd.Root(), dir)
			}
			return writePage(a.out, cmd.Root())
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write a page for each verb into `FOLDER`")
	_ = c.MarkFlagDirname("dir")
	return c
}

// writePages writes the page of a verb and those of the verbs below it.
func writePages(c *cobra.Command, dir string) error {
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return hint.Wrap(fmt.Errorf("write manual pages: %s is not a folder", dir), "no-folder", "make it first: mkdir -p "+dir)
	}
	var page strings.Builder
	if err := writePage(&page, c); err != nil {
		return err
	}
	name := filepath.Join(dir, pageName(c)+".1")
	if err := os.WriteFile(name, []byte(page.String()), 0o644); err != nil {
		return fmt.Errorf("write a manual page: %w", err)
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := writePages(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

// writePage writes the page of one verb as roff with the macros of man(7). It
// is written by hand because cobra's own writer would bring a Markdown and a
// YAML parser into the recorder. The page carries no date: the same version
// writes the same bytes.
func writePage(w io.Writer, c *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"%s\" \"1\" \"\" \"hirune %s\" \"hirune\"\n", strings.ToUpper(pageName(c)), roff(version()))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(synopsis(c)))
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", paragraphs(text))
	writeVerbs(&b, c)
	writeFlags(&b, c.NonInheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	writeSee(&b, c)
	_, err := io.WriteString(w, b.String())
	return err
}

func synopsis(c *cobra.Command) string {
	if c.HasAvailableSubCommands() {
		return c.UseLine() + " [command]"
	}
	return c.UseLine()
}

func writeVerbs(b *strings.Builder, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	b.WriteString(".SH COMMANDS\n")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(sub.Name()), roff(sub.Short))
		}
	}
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	b.WriteString(".SH OPTIONS\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, words := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR %s\n%s\n", roff(name), roff(strings.ToUpper(value)), roff(words))
	})
}

func writeSee(b *strings.Builder, c *cobra.Command) {
	var see []string
	if c.HasParent() {
		see = append(see, pageName(c.Parent()))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			see = append(see, pageName(sub))
		}
	}
	if len(see) > 0 {
		fmt.Fprintf(b, ".SH SEE ALSO\n%s(1)\n", roff(strings.Join(see, "(1), ")))
	}
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func paragraphs(text string) string { return strings.ReplaceAll(roff(text), "\n\n", "\n.PP\n") }

// roff escapes text: a hyphen is a minus sign that can be copied, and no line
// begins with a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
