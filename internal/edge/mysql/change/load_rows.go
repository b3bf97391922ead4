package change

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

const (
	loadRows  = 500     // of one INSERT
	loadBytes = 1 << 20 // of it
	// driverPacket is the most that the driver sends in one statement.
	driverPacket = 64 << 20
	minPacket    = 16 << 10
)

// packet is how long a statement may be: well under what the server takes, but
// a single long row gets what there is.
func (h *chunkHand) packet(ctx context.Context) (int64, error) {
	rows, err := h.Named(ctx, "SELECT @@session.max_allowed_packet AS n")
	if err != nil {
		return 0, fmt.Errorf("read max_allowed_packet: %w", err)
	}
	n, err := strconv.ParseInt(rows[0]["n"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read max_allowed_packet: %w", err)
	}
	return max(min(n, driverPacket)-1024, minPacket), nil
}

// look refuses to load into a table that has lost or changed a column. A new
// column is taken: it gets its default.
func (l *load) look(ctx context.Context) error {
	t, err := l.h.lookTable(ctx, l.step.On)
	if err != nil {
		return err
	}
	if err := t.takes(l.step, l.cols.columns); err != nil {
		return hint.Wrap(err, "table-changed", "the rows stay in "+l.step.Archive+"; give the table its old form again (it is in the archive's head), then: hirune undo")
	}
	l.looked = l.w.Now()
	return nil
}

// takes reports why the table does not take the archived rows as they were.
func (t chunkTable) takes(s remedy.DeleteInChunks, columns []remedy.Column) error {
	switch {
	case t.readOnly:
		return fmt.Errorf("%w: the server is read-only", apply.ErrRefused)
	case t.kind != "BASE TABLE":
		return tableChanged("it is a %s", strings.ToLower(t.kind))
	case len(t.key) != 1 || !strings.EqualFold(t.key[0], s.Key):
		return tableChanged("the primary key is (%s), not (%s)", strings.Join(t.key, ", "), s.Key)
	case t.triggers > 0:
		return tableChanged("the table has %d triggers, which would run for each row", t.triggers)
	}
	for _, c := range columns {
		now, ok := t.column(c.Name)
		switch {
		case !ok:
			return tableChanged("the column %s is gone", c.Name)
		case now.Generated || !strings.EqualFold(now.FullType, c.FullType) || !strings.EqualFold(now.Charset, c.Charset):
			return tableChanged("the column %s was %s and is %s now", c.Name, c.FullType, now.FullType)
		}
	}
	return nil
}

// frame loads one frame.
func (l *load) frame(ctx context.Context, i int) error {
	l.at = i
	rows, err := l.file.read(l.dec, i)
	if errors.Is(err, errArchive) {
		l.u.Bad += int64(l.file.frames[i].Rows) // the other frames are loaded all the same
		return nil
	}
	if err != nil {
		return err
	}
	for rows = rows[min(max(l.u.Row, 0), len(rows)):]; len(rows) > 0; {
		grant, err := l.w.Pace.Next(ctx, l.did)
		if err == nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", apply.ErrStopped, ctx.Err())
		}
		if err != nil {
			return err
		}
		l.w.Tell(l.progress(grant.Why))
		n, err := l.batch(ctx, rows, grant)
		if err != nil {
			return err
		}
		rows = rows[n:]
		l.u.Row += n
		if err := l.note(false); err != nil {
			return err
		}
	}
	return nil
}

// batch loads the next rows in one statement, and tries again where something
// is in the way. It returns how many of rows it has dealt with.
func (l *load) batch(ctx context.Context, rows []archivedRow, g apply.Grant) (int, error) {
	most := loadRows
	if g.Size > 0 {
		most = int(min(g.Size, loadRows))
	}
	for {
		text, n := l.insert(rows[:min(most, len(rows))])
		if int64(len(text)) > l.packet {
			return 0, hint.Wrap(fmt.Errorf("one row takes a statement of %d bytes, the server takes %d: %w", len(text), l.packet, apply.ErrRefused), "packet", fmt.Sprintf("SET GLOBAL max_allowed_packet=%d, then: hirune undo", 2*len(text)))
		}
		began := l.w.Now()
		err := l.put(context.WithoutCancel(ctx), text, rows[:n])
		if err == nil {
			l.h.done()
			l.did.Size, l.did.Took = int64(n), l.w.Now().Sub(began)
			l.rate.add(l.w.Now(), l.did.Rows)
			return n, nil
		}
		l.w.Tell(l.progress(waitCode(err)))
		what, err := l.h.recover(ctx, err)
		if err != nil {
			return 0, err
		}
		if what == tryAnew {
			l.looked, l.u.Unsure = time.Time{}, true
		}
		most = max(n/2, 1)
	}
}

