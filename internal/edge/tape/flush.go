package tape

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sort"
	"time"

	"hirune/internal/core/evidence"
)

// bundle is encoded facts on their way to one row: a buffer for each kind,
// because equal things side by side compress to about two thirds.
type bundle struct {
	kinds    map[string]*bytes.Buffer
	written  map[string]int // bytes of each buffer that the tail holds
	from, to int64
	facts    int
	bytes    int
	newFacts int // not yet in the tail
}

// add encodes records of one kind.
func (b *bundle) add(kind string, records []evidence.Record) error {
	if b.kinds == nil {
		b.kinds, b.written = map[string]*bytes.Buffer{}, map[string]int{}
	}
	buf := b.kinds[kind]
	if buf == nil {
		buf = &bytes.Buffer{}
		b.kinds[kind] = buf
	}
	before := buf.Len()
	if err := evidence.Encode(buf, records); err != nil {
		buf.Truncate(before)
		return err
	}
	for _, r := range records {
		at := r.At.UnixMilli()
		if b.facts == 0 || at < b.from {
			b.from = at
		}
		if b.facts == 0 || at > b.to {
			b.to = at
		}
		b.facts++
	}
	b.newFacts += len(records)
	b.bytes += buf.Len() - before
	return nil
}

// raw returns the encoded facts by kind: all of them, or those that the tail
// does not hold yet.
func (b *bundle) raw(all bool) []byte {
	names := make([]string, 0, len(b.kinds))
	for k := range b.kinds {
		names = append(names, k)
	}
	sort.Strings(names)
	out := make([]byte, 0, b.bytes)
	for _, k := range names {
		from := b.written[k]
		if all {
			from = 0
		}
		out = append(out, b.kinds[k].Bytes()[from:]...)
	}
	return out
}

func (b *bundle) inTail() {
	for k, buf := range b.kinds {
		b.written[k] = buf.Len()
	}
	b.newFacts = 0
}

// nowhere says that the tail that held a part of the bundle is gone.
func (b *bundle) nowhere() {
	clear(b.written)
	b.newFacts = b.facts
}

// reset empties the bundle but keeps its buffers, so that a minute costs no
// new memory.
func (b *bundle) reset() {
	for k, buf := range b.kinds {
		if buf.Len() == 0 || buf.Cap() > maxBlockRaw {
			delete(b.kinds, k) // a kind that has gone out of use
			continue
		}
		buf.Reset()
	}
	clear(b.written)
	b.from, b.to, b.facts, b.bytes, b.newFacts = 0, 0, 0, 0, 0
}

// encode moves the pending records into the bundles.
func (w *Writer) encode(now time.Time) error {
	w.mu.Lock()
	records := w.pending
	w.pending = nil
	w.mu.Unlock()
	if len(records) == 0 {
		return nil
	}
	sort.SliceStable(records, func(i, j int) bool { return records[i].Fact.Kind() < records[j].Fact.Kind() })
	var bad []error
	for i := 0; i < len(records); {
		kind, past := records[i].Fact.Kind(), fromHistory(records[i].Fact)
		j := i + 1
		for j < len(records) && records[j].Fact.Kind() == kind && fromHistory(records[j].Fact) == past {
			j++
		}
		to := &w.minute
		if past {
			to = &w.history
		}
		bad = append(bad, to.add(kind, records[i:j]))
		i = j
	}
	if w.began.IsZero() && w.minute.facts > 0 {
		w.began = now
	}
	w.observe(records)
	return errors.Join(bad...)
}

// observe keeps what the plain tables need.
func (w *Writer) observe(records []evidence.Record) {
	for _, r := range records {
		w.roll.add(r.Fact)
		w.known.see(r)
		if s, ok := r.Fact.(evidence.Statement); ok {
			w.seeShape(r.At, s)
		}
	}
}

// due reports whether the running minute is over: by the clock, by a clock
// that was set back, or by its size.
func (w *Writer) due(now time.Time) bool {
	if w.minute.facts == 0 {
		return w.history.bytes > maxBlockRaw
	}
	age, every := now.Sub(w.began), blockEvery
	if w.opt.export {
		every = exportBlock
	}
	return age >= every || age < 0 || w.minute.bytes+w.history.bytes > maxBlockRaw
}

// commitTail writes what is new as one small row.
func (w *Writer) commitTail() error {
	if w.minute.newFacts+w.history.newFacts == 0 {
		return nil
	}
	err := w.inTx(func(tx *sql.Tx) error {
		if w.minute.newFacts > 0 {
			if err := w.insert(tx, "tail", &w.minute, w.minute.newFacts, false); err != nil {
				return err
			}
		}
		return w.insertHistory(tx)
	})
	if err != nil {
		return w.couldNot(err)
	}
	w.full = false
	w.minute.inTail()
	w.history.reset()
	return nil
}

