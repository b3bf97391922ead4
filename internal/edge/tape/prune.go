package tape

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// How long the plain tables are kept. They are small beside the blocks.
const (
	minutesKept  = 400 * 24 * time.Hour
	versionsKept = 30 * 24 * time.Hour // of what exists, beside the newest
	shapesKept   = 20_000
	contextKept  = 50_000
	// bytes of history, compressed: a week of a few sites' logs, and the weeks
	// that earlier runs of the recorder read
	historyKept = 1 << 20
)

// prune keeps the tape within its bounds: the oldest blocks go first.
func (w *Writer) prune(tx *sql.Tx, now time.Time) error {
	if w.opt.export {
		return nil
	}
	if err := w.pruneBlocks(tx); err != nil {
		return fmt.Errorf("drop old blocks of %s: %w", w.path, err)
	}
	// Once an hour is enough for the small tables.
	if now.Unix()/3600 == w.began.Unix()/3600 {
		return nil
	}
	for _, p := range []struct {
		query string
		arg   int64
	}{
		{"DELETE FROM minute WHERE from_ms < ?", now.Add(-minutesKept).UnixMilli()},
		{"DELETE FROM statement WHERE last_ms < (SELECT last_ms FROM statement ORDER BY last_ms DESC LIMIT 1 OFFSET ?)", shapesKept},
		{"DELETE FROM context WHERE kind IN ('plan','filter') AND at_ms < ?", now.Add(-versionsKept).UnixMilli()},
		{`DELETE FROM context WHERE at_ms < ? AND EXISTS (SELECT 1 FROM context n
			WHERE n.kind=context.kind AND n.subject=context.subject AND n.slot>context.slot)`, now.Add(-versionsKept).UnixMilli()},
		{"DELETE FROM context WHERE at_ms < (SELECT at_ms FROM context ORDER BY at_ms DESC LIMIT 1 OFFSET ?)", contextKept},
		{`DELETE FROM history WHERE id IN (SELECT id FROM
			(SELECT id, sum(length(data)) OVER (ORDER BY id DESC) AS upto FROM history) WHERE upto > ?)`, historyKept},
		{"DELETE FROM finding WHERE id <= (SELECT max(id) FROM finding) - ?", verdictsKept},
	} {
		if _, err := tx.ExecContext(context.Background(), p.query, p.arg); err != nil {
			return fmt.Errorf("tidy up %s: %w", w.path, err)
		}
	}
	return nil
}

// pruneBlocks frees some more than needed, so that it is not needed each minute.
func (w *Writer) pruneBlocks(tx *sql.Tx) error {
	used, err := usedBytes(tx)
	if err != nil || used <= w.opt.MaxBytes {
		return err
	}
	for used > w.opt.MaxBytes-w.opt.MaxBytes/32 {
		res, err := tx.ExecContext(context.Background(), "DELETE FROM block WHERE id IN (SELECT id FROM block ORDER BY id LIMIT 10)")
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if used, err = usedBytes(tx); err != nil {
			return err
		}
	}
	return nil
}

// usedBytes is the size of the tape without the pages that are free to be reused.
func usedBytes(tx *sql.Tx) (int64, error) {
	var pages, free, size int64
	row := tx.QueryRowContext(context.Background(), "SELECT p.page_count, f.freelist_count, s.page_size FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s")
	err := row.Scan(&pages, &free, &size)
	return (pages - free) * size, err
}

// giveBack returns free pages to the file system where there are many, such as
// after the bound was lowered; a little at a time.
func (w *Writer) giveBack() error {
	var pages, free int64
	row := w.db.QueryRowContext(context.Background(), "SELECT p.page_count, f.freelist_count FROM pragma_page_count p, pragma_freelist_count f")
	if err := row.Scan(&pages, &free); err != nil || free*10 < pages || free < 256 {
		return err
	}
	_, err := w.db.ExecContext(context.Background(), "PRAGMA incremental_vacuum(2048)")
	return err
}