// insert makes the statement for as many of rows as one takes, one at least.
func (l *load) insert(rows []archivedRow) (text string, n int) {
	most := min(loadBytes, l.packet)
	b := []byte("INSERT IGNORE INTO " + l.step.Name() + " (" + l.cols.names() + ") VALUES ")
	for i, r := range rows {
		was := len(b)
		if i > 0 {
			b = append(b, ',')
		}
		b = l.cols.appendTuple(b, r)
		if i > 0 && int64(len(b)) > most {
			return string(b[:was]), i
		}
	}
	return string(b), len(rows)
}

// put inserts the rows and reads them again.
func (l *load) put(ctx context.Context, text string, rows []archivedRow) error {
	if l.w.Now().Sub(l.looked) >= lookEvery {
		if err := l.look(ctx); err != nil {
			return err
		}
	}
	l.did.Rows = 0
	if l.u.Again {
		if same, differ, err := l.compare(ctx, rows); err != nil || same+differ == int64(len(rows)) {
			return err
		}
	}
	n, err := l.h.Exec(ctx, text)
	if err != nil {
		return err
	}
	same, differ, err := l.compare(ctx, rows)
	if err != nil {
		return err
	}
	if n == int64(len(rows)) && differ > 0 {
		return fmt.Errorf("%w: %d of %d rows came back with other values than they had", apply.ErrUnknownOutcome, differ, n)
	}
	l.did.Rows = n
	l.u.Put += n
	if !l.u.Again { // else they are counted already
		l.u.Loaded += n
		l.u.There += same + differ - n
		l.u.Differ += differ
		l.u.Taken += l.taken
	}
	l.u.Missing += int64(len(rows)) - same - differ
	return nil
}

// compare reads the rows by their keys and counts those that are as archived and
// those that are not; the rest is not there.
func (l *load) compare(ctx context.Context, rows []archivedRow) (same, differ int64, err error) {
	l.taken = 0
	keys := make([]int64, len(rows))
	for i, r := range rows {
		keys[i] = r.key
	}
	k := remedy.Ident(l.step.Key)
	got, err := l.h.Query(ctx, "SELECT "+l.cols.selects()+" FROM "+l.step.Name()+" FORCE INDEX (PRIMARY) WHERE "+k+" IN ("+keyList(keys)+") ORDER BY "+k)
	if err != nil {
		return 0, 0, err
	}
	defer got.Close()
	values, dst := make([]sql.RawBytes, len(l.cols.columns)), make([]any, len(l.cols.columns))
	for i := range values {
		dst[i] = &values[i]
	}
	key := l.file.head.key()
	for got.Next() {
		if err := got.Scan(dst...); err != nil {
			return 0, 0, l.h.Failed(err)
		}
		for len(rows) > 0 && strconv.FormatInt(rows[0].key, 10) != string(values[key]) {
			rows = rows[1:]
		}
		if len(rows) == 0 {
			return 0, 0, fmt.Errorf("read the rows that came back: the server gave a key that was not asked for")
		}
		if sameRow(rows[0].values, values) {
			same++
		} else {
			differ++
			if !l.newer(rows[0].key) {
				l.taken++
			}
		}
	}
	return same, differ, l.h.Failed(got.Err())
}

// newer reports whether the archive explains that a row of the present frame is
// another one in the table: a later frame may hold it, too, because it came back
// and was deleted again; and the last chunk of a purge that was broken off may
// never have been committed.
func (l *load) newer(key int64) bool {
	last := l.file.frames[len(l.file.frames)-1]
	if !l.state.Finished && l.file.frames[l.at].Chunk == last.Chunk {
		return true
	}
	return slices.ContainsFunc(l.file.frames[l.at+1:], func(f placedFrame) bool { return f.First <= key && key <= f.Last })
}

func sameRow(a, b []sql.RawBytes) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
