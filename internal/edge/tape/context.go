package tape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/evidence"
)

// Context returns the facts about what exists and how things stood at that
// time, however old they are: for each subject the newest that is not after
// before. Where a thing was first described later than that, its first
// description is taken; a state (a service, a source that cannot be read) is
// never taken from later.
func (r *Reader) Context(before time.Time) ([]evidence.Record, Stats, error) {
	var st Stats
	var out []evidence.Record
	err := r.snapshot(func() (err error) {
		out, err = r.context(before, &st)
		return err
	})
	st.Facts = len(out)
	return out, st, err
}

func (r *Reader) context(before time.Time, st *Stats) ([]evidence.Record, error) {
	picks, err := r.contextRows(before.UnixMilli())
	if errors.Is(err, ErrDamaged) {
		st.Damaged = append(st.Damaged, Damage{Why: err})
	} else if err != nil {
		return nil, err
	}
	newest := map[string]int64{} // of what was known then
	for _, p := range picks {
		if p.at <= before.UnixMilli() {
			newest[p.kind] = max(newest[p.kind], p.at)
		}
	}
	var out []evidence.Record
	for _, p := range picks {
		if gatheredWhole[p.kind] && newest[p.kind]-p.at > goneAfter.Milliseconds() {
			continue
		}
		rec, unknown, err := evidence.Decode(bytes.NewReader(p.data))
		st.Unknown += unknown
		if err != nil {
			at := time.UnixMilli(p.at).UTC()
			st.Damaged = append(st.Damaged, Damage{at, at, err})
		}
		out = append(out, rec...)
	}
	tail, err := r.tail(st)
	return newestOnly(out, tail, before), err
}

// pick is a row of context.
type pick struct {
	kind, subject string
	at            int64
	data          []byte
}

// contextRows chooses one row for each subject. The rows of a subject come
// oldest first.
func (r *Reader) contextRows(before int64) ([]pick, error) {
	rows, err := r.q.QueryContext(context.Background(), "SELECT kind,subject,at_ms,data FROM context ORDER BY kind,subject,slot")
	if err != nil {
		return nil, classify(fmt.Errorf("read what exists from %s: %w", r.path, err))
	}
	defer rows.Close()
	var out []pick
	for rows.Next() {
		var p pick
		if err := rows.Scan(&p.kind, &p.subject, &p.at, &p.data); err != nil {
			return out, damaged(fmt.Errorf("read what exists from %s: %w", r.path, err))
		}
		last := len(out) - 1
		same := last >= 0 && out[last].kind == p.kind && out[last].subject == p.subject
		switch {
		case p.at <= before && same:
			out[last] = p
		case p.at <= before, !same && !isState(p.kind):
			out = append(out, p)
		}
	}
	if err := rows.Err(); err != nil {
		return out, classify(fmt.Errorf("read what exists from %s: %w", r.path, err))
	}
	return out, nil
}

func isState(kind string) bool {
	return kind == evidence.ServiceState{}.Kind() || kind == evidence.Unseen{}.Kind()
}

// newestOnly adds what the tail knows of, where it is newer.
func newestOnly(have, tail []evidence.Record, before time.Time) []evidence.Record {
	at := map[string]int{}
	for i, r := range have {
		if sub, ok := subject(r.Fact); ok {
			at[r.Fact.Kind()+"\x1e"+sub] = i
		}
	}
	for _, r := range tail {
		sub, ok := subject(r.Fact)
		if !ok {
			continue
		}
		id := r.Fact.Kind() + "\x1e" + sub
		i, known := at[id]
		switch {
		case known && !r.At.After(before) && !r.At.Before(have[i].At):
			have[i] = r
		case !known && (!r.At.After(before) || !isState(r.Fact.Kind())):
			at[id] = len(have)
			have = append(have, r)
		}
	}
	return have
}
