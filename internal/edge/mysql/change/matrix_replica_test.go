package change

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
	"hirune/internal/edge/mysql/survey"
)

// replicated is what only a server with a replica can show.
func (m *matrix) replicated(t *testing.T) {
	m.fill(t, "InnoDB", 6000)
	m.caughtUp(t, "filled")
	t.Run("no plan for the replica", m.replicaRefused)
	if m.format == "ROW" { // the format has no part in these
		t.Run("an index behind a reader of the replica", m.replicaRead)
		t.Run("the purge waits for the replica", m.lagging)
	}
}

// replicaRefused: on the replica itself nothing is changed.
func (m *matrix) replicaRefused(t *testing.T) {
	f := m.finding()
	w := m.world(t, m.replica, f)
	for _, r := range []remedy.Remedy{remedies.Purge(), remedies.AddIndex()} {
		p := r.Plan(f, w, remedy.Wishes{})
		if got := ids(p.Refused); p.Doable() || len(got) < 2 || got[0] != "refused-replica" || got[1] != "instead-primary" {
			t.Errorf("%s: got %v, want refused for a replica", r.ID, got)
		}
	}
	sources, err := survey.Sources(t.Context(), openTo(t, m.replica))
	if err != nil || len(sources) != 1 || !sources[0].On(m.s.Address()) || !sources[0].Running || sources[0].ServerID != 7 {
		t.Errorf("got sources %+v, %v, want the one at %s", sources, err, m.s.Address())
	}
}

// replicaRead: somebody reads the table on the replica for longer than the step
// would wait on the source. The replica waits and goes on: it must not stop.
func (m *matrix) replicaRead(t *testing.T) {
	f := m.finding()
	step := remedies.AddIndex().Plan(f, m.world(t, m.s, f), remedy.Wishes{}).Steps[0].Step.(remedy.AddIndex)
	reader, d := m.replica.Session(t, "site"), Index{privately(m.s)}
	execute(t, reader, "BEGIN", "DO (SELECT MAX(id) FROM "+matrixTable+")")
	if err := d.Do(t.Context(), step, newLogbook(nil).Work); err != nil {
		t.Fatal(err)
	}
	mysqltest.Eventually(t, 15*time.Second, "the replica waits for its reader", func() bool {
		if why := replicaFailed(t, m.replica); why != "" {
			t.Fatalf("replication has stopped: %s", why)
		}
		return scalar(t, m.replica, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table metadata lock%' AND TIME > 3") != "0"
	})
	execute(t, reader, "COMMIT")
	m.follows(t, "after its reader has gone", matrixTable)
	dropped(t, d, step)
	m.follows(t, "after undo", matrixTable)
}

// lagPace lets pieces go as the command does: by apply.Pace, which is told how far
// the replica is behind.
type lagPace struct {
	mu     sync.Mutex
	pace   *apply.Pace
	behind func() time.Duration
	asked  int
	before func(asked int)     // the first look at each piece
	held   func(l apply.Leave) // each look that found that it has to wait
}

// Next implements apply.Pacer.
func (p *lagPace) Next(ctx context.Context, did apply.Piece) (apply.Grant, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	p.before(p.asked)
	for began := time.Now(); ; {
		now := time.Now()
		p.pace.Lag(p.behind())
		p.pace.Observe(evidence.Record{At: now, Fact: evidence.DBStatus{HistoryLength: 1}})
		l := p.pace.Next(now, did)
		did = apply.Piece{}
		if !l.Hold {
			return apply.Grant{Size: l.Size, Waited: now.Sub(began), Why: l.Why}, pause(ctx, l.Pause)
		}
		p.held(l)
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return apply.Grant{}, err
		}
	}
}

// replicaBehind is how far the replica is behind, as the command takes it: one
// that has stopped is not waited for.
func replicaBehind(t *testing.T, h *mysql.Hand) time.Duration {
	t.Helper()
	behind, replicates, err := survey.Lag(t.Context(), h)
	if err != nil || !replicates {
		t.Fatalf("got lag %s, %v, %v", behind, replicates, err)
	}
	return max(behind, 0)
}

// behindAt is the piece before which the replica falls behind.
const behindAt = 3

// lagging: the replica falls behind in the middle of the purge, which then waits
// until it has caught up; it does not wait for one that has been stopped.
func (m *matrix) lagging(t *testing.T) {
	m.runs = nil
	h, locker := openTo(t, m.replica), m.replica.Session(t, "site")
	left := func() string { return scalar(t, m.s, "SELECT COUNT(*) FROM "+matrixOn+" WHERE "+m.doomed()) }
	holds, at := 0, ""
	p := &lagPace{pace: apply.NewPace(50*time.Millisecond, 200), behind: func() time.Duration { return replicaBehind(t, h) }}
	p.before = func(asked int) {
		if asked != behindAt {
			return
		}
		execute(t, locker, "LOCK TABLES "+matrixTable+" READ")
		m.s.Exec(t, fmt.Sprintf("INSERT INTO %s (username, created) VALUES ('lag', %d)", matrixOn, m.now.Unix()), "DELETE FROM "+matrixOn+" WHERE username='lag'")
		mysqltest.Eventually(t, 30*time.Second, "the replica is behind", func() bool { return replicaBehind(t, h) > 2*time.Second })
		at = left()
	}
	p.held = func(l apply.Leave) {
		if l.Why != apply.WaitReplica {
			t.Errorf("piece %d waits for %q, want for the replica", p.asked, l.Why)
		}
		if p.asked != behindAt {
			return
		}
		if holds++; holds == 5 {
			execute(t, locker, "UNLOCK TABLES")
		}
		if now := left(); now != at || now == "0" {
			t.Errorf("got %s doomed rows while it waits, want %s", now, at)
		}
	}
	f, survivors := m.finding(), m.sum(t, m.s, matrixTable, m.survive())
	x := m.executor(func(remedy.Step) apply.Pacer { return p }, nil)
	m.apply(t, x, remedies.Purge().Plan(f, m.world(t, m.s, f), remedy.Wishes{}))
	if holds < 5 || p.asked < behindAt+3 {
		t.Errorf("it was held %d times in %d pieces, want 5 times and more pieces after that", holds, p.asked)
	}
	m.purged(t, survivors)
	m.follows(t, "after the purge", matrixTable)
	m.stopped(t, h, p, x)
}

// stopped: the owner has stopped the replica; undo does not wait for it.
func (m *matrix) stopped(t *testing.T, h *mysql.Hand, p *lagPace, x *apply.Executor) {
	m.replica.Exec(t, "STOP REPLICA SQL_THREAD")
	if behind, replicates, err := survey.Lag(t.Context(), h); err != nil || !replicates || behind >= 0 {
		t.Errorf("got lag %s, %v, %v of a stopped replica", behind, replicates, err)
	}
	p.before, p.held = func(int) {}, func(l apply.Leave) { t.Errorf("it waits for %s", l.Why) }
	m.undo(t, x)
	m.replica.Exec(t, "START REPLICA SQL_THREAD")
	m.follows(t, fmt.Sprintf("after undo beside a stopped replica in %s", m.format), matrixTable)
}
