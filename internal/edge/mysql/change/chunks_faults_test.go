package change

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gosql "github.com/go-sql-driver/mysql"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// refusals are worlds that the step was not planned for.
func refusals(t *testing.T, srv *mysqltest.Server) {
	cases := []struct {
		name, change, want string
		step               func(*remedy.DeleteInChunks)
	}{
		{"a column is gone", "ALTER TABLE chunks.other DROP COLUMN note", "note is gone", nil},
		{"a column is new", "ALTER TABLE chunks.other ADD COLUMN country CHAR(2)", "country is new", nil},
		{"a column has changed", "ALTER TABLE chunks.other MODIFY created BIGINT", "created is bigint", nil},
		{"another primary key", "ALTER TABLE chunks.other DROP PRIMARY KEY, ADD PRIMARY KEY (id, note)", "", nil},
		{"no primary key", "ALTER TABLE chunks.other MODIFY id BIGINT NOT NULL, DROP PRIMARY KEY", "primary key is ()", nil},
		{"a trigger", "CREATE TRIGGER chunks.other_t BEFORE DELETE ON chunks.other FOR EACH ROW SET @x=1", "triggers", nil},
		{"another engine", "ALTER TABLE chunks.other ENGINE=MyISAM", "engine is MyISAM", nil},
		{"a child", "CREATE TABLE chunks.child (o BIGINT, FOREIGN KEY (o) REFERENCES chunks.other (id) ON DELETE CASCADE)", "foreign keys", nil},
		{"a table that is gone", "DROP TABLE chunks.other", "is gone", nil},
		{"read-only", "SET GLOBAL read_only=1", "read-only", nil},
		{"no cutoff", "DO 0", "no cutoff", func(s *remedy.DeleteInChunks) { s.Doomed.Literal = "" }},
		{"an unknown isolation", "DO 0", "isolation", func(s *remedy.DeleteInChunks) { s.Isolation = "READ COMMITTED; DROP TABLE x" }},
		{"a cutoff of another zone", "ALTER TABLE chunks.other MODIFY created TIMESTAMP NULL", "later than 2020-01-01 00:00:00 in UTC", func(s *remedy.DeleteInChunks) {
			s.Columns = nil
			s.Doomed = remedy.Doomed{Column: "created", Literal: "2020-01-01 09:00:00", Date: true, Cutoff: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newChunkBench(t, srv, "other", "InnoDB", 100)
			defer srv.Exec(t, "SET GLOBAL read_only=0", "DROP TABLE IF EXISTS chunks.child")
			if strings.Contains(c.change, "TIMESTAMP") {
				srv.Exec(t, "UPDATE chunks.other SET created=NULL")
			}
			srv.Exec(t, c.change)
			if c.step != nil {
				c.step(&b.step)
			}
			err := b.do(context.Background())
			if !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it refused with %q", err, c.want)
			}
			if c.name == "a table that is gone" {
				return
			}
			if n := b.number(t, "COUNT(*)", ""); n != 100 {
				t.Errorf("%d rows are left of 100 although it was refused", n)
			}
		})
	}
	t.Run("altered in the middle", func(t *testing.T) {
		b := newChunkBench(t, srv, "other", "InnoDB", 1000)
		n, at := 0, time.Now()
		b.pace = paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) {
			if n++; n == 3 {
				srv.Exec(t, "ALTER TABLE chunks.other ADD COLUMN country CHAR(2)")
				at = at.Add(lookEvery)
			}
			return apply.Grant{Size: 50}, nil
		})
		w := b.work()
		w.Now = func() time.Time { return at }
		err := b.doer().Do(context.Background(), b.step, w)
		if !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "country is new") {
			t.Errorf("got %v, want it refused", err)
		}
		if left := b.doomedRows(t); left == 0 || b.state(t).Deleted == 0 {
			t.Errorf("%d doomed rows are left and %d are noted as deleted, want some of each", left, b.state(t).Deleted)
		}
	})
}

// connectionKilled ends our session at the server again and again.
func connectionKilled(t *testing.T, srv *mysqltest.Server) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprintf("archive %v", kept), func(t *testing.T) {
			b := newChunkBench(t, srv, "killed", "InnoDB", 16000)
			if !kept {
				b.step.Archive = ""
			}
			before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
			kills := killOurs(t, srv, func() error { return b.do(context.Background()) }, b)
			b.wantPurged(t, survivors, doomed)
			if !kept {
				return
			}
			kills += killOurs(t, srv, func() error { return b.undo(context.Background()) }, b)
			if got := b.checksum(t); got != before {
				t.Errorf("after undo: got checksum %d, want %d", got, before)
			}
			if kills < 5 {
				t.Errorf("only %d connections were killed: too few to tell", kills)
			}
		})
	}
}

