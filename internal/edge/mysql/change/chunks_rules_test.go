package change

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

// keptJournal keeps entries in memory.
type keptJournal struct{ entries []apply.Entry }

func (j *keptJournal) Write(e apply.Entry) error {
	j.entries = append(j.entries, e)
	return nil
}

// byTheExecutor applies and undoes as the command does.
func byTheExecutor(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "executed", "InnoDB", 1000)
	before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
	j := &keptJournal{}
	x := &apply.Executor{Journal: j, Doers: map[string]apply.Doer{b.step.Kind(): b.doer()}, Now: time.Now}
	run, err := x.Begin(1, remedy.Plan{Steps: []remedy.Planned{{ID: "1", Step: b.step}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Apply(context.Background(), &run); err != nil {
		t.Fatal(err)
	}
	b.wantPurged(t, survivors, doomed)
	if r := apply.Runs(j.entries)[0]; !r.Ended || r.Steps["1"].Event != apply.StepDone {
		t.Errorf("got run %+v, want it ended and its step done", r)
	}
	if left, err := x.Undo(context.Background(), &run); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	if got := b.checksum(t); got != before {
		t.Errorf("after undo: got checksum %d, want %d", got, before)
	}
}

// statementKilled: who kills our statement wants us to stop.
func statementKilled(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "query", "InnoDB", 1500)
	survivors, doomed := b.survivors(t), b.doomedRows(t)
	holder := srv.Session(t, "chunks")
	for _, text := range []string{"BEGIN", "SELECT * FROM query WHERE id BETWEEN 25510 AND 25520 FOR UPDATE"} {
		if _, err := holder.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- b.do(context.Background()) }()
	db := srv.DB(t, "")
	var err error
	mysqltest.Eventually(t, 30*time.Second, "our statement is killed", func() bool {
		var id int64
		if db.QueryRow("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%hirune%FROM `chunks`.`query`%' AND INFO NOT LIKE '%PROCESSLIST%' AND INFO NOT LIKE '%COUNT(*)%' LIMIT 1").Scan(&id) == nil {
			db.Exec(fmt.Sprintf("KILL QUERY %d", id))
		}
		select {
		case err = <-done:
			return true
		default:
			return false
		}
	})
	if hint.CodeOf(err) != "killed" {
		t.Errorf("got %v, want it to stop because it was killed", err)
	}
	if _, err := holder.ExecContext(context.Background(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	b.mustDo(t)
	b.wantPurged(t, survivors, doomed)
}

// planThatScans: a range over a column without an index reads the whole table
// for each chunk.
func planThatScans(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "scanned", "InnoDB", 15000)
	srv.Exec(t, "ANALYZE TABLE chunks.scanned")
	p := &purge{step: b.step, w: b.work()}
	if err := p.begin(context.Background(), b.doer()); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.checkPlan(context.Background(), 1, 200, 200); err != nil || !p.planned {
		t.Errorf("got %v for a range of the primary key, want no error", err)
	}
	p.step.Key, p.planned = "created", false
	if err := p.checkPlan(context.Background(), 1, 200, 200); !errors.Is(err, apply.ErrRefused) || hint.CodeOf(err) != "chunk-scans" {
		t.Errorf("got %v for a range without an index, want it refused", err)
	}
}

// doneByTheJournal: the journal is believed that says finished, unless an undo
// was begun since; a row that is there is believed more.
func doneByTheJournal(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "answered", "InnoDB", 500)
	b.last = []byte(`{"finished":true,"deleted":5,"next":99999999}`)
	b.wantAnswer(t, apply.Partly)
	b.last = []byte(`{"finished":true,"deleted":5,"undo":{"left":1}}`)
	b.wantAnswer(t, apply.NotDone)
	b.last = []byte(`{"deleted":5,"next":99999999}`)
	srv.Exec(t, "UPDATE chunks.answered SET created=NULL")
	b.wantAnswer(t, apply.IsDone)
	srv.Exec(t, "DROP TABLE chunks.answered")
	if got, err := b.doer().Done(context.Background(), b.step, nil); got != apply.CannotTell || err == nil {
		t.Errorf("got %s, %v for a table that is gone, want that it cannot tell, and why", got, err)
	}
}

// timestampColumn: the cutoff is one moment, whatever the server's zone.
func timestampColumn(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "zoned", "InnoDB", 300)
	srv.Exec(t, "SET GLOBAL time_zone='+09:00'", "UPDATE chunks.zoned SET created=NULL", "ALTER TABLE chunks.zoned MODIFY created TIMESTAMP NULL")
	defer srv.Exec(t, "SET GLOBAL time_zone='SYSTEM'")
	srv.Exec(t, "UPDATE chunks.zoned SET created = FROM_UNIXTIME(1577836800 + (id MOD 100 - 50) * 3600)") // an hour apart, around 2020 in UTC
	b.step.Columns = b.columns(t)
	b.step.Doomed = remedy.Doomed{Column: "created", Literal: "2020-01-01 00:00:00", Date: true, Cutoff: time.Unix(1577836800, 0)}
	old := b.number(t, "COUNT(*)", "UNIX_TIMESTAMP(created) < 1577836800")
	b.mustDo(t)
	if left, all := b.number(t, "COUNT(*)", "UNIX_TIMESTAMP(created) < 1577836800"), b.number(t, "COUNT(*)", ""); left != 0 || all != 300-old || old == 0 {
		t.Errorf("%d old rows are left of %d, %d rows in all; want 0 and %d", left, old, all, 300-old)
	}
}

// loggedAsStatements: READ COMMITTED cannot be logged as statements, which is
// said; REPEATABLE READ can.
func loggedAsStatements(t *testing.T, srv *mysqltest.Server) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprintf("archive %v", kept), func(t *testing.T) {
			b := newChunkBench(t, srv, "logged", "InnoDB", 700)
			if !kept {
				b.step.Archive = ""
			}
			survivors, doomed := b.survivors(t), b.doomedRows(t)
			srv.Exec(t, "SET GLOBAL binlog_format=STATEMENT")
			defer srv.Exec(t, "SET GLOBAL binlog_format=ROW")
			if err := b.do(context.Background()); !errors.Is(err, apply.ErrRefused) || hint.CodeOf(err) != "binlog-statement" {
				t.Errorf("READ COMMITTED: got %v, want it refused", err)
			}
			if got := b.doomedRows(t); got != doomed {
				t.Errorf("%d doomed rows are left, want all %d", got, doomed)
			}
			b.step.Isolation = "REPEATABLE READ"
			b.mustDo(t)
			b.wantPurged(t, survivors, doomed)
			if kept {
				b.mustUndo(t)
			}
		})
	}
}

// TestNoErrorTellsValues: the server puts values of rows into its messages.
func TestNoErrorTellsValues(t *testing.T) {
	srv := mysqltest.Start(t)
	_, err := srv.DB(t, "").Exec("SELECT * FROM mysql.`secret-value`")
	if err == nil || !strings.Contains(err.Error(), "secret-value") {
		t.Fatalf("got %v: nothing to test", err)
	}
	for _, err := range []error{explained(err), explained(fmt.Errorf("x: %w", err)), stepError("delete", err)} {
		if strings.Contains(err.Error(), "secret-value") || !strings.Contains(err.Error(), "1146") {
			t.Errorf("got %q, want the number without the server's words", err)
		}
	}
}
