package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// languages of reports. JSON is in none of them.
var languages = []string{"en", "ja"}

// langFlag adds --lang, whose default is what the terminal speaks.
func (a *app) langFlag(c *cobra.Command, lang *string) {
	c.Flags().StringVar(lang, "lang", a.terminalLang(), "`LANGUAGE` of the report: en or ja (default: as LC_ALL or LANG say)")
	c.Flag("lang").DefValue = "" // the words say it: it must not depend on who writes the manual page
	_ = c.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(languages, cobra.ShellCompDirectiveNoFileComp))
}

// terminalLang reads LC_ALL, LC_MESSAGES and LANG in their POSIX order.
func (a *app) terminalLang() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := a.env(name); v != "" {
			if strings.HasPrefix(v, "ja") {
				return "ja"
			}
			return "en"
		}
	}
	return "en"
}

func checkLang(cmd *cobra.Command, lang string) error {
	if slices.Contains(languages, lang) {
		return nil
	}
	return usage(cmd, "unknown language "+lang, "hirune speaks: "+strings.Join(languages, ", "))
}
