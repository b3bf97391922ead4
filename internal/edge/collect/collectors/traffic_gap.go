package collectors

import (
	"context"
	"time"

	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/collect"
)

// gaps counts a slice of what the logs got while nobody recorded to the attacks:
// who attacked then is known, and each attempt is told once. What was asked for in
// all is told by the hour, with the rest of the log's past.
func (t *Traffic) gaps(ctx context.Context, b *collect.Beat) {
	for _, l := range t.logs {
		if l.gap == nil {
			continue
		}
		var q accesslog.Request
		done, err := l.gap.Step(ctx, trafficBytes, func(line []byte) {
			if l.reader.Read(line, &q) && !q.OwnProbe {
				t.siege.add(l.reader.Parser, &q, b.Now, siegeFor)
			}
		})
		if err != nil {
			b.Emit(unreadBefore(t.Name(), "some of the attacks while nothing was recorded", l.tail.Path(), err))
		}
		if done {
			l.gap = nil
		}
		return
	}
}

// mark notes how far the logs were read: all attacks up to here are told.
func (t *Traffic) mark(now time.Time) {
	for _, l := range t.logs {
		if l.started && l.gap == nil {
			t.Marks.set(t.Name(), l.tail, now)
		}
	}
}
