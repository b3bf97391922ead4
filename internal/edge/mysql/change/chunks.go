package change

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

var _ apply.Doer = (*Chunks)(nil)

// Chunks carries out remedy.DeleteInChunks: it deletes by ranges of the primary
// key, one transaction each, and keeps the deleted rows in the step's archive.
//
// Each chunk goes over keys that are there: the next ones are read first, so
// holes in the key space cost nothing and rows that stay are not locked. A chunk
// is idempotent; what is journaled saves time, and what is in the archive is the
// truth of what was deleted.
type Chunks struct {
	Server
	Spare int64 // bytes of the archive's disk that stay free; 0: 256 MiB, less than 0: none
}

const defaultSpare = 256 << 20

func (c *Chunks) spare() int64 {
	if c.Spare == 0 {
		return defaultSpare
	}
	return max(c.Spare, 0)
}

// chunkState is what Do and Undo journal.
type chunkState struct {
	Next         int64      `json:"next"`                // first key that was not looked at
	Deleted      int64      `json:"deleted"`             // rows
	Estimated    bool       `json:"estimated,omitempty"` // an answer was lost: Deleted may be off by a chunk
	Archive      string     `json:"archive,omitempty"`
	ArchiveBytes int64      `json:"archive_bytes,omitempty"` // that hold committed chunks
	Mismatches   int64      `json:"mismatches,omitempty"`    // without transactions: rows archived but not deleted, or the other way round
	Finished     bool       `json:"finished,omitempty"`
	Undo         *loadState `json:"undo,omitempty"` // an undo was begun: all else is of before
}

const (
	noteEvery  = time.Second
	lookEvery  = 5 * time.Second
	maxPasses  = 8
	firstRows  = 256 // in the first chunk that is archived: nothing is known of the rows' size
	tinyRows   = 200 // in a chunk where each locks the whole table
	skipRows   = 5000
	aimBytes   = 8 << 20  // of the rows of one chunk
	mostBytes  = 24 << 20 // of them: the chunk is rolled back and made smaller
	calmAfter  = 8        // chunks
	slowFactor = 5        // a chunk that is so much slower has its plan looked at again
	mostFactor = 20       // of the rows that the server may look at for each that a chunk has
)

// purge is one run of Do.
type purge struct {
	step     remedy.DeleteInChunks
	w        *apply.Work
	h        *chunkHand
	cols     stored
	arch     *archive
	doubt    *archiveFile // its last chunk may be committed or not; nil: it is known
	state    chunkState
	noted    time.Time
	looked   time.Time // at the table
	planned  bool      // the server's way to delete was looked at
	dense    bool      // nearly all rows of the last chunk were doomed
	full     bool      // nearly all numbers of its range were keys of doomed rows
	unsure   bool      // rows behind us may be there again: one more pass
	passRows int64     // rows deleted since this pass over the table began
	probe    int64     // keys that the next look may go over; more after a look that found nothing
	cut      int64     // times that the chunk was halved
	calm     int64     // chunks since then
	perRow   float64   // bytes in the archive, unpacked
	perRowNs float64   // time of a row, of late; 0: none was deleted yet
	rate     chunkRate
}

// Do implements apply.Doer.
func (c *Chunks) Do(ctx context.Context, s remedy.Step, w *apply.Work) (err error) {
	step, ok := s.(remedy.DeleteInChunks)
	if !ok {
		return fmt.Errorf("delete in chunks: %w: a step of kind %s", apply.ErrRefused, s.Kind())
	}
	if step.ToKey == math.MaxInt64 || step.Doomed.Literal == "" {
		return fmt.Errorf("delete in chunks: %w: the step has no last key or no cutoff", apply.ErrRefused)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete rows of %s: %w: %w", step.Name(), apply.ErrStopped, err)
	}
	p := &purge{step: step, w: w}
	defer func() { err = errors.Join(err, p.close()) }()
	if err = p.begin(ctx, c); err == nil {
		err = p.run(ctx)
	}
	return stepError("delete rows of "+step.Name(), err)
}

// stepError words how a step ended; a cancelled context is a clean stop.
func stepError(what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) && !errors.Is(err, apply.ErrStopped) {
		err = fmt.Errorf("%w: %w", apply.ErrStopped, err)
	}
	return fmt.Errorf("%s: %w", what, explained(err))
}

// begin takes the work up where it was left: it looks at the table, opens the
// archive, and journals before anything is deleted.
func (p *purge) begin(ctx context.Context, c *Chunks) error {
	if _, err := p.w.Load(&p.state); err != nil {
		return fmt.Errorf("read the journal's state: %w", err)
	}
	known := p.state.ArchiveBytes
	if p.state.Undo != nil { // what was deleted came back, in part or whole
		p.state = chunkState{}
	}
	if p.state.Archive != "" && p.state.Archive != p.step.Archive {
		known = 0
	}
	h, err := c.openChunkHand(ctx, p.step.Isolation)
	if err != nil {
		return err
	}
	p.h = h
	t, err := p.look(ctx, true)
	if err != nil {
		return err
	}
	if err := p.openArchive(ctx, c, t, known); err != nil {
		return err
	}
	p.unsure = p.state.Next > p.step.FromKey
	p.state.Next = max(p.state.Next, p.step.FromKey)
	p.state.Finished = false
	p.rate.start(p.w.Now())
	return p.note(true)
}

func (p *purge) openArchive(ctx context.Context, c *Chunks, t chunkTable, known int64) error {
	if p.step.Archive == "" {
		return nil
	}
	cols, err := storedOf(t.columns)
	if err != nil {
		return err
	}
	create, err := p.h.createTable(ctx, p.step.On)
	if err != nil {
		return err
	}
	key, _ := t.column(p.step.Key)
	head := archiveHead{Format: 1, Schema: p.step.Schema, Table: p.step.Table, Key: key.Name, Columns: cols.columns, Create: create,
		Where: p.step.Doomed.SQL(), Cutoff: p.step.Doomed.Cutoff, At: p.w.Now()}
	a, read, err := openArchive(p.step.Archive, head, known, c.spare())
	if err != nil {
		return err
	}
	p.cols, p.arch = cols, a
	if p.step.InnoDB && len(read.frames) > 0 {
		p.doubt = read
	}
	return nil
}

func (p *purge) close() error {
	if p.h == nil {
		return p.arch.close()
	}
	return errors.Join(p.arch.close(), p.h.Close())
}

// note journals the state: at once, or when the last time was a while ago.
func (p *purge) note(now bool) error {
	at := p.w.Now()
	if !now && at.Sub(p.noted) < noteEvery {
		return nil
	}
	p.noted = at
	if p.arch != nil {
		p.state.Archive, p.state.ArchiveBytes, p.state.Deleted = p.arch.path, p.arch.mark, p.arch.kept
	}
	return p.w.Note(p.state)
}
