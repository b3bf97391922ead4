package tape

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"hirune/internal/core/evidence"
)

// fromHistory reports whether a fact was read from what a log held before the
// recorder began to follow it. A change always counts as such: its moment may lie
// days before it was noticed.
func fromHistory(f evidence.Fact) bool {
	switch f := f.(type) {
	case evidence.Traffic:
		return f.FromHist
	case evidence.ClientUse:
		return f.FromHist
	case evidence.ErrorLine:
		return f.FromHist
	case evidence.Change:
		return true
	}
	return false
}

// insertHistory writes the history that was gathered since the last commit. It
// needs no tail: it comes in a few large pieces, at the start.
func (w *Writer) insertHistory(tx *sql.Tx) error {
	b := &w.history
	if b.facts == 0 {
		return nil
	}
	data := w.pack.pack(nil, b.raw(true))
	_, err := tx.ExecContext(context.Background(), "INSERT INTO history (session,from_ms,to_ms,version,facts,data) VALUES (?,?,?,?,?,?)",
		w.opt.Now.UnixMilli(), b.from, b.to, evidence.Version, b.facts, data)
	if err != nil {
		return fmt.Errorf("write to table history of %s: %w", w.path, err)
	}
	return nil
}

// smallTape is up to which size in bytes a tape of schema 1 is searched for
// history, which is among its blocks.
const smallTape = 4 << 20

// History returns what logs told of the time before they were followed, oldest
// first. Each run of the recorder reads them anew; of what several tell of the
// same hour the newest is taken.
func (r *Reader) History() ([]evidence.Record, Stats, error) {
	var st Stats
	var out []evidence.Record
	err := r.snapshot(func() (err error) {
		out, err = r.history(&st)
		return err
	})
	st.Facts = len(out)
	sort.SliceStable(out, func(i, j int) bool { return out[i].At.Before(out[j].At) })
	return out, st, err
}

func (r *Reader) history(st *Stats) ([]evidence.Record, error) {
	refs, err := r.historyRefs(st)
	if errors.Is(err, ErrDamaged) {
		st.Damaged = append(st.Damaged, Damage{Why: err})
	} else if err != nil {
		return nil, err
	}
	slices.SortStableFunc(refs, func(a, b rowRef) int { return cmp.Compare(b.session, a.session) })
	var out []evidence.Record
	said := map[string]int64{} // hour of a source → the newest session that told it
	for _, ref := range refs {
		for _, rec := range r.row(ref, st) {
			if !fromHistory(rec.Fact) {
				continue
			}
			k := hourOf(rec)
			if by, known := said[k]; known && by != ref.session {
				continue
			}
			said[k] = ref.session
			out = append(out, rec)
		}
	}
	return out, nil
}

// hourOf is what only one run of the recorder may tell: an hour of a log, or an
// error or a change in its second. The newest run knows an hour that was not over at the
// start of the one before.
func hourOf(r evidence.Record) string {
	hour := r.At.Add(-time.Millisecond).Truncate(time.Hour).Format(time.RFC3339)
	switch f := r.Fact.(type) {
	case evidence.Traffic:
		return key("traffic", f.Site, f.Class, hour)
	case evidence.ClientUse:
		return key("client", f.Site, f.Class, hour)
	case evidence.ErrorLine:
		return key("error", f.Service, f.Instance, f.ID, f.File, r.At.Truncate(time.Second).Format(time.RFC3339))
	case evidence.Change:
		return key("change", f.Site, f.What, f.Name, f.Verb, r.At.Truncate(time.Second).Format(time.RFC3339))
	}
	return ""
}

func (r *Reader) historyRefs(st *Stats) ([]rowRef, error) {
	version, err := versionOf(r.q)
	if err != nil {
		return nil, err
	}
	if version < 2 {
		return r.oldHistoryRefs(st)
	}
	rows, err := r.q.QueryContext(context.Background(), "SELECT id,session,from_ms,to_ms,version,facts FROM history ORDER BY id")
	if err != nil {
		return nil, classify(fmt.Errorf("list table history of %s: %w", r.path, err))
	}
	defer rows.Close()
	var out []rowRef
	for rows.Next() {
		ref := rowRef{table: "history"}
		if err := rows.Scan(&ref.id, &ref.session, &ref.from, &ref.to, &ref.version, &ref.facts); err != nil {
			return out, damaged(fmt.Errorf("list table history of %s: %w", r.path, err))
		}
		out = append(out, ref)
	}
	if err := rows.Err(); err != nil {
		return out, classify(fmt.Errorf("list table history of %s: %w", r.path, err))
	}
	return out, nil
}

// oldHistoryRefs are the blocks of a small tape of schema 1.
func (r *Reader) oldHistoryRefs(st *Stats) ([]rowRef, error) {
	var pages, size int64
	row := r.q.QueryRowContext(context.Background(), "SELECT p.page_count, s.page_size FROM pragma_page_count p, pragma_page_size s")
	if err := row.Scan(&pages, &size); err != nil || pages*size > smallTape {
		return nil, classify(err)
	}
	out, err := r.index("block", -1<<62, 1<<62, st)
	if err != nil {
		return nil, err
	}
	tail, err := r.index("tail", -1<<62, 1<<62, st)
	return append(out, tail...), err
}
