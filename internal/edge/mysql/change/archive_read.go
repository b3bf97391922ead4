package change

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// archiveFile is an archive that is read: its head and where its frames are.
type archiveFile struct {
	r      io.ReaderAt
	head   archiveHead
	frames []placedFrame
	end    int64 // after the last whole frame
	size   int64 // of the file; more than end: the rest is torn
}

type placedFrame struct {
	frameHead
	at int64 // of its header
}

// readArchive reads the head and the headers of all frames up to the first that
// is not whole. What the frames hold is checked when they are read.
func readArchive(r io.ReaderAt, size int64) (*archiveFile, error) {
	a := &archiveFile{r: r, size: size}
	if err := a.readHead(); err != nil {
		return nil, err
	}
	buf := make([]byte, frameHeadLen)
	for a.end+frameHeadLen <= size {
		if _, err := r.ReadAt(buf, a.end); err != nil {
			return nil, fmt.Errorf("read a frame's header: %w", err)
		}
		h, err := parseFrameHead(buf)
		if err != nil || a.end+frameHeadLen+int64(h.Packed) > size {
			break
		}
		a.frames = append(a.frames, placedFrame{h, a.end})
		a.end += frameHeadLen + int64(h.Packed)
	}
	return a, nil
}

// errTornHead says that a file ends before its head does: it holds no row.
var errTornHead = errors.New("it ends before its head does")

func (a *archiveFile) readHead() error {
	const fixed = len(archiveMagic) + 8
	start := make([]byte, fixed)
	if a.size < int64(fixed) {
		return fmt.Errorf("%w: %w", errArchive, errTornHead)
	}
	if _, err := a.r.ReadAt(start, 0); err != nil {
		return fmt.Errorf("read the archive's head: %w", err)
	}
	if string(start[:len(archiveMagic)]) != archiveMagic {
		return fmt.Errorf("%w: it is no archive of hirune, or one of a newer version", errArchive)
	}
	n := binary.LittleEndian.Uint32(start[len(archiveMagic):])
	if n > maxHead {
		return fmt.Errorf("%w: its head is too long", errArchive)
	}
	if int64(fixed)+int64(n) > a.size {
		return fmt.Errorf("%w: %w", errArchive, errTornHead)
	}
	text := make([]byte, n)
	if _, err := a.r.ReadAt(text, int64(fixed)); err != nil {
		return fmt.Errorf("read the archive's head: %w", err)
	}
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(start[len(archiveMagic)+4:]) {
		return fmt.Errorf("%w: its head has another checksum", errArchive)
	}
	if err := json.Unmarshal(text, &a.head); err != nil {
		return fmt.Errorf("%w: its head cannot be read", errArchive)
	}
	if a.head.Format != 1 || a.head.key() < 0 {
		return fmt.Errorf("%w: its head is of another format", errArchive)
	}
	a.end = int64(fixed) + int64(n)
	return nil
}

func (h archiveHead) encode() ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if len(text) > maxHead {
		return nil, fmt.Errorf("the table's definition has %d bytes, more than an archive's head takes", len(text))
	}
	b := binary.LittleEndian.AppendUint32([]byte(archiveMagic), uint32(len(text)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(text, castagnoli))
	return append(b, text...), nil
}

// rows is the number of rows of all frames.
func (a *archiveFile) rows() int64 {
	n := int64(0)
	for _, f := range a.frames {
		n += int64(f.Rows)
	}
	return n
}

// lastChunk is the place of the first frame of the last chunk; len(frames) where
// there is none.
func (a *archiveFile) lastChunk() int {
	i := len(a.frames)
	for i > 0 && a.frames[i-1].Chunk == a.frames[len(a.frames)-1].Chunk {
		i--
	}
	return i
}

func newUnpacker() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxFrameRaw))
}

// read unpacks frame i and returns its rows, sorted by key. It wraps errArchive
// where the frame's bytes are not those that were written.
func (a *archiveFile) read(dec *zstd.Decoder, i int) ([]archivedRow, error) {
	f := a.frames[i]
	packed := make([]byte, f.Packed)
	if _, err := a.r.ReadAt(packed, f.at+frameHeadLen); err != nil {
		return nil, fmt.Errorf("read frame %d of the archive: %w", i+1, err)
	}
	if crc32.Checksum(packed, castagnoli) != f.sum {
		return nil, fmt.Errorf("%w: frame %d has another checksum", errArchive, i+1)
	}
	raw, err := dec.DecodeAll(packed, nil)
	if err != nil || len(raw) != int(f.Raw) {
		return nil, fmt.Errorf("%w: frame %d cannot be unpacked", errArchive, i+1)
	}
	rows, err := parseRows(raw, f.Rows, len(a.head.Columns), a.head.key())
	if err != nil {
		return nil, fmt.Errorf("frame %d: %w", i+1, err)
	}
	return rows, nil
}
