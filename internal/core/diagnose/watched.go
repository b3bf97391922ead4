package diagnose

import (
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// GapLeast is how long nothing must have been recorded to be worth a note.
const GapLeast = 30 * time.Second

// Watched returns the stretches of a window in which the recorder saw the
// machine, joined over pauses of at most pause; oldest first, none where it saw
// nothing. Between two of them the recorder or the machine was off.
func Watched(w recording.Window, pause time.Duration) []Span {
	return Stretches[evidence.Host](w, pause)
}

// Stretches returns when facts of one type came, joined over pauses of at most
// pause; oldest first.
func Stretches[T evidence.Fact](w recording.Window, pause time.Duration) []Span {
	var out []Span
	for at := range recording.All[T](w) {
		if n := len(out); n > 0 && at.Sub(out[n-1].To) <= pause {
			out[n-1].To = at
			continue
		}
		out = append(out, Span{at, at})
	}
	return out
}
