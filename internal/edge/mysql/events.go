package mysql

import (
	"context"
	"fmt"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/sqltext"
)

// scheduledMost is how many of the database's own scheduled events are told.
const scheduledMost = 100

// Events returns what the database starts by itself, with when it is due next;
// nothing where its scheduler is off or the account may not see the events.
// Source: information_schema.EVENTS.
func (c *Conn) Events(ctx context.Context, now time.Time) ([]evidence.Schedule, error) {
	v, err := c.pairs(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name = 'event_scheduler'")
	if err != nil || !v.on("event_scheduler") {
		return nil, err
	}
	var out []evidence.Schedule
	err = c.query(ctx, func(scan func(...any) error) error {
		var schema, name, field, value, definition string
		var starts, once, everyS int64
		if err := scan(&schema, &name, &value, &field, &starts, &once, &everyS, &definition); err != nil {
			return err
		}
		e := evidence.Schedule{Origin: "database event " + clean(schema) + "." + clean(name), Spec: "EVERY " + clean(value) + " " + clean(field), Command: sqltext.Digest(definition), Next: once}
		if once > 0 {
			e.Spec = "ONCE"
		} else if everyS > 0 {
			e.Next = nextOf(starts, everyS, now.Unix())
		}
		out = append(out, e)
		return nil
	}, fmt.Sprintf(`SELECT EVENT_SCHEMA, EVENT_NAME, COALESCE(INTERVAL_VALUE,''), COALESCE(INTERVAL_FIELD,''), COALESCE(UNIX_TIMESTAMP(STARTS) DIV 1,0), COALESCE(UNIX_TIMESTAMP(EXECUTE_AT) DIV 1,0),
COALESCE(CAST(INTERVAL_VALUE AS SIGNED) * CASE INTERVAL_FIELD WHEN 'SECOND' THEN 1 WHEN 'MINUTE' THEN 60 WHEN 'HOUR' THEN 3600 WHEN 'DAY' THEN 86400 WHEN 'WEEK' THEN 604800 ELSE 0 END, 0), LEFT(EVENT_DEFINITION, %d)
FROM information_schema.EVENTS WHERE STATUS = 'ENABLED' ORDER BY EVENT_SCHEMA, EVENT_NAME LIMIT %d`, maxText, scheduledMost))
	if refused(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the database's own events: %w", err)
	}
	return out, nil
}

// nextOf is the first moment after now that lies whole intervals after starts.
func nextOf(starts, every, now int64) int64 {
	if now < starts {
		return starts
	}
	return starts + ((now-starts)/every+1)*every
}
