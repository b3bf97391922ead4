package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// InodesExhausted is a file system that has room, but can hold no more files:
// df says that it is half empty, and nothing can be made on it.
func InodesExhausted() diagnose.Rule {
	return diagnose.Rule{
		ID:     "inodes-exhausted",
		Title:  "a file system holds as many files as it can, while its space is free",
		Source: "case 29 of the public reports: millions of PHP session files; the lab",
		Needs:  map[string]string{evidence.Filesystem{}.Kind(): "missing-space", evidence.ErrorLine{}.Kind(): "missing-write-errors"},
		Match:  func(c *diagnose.Case) []diagnose.Finding { return shortages(c, true) },
	}
}
