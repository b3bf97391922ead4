package tape

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// connect opens one connection to the file. It is one only, because each costs
// a page cache and the recorder needs no second.
func connect(path, query string, pragmas ...string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	if err := setPragmas(db, pragmas); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return db, nil
}

func setPragmas(db *sql.DB, pragmas []string) error {
	// The busy time comes first: the others may meet another process' lock.
	// 64 pages are enough for batches of a few KB and keep the process small.
	all := append([]string{"busy_timeout=2000"}, pragmas...)
	all = append(all, "cache_size=64", "mmap_size=0", "trusted_schema=OFF", "temp_store=MEMORY")
	for _, p := range all {
		if _, err := db.ExecContext(context.Background(), "PRAGMA "+p); err != nil {
			return fmt.Errorf("pragma %s: %w", p, err)
		}
	}
	return nil
}

// check says whether the file behind db is a tape that this version can read.
func check(db *sql.DB, path string) error {
	var app, version int
	row := db.QueryRowContext(context.Background(), "SELECT a.application_id, v.user_version FROM pragma_application_id a, pragma_user_version v")
	if err := row.Scan(&app, &version); err != nil {
		return classify(fmt.Errorf("read %s: %w", path, err))
	}
	if app != applicationID {
		return foreign(path)
	}
	if version > schemaVersion {
		return wrap(ErrNewer, fmt.Errorf("%s has schema %d, this hirune knows %d", path, version, schemaVersion),
			"tape-newer", "install the newest hirune, or the one that recorded this tape")
	}
	for _, t := range expectedTables {
		var n int
		q := db.QueryRowContext(context.Background(), "SELECT count(*) FROM sqlite_master WHERE type='table' AND name=?", t)
		if err := q.Scan(&n); err != nil {
			return classify(fmt.Errorf("read %s: %w", path, err))
		}
		if n == 0 {
			return damaged(fmt.Errorf("%s has no table %s", path, t))
		}
	}
	return nil
}

func foreign(path string) error {
	return wrap(ErrForeign, errors.New(path), "tape-foreign", "name a file that hirune record or hirune tape export wrote")
}

func damaged(err error) error {
	return wrap(ErrDamaged, err, "tape-damaged", "use an older copy, or start a new tape: hirune record --tape NEWFILE")
}

// classify gives an error of SQLite or of the system its kind and its hint.
func classify(err error) error {
	var kinds = []error{ErrMissing, ErrForeign, ErrNewer, ErrDamaged, ErrDenied, ErrInUse, ErrFull}
	for _, k := range kinds {
		if errors.Is(err, k) {
			return err
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return wrap(ErrMissing, err, "tape-missing", "start the recorder: sudo hirune record")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), has(err, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN):
		return wrap(ErrDenied, err, "tape-denied", "try again as root: sudo hirune …")
	case has(err, sqlite3.SQLITE_NOTADB):
		return wrap(ErrForeign, err, "tape-foreign", "name a file that hirune record or hirune tape export wrote")
	case has(err, sqlite3.SQLITE_CORRUPT):
		return damaged(err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), has(err, sqlite3.SQLITE_FULL), shmFull(err):
		return wrap(ErrFull, err, "disk-full", "free some space on the tape's file system: df -h; du -xh / | sort -h | tail")
	}
	return err
}

// has reports whether err is an error of SQLite with one of the primary codes.
func has(err error, codes ...int) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code()&0xff == c {
			return true
		}
	}
	return false
}

// shmFull reports whether the index of the write-ahead log could not be
// extended, which is how a full disk shows first.
func shmFull(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE
}

// regular says whether there is a file to open, before SQLite would make one.
func regular(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return classify(fmt.Errorf("open the tape: %w", err))
	}
	if !st.Mode().IsRegular() {
		return foreign(path)
	}
	return nil
}

// versionOf is the schema of a tape.
func versionOf(db querier) (int, error) {
	var v int
	if err := db.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&v); err != nil {
		return 0, classify(fmt.Errorf("read the tape's version: %w", err))
	}
	return v, nil
}

// setMeta writes one line of the tape's own description.
func setMeta(db execer, key, value string) error {
	_, err := db.ExecContext(context.Background(), "INSERT INTO meta VALUES (?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value", key, value)
	return err
}

func getMeta(db *sql.DB, key string) string {
	var v string
	if err := db.QueryRowContext(context.Background(), "SELECT value FROM meta WHERE key=?", key).Scan(&v); err != nil {
		return ""
	}
	return strings.TrimSpace(v)
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
