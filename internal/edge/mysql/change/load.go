package change

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// loadState is how far an undo is.
type loadState struct {
	Left     int   `json:"left"`              // frames of the archive that are not loaded yet
	Row      int   `json:"row,omitempty"`     // rows of the last of them that are
	Loaded   int64 `json:"loaded"`            // rows that came back
	There    int64 `json:"there,omitempty"`   // rows that were in the table already
	Missing  int64 `json:"missing,omitempty"` // rows that the table does not take
	Differ   int64 `json:"differ,omitempty"`  // rows in the table already that are not as they were
	Taken    int64 `json:"taken,omitempty"`   // of them, those that no newer copy in the archive explains
	Bad      int64 `json:"bad,omitempty"`     // rows of frames that cannot be read
	Unsure   bool  `json:"unsure,omitempty"`  // the server or we were gone meanwhile: what came back may be lost again
	Again    bool  `json:"again,omitempty"`   // all frames are gone through once more for that
	Put      int64 `json:"put,omitempty"`     // rows that were put in since the first frame was gone through last
	Finished bool  `json:"finished,omitempty"`
}

// load is one run of Undo.
type load struct {
	step   remedy.DeleteInChunks
	w      *apply.Work
	h      *chunkHand
	f      *os.File
	file   *archiveFile
	cols   stored
	dec    *zstd.Decoder
	state  chunkState
	u      *loadState
	packet int64 // bytes of a statement
	noted  time.Time
	looked time.Time
	did    apply.Piece
	rate   chunkRate
	total  int64
	at     int   // frame that is loaded now
	taken  int64 // of the latest comparison; see loadState
}

// Undo implements apply.Doer: it loads the archive back, the last chunk first,
// so that of two copies of a row the newer one counts. Rows that are in the
// table stay as they are. Each row that is loaded is read again and compared. It
// returns ErrIrreversible where the step kept no rows, and an error that says how
// many where rows did not come back.
func (c *Chunks) Undo(ctx context.Context, s remedy.Step, w *apply.Work) (err error) {
	step, ok := s.(remedy.DeleteInChunks)
	if !ok {
		return fmt.Errorf("bring rows back: %w: a step of kind %s", apply.ErrRefused, s.Kind())
	}
	if len(w.State) == 0 && step.Archive == "" {
		return nil // it was refused before it had deleted anything: Do notes first
	}
	if step.Archive == "" {
		return fmt.Errorf("bring rows back to %s: the deleted rows were not kept: %w", step.Name(), apply.ErrIrreversible)
	}
	l := &load{step: step, w: w}
	if _, err := w.Load(&l.state); err != nil {
		return fmt.Errorf("read the journal's state: %w", err)
	}
	if l.state.Undo != nil && l.state.Undo.Finished {
		return nil
	}
	defer func() { err = errors.Join(err, l.close()) }()
	there, err := l.open()
	if err == nil && there {
		if err = l.begin(ctx, c); err == nil {
			err = l.run(ctx)
		}
	}
	return stepError("bring rows back to "+step.Name(), err)
}

// open opens the archive. It returns false where nothing was ever deleted: the
// step was stopped before it made its archive.
func (l *load) open() (bool, error) {
	f, err := os.OpenFile(l.step.Archive, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		if l.state.ArchiveBytes == 0 && l.state.Deleted == 0 {
			return false, nil
		}
		// Not irreversible: its disk may only not be mounted, and an undo that counts as ended is not begun again.
		return false, hint.Wrap(fmt.Errorf("the archive %s is gone: %w", l.step.Archive, err), "archive-lost", "put the file back where it was, then: hirune undo")
	}
	if err != nil {
		return false, fmt.Errorf("open the archive: %w", err)
	}
	l.f = f
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return false, hint.Wrap(fmt.Errorf("open the archive %s: %w: another hirune writes it", l.step.Archive, apply.ErrRefused), "archive-busy", "wait until the other hirune has ended")
	}
	st, err := f.Stat()
	if err != nil {
		return false, err
	}
	if st.Size() == 0 && l.state.ArchiveBytes == 0 {
		return false, nil
	}
	if l.file, err = readArchive(f, st.Size()); err != nil {
		return false, fmt.Errorf("open the archive %s: %w", l.step.Archive, err)
	}
	return true, l.mine()
}

// mine makes sure that the archive holds rows of the step's table.
func (l *load) mine() error {
	h := l.file.head
	if h.Schema != l.step.Schema || h.Table != l.step.Table || h.Key != l.step.Key {
		return fmt.Errorf("the archive %s: %w: it holds rows of another table", l.step.Archive, apply.ErrRefused)
	}
	var err error
	if l.cols, err = storedOf(h.Columns); err != nil {
		return err
	}
	if len(l.cols.columns) != len(h.Columns) {
		return fmt.Errorf("the archive %s: %w: it holds generated columns", l.step.Archive, apply.ErrRefused)
	}
	return nil
}

