package tape

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// verdictsKept is how many verdicts a tape keeps.
const verdictsKept = 200

// SaveVerdict keeps what diagnose said, for hirune alone to tell. It may be
// called while a recorder writes to the same tape.
func SaveVerdict(path string, at time.Time, json []byte) error {
	if err := regular(path); err != nil {
		return err
	}
	db, err := connect(path, "mode=rw")
	if err != nil {
		return classify(err)
	}
	err = check(db, path)
	if err == nil {
		_, err = db.ExecContext(context.Background(), "INSERT INTO finding (at_ms,json) VALUES (?,?)", at.UnixMilli(), string(json))
	}
	return errors.Join(classify(err), db.Close())
}

// LastVerdict returns the newest verdict and when it was given; nil if there
// is none.
func (r *Reader) LastVerdict() ([]byte, time.Time, error) {
	var at int64
	var json string
	err := r.db.QueryRowContext(context.Background(), "SELECT at_ms,json FROM finding ORDER BY id DESC LIMIT 1").Scan(&at, &json)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, classify(fmt.Errorf("read the last verdict of %s: %w", r.path, err))
	}
	return []byte(json), time.UnixMilli(at).UTC(), nil
}
