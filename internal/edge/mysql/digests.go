package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/sqltext"
)

// digestCount is what the server had counted for a digest.
type digestCount struct {
	count, timeUs, lockUs, rows, sent, done, errors int64
}

const digestQuery = `SELECT COALESCE(SCHEMA_NAME,''), DIGEST, LEFT(DIGEST_TEXT, 1500), COUNT_STAR, SUM_TIMER_WAIT DIV 1000000, SUM_LOCK_TIME DIV 1000000,
SUM_ROWS_EXAMINED, SUM_ROWS_SENT, SUM_ROWS_AFFECTED, SUM_ERRORS, FIRST_SEEN >= NOW() - INTERVAL ? SECOND FROM performance_schema.events_statements_summary_by_digest
WHERE DIGEST IS NOT NULL AND LAST_SEEN >= NOW() - INTERVAL 10 MINUTE LIMIT 10000`

// Digests returns what ran since the last call, by shape: the top by time and
// by count, each at most n. Two shapes of the server that are one of ours are
// added up. ok is false for the first call, which has nothing to compare with.
// It returns nothing where the server keeps no such statistics (MariaDB's
// default) or the account may not read them.
// Source: performance_schema.events_statements_summary_by_digest.
func (c *Conn) Digests(ctx context.Context, now time.Time, n int) (out []evidence.DigestUse, ok bool, err error) {
	if !c.perfSchema || !c.can.perfSchema {
		return nil, false, nil
	}
	was := c.digests
	over := int64(0)
	if was != nil {
		over = now.Sub(c.digestsAt).Milliseconds()
	}
	is := map[string]digestCount{}
	uses := map[string]*evidence.DigestUse{}
	err = c.query(ctx, func(scan func(...any) error) error {
		var schema, id string
		var text sql.NullString
		var d digestCount
		var fresh bool
		if err := scan(&schema, &id, &text, &d.count, &d.timeUs, &d.lockUs, &d.rows, &d.sent, &d.done, &d.errors, &fresh); err != nil {
			return err
		}
		id = schema + "\x00" + id
		is[id] = d
		before, known := was[id]
		if d = d.since(before); was == nil || d.count == 0 || !known && !fresh {
			return nil // not known and not new: it was out of sight, its total says nothing of now
		}
		shape := sqltext.Digest(text.String)
		if ours(shape) {
			return nil
		}
		u := uses[schema+"\x00"+shape]
		if u == nil {
			u = &evidence.DigestUse{DB: c.target.Instance, OverMs: over, Schema: schema, Digest: shape}
			uses[schema+"\x00"+shape] = u
		}
		d.addTo(u)
		return nil
	}, digestQuery, over/1000)
	if err != nil {
		return nil, false, fmt.Errorf("read the statement statistics: %w", err)
	}
	c.digests, c.digestsAt = is, now
	return top(uses, n), was != nil, nil
}

// ours reports whether a shape is one of hirune's own questions, or of another
// monitor's: those of a site do not read the server's own tables.
func ours(shape string) bool {
	s := strings.ToLower(shape)
	return strings.Contains(s, "performance_schema.") || strings.Contains(s, "information_schema.") || strings.HasPrefix(s, "show global ")
}

// since subtracts; a count that fell was set back, and what it is now is new.
func (d digestCount) since(was digestCount) digestCount {
	if d.count < was.count {
		return d
	}
	return digestCount{d.count - was.count, d.timeUs - was.timeUs, d.lockUs - was.lockUs, d.rows - was.rows, d.sent - was.sent, d.done - was.done, d.errors - was.errors}
}

func (d digestCount) addTo(u *evidence.DigestUse) {
	u.Count += d.count
	u.TimeMs += d.timeUs / 1000
	u.LockMs += d.lockUs / 1000
	u.RowsRead += d.rows
	u.RowsSent += d.sent
	u.RowsDone += d.done
	u.Errors += d.errors
}

// top keeps the n with the most time and the n that ran most often.
func top(uses map[string]*evidence.DigestUse, n int) []evidence.DigestUse {
	all := make([]*evidence.DigestUse, 0, len(uses))
	for _, u := range uses {
		all = append(all, u)
	}
	keep := map[*evidence.DigestUse]bool{}
	for _, by := range []func(*evidence.DigestUse) int64{func(u *evidence.DigestUse) int64 { return u.Count }, func(u *evidence.DigestUse) int64 { return u.TimeMs }} {
		slices.SortFunc(all, func(a, b *evidence.DigestUse) int {
			if by(a) != by(b) {
				return int(min(1, max(-1, by(b)-by(a))))
			}
			return strings.Compare(a.Digest, b.Digest)
		})
		for _, u := range all[:min(n, len(all))] {
			keep[u] = true
		}
	}
	var out []evidence.DigestUse
	for _, u := range all { // by time
		if keep[u] {
			out = append(out, *u)
		}
	}
	return out
}
