package collectors

import (
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
)

// logFaults tells which of several logs cannot be read, once for each change:
// a source of which some logs can be read is not unseen as a whole.
type logFaults map[string]string // path: code of what is wrong

func (f logFaults) tell(b *collect.Beat, source, path string, err error) {
	f.change(b, source, path, "what is in the log "+path, err)
}

// change tells a change of what is wrong with one of several things.
func (f logFaults) change(b *collect.Beat, source, key, what string, err error) {
	code := hint.CodeOf(err)
	if err != nil && code == "" {
		code = "failed"
	}
	old := f[key]
	if code == old {
		return
	}
	f[key] = code
	if old != "" {
		b.Emit(evidence.Unseen{Source: source, Code: old, What: what, Seen: true})
	}
	if code != "" {
		b.Emit(evidence.Unseen{Source: source, Code: code, What: what, Detail: err.Error(), Hint: hint.Of(err)})
	}
}
