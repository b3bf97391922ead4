package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// chunkBench is a table to purge, its step, and what a journal would keep.
type chunkBench struct {
	srv  *mysqltest.Server
	step remedy.DeleteInChunks
	mu   sync.Mutex
	last json.RawMessage
	said []apply.Progress
	pace apply.Pacer
}

const benchCutoff = 500000

// newChunkBench makes a table of n rows with holes in its keys. All of the first
// two fifths are doomed; of the others those of every seventh number stay, some
// of them because their time is unknown.
func newChunkBench(t *testing.T, srv *mysqltest.Server, table, engine string, n int) *chunkBench {
	t.Helper()
	srv.Exec(t, "CREATE DATABASE IF NOT EXISTS chunks CHARACTER SET utf8mb4", "DROP TABLE IF EXISTS chunks."+table, "DROP TABLE IF EXISTS chunks.n_"+table,
		"CREATE TABLE chunks."+table+" (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60), note VARCHAR(60) CHARACTER SET latin1, body TEXT, created INT UNSIGNED NULL) ENGINE="+engine,
		"CREATE TABLE chunks.n_"+table+" (n INT NOT NULL PRIMARY KEY)")
	srv.Numbers(t, "chunks.n_"+table, n)
	srv.Exec(t, fmt.Sprintf(`INSERT INTO chunks.%s SELECT n + (n DIV 100) * 5000, CONCAT('名', n), CONVERT(x'e9' USING latin1), REPEAT(CHAR(97 + n %% 26), 20 + n %% 300),
CASE WHEN n < %d THEN n WHEN n %% 49 = 0 THEN NULL WHEN n %% 7 = 0 THEN %d ELSE n END FROM chunks.n_%s ORDER BY n`, table, n*2/5, benchCutoff+1, table), "DROP TABLE chunks.n_"+table)
	b := &chunkBench{srv: srv, pace: apply.Unpaced{}}
	b.step = remedy.DeleteInChunks{On: remedy.On{Schema: "chunks", Table: table}, Key: "id",
		Doomed: remedy.Doomed{Column: "created", Literal: fmt.Sprint(benchCutoff)}, Isolation: "READ COMMITTED", Chunk: 200, InnoDB: engine == "InnoDB",
		Archive: filepath.Join(t.TempDir(), "archive", table)}
	b.step.FromKey, b.step.ToKey, b.step.Columns = b.number(t, "MIN(id)", ""), b.number(t, "MAX(id)", ""), b.columns(t)
	return b
}

func (b *chunkBench) server() Server { return serverOf(b.srv.Socket) }

func serverOf(socket string) Server {
	return Server{Open: func(ctx context.Context, timeout time.Duration, setUp ...string) (*mysql.Hand, error) {
		return mysql.OpenHand(ctx, mysql.Target{Instance: "test", Socket: socket}, []mysql.Credential{{User: "root", From: "the test"}}, timeout, setUp...)
	}}
}

func (b *chunkBench) doer() *Chunks { return &Chunks{Server: b.server(), Spare: -1} }

func (b *chunkBench) columns(t *testing.T) []remedy.Column {
	t.Helper()
	h, err := b.server().openChunkHand(context.Background(), "READ COMMITTED")
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	table, err := h.lookTable(context.Background(), b.step.On)
	if err != nil {
		t.Fatal(err)
	}
	return table.columns
}

func (b *chunkBench) work() *apply.Work {
	b.mu.Lock()
	defer b.mu.Unlock()
	return apply.NewWork(b.last, func(v any) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.last = v.(json.RawMessage)
		return nil
	}, b.pace, func(p apply.Progress) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.said = append(b.said, p)
	}, time.Now)
}

func (b *chunkBench) do(ctx context.Context) error { return b.doer().Do(ctx, b.step, b.work()) }

func (b *chunkBench) undo(ctx context.Context) error { return b.doer().Undo(ctx, b.step, b.work()) }