// killOurs kills the connections of hirune at random moments while run runs.
func killOurs(t *testing.T, srv *mysqltest.Server, run func() error, b *chunkBench) int {
	t.Helper()
	var kills atomic.Int64
	db := srv.DB(t, "chunks")
	chance, size := rand.New(rand.NewPCG(3, 4)), rand.New(rand.NewPCG(5, 6))
	b.pace = paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) {
		return apply.Grant{Size: 20 + size.Int64N(60)}, nil
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(1+chance.IntN(15)) * time.Millisecond):
			}
			var id int64
			if db.QueryRow("SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND COMMAND NOT IN ('Daemon', 'Killed') AND USER='root' AND INFO LIKE '%hirune%' AND INFO NOT LIKE '%PROCESSLIST%' LIMIT 1").Scan(&id) == nil {
				if _, err := db.Exec(fmt.Sprintf("KILL CONNECTION %d", id)); err == nil {
					kills.Add(1)
				}
			}
		}
	}()
	var err error
	for range 50 { // it gives up where the same rows fail too often, and can go on
		if err = run(); err == nil {
			break
		}
		// MySQL may still tell a session that it ends that its statement was killed.
		if e, told := errors.AsType[*gosql.MySQLError](err); !errors.Is(err, mysql.ErrDown) && (!told || e.Number != errInterrupted) {
			t.Errorf("got %v, want it to go on or to say that the connection is lost", err)
			break
		}
	}
	close(stop)
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d connections were killed", kills.Load())
	return int(kills.Load())
}

// lockedRows are held by another session: for a while, then for too long.
func lockedRows(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "locked", "InnoDB", 1500)
	survivors, doomed := b.survivors(t), b.doomedRows(t)
	holder := srv.Session(t, "chunks")
	exec := func(text string) {
		t.Helper()
		if _, err := holder.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec("BEGIN")
	exec("SELECT * FROM locked WHERE id BETWEEN 25510 AND 25520 FOR UPDATE")
	released := false
	work := b.work()
	tell := work.Tell
	work.Tell = func(g apply.Progress) {
		if tell(g); g.Wait == WaitRows && !released {
			released = true
			exec("COMMIT")
		}
	}
	if err := b.doer().Do(context.Background(), b.step, work); err != nil {
		t.Fatal(err)
	}
	if !released {
		t.Error("it did not say that it waits for locked rows")
	}
	b.wantPurged(t, survivors, doomed)
	b.wantAnswer(t, apply.IsDone)
}

// deadlock makes another session wait for a row of ours while we wait for its.
func deadlock(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "dead", "InnoDB", 200)
	survivors, doomed := b.survivors(t), b.doomedRows(t)
	other := srv.Session(t, "chunks")
	for _, text := range []string{"SET SESSION innodb_lock_wait_timeout=10", "BEGIN", "UPDATE dead SET name=CONCAT(name, '') WHERE id > 20000", "SELECT * FROM dead WHERE id = 5155 FOR UPDATE", "UPDATE dead SET note='x' WHERE id=5150"} {
		if _, err := other.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	waits := func() int64 {
		var n int64
		srv.DB(t, "").QueryRow("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state='LOCK WAIT'").Scan(&n)
		return n
	}
	b.pace = paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) { return apply.Grant{Size: 10000}, nil })
	go func() { done <- b.do(context.Background()) }()
	mysqltest.Eventually(t, 20*time.Second, "our chunk waits for the row", func() bool { return waits() > 0 })
	_, err := other.ExecContext(context.Background(), "UPDATE dead SET note='y' WHERE id=1") // ours since the chunk began
	if err == nil {
		_, err = other.ExecContext(context.Background(), "ROLLBACK")
	}
	if err != nil && mysql.Number(err) != errDeadlock {
		t.Fatal(err)
	}
	victim := err != nil
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, g := range b.said {
		victim = victim || g.Wait == WaitRows
	}
	if !victim {
		t.Error("nobody met a deadlock: nothing was tested")
	}
	b.wantPurged(t, survivors, doomed)
}

