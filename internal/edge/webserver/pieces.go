package webserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// pieces is what of a step is in place.
type pieces struct {
	file  string // fileGone, fileOld, fileOurs or fileForeign
	old   string // content of a file of ours from before, unchanged
	hooks int    // lines that are there
	want  int    // lines that should be
}

// What is at our file's path.
const (
	fileGone    = "gone"
	fileOld     = "old"     // ours, unchanged, of another plan
	fileOurs    = "ours"    // as the step wants it
	fileForeign = "foreign" // not ours, or changed by hand
)

func (p pieces) none() bool { return p.file != fileOurs && p.hooks == 0 }
func (p pieces) all() bool  { return p.file == fileOurs && p.hooks == p.want }

// see looks what of a step is in place.
func see(s remedy.WriteInclude) (pieces, error) {
	var out pieces
	text, _, err := load(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		out.file = fileGone
	case err != nil:
		return out, err
	case text == s.Content:
		out.file = fileOurs
	case remedy.Intact(text):
		out.file, out.old = fileOld, text
	default:
		out.file = fileForeign
	}
	files, hooks := byFile(s.Hooks())
	for _, f := range files {
		text, _, err := load(f)
		if err != nil {
			return out, err
		}
		out.hooks += hooksIn(text, hooks[f])
		out.want += len(hooks[f])
	}
	return out, nil
}

// note is what the journal keeps of a step.
type note struct {
	Old  string            `json:"old,omitempty"` // a file of ours that was there before
	Sums map[string]string `json:"sums"`          // of files of others, before
	Was  []was             `json:"was"`           // what the site answered before, one per probe
}

// was is an answer from before the change.
type was struct {
	Status int `json:"status"` // 0: none came in time
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// sums are those of the files of others that get a line.
func sums(s remedy.WriteInclude) (map[string]string, error) {
	out := map[string]string{}
	files, hooks := byFile(s.Hooks())
	for _, f := range files {
		text, _, err := load(f)
		if err != nil {
			return nil, err
		}
		out[f] = sum(withoutHooks(text, hooks[f]))
	}
	return out, nil
}

// put brings all pieces into place: our file first, so that no line ever names
// what is not there.
func put(s remedy.WriteInclude, now pieces) error {
	if now.file != fileOurs {
		if err := store(s.Path, s.Content, like(s.Path)); err != nil {
			return err
		}
	}
	files, hooks := byFile(s.Hooks())
	for _, f := range files {
		text, l, err := load(f)
		if err != nil {
			return err
		}
		switch n := hooksIn(text, hooks[f]); {
		case n == len(hooks[f]):
			continue
		case n > 0:
			return fmt.Errorf("%w: %s has %d of %d lines", apply.ErrRefused, shown(f), n, len(hooks[f]))
		}
		if text, err = withHooks(text, hooks[f]); err != nil {
			return hint.Wrap(fmt.Errorf("%w: %w", apply.ErrRefused, err), "changed-since", "plan it again")
		}
		if err := store(f, text, l); err != nil {
			return err
		}
	}
	return nil
}

// takeOut brings everything back: the lines first, then our file. Files of
// others that were not changed meanwhile are then as they were, byte for byte.
func takeOut(s remedy.WriteInclude, n note) error {
	var errs []error
	files, hooks := byFile(s.Hooks())
	for _, f := range files {
		errs = append(errs, unhook(f, hooks[f]))
	}
	if err := errors.Join(errs...); err != nil {
		return err // our file stays: a line may name it
	}
	text, _, err := load(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !remedy.Intact(text):
		return fmt.Errorf("%w: %s was changed by hand, or is not of hirune", apply.ErrRefused, shown(s.Path))
	}
	if n.Old != "" && n.Old != s.Content {
		return store(s.Path, n.Old, like(s.Path))
	}
	return drop(s.Path)
}

func unhook(file string, hooks []remedy.Hook) error {
	text, l, err := load(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // and with it our line
	}
	if err != nil {
		return err
	}
	if hooksIn(text, hooks) == 0 {
		return nil
	}
	return store(file, withoutHooks(text, hooks), l)
}
