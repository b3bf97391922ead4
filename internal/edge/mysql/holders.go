package mysql

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"hirune/internal/core/evidence"
)

// holder is a session that holds a lock above the rows.
type holder struct {
	conn          uint64
	lock          string // evidence.LockMetadata, LockGlobal or LockUser
	schema, table string // in table also the name of a user lock
	mode          string // as the server words it
}

// maxUserLocks bounds the names of user locks that are asked for in one look.
const maxUserLocks = 5

// upperHolders reads who holds what ws wait for, as far as the server tells.
// Source: performance_schema.metadata_locks, METADATA_LOCK_INFO, IS_USED_LOCK.
func (c *Conn) upperHolders(ctx context.Context, ws []waiter) ([]holder, error) {
	out, err := c.metadataHolders(ctx, ws)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, w := range ws {
		if w.name == "" || asked[w.name] || len(asked) == maxUserLocks {
			continue
		}
		asked[w.name] = true
		var id sql.NullInt64
		if err := c.one(ctx, &id, "SELECT IS_USED_LOCK(?)", w.name); err != nil {
			return out, err
		}
		if id.Int64 > 0 {
			out = append(out, holder{conn: uint64(id.Int64), lock: evidence.LockUser, table: w.name, mode: "EXCLUSIVE"})
		}
	}
	return out, nil
}

func (c *Conn) metadataHolders(ctx context.Context, ws []waiter) ([]holder, error) {
	if !slices.ContainsFunc(ws, func(w waiter) bool { return w.lock != evidence.LockUser }) {
		return nil, nil
	}
	var text string
	switch {
	case c.flavour == MySQL && c.can.perfSchema:
		text = `SELECT t.PROCESSLIST_ID, m.OBJECT_TYPE, COALESCE(m.OBJECT_SCHEMA,''), COALESCE(m.OBJECT_NAME,''), m.LOCK_TYPE FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID WHERE m.OBJECT_TYPE IN ('TABLE','GLOBAL','COMMIT','BACKUP LOCK') AND m.LOCK_STATUS='GRANTED' AND t.PROCESSLIST_ID IS NOT NULL LIMIT 5000`
	case c.mdlInfo:
		text = `SELECT THREAD_ID, LOCK_TYPE, TABLE_SCHEMA, TABLE_NAME, LOCK_MODE FROM information_schema.METADATA_LOCK_INFO WHERE LOCK_TYPE NOT LIKE 'Schema%' LIMIT 5000`
	default:
		return nil, nil
	}
	var out []holder
	err := c.query(ctx, func(scan func(...any) error) error {
		var h holder
		var object string
		if err := scan(&h.conn, &object, &h.schema, &h.table, &h.mode); err != nil {
			return err
		}
		h.lock, h.mode = holds(object), strings.TrimPrefix(strings.ToUpper(h.mode), "MDL_")
		if h.conn != c.id && h.lock != "" {
			out = append(out, h)
		}
		return nil
	}, text)
	if refused(err) {
		return nil, nil
	}
	return out, err
}

// holds turns a server's word for what is locked into our kind of lock.
func holds(object string) string {
	switch o := strings.ToLower(object); {
	case strings.HasPrefix(o, "table"):
		return evidence.LockMetadata
	case strings.HasPrefix(o, "global"), strings.HasPrefix(o, "commit"), strings.HasPrefix(o, "backup"):
		return evidence.LockGlobal
	}
	return ""
}

// keepsOut reports whether the lock that is held keeps the waiter out.
func (h holder) keepsOut(w waiter) bool {
	switch w.lock {
	case evidence.LockUser:
		return h.lock == w.lock && h.table == w.name
	case evidence.LockGlobal:
		return h.lock == w.lock && h.ofServer() != exclusiveOfServer(w.Verb)
	}
	if h.lock != evidence.LockMetadata || w.Table != "" && (!strings.EqualFold(h.table, w.Table) || w.Schema != "" && !strings.EqualFold(h.schema, w.Schema)) {
		return false
	}
	switch {
	case w.lock == evidence.LockTable: // MyISAM locks below the metadata: only LOCK TABLES is told by that
		return strings.Contains(h.mode, "READ")
	case exclusive(w.Verb):
		return true
	case writes(w.Verb):
		return strings.Contains(h.mode, "EXCLUSIVE") || strings.Contains(h.mode, "_NO_") || strings.Contains(h.mode, "READ_ONLY")
	}
	return strings.Contains(h.mode, "EXCLUSIVE") || strings.Contains(h.mode, "NO_READ")
}

// ofServer reports whether the lock is one that stops all writing (FLUSH TABLES
// WITH READ LOCK, a backup), not one of the many that a statement at work has.
func (h holder) ofServer() bool {
	m := h.mode
	return m == "SHARED" || strings.Contains(m, "FTWRL") || strings.HasPrefix(m, "BACKUP_START") || strings.HasPrefix(m, "BACKUP_WAIT") || strings.HasPrefix(m, "BACKUP_FLUSH")
}

// exclusiveOfServer reports whether the statement wants all writing to stop.
func exclusiveOfServer(verb string) bool { return verb == "FLUSH" || verb == "BACKUP" }
