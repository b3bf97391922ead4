package survey

import (
	"context"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

const (
	// samplePlaces and samplePerPlace make some two hundred rows.
	samplePlaces   = 10
	samplePerPlace = 20
	// sampleValue bounds what is fetched of one value, in bytes; its length is asked
	// of the server.
	sampleValue = 32 << 10
	// sampleTotal bounds what is kept to be packed.
	sampleTotal = 8 << 20
	// rowOverhead is what InnoDB adds to a row: header, transaction, undo pointer.
	rowOverhead = 18
)

// readSizes measures how large a row is, and how large when packed, by some rows
// at ten places of the key. Their values stay in memory and are dropped here.
func readSizes(ctx context.Context, h *mysql.Hand, t *remedy.Table) error {
	if t.Key == "" {
		return nil
	}
	s, places, perPlace := sample{}, uint64(samplePlaces), samplePerPlace
	if uint64(t.MaxKey-t.MinKey) < samplePlaces*samplePerPlace {
		places, perPlace = 1, samplePlaces*samplePerPlace // no row twice
	}
	for i := range places {
		from := t.MinKey + int64(uint64(t.MaxKey-t.MinKey)/places*i)
		if err := s.take(ctx, h, t, from, perPlace); err != nil {
			return fmt.Errorf("read some rows of %s.%s: %w", t.Schema, t.Name, err)
		}
	}
	if s.rows == 0 {
		return nil
	}
	t.RowBytes = s.bytes / s.rows
	packed, err := s.packed()
	t.PackedBytes = packed
	return err
}

// sample is what was fetched of some rows.
type sample struct {
	rows  int64
	bytes int64 // of whole rows
	text  []byte
}

func (s *sample) take(ctx context.Context, h *mysql.Hand, t *remedy.Table, from int64, limit int) error {
	var cols []string
	for _, c := range t.Columns {
		if !c.Generated && !geometry(c.Type) {
			q := remedy.Ident(c.Name)
			cols = append(cols, "COALESCE(LENGTH("+q+"), 0)", "LEFT("+q+", "+fmt.Sprint(sampleValue)+")")
		}
	}
	if err := inTime(ctx); err != nil {
		return err
	}
	k := remedy.Ident(t.Key)
	rows, err := h.Query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s >= %d ORDER BY %s LIMIT %d", strings.Join(cols, ", "), name(t), k, from, k, limit))
	if err != nil {
		return err
	}
	defer rows.Close()
	lengths, values := make([]int64, len(cols)/2), make([][]byte, len(cols)/2)
	dst := make([]any, 0, len(cols))
	for i := range lengths {
		dst = append(dst, &lengths[i], &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(dst...); err != nil {
			return err
		}
		s.rows++
		s.bytes += rowOverhead
		for i, v := range values {
			s.bytes += lengths[i]
			s.keep(v)
		}
	}
	return h.Failed(rows.Err())
}

// geometry reports whether a column holds shapes, which have no length to ask for.
func geometry(kind string) bool {
	switch kind {
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		return true
	}
	return false
}

func (s *sample) keep(v []byte) {
	if len(s.text)+len(v) <= sampleTotal {
		s.text = append(append(s.text, v...), 0)
	}
}

// packed is the size of one row in an archive: the whole at the rate at which the
// sample packs.
func (s *sample) packed() (int64, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return 0, fmt.Errorf("prepare to pack a sample: %w", err)
	}
	rate := float64(len(w.EncodeAll(s.text, nil))) / float64(max(len(s.text), 1))
	if err := w.Close(); err != nil {
		return 0, fmt.Errorf("pack a sample: %w", err)
	}
	return max(int64(float64(s.bytes)*min(rate, 1)/float64(s.rows)), 1), nil
}