// fullDisk gives the archive a disk of its own that is too small.
func fullDisk(t *testing.T, srv *mysqltest.Server) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Skip("mount a small tmpfs: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	b := newChunkBench(t, srv, "full", "InnoDB", 4000)
	srv.Exec(t, "UPDATE chunks.full SET body=CONCAT(SHA2(id, 512), SHA2(id+1, 512))")
	before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
	b.step.Archive = filepath.Join(dir, "rows")
	err := b.do(context.Background())
	if !errors.Is(err, syscall.ENOSPC) || hint.CodeOf(err) != "disk-full" {
		t.Fatalf("got %v, want a full disk with its hint", err)
	}
	if got := b.survivors(t); got != survivors {
		t.Errorf("the rows that stay have changed: got %s, want %s", got, survivors)
	}
	_, keys := readForTest(t, b.step.Archive)
	if gone := doomed - b.doomedRows(t); gone != int64(len(keys)) || gone == 0 {
		t.Errorf("%d rows are gone and %d in the archive, want the same and some", gone, len(keys))
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	sparing := b.doer()
	sparing.Spare = 1 << 40
	if err := sparing.Do(context.Background(), b.step, b.work()); hint.CodeOf(err) != "disk-full" {
		t.Errorf("got %v, want it to leave room on the disk", err)
	}
	b.mustDo(t)
	b.wantPurged(t, survivors, doomed)
	b.mustUndo(t)
	if got := b.checksum(t); got != before {
		t.Errorf("after undo: got checksum %d, want %d", got, before)
	}
}

// lostCommit leaves a chunk in the archive of which it is not known whether it
// was committed: once it was not, once it was.
func lostCommit(t *testing.T, srv *mysqltest.Server) {
	for _, committed := range []bool{false, true} {
		t.Run(fmt.Sprint(committed), func(t *testing.T) {
			b := newChunkBench(t, srv, "doubt", "InnoDB", 1000)
			before, doomed := b.checksum(t), b.doomedRows(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			pieces := 0
			b.pace = paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) {
				if pieces++; pieces > 3 {
					cancel()
				}
				return apply.Grant{Size: 100}, nil
			})
			if err := b.do(ctx); !errors.Is(err, apply.ErrStopped) {
				t.Fatal(err)
			}
			appendDoubt(t, b, committed)
			b.pace = apply.Unpaced{}
			if !committed { // the site changes a row that is in the archive already
				srv.Exec(t, "UPDATE chunks.doubt SET body='changed by the site' WHERE created < 400 ORDER BY id LIMIT 1")
				before = b.checksumWithDeleted(t)
			}
			b.mustDo(t)
			b.wantPurged(t, b.survivors(t), doomed)
			if _, keys := readForTest(t, b.step.Archive); int64(len(keys)) != doomed {
				t.Errorf("the archive has %d copies of %d rows", len(keys), doomed)
			}
			b.mustUndo(t)
			if got := b.checksum(t); got != before {
				t.Errorf("after undo: got checksum %d, want %d", got, before)
			}
		})
	}
}

// checksumWithDeleted is the checksum of the table with the archived rows back in it.
func (b *chunkBench) checksumWithDeleted(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(b.step.Archive)
	if err != nil {
		t.Fatal(err)
	}
	other := &chunkBench{srv: b.srv, step: b.step, pace: apply.Unpaced{}}
	other.step.Archive = filepath.Join(t.TempDir(), "copy")
	putArchive(t, other.step.Archive, text)
	b.srv.Exec(t, "CREATE TABLE chunks.copy LIKE chunks."+b.step.Table, "INSERT INTO chunks.copy SELECT * FROM chunks."+b.step.Table)
	defer b.srv.Exec(t, "DROP TABLE chunks.copy")
	b.srv.Exec(t, "RENAME TABLE chunks."+b.step.Table+" TO chunks.real_one, chunks.copy TO chunks."+b.step.Table)
	other.mustUndo(t)
	n := other.checksum(t)
	b.srv.Exec(t, "RENAME TABLE chunks."+b.step.Table+" TO chunks.copy, chunks.real_one TO chunks."+b.step.Table)
	return n
}

// appendDoubt does what a crash around COMMIT leaves: the next rows are in the
// archive, and in the table they are gone or not.
func appendDoubt(t *testing.T, b *chunkBench, committed bool) {
	t.Helper()
	ctx := context.Background()
	p := &purge{step: b.step, w: b.work()}
	if err := p.begin(ctx, b.doer()); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	a, err := p.h.ahead(ctx, b.step, p.state.Next, 90)
	if err != nil || a.doomed == 0 {
		t.Fatalf("no doomed rows are ahead: %+v, %v", a, err)
	}
	if _, err := p.h.Exec(ctx, "START TRANSACTION"); err != nil {
		t.Fatal(err)
	}
	p.arch.begin()
	if err := errors.Join(p.moveRows(ctx, a.first, a.last+1), p.arch.sync()); err != nil {
		t.Fatal(err)
	}
	end := "ROLLBACK"
	if committed {
		end = "COMMIT"
	}
	if _, err := p.h.Exec(ctx, end); err != nil {
		t.Fatal(err)
	}
}