func (b *chunkBench) mustDo(t *testing.T) {
	t.Helper()
	if err := b.do(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (b *chunkBench) mustUndo(t *testing.T) {
	t.Helper()
	if err := b.undo(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (b *chunkBench) wantAnswer(t *testing.T, want apply.Answer) {
	t.Helper()
	got, err := b.doer().Done(context.Background(), b.step, b.work().State)
	if err != nil || got != want {
		t.Errorf("Done: got %s (%v), want %s", got, err, want)
	}
}

func (b *chunkBench) state(t *testing.T) chunkState {
	t.Helper()
	var s chunkState
	if _, err := b.work().Load(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *chunkBench) number(t *testing.T, what, where string) int64 {
	t.Helper()
	table := b.step.Table
	if where != "" {
		where = " WHERE " + where
	}
	var n int64
	if err := b.srv.DB(t, "chunks").QueryRow("SELECT COALESCE(" + what + ",0) FROM " + table + where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *chunkBench) doomedRows(t *testing.T) int64 {
	return b.number(t, "COUNT(*)", b.step.Doomed.SQL()+fmt.Sprintf(" AND id <= %d", b.step.ToKey))
}

// survivors is a checksum of the rows that have to stay.
func (b *chunkBench) survivors(t *testing.T) string {
	t.Helper()
	return b.sum(t, b.step.Doomed.Survive()+fmt.Sprintf(" OR id > %d", b.step.ToKey))
}

func (b *chunkBench) sum(t *testing.T, where string) string {
	t.Helper()
	var out string
	err := b.srv.DB(t, "chunks").QueryRow("SELECT CONCAT(COUNT(*), ' ', COALESCE(BIT_XOR(CRC32(CONCAT_WS('|', id, HEX(name), HEX(note), HEX(body), COALESCE(created, 'NULL')))), 0)) FROM " + b.step.Table + " WHERE " + where).Scan(&out)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (b *chunkBench) checksum(t *testing.T) int64 {
	t.Helper()
	var name string
	var n int64
	if err := b.srv.DB(t, "chunks").QueryRow("CHECKSUM TABLE "+b.step.Table).Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantPurged checks that the doomed rows are gone, all others as they were, and
// each deleted row in the archive.
func (b *chunkBench) wantPurged(t *testing.T, survivors string, doomed int64) {
	t.Helper()
	if n := b.doomedRows(t); n != 0 {
		t.Errorf("%d doomed rows are left", n)
	}
	if got := b.survivors(t); got != survivors {
		t.Errorf("the rows that stay have changed: got %s, want %s", got, survivors)
	}
	if b.step.Archive == "" {
		return
	}
	_, keys := readForTest(t, b.step.Archive)
	seen := map[int64]bool{}
	for _, k := range keys {
		seen[k] = true
	}
	if int64(len(seen)) != doomed {
		t.Errorf("the archive has %d rows, want %d", len(seen), doomed)
	}
}

// paceFunc is a Pacer that does something before each piece.
type paceFunc func(ctx context.Context, did apply.Piece) (apply.Grant, error)

func (f paceFunc) Next(ctx context.Context, did apply.Piece) (apply.Grant, error) { return f(ctx, did) }

func TestChunks(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, srv *mysqltest.Server) {
		for _, engine := range []string{"InnoDB", "MyISAM"} {
			for _, kept := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s archive %v", engine, kept), func(t *testing.T) { purgeAndBack(t, srv, engine, kept) })
			}
		}
		t.Run("stopped and gone on with", func(t *testing.T) { stopAndGoOn(t, srv) })
		t.Run("rows inserted meanwhile", func(t *testing.T) { insertMeanwhile(t, srv) })
		t.Run("every column type", func(t *testing.T) { everyType(t, srv) })
		t.Run("huge rows", func(t *testing.T) { hugeRows(t, srv) })
		t.Run("refusals", func(t *testing.T) { refusals(t, srv) })
		t.Run("undo refusals", func(t *testing.T) { undoRefusals(t, srv) })
		t.Run("undo stopped and gone on with", func(t *testing.T) { undoInParts(t, srv) })
		t.Run("connection killed", func(t *testing.T) { connectionKilled(t, srv) })
		t.Run("locked rows", func(t *testing.T) { lockedRows(t, srv) })
		t.Run("deadlock", func(t *testing.T) { deadlock(t, srv) })
		t.Run("full disk", func(t *testing.T) { fullDisk(t, srv) })
		t.Run("a timestamp column", func(t *testing.T) { timestampColumn(t, srv) })
		t.Run("by the executor", func(t *testing.T) { byTheExecutor(t, srv) })
		t.Run("a statement killed", func(t *testing.T) { statementKilled(t, srv) })
		t.Run("a plan that scans", func(t *testing.T) { planThatScans(t, srv) })
		t.Run("done without reading all", func(t *testing.T) { doneByTheJournal(t, srv) })
		t.Run("lost commit", func(t *testing.T) { lostCommit(t, srv) })
		t.Run("process killed", func(t *testing.T) { ownCrash(t, srv) })
		t.Run("logged as statements", func(t *testing.T) { loggedAsStatements(t, srv) })
	}, "--log-bin", "--server-id=1")
}

func purgeAndBack(t *testing.T, srv *mysqltest.Server, engine string, kept bool) {
	b := newChunkBench(t, srv, "plain", engine, 3000)
	if !kept {
		b.step.Archive = ""
	}
	before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
	if doomed < 2000 || strings.HasPrefix(survivors, "0 ") {
		t.Fatalf("the table has %d doomed rows and survivors %s: nothing to test", doomed, survivors)
	}
	b.wantAnswer(t, apply.NotDone)
	b.mustDo(t)
	b.wantPurged(t, survivors, doomed)
	b.wantAnswer(t, apply.IsDone)
	if s := b.state(t); s.Deleted != doomed || !s.Finished || s.Mismatches != 0 {
		t.Errorf("got state %+v, want %d deleted and finished", s, doomed)
	}
	if g := b.said[len(b.said)-1]; g.Done != g.Total || g.Rows != doomed {
		t.Errorf("the last progress is %+v, want all of it and %d rows", g, doomed)
	}
	b.mustDo(t) // again: nothing is left to do
	b.wantPurged(t, survivors, doomed)
	if !kept {
		if err := b.undo(context.Background()); !errors.Is(err, apply.ErrIrreversible) {
			t.Errorf("undo without an archive: got %v, want ErrIrreversible", err)
		}
		if err := b.doer().Undo(context.Background(), b.step, apply.NewWork(nil, nil, nil, nil, time.Now)); err != nil {
			t.Errorf("undo of what was refused before it began: %v", err)
		}
		return
	}
	for range 2 { // the second changes nothing
		b.mustUndo(t)
		if got := b.checksum(t); got != before {
			t.Errorf("after undo: got checksum %d, want %d", got, before)
		}
	}
	if u := b.state(t).Undo; u.Loaded != doomed || u.There != 0 || u.Missing != 0 {
		t.Errorf("got %+v, want %d loaded", u, doomed)
	}
	b.wantAnswer(t, apply.NotDone)
	b.mustDo(t) // and once more after an undo
	b.wantPurged(t, survivors, doomed)
	b.last = nil // the journal is lost: the archive alone brings them back
	b.mustUndo(t)
	if got := b.checksum(t); got != before {
		t.Errorf("after undo without a journal: got checksum %d, want %d", got, before)
	}
}

func stopAndGoOn(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "stopped", "InnoDB", 4000)
	before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
	chance := rand.New(rand.NewPCG(1, 2))
	stops := 0
	for b.doomedRows(t) > 0 {
		ctx, cancel := context.WithCancel(context.Background())
		left := 1 + chance.IntN(6)
		b.pace = paceFunc(func(ctx context.Context, did apply.Piece) (apply.Grant, error) {
			if left--; left < 0 {
				cancel()
			}
			return apply.Grant{Size: 100}, nil
		})
		if err := b.do(ctx); err != nil {
			if stops++; !errors.Is(err, apply.ErrStopped) {
				t.Fatalf("got %v, want ErrStopped", err)
			}
			if b.doomedRows(t) > 0 && b.state(t).Deleted > 0 {
				b.wantAnswer(t, apply.Partly)
			}
		}
		cancel()
		if chance.IntN(3) == 0 {
			b.last = nil // a note that was lost
		}
	}
	if stops < 5 {
		t.Fatalf("it was stopped %d times only: nothing was tested", stops)
	}
	b.pace = apply.Unpaced{}
	b.mustDo(t)
	b.wantPurged(t, survivors, doomed)
	b.mustUndo(t)
	if got := b.checksum(t); got != before {
		t.Errorf("after undo: got checksum %d, want %d", got, before)
	}
}

func insertMeanwhile(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "meanwhile", "InnoDB", 2000)
	doomed := b.doomedRows(t)
	db := srv.DB(t, "chunks")
	n := 0
	b.pace = paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) {
		n++ // one that looks old at the end, one that is new in a hole, and a change of one that stays
		for _, text := range []string{
			fmt.Sprintf("INSERT INTO meanwhile (name, created) VALUES ('late%d', 1)", n),
			fmt.Sprintf("INSERT INTO meanwhile (id, name, created) VALUES (%d, 'hole%d', %d)", 3000+n, n, benchCutoff+n),
			fmt.Sprintf("UPDATE meanwhile SET name='changed%d' WHERE created > %d ORDER BY id DESC LIMIT 1", n, benchCutoff),
		} {
			if _, err := db.Exec(text); err != nil {
				return apply.Grant{}, err
			}
		}
		return apply.Grant{Size: 150}, nil
	})
	b.mustDo(t)
	if n < 5 {
		t.Fatalf("only %d chunks: nothing was tested", n)
	}
	for where, want := range map[string]int64{"name LIKE 'late%'": int64(n), "name LIKE 'hole%'": int64(n), "name LIKE 'changed%'": 1} {
		if got := b.number(t, "COUNT(*)", where); got < want {
			t.Errorf("%s: got %d rows, want %d at least", where, got, want)
		}
	}
	b.wantPurged(t, b.survivors(t), doomed)
}
