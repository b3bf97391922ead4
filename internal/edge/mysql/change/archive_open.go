package change

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
)

// openArchive opens the archive at path to append to it, or makes it. known is
// the length that the journal knows of: a file that is shorter has lost rows,
// and is refused. A tail that a crash has torn is cut off. spare is what has to
// stay free on its disk.
func openArchive(path string, head archiveHead, known, spare int64) (*archive, *archiveFile, error) {
	f, err := createArchive(path)
	if err != nil {
		return nil, nil, err
	}
	a := &archive{f: f, path: path, key: head.key(), spare: spare}
	read, err := a.takeUp(head, known)
	if err == nil {
		a.enc, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(512<<10), zstd.WithEncoderCRC(false))
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return a, read, nil
}

// createArchive opens the file for us alone, and makes it and its directory
// where they are missing.
func createArchive(path string) (*os.File, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the archive's directory: %w", err)
	}
	if st, err := os.Lstat(dir); err != nil || !st.IsDir() || st.Mode()&0o002 != 0 && st.Mode()&os.ModeSticky == 0 {
		return nil, errors.Join(err, fmt.Errorf("open the archive: %w: everybody may write to its directory %s", apply.ErrRefused, dir))
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(hint.Wrap(fmt.Errorf("open the archive %s: %w: another hirune writes it", path, apply.ErrRefused), "archive-busy", "wait until the other hirune has ended"), f.Close())
	}
	if d, err := os.Open(dir); err == nil {
		err = d.Sync()
		d.Close()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("sync the archive's directory: %w", err), f.Close())
		}
	}
	return f, nil
}

// takeUp writes the head of a new archive, or reads an old one.
func (a *archive) takeUp(head archiveHead, known int64) (*archiveFile, error) {
	st, err := a.f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() < known {
		return nil, hint.Wrap(fmt.Errorf("the archive %s has %d bytes, the journal knows of %d: %w: deleted rows are missing from it", a.path, st.Size(), known, apply.ErrRefused),
			"archive-lost", "put the file back where it was; or close this plan and plan anew")
	}
	read, err := readArchive(a.f, st.Size())
	if known == 0 && errors.Is(err, errTornHead) {
		return a.create(head)
	}
	if err != nil {
		return nil, fmt.Errorf("open the archive %s: %w: %w", a.path, apply.ErrRefused, err)
	}
	if !read.head.same(head) {
		return nil, hint.Wrap(fmt.Errorf("the archive %s holds rows of another purge or of another form of the table: %w", a.path, apply.ErrRefused), "archive-other", "move that file away, or plan anew")
	}
	return read, a.cutTorn(read, known)
}

func (a *archive) create(head archiveHead) (*archiveFile, error) {
	if head.key() < 0 {
		return nil, fmt.Errorf("make the archive %s: %w: the key %s is no column that can be written", a.path, apply.ErrRefused, head.Key)
	}
	text, err := head.encode()
	if err != nil {
		return nil, err
	}
	if err := a.f.Truncate(0); err != nil {
		return nil, fmt.Errorf("make the archive: %w", err)
	}
	if err := a.write(text); err != nil {
		return nil, err
	}
	a.mark = a.size
	return &archiveFile{r: a.f, head: head, end: a.size, size: a.size}, unix.Fdatasync(int(a.f.Fd()))
}

// cutTorn cuts off what a crash has left of the last chunk: it had not been
// synced, so it was not committed either.
func (a *archive) cutTorn(read *archiveFile, known int64) error {
	end := read.end
	dec, err := newUnpacker()
	if err != nil {
		return err
	}
	defer dec.Close()
	last := read.lastChunk()
	for i := last; i < len(read.frames); i++ {
		if _, err := read.read(dec, i); err != nil {
			end = read.frames[last].at
			read.frames = read.frames[:last]
			break
		}
	}
	if end < known || read.size-end > maxTorn {
		return hint.Wrap(fmt.Errorf("the archive %s cannot be read from byte %d on: %w: %w", a.path, end, apply.ErrRefused, errArchive), "archive-damaged",
			"look at the disk; what can be read comes back with: hirune undo")
	}
	if err := a.f.Truncate(end); err != nil {
		return fmt.Errorf("cut the archive's torn end off: %w", err)
	}
	read.end, read.size = end, end
	a.size, a.mark, a.kept = end, end, read.rows()
	if n := len(read.frames); n > 0 {
		a.chunk = read.frames[n-1].Chunk
	}
	return nil
}
