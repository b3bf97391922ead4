package change

import (
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
)

// archive is an archive that is written. One process holds it at a time.
type archive struct {
	f      *os.File
	path   string
	key    int // place of the key in each row
	spare  int64
	size   int64 // of the file
	mark   int64 // where the present chunk began; below it all is kept
	chunk  uint32
	kept   int64 // rows of kept chunks
	n      int64 // rows of the present chunk
	bytes  int64 // of the present chunk's rows, unpacked
	head   frameHead
	raw    []byte
	packed []byte
	enc    *zstd.Encoder
}

// begin starts a chunk.
func (a *archive) begin() {
	a.chunk++
	a.mark, a.n, a.bytes = a.size, 0, 0
	a.raw, a.head = a.raw[:0], frameHead{Chunk: a.chunk}
}

// add takes one row of the present chunk.
func (a *archive) add(row []sql.RawBytes) error {
	k, err := strconv.ParseInt(string(row[a.key]), 10, 64)
	if err != nil {
		return fmt.Errorf("archive a row: its key is no whole number: %w", err)
	}
	was := len(a.raw)
	a.raw = appendRow(a.raw, row)
	if a.head.Rows == 0 || k < a.head.First {
		a.head.First = k
	}
	if a.head.Rows == 0 || k > a.head.Last {
		a.head.Last = k
	}
	a.head.Rows++
	a.n++
	a.bytes += int64(len(a.raw) - was)
	if len(a.raw) >= frameRaw {
		return a.flush()
	}
	return nil
}

// flush writes the rows gathered so far as a frame.
func (a *archive) flush() error {
	if a.head.Rows == 0 {
		return nil
	}
	if len(a.raw) > maxFrameRaw {
		return fmt.Errorf("archive a row: %w: it has %d bytes, more than an archive takes", apply.ErrRefused, len(a.raw))
	}
	a.packed = append(a.packed[:0], make([]byte, frameHeadLen)...)
	a.packed = a.enc.EncodeAll(a.raw, a.packed)
	body := a.packed[frameHeadLen:]
	a.head.Raw, a.head.Packed, a.head.sum = uint32(len(a.raw)), uint32(len(body)), crc32.Checksum(body, castagnoli)
	a.head.append(a.packed[:0])
	if err := a.room(int64(len(a.packed))); err != nil {
		return err
	}
	if err := a.write(a.packed); err != nil {
		return err
	}
	a.raw, a.head = a.raw[:0], frameHead{Chunk: a.chunk}
	if cap(a.raw) > 4*frameRaw { // one huge row does not keep its memory
		a.raw, a.packed = nil, nil
	}
	return nil
}

// room refuses to fill the disk: the database may well live on it.
func (a *archive) room(need int64) error {
	if a.spare <= 0 {
		return nil
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(a.f.Fd()), &st); err != nil {
		return fmt.Errorf("look at the room of the archive's disk: %w", err)
	}
	if free := int64(st.Bavail) * st.Bsize; free-need < a.spare {
		return a.full(fmt.Errorf("%w: %d bytes are free, %d have to stay so", unix.ENOSPC, free, a.spare))
	}
	return nil
}

func (a *archive) full(err error) error {
	return hint.Wrap(fmt.Errorf("write the archive %s: the disk is full: %w", a.path, err), "disk-full", "make room on that disk, then go on with: hirune apply")
}

func (a *archive) write(b []byte) error {
	n, err := a.f.WriteAt(b, a.size)
	a.size += int64(n)
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return a.full(err)
	case err != nil:
		return fmt.Errorf("write the archive %s: %w", a.path, err)
	}
	return nil
}

// sync returns when the present chunk is on disk.
func (a *archive) sync() error {
	if err := a.flush(); err != nil {
		return err
	}
	err := unix.Fdatasync(int(a.f.Fd()))
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return a.full(err)
	case err != nil:
		return fmt.Errorf("sync the archive %s: %w", a.path, err)
	}
	return nil
}

// keep says that the present chunk is committed.
func (a *archive) keep() {
	a.kept += a.n
	a.mark, a.n = a.size, 0
}

// drop takes the present chunk out again: it was rolled back.
func (a *archive) drop() error {
	a.raw, a.head = a.raw[:0], frameHead{Chunk: a.chunk}
	a.n = 0
	if a.size == a.mark {
		return nil
	}
	if err := a.f.Truncate(a.mark); err != nil {
		return fmt.Errorf("take a chunk that was rolled back out of the archive: %w", err)
	}
	a.size = a.mark
	return nil
}

func (a *archive) close() error {
	if a == nil {
		return nil
	}
	return errors.Join(a.enc.Close(), a.f.Close())
}
