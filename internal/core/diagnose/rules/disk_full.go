package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// DiskFull is a file system without room for one more byte: what must be
// written fails or waits, and what only reads goes on.
func DiskFull() diagnose.Rule {
	return diagnose.Rule{
		ID:     "disk-full",
		Title:  "a file system that the site, its database or its temporary files are on is full",
		Source: "the lab: writes fail with errno 28; MariaDB waits for room; cases 29 and 31 of the public reports",
		Needs:  map[string]string{evidence.Filesystem{}.Kind(): "missing-space", evidence.ErrorLine{}.Kind(): "missing-write-errors"},
		Match: func(c *diagnose.Case) []diagnose.Finding {
			return append(shortages(c, false), unseenShortage(c)...)
		},
	}
}
