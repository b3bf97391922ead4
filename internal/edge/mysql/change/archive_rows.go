package change

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// appendRow appends one row: each value as its length plus one and its bytes,
// NULL as 0.
func appendRow(b []byte, row []sql.RawBytes) []byte {
	for _, v := range row {
		if v == nil {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(v))+1)
		b = append(b, v...)
	}
	return b
}

// archivedRow is one row of a frame; its values point into the frame. A nil
// value is NULL.
type archivedRow struct {
	key    int64
	values []sql.RawBytes
}

// parseRows reads the rows of a frame, sorted by key. width is the number of
// columns, key the place of the key among them.
func parseRows(raw []byte, n uint32, width, key int) ([]archivedRow, error) {
	if width <= 0 || key < 0 || key >= width || uint64(n)*uint64(width) > uint64(len(raw)) {
		return nil, fmt.Errorf("%w: more rows than bytes", errArchive)
	}
	rows := make([]archivedRow, n)
	values := make([]sql.RawBytes, int(n)*width)
	for i := range rows {
		row := values[i*width : (i+1)*width : (i+1)*width]
		for j := range row {
			v, rest, err := parseValue(raw)
			if err != nil {
				return nil, err
			}
			row[j], raw = v, rest
		}
		k, err := strconv.ParseInt(string(row[key]), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: a row without its key", errArchive)
		}
		rows[i] = archivedRow{k, row}
	}
	if len(raw) != 0 {
		return nil, fmt.Errorf("%w: bytes after the last row", errArchive)
	}
	slices.SortFunc(rows, func(a, b archivedRow) int { return cmp.Compare(a.key, b.key) })
	return rows, nil
}

func parseValue(b []byte) (v sql.RawBytes, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n)+1 {
		return nil, nil, fmt.Errorf("%w: a value is longer than its frame", errArchive)
	}
	if size == 0 {
		return nil, b[n:], nil
	}
	end := n + int(size) - 1
	return sql.RawBytes(b[n:end:end]), b[end:], nil
}
