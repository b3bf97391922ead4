package tape

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sort"
	"time"

	"hirune/internal/core/evidence"
)

// Reader reads a tape, also while a recorder writes to it. It is for one
// goroutine at a time.
type Reader struct {
	db     *sql.DB
	q      querier // the database, or the snapshot that is being read
	path   string
	unpack *unpacker
}

// querier is a database or a transaction on it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Stats is how the reading went.
type Stats struct {
	Facts   int      // facts that were read
	Unknown int      // facts of kinds that this version does not know: from a newer hirune
	Blocks  int      // blocks that were read
	Damaged []Damage // blocks that could not be read, wholly or in part
}

// Damage is a stretch of the tape that is lost. Both times are zero where it
// cannot be told which.
type Damage struct {
	From, To time.Time
	Why      error
}

// Span is the time from the first to the last fact.
type Span struct{ From, To time.Time }

// OpenReader opens a tape for reading; it changes nothing. It returns
// ErrMissing, ErrForeign, ErrNewer, ErrDamaged or ErrDenied with a hint.
func OpenReader(path string) (*Reader, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	r, err := openReader(path, "mode=ro")
	if errors.Is(err, ErrDamaged) {
		// SQLite opens a file that is shorter than its header says only so.
		// What is left of it may be all there is.
		if again, aerr := openReader(path, "mode=ro", "writable_schema=ON"); aerr == nil {
			return again, nil
		}
	}
	if err == nil || !errors.Is(err, ErrDenied) {
		return r, err
	}
	// A tape on a read-only medium: without a log beside it nobody writes to it.
	if _, serr := os.Stat(path + "-wal"); serr == nil {
		return nil, err
	}
	if again, aerr := openReader(path, "mode=ro&immutable=1"); aerr == nil {
		return again, nil
	}
	return nil, err
}

func openReader(path, query string, pragmas ...string) (*Reader, error) {
	db, err := connect(path, query, append(pragmas, "query_only=ON", "cell_size_check=ON")...)
	if err != nil {
		return nil, classify(err)
	}
	return newReader(db, path)
}

// OpenBytes opens an exported tape that is held in memory, such as the one
// that is built in.
func OpenBytes(b []byte) (*Reader, error) {
	db, err := connect(":memory:", "mode=memory")
	if err != nil {
		return nil, err
	}
	if err := deserialize(db, b); err != nil {
		return nil, errors.Join(classify(err), db.Close())
	}
	return newReader(db, "the tape in memory")
}

func deserialize(db *sql.DB, b []byte) error {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("open a tape in memory: %w", err)
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		d, ok := c.(interface{ Deserialize([]byte) error })
		if !ok {
			return errors.New("open a tape in memory: the driver cannot")
		}
		return d.Deserialize(b)
	})
}

func newReader(db *sql.DB, path string) (*Reader, error) {
	err := check(db, path)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	r := &Reader{db: db, q: db, path: path}
	if r.unpack, err = newUnpacker(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return r, nil
}

// Close releases the tape.
func (r *Reader) Close() error {
	r.unpack.close()
	return r.db.Close()
}

// Version is the hirune that wrote last to the tape.
func (r *Reader) Version() string { return getMeta(r.db, "hirune_version") }

// Span is the time that was recorded. What logs told of the time before does
// not count (on a tape of schema 1 it does). It is zero for an empty tape.
func (r *Reader) Span() (Span, error) {
	var from, to sql.NullInt64
	row := r.db.QueryRowContext(context.Background(), `SELECT min(f), max(t) FROM (
		SELECT min(from_ms) f, max(to_ms) t FROM block UNION ALL SELECT min(from_ms), max(to_ms) FROM tail)`)
	if err := row.Scan(&from, &to); err != nil {
		if err = classify(fmt.Errorf("read the span of %s: %w", r.path, err)); errors.Is(err, ErrDamaged) {
			return r.spanOfRest(err)
		}
		return Span{}, err
	}
	if !from.Valid {
		return Span{}, nil
	}
	return Span{time.UnixMilli(from.Int64).UTC(), time.UnixMilli(to.Int64).UTC()}, nil
}

// spanOfRest is the span of the rows that can be listed on a damaged tape; if
// there are none, the tape is lost.
func (r *Reader) spanOfRest(why error) (Span, error) {
	var s Span
	for _, table := range []string{"block", "tail"} {
		refs, err := r.index(table, -1<<62, 1<<62, &Stats{})
		if err != nil {
			return Span{}, err
		}
		for _, ref := range refs {
			from, to := time.UnixMilli(ref.from).UTC(), time.UnixMilli(ref.to).UTC()
			if s.From.IsZero() || from.Before(s.From) {
				s.From = from
			}
			if to.After(s.To) {
				s.To = to
			}
		}
	}
	if s.From.IsZero() {
		return Span{}, why
	}
	return s, nil
}

// Records returns the facts from from to to, both included, oldest first,
// without what logs told of the time before recording (see History). What
// cannot be read is left out and counted in Stats. An error means that nothing
// could be read.
func (r *Reader) Records(from, to time.Time) ([]evidence.Record, Stats, error) {
	var st Stats
	var out []evidence.Record
	err := r.snapshot(func() (err error) {
		out, err = r.records(from, to, &st)
		return err
	})
	return out, st, err
}

// snapshot keeps a recorder's work out of what do reads: between two queries it
// may turn the tail into a block.
func (r *Reader) snapshot(do func() error) error {
	tx, err := r.db.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return classify(fmt.Errorf("read %s: %w", r.path, err))
	}
	r.q = tx
	defer func() { r.q = r.db }()
	err = do()
	_ = tx.Rollback() // nothing was written
	return err
}

