package tape

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/evidence"
)

// subject says what a fact describes, where it describes what exists or how
// something stands, rather than what happened. Such facts are looked up by
// subject even when they are older than the window.
func subject(f evidence.Fact) (string, bool) {
	switch f := f.(type) {
	case evidence.Site:
		return key(f.Name, f.Root), true
	case evidence.Table:
		return key(f.DB, f.Schema, f.Name), true
	case evidence.TableGrowth:
		return key(f.DB, f.Schema, f.Name, f.Column), true
	case evidence.Plan:
		return key(f.DB, f.Digest, f.Table), true
	case evidence.Filter:
		return key(f.DB, f.Digest, f.Table), true
	case evidence.Owner:
		return key(f.Site, f.Table), true
	case evidence.HookTable:
		return key(f.Site, f.Hook, f.Table), true
	case evidence.CronEvent:
		return key(f.Site, f.Hook, f.Schedule), true
	case evidence.Schedule:
		return key(f.Origin, f.Spec, f.Command), true
	case evidence.OptionUse:
		return key(f.Site, f.Table), true
	case evidence.DBServer:
		return key(f.DB), true
	case evidence.ServiceState:
		return key(f.Service, f.Instance), true
	case evidence.Unseen:
		return key(f.Source, f.Code, f.What), true
	}
	return "", false
}

func key(parts ...string) string { return strings.Join(parts, "\x1f") }

// state is what must change for a fact about how something stands to be
// written again; ok is false for facts about what exists.
func state(f evidence.Fact) (string, bool) {
	switch f := f.(type) {
	case evidence.ServiceState:
		return strconv.FormatBool(f.Up), true
	case evidence.Unseen:
		return strconv.FormatBool(f.Seen) + f.Detail, true
	}
	return "", false
}

// gatheredWhole are the kinds that a collector lists in full each time: what
// is not on the newest lists is gone.
var gatheredWhole = map[string]bool{"site": true, "table": true, "owner": true, "hook-table": true, "cron-event": true, "schedule": true}

// goneAfter is how much older than the newest of its kind a fact may be.
const goneAfter = 50 * time.Hour

// maxKnown bounds the memory for what was written already.
const maxKnown = 8192

// knowledge is what exists, as far as the running minute changes it.
type knowledge struct {
	seed maphash.Seed
	last map[string]uint64 // kind and subject → content and day of the last fact
	news map[string]evidence.Record
}

func (k *knowledge) see(r evidence.Record) {
	sub, ok := subject(r.Fact)
	if !ok {
		return
	}
	if k.last == nil || len(k.last) > maxKnown {
		k.last, k.seed = map[string]uint64{}, maphash.MakeSeed()
	}
	if k.news == nil {
		k.news = map[string]evidence.Record{}
	}
	id := r.Fact.Kind() + "\x1e" + sub
	mark := k.mark(r)
	if k.last[id] == mark || len(k.news) > maxKnown {
		return
	}
	k.last[id] = mark
	slot := slotOf(r)
	k.news[id+"\x1e"+strconv.FormatInt(slot, 10)] = r
}

// mark changes when the fact has to be written again.
func (k *knowledge) mark(r evidence.Record) uint64 {
	var h maphash.Hash
	h.SetSeed(k.seed)
	if s, ok := state(r.Fact); ok {
		h.WriteString(s)
		return h.Sum64() | 1
	}
	h.WriteString(strconv.FormatInt(slotOf(r), 10))
	var b bytes.Buffer
	if evidence.Encode(&b, []evidence.Record{{Fact: r.Fact}}) == nil {
		h.Write(b.Bytes())
	}
	return h.Sum64() | 1
}

// slotOf is how many versions of a subject are kept: one for each day, and for
// a state each change.
func slotOf(r evidence.Record) int64 {
	if _, ok := state(r.Fact); ok {
		return r.At.UnixMilli()
	}
	return r.At.Unix() / 86400
}

// write stores what the minute brought. It may be called again after a failure.
func (k *knowledge) write(tx *sql.Tx) error {
	if len(k.news) == 0 {
		return nil
	}
	st, err := tx.PrepareContext(context.Background(), "INSERT OR REPLACE INTO context VALUES (?,?,?,?,?,?)")
	if err != nil {
		return fmt.Errorf("write what exists: %w", err)
	}
	defer st.Close()
	for _, r := range k.news {
		var b bytes.Buffer
		if err := evidence.Encode(&b, []evidence.Record{r}); err != nil {
			return err
		}
		sub, _ := subject(r.Fact)
		if _, err := st.ExecContext(context.Background(), r.Fact.Kind(), sub, slotOf(r), r.At.UnixMilli(), evidence.Version, b.Bytes()); err != nil {
			return fmt.Errorf("write what exists: %w", err)
		}
	}
	return nil
}

func (k *knowledge) written() { clear(k.news) }
