package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

// TestChunksSurviveTheServersCrash kills the server at random moments and runs
// it again. It does not flush its log at each commit, so what was committed last
// is lost as well: those rows are back, and have to go again.
func TestChunksSurviveTheServersCrash(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, srv *mysqltest.Server) {
		b := newChunkBench(t, srv, "crash", "InnoDB", 6000)
		before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
		flush(t, srv) // what the test itself has written is to stay
		crash := crasher(t, b, 4)
		if err := b.do(context.Background()); err != nil {
			t.Fatal(err)
		}
		if *crash < 2 {
			t.Fatalf("the server was killed %d times only: nothing was tested", *crash)
		}
		b.wantPurged(t, survivors, doomed)
		b.wantAnswer(t, apply.IsDone)
		flush(t, srv)
		crash = crasher(t, b, 4)
		if err := b.undo(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := b.checksum(t); got != before || *crash == 0 {
			t.Errorf("after undo and %d crashes: got checksum %d, want %d", *crash, got, before)
		}
	})
}

// flush makes what was committed so far outlive a crash.
func flush(t *testing.T, srv *mysqltest.Server) {
	t.Helper()
	srv.Exec(t, "SET GLOBAL innodb_flush_log_at_trx_commit=1", "CREATE TABLE IF NOT EXISTS chunks.flushed (n INT)", "INSERT INTO chunks.flushed VALUES (1)", "SET GLOBAL innodb_flush_log_at_trx_commit=0")
}

// crasher makes the bench's pacer kill the server and run it again, that many
// times at most.
func crasher(t *testing.T, b *chunkBench, times int) *int {
	n, piece := 0, 0
	chance := rand.New(rand.NewPCG(7, 8))
	due := 5
	b.pace = paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) {
		if piece++; piece == due && n < times {
			due += 5 + chance.IntN(10)
			n++
			b.srv.Kill()
			b.srv.Run(t)
		}
		return apply.Grant{Size: 60}, nil
	})
	return &n
}

// childEnv holds what a child process of these tests has to do.
const childEnv = "HIRUNE_TEST_CHUNKS_CHILD"

type childTask struct {
	Socket  string
	Step    remedy.DeleteInChunks
	Journal string // directory of the state noted last
	Undo    bool
}

// TestChunkChild is no test: it is the process that ownCrash kills.
func TestChunkChild(t *testing.T) {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	var task childTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(task.Journal, "state")
	state, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var once sync.Once
	pace := paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) {
		once.Do(func() { fmt.Println("begun") })
		return apply.Grant{Size: 30}, nil
	})
	w := apply.NewWork(state, func(v any) error {
		if err := os.WriteFile(path+".new", v.(json.RawMessage), 0o600); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	}, pace, nil, time.Now)
	c := &Chunks{Server: serverOf(task.Socket), Spare: -1}
	run := c.Do
	if task.Undo {
		run = c.Undo
	}
	if err := run(context.Background(), task.Step, w); err != nil {
		t.Fatal(err)
	}
}

// ownCrash kills the process with SIGKILL at random moments, and starts it again
// from what it had journaled.
func ownCrash(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "own", "InnoDB", 20000)
	before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
	task := childTask{Socket: srv.Socket, Step: b.step, Journal: t.TempDir()}
	if n := runAndKill(t, task); n < 3 {
		t.Errorf("it was killed %d times only: too few to tell", n)
	}
	b.wantPurged(t, survivors, doomed)
	task.Undo = true
	if n := runAndKill(t, task); n < 3 {
		t.Errorf("undo was killed %d times only: too few to tell", n)
	}
	if got := b.checksum(t); got != before {
		t.Errorf("after undo: got checksum %d, want %d", got, before)
	}
}

// runAndKill runs children and kills each a moment after it has begun, the later
// ones a little later, until one ends by itself. It returns how many were killed.
func runAndKill(t *testing.T, task childTask) int {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(9, 10))
	for kills := range 200 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestChunkChild$")
		cmd.Env = append(os.Environ(), childEnv+"="+string(text))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 6) // "begun", or a failure before that
		io.ReadFull(out, said)
		after := time.AfterFunc(time.Duration(kills*8+chance.IntN(60))*time.Millisecond, func() { cmd.Process.Kill() })
		rest, _ := io.ReadAll(out)
		err = cmd.Wait()
		if after.Stop() && err != nil || err != nil && !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the child failed by itself: %v\n%s%s", err, said, rest)
		}
		if err == nil {
			t.Logf("%d children were killed", kills)
			return kills
		}
	}
	t.Fatal("200 children were killed and the work is not done")
	return 0
}
