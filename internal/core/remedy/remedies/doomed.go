package remedies

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// Doomed says which rows a purge of the finding's table would delete, so that an
// edge can count them before the plan is made; ok is false where none may go.
func Doomed(f diagnose.Finding, w remedy.World, wish remedy.Wishes) (d remedy.Doomed, ok bool) {
	if w.Table == nil || f.About.Table == "" {
		return d, false
	}
	c := decide(f, w, wish, bareName(w.Table.Name, prefixOf(w)))
	return c.which, len(c.refused) == 0 && c.which.Column != ""
}
