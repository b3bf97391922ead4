// Package past reads what a server kept by itself before anybody watched: the
// database's slow log, and the system's own accounting. It is read once, when
// somebody asks for a verdict and there is no recording; logs of months cost
// no more than the bounds below.
package past

import (
	"context"
	"time"
)

// In is the time that is looked at.
type In struct {
	Since, Now time.Time
	Zone       *time.Location // of times that name none
}

// holds reports whether a moment is in it; a minute of the future is a clock
// that is a little off.
func (in In) holds(at time.Time) bool {
	return !at.Before(in.Since) && !at.After(in.Now.Add(time.Minute))
}

// alive reports whether there is time to go on.
func alive(ctx context.Context) bool { return ctx.Err() == nil }