func (l *load) begin(ctx context.Context, c *Chunks) error {
	h, err := c.openChunkHand(ctx, l.step.Isolation)
	if err != nil {
		return err
	}
	l.h = h
	if l.dec, err = newUnpacker(); err != nil {
		return err
	}
	if err := l.look(ctx); err != nil {
		return err
	}
	if l.packet, err = h.packet(ctx); err != nil {
		return err
	}
	if l.state.Undo == nil {
		l.state.Undo = &loadState{Left: len(l.file.frames)}
	}
	l.u = l.state.Undo
	l.u.Unsure = l.u.Unsure || l.u.Left < len(l.file.frames) || l.u.Row > 0
	l.u.Left = min(max(l.u.Left, 0), len(l.file.frames))
	l.total = l.file.rows()
	l.rate.start(l.w.Now())
	return l.note(true)
}

// run loads the frames that are left, the last first. A server that crashed may
// have lost what it had committed, so all of them are looked at once more then,
// until nothing was missing.
func (l *load) run(ctx context.Context) error {
	for passes := 1; ; passes++ {
		if err := l.pass(ctx); err != nil {
			return errors.Join(err, l.note(true))
		}
		if l.u.Put == 0 || !l.u.Unsure || passes == maxPasses {
			break
		}
		*l.u = loadState{Left: len(l.file.frames), Loaded: l.u.Loaded, There: l.u.There, Differ: l.u.Differ, Taken: l.u.Taken, Again: true}
	}
	certain := l.u.Put == 0 || !l.u.Unsure
	l.u.Finished = certain && l.u.Missing == 0 && l.u.Taken == 0 && l.u.Bad == 0 && l.file.end >= l.state.ArchiveBytes
	g := l.progress("")
	g.Fact = l.summary()
	l.w.Tell(g)
	return errors.Join(l.outcome(certain), l.note(true))
}

func (l *load) pass(ctx context.Context) error {
	for l.u.Left > 0 {
		if err := l.frame(ctx, l.u.Left-1); err != nil {
			return err
		}
		l.u.Left, l.u.Row = l.u.Left-1, 0
		if err := l.note(false); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) summary() string {
	s := fmt.Sprintf("%d rows came back", l.u.Loaded)
	if l.u.There > 0 {
		s += fmt.Sprintf(", %d were there already", l.u.There)
	}
	if l.u.Differ > 0 {
		s += fmt.Sprintf(", %d of those with other values, which stay", l.u.Differ)
	}
	return s
}

// outcome says which rows did not come back. The next undo then begins anew:
// what is there stays.
func (l *load) outcome(certain bool) error {
	if l.u.Finished {
		return nil
	}
	said, missing, taken, bad := l.summary(), l.u.Missing, l.u.Taken, l.u.Bad
	l.state.Undo = &loadState{Left: len(l.file.frames)}
	switch {
	case missing > 0:
		return hint.Wrap(fmt.Errorf("%s; %d rows did not: other rows have their unique values, or a constraint of the table stands against them", said, missing),
			"rows-missing", "the rows are in "+l.step.Archive+"; take away what stands against them, then: hirune undo")
	case !certain:
		return hint.Wrap(fmt.Errorf("%s; the database was lost again and again meanwhile, so it is not certain that they stay", said), mysql.CodeDown, "look at the database's error log, then: hirune undo")
	case taken > 0 && bad == 0:
		return hint.Wrap(fmt.Errorf("%s; %d rows did not: other rows have their keys by now, or they were changed, and those stay", said, taken),
			"rows-taken", "the rows as they were are in "+l.step.Archive+"; where those in the table are right: hirune apply --give-up")
	}
	return hint.Wrap(fmt.Errorf("%s; %d rows of damaged parts did not, and %d bytes of %d of the archive can be read: %w", said, bad, l.file.end, max(l.file.size, l.state.ArchiveBytes), errArchive),
		"archive-damaged", "put a good copy of "+l.step.Archive+" in its place, then: hirune undo")
}

func (l *load) progress(wait string) apply.Progress {
	return apply.Progress{Doing: DoingLoad, Wait: wait, Done: l.u.Loaded + l.u.There + l.u.Missing + l.u.Bad, Total: l.total, Rows: l.u.Loaded, PerSec: l.rate.perSec}
}

func (l *load) note(now bool) error {
	at := l.w.Now()
	if !now && at.Sub(l.noted) < noteEvery {
		return nil
	}
	l.noted = at
	return l.w.Note(l.state)
}

func (l *load) close() error {
	var err error
	if l.h != nil {
		err = l.h.Close()
	}
	if l.dec != nil {
		l.dec.Close()
	}
	if l.f != nil {
		l.f.Close()
	}
	return err
}