// insert writes a bundle as a row of tail or block.
func (w *Writer) insert(tx *sql.Tx, table string, b *bundle, facts int, all bool) error {
	data := w.pack.pack(nil, b.raw(all))
	_, err := tx.ExecContext(context.Background(), "INSERT INTO "+table+" (from_ms,to_ms,version,facts,data) VALUES (?,?,?,?,?)",
		b.from, b.to, evidence.Version, facts, data)
	if err != nil {
		return fmt.Errorf("write to table %s of %s: %w", table, w.path, err)
	}
	return nil
}

// couldNot makes room after a failed write. On a full disk the log's own room
// may be what is missing. And a minute that has grown far beyond a block is
// dropped, so that a full disk does not become a full memory.
func (w *Writer) couldNot(err error) error {
	if w.full = errors.Is(classify(err), ErrFull); w.full {
		w.makeRoom()
	}
	if w.minute.bytes+w.history.bytes <= 2*maxBlockRaw {
		return err
	}
	w.mu.Lock()
	w.lost += w.minute.newFacts + w.history.newFacts
	w.mu.Unlock()
	w.minute.reset()
	w.history.reset()
	return err
}

// makeRoom moves the log into the tape and gives its room back. It is tried
// before the next write, too: what others have freed meanwhile must serve to
// shorten the log first, because a write that fails again would take it.
func (w *Writer) makeRoom() {
	if w.db == nil {
		return
	}
	_, _ = w.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)") // if it fails, so does the write
}

// closeMinute turns the tail into blocks and brings the plain tables up to date.
func (w *Writer) closeMinute(now time.Time) error {
	err := w.inTx(func(tx *sql.Tx) error {
		if w.minute.facts > 0 {
			if err := w.insert(tx, "block", &w.minute, w.minute.facts, true); err != nil {
				return err
			}
		}
		if err := w.insertHistory(tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(context.Background(), "DELETE FROM tail"); err != nil {
			return fmt.Errorf("empty the tail of %s: %w", w.path, err)
		}
		return errors.Join(w.writeMinute(tx), w.writeShapes(tx), w.known.write(tx), w.prune(tx, now))
	})
	if err != nil {
		return w.couldNot(err)
	}
	w.full = false
	w.minute.reset()
	w.history.reset()
	w.roll = rollup{}
	clear(w.shapes)
	w.known.written()
	w.began = now
	return w.tidy()
}

// tidy moves the log into the file. A reader may stand in the way of that: the
// next minute does it then, so a busy database is no error.
func (w *Writer) tidy() error {
	if w.opt.export {
		return nil
	}
	var busy, log, done int
	err := w.db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &log, &done)
	if err != nil {
		return fmt.Errorf("move the log into %s: %w", w.path, err)
	}
	return w.giveBack()
}

// recover turns the batches that a crash left into a block.
func (w *Writer) recover() error {
	r := &Reader{db: w.db, q: w.db, path: w.path}
	var err error
	if r.unpack, err = newUnpacker(); err != nil {
		return err
	}
	defer r.unpack.close()
	var st Stats
	records, err := r.tail(&st)
	if err != nil || st.Facts == 0 && len(st.Damaged) == 0 {
		return err
	}
	w.pending = records
	// A tail of a newer hirune, or one that cannot be read, stays as it is.
	if st.Unknown > 0 || len(st.Damaged) > 0 {
		if err := w.keepTail(); err != nil {
			return err
		}
		w.pending = nil
		return nil
	}
	if err := w.encode(w.opt.Now); err != nil {
		return err
	}
	// On a full disk the facts stay in the tail; a later minute moves them.
	w.minute.inTail()
	w.history.inTail()
	return unlessFull(w.closeMinute(w.opt.Now))
}

// unlessFull drops the error of a full disk, where work can wait for room.
func unlessFull(err error) error {
	if errors.Is(classify(err), ErrFull) {
		return nil
	}
	return err
}

// keepTail makes blocks of the tail's rows as they are, unread.
func (w *Writer) keepTail() error {
	return w.inTx(func(tx *sql.Tx) error {
		for _, q := range []string{"INSERT INTO block (from_ms,to_ms,version,facts,data) SELECT from_ms,to_ms,version,facts,data FROM tail ORDER BY id", "DELETE FROM tail"} {
			if _, err := tx.ExecContext(context.Background(), q); err != nil {
				return fmt.Errorf("keep the tail of %s: %w", w.path, err)
			}
		}
		return nil
	})
}