func (r *Reader) records(from, to time.Time, st *Stats) ([]evidence.Record, error) {
	lo, hi := from.UnixMilli(), to.UnixMilli()
	rows, err := r.index("block", lo, hi, st)
	if err != nil {
		return nil, err
	}
	tail, err := r.index("tail", lo, hi, st)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, row := range append(rows, tail...) {
		total += min(max(row.facts, 0), maxPending)
	}
	out := make([]evidence.Record, 0, min(total, 1_000_000))
	for _, row := range append(rows, tail...) {
		for _, rec := range r.row(row, st) {
			if !rec.At.Before(from) && !rec.At.After(to) && !fromHistory(rec.Fact) {
				out = append(out, rec)
			}
		}
	}
	st.Facts = len(out)
	sort.SliceStable(out, func(i, j int) bool { return out[i].At.Before(out[j].At) })
	return out, nil
}

// rowRef is a row of block or tail, its data not read yet.
type rowRef struct {
	table    string
	session  int64 // of history only
	id       int64
	from, to int64
	version  int
	facts    int
}

// index lists the rows that touch the time. Where the table is damaged it
// comes from both ends, and takes what it finds.
func (r *Reader) index(table string, lo, hi int64, st *Stats) ([]rowRef, error) {
	up, err := r.scan(table, "ASC", lo, hi)
	if err == nil {
		return up, nil
	}
	if !errors.Is(err, ErrDamaged) {
		return nil, err
	}
	st.Damaged = append(st.Damaged, Damage{Why: err})
	down, _ := r.scan(table, "DESC", lo, hi)
	have := map[int64]bool{}
	for _, row := range up {
		have[row.id] = true
	}
	for _, row := range down {
		if !have[row.id] {
			up = append(up, row)
		}
	}
	sort.Slice(up, func(i, j int) bool { return up[i].id < up[j].id })
	return up, nil
}

func (r *Reader) scan(table, order string, lo, hi int64) ([]rowRef, error) {
	rows, err := r.q.QueryContext(context.Background(), "SELECT id,from_ms,to_ms,version,facts FROM "+table+
		" WHERE to_ms >= ? AND from_ms <= ? ORDER BY id "+order, lo, hi)
	if err != nil {
		return nil, classify(fmt.Errorf("list table %s of %s: %w", table, r.path, err))
	}
	defer rows.Close()
	var out []rowRef
	for rows.Next() {
		ref := rowRef{table: table}
		if err := rows.Scan(&ref.id, &ref.from, &ref.to, &ref.version, &ref.facts); err != nil {
			return out, damaged(fmt.Errorf("list table %s of %s: %w", table, r.path, err))
		}
		out = append(out, ref)
	}
	if err := rows.Err(); err != nil {
		return out, classify(fmt.Errorf("list table %s of %s: %w", table, r.path, err))
	}
	return out, nil
}

// row reads the facts of one row.
func (r *Reader) row(ref rowRef, st *Stats) []evidence.Record {
	st.Blocks++
	var data []byte
	err := r.q.QueryRowContext(context.Background(), "SELECT data FROM "+ref.table+" WHERE id=?", ref.id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // the recorder has turned the tail into a block, or dropped the block, meanwhile
	}
	var out []evidence.Record
	var unknown int
	if err == nil {
		out, unknown, err = r.unpack.records(data)
	}
	st.Unknown += unknown
	if err != nil {
		st.Damaged = append(st.Damaged, Damage{time.UnixMilli(ref.from).UTC(), time.UnixMilli(ref.to).UTC(), err})
	}
	return out
}

// tail reads all that was committed since the last block.
func (r *Reader) tail(st *Stats) ([]evidence.Record, error) {
	refs, err := r.index("tail", -1<<62, 1<<62, st)
	var out []evidence.Record
	for _, ref := range refs {
		out = append(out, r.row(ref, st)...)
	}
	st.Facts += len(out)
	return out, err
}
