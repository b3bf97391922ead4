package change

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"hirune/internal/core/remedy"
)

// An archive is the file that takes the rows of a purge before they are gone:
//
//	magic, length and checksum of the head, the head as JSON
//	frame, frame, …   each a header and one zstd frame of rows, appended only
//
// A frame is on disk before its chunk is committed, so a deleted row is always
// in the file. The other way round a row of the last chunk may be in the file
// and still in the table; who opens the file to go on settles that chunk first.
const archiveMagic = "hirune rows 1\n\x00\x00"

const (
	// frameRaw is when a frame is closed: it bounds the memory, not the chunk. While
	// a frame is packed the server goes on, until the socket between is full; so a
	// frame is about as large as what a socket holds.
	frameRaw = 256 << 10
	// maxFrameRaw bounds what a reader unpacks. A frame is larger than frameRaw
	// only by its last row.
	maxFrameRaw = 256 << 20
	maxHead     = 1 << 20
	// maxTorn is the most that one chunk that was cut off can have left.
	maxTorn = 256 << 20
)

// errArchive says that a file is no archive, or one that is damaged.
var errArchive = errors.New("the archive is damaged")

// archiveHead says what the rows of an archive are.
type archiveHead struct {
	Format  int             `json:"format"`
	Schema  string          `json:"schema"`
	Table   string          `json:"table"`
	Key     string          `json:"key"`
	Columns []remedy.Column `json:"columns"` // of each row, in this order; generated ones are left out
	Create  string          `json:"create"`  // SHOW CREATE TABLE
	Where   string          `json:"where"`   // the condition of the rows
	Cutoff  time.Time       `json:"cutoff"`
	At      time.Time       `json:"at"`
}

// same reports whether rows of b may be appended to an archive of a.
func (a archiveHead) same(b archiveHead) bool {
	if a.Format != b.Format || a.Schema != b.Schema || a.Table != b.Table || a.Key != b.Key || a.Where != b.Where || len(a.Columns) != len(b.Columns) {
		return false
	}
	for i := range a.Columns {
		if a.Columns[i] != b.Columns[i] {
			return false
		}
	}
	return true
}

// key is the place of the key in each row, -1 if it is not there.
func (a archiveHead) key() int {
	for i, c := range a.Columns {
		if c.Name == a.Key {
			return i
		}
	}
	return -1
}

// frameHead is what stands before the packed rows of a frame.
type frameHead struct {
	Chunk  uint32 // frames of one chunk have one number, each chunk the next
	Rows   uint32
	Raw    uint32 // bytes of the rows unpacked
	Packed uint32 // bytes that follow
	First  int64  // lowest key
	Last   int64  // highest key
	sum    uint32 // of the packed rows
}

const (
	frameMagic   = 0x31465248 // "HRF1"
	frameHeadLen = 44
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (h frameHead) append(b []byte) []byte {
	at := len(b)
	for _, v := range []uint32{frameMagic, h.Chunk, h.Rows, h.Raw, h.Packed} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(h.First))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.Last))
	b = binary.LittleEndian.AppendUint32(b, h.sum)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// parseFrameHead reads a header; b holds at least frameHeadLen bytes.
func parseFrameHead(b []byte) (frameHead, error) {
	u := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	h := frameHead{Chunk: u(4), Rows: u(8), Raw: u(12), Packed: u(16),
		First: int64(binary.LittleEndian.Uint64(b[20:])), Last: int64(binary.LittleEndian.Uint64(b[28:])), sum: u(36)}
	switch {
	case u(0) != frameMagic || u(40) != crc32.Checksum(b[:40], castagnoli):
		return h, fmt.Errorf("%w: no frame begins here", errArchive)
	case h.Raw > maxFrameRaw || h.Packed > maxFrameRaw || h.Rows == 0 || h.Rows > h.Raw || h.First > h.Last:
		return h, fmt.Errorf("%w: impossible frame", errArchive)
	}
	return h, nil
}
