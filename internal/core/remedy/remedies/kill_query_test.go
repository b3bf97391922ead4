package remedies

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// running0 is the clean-up of case 0 at work: a tenth of the table read in 8 s.
func running0() remedy.Session {
	return remedy.Session{ID: 4711, QueryID: 99, User: "wp", Command: "Query", State: "Updating", Verb: "DELETE", Digest: digest0, Table: "wp_aiowps_audit_log",
		RunningMs: 8000, RowsRead: 60_000, TrxID: "421", TrxAgeMs: 8000, TrxState: "RUNNING", RowsModified: 50_000, RowsLocked: 60_000}
}

// findingIdle is a session that sleeps on its locks; worldIdle has it and two waiters.
func findingIdle() diagnose.Finding {
	return diagnose.Finding{Rule: "idle-transaction", About: diagnose.Subject{Schema: "wordpress", Table: "wp_posts", Session: 50}, Origin: diagnose.Origin{User: "importer"}, Remedies: []string{"end-session"}}
}

func worldIdle() remedy.World {
	w := world0()
	w.Table = nil
	w.Server.Rights = append(w.Server.Rights, "CONNECTION ADMIN")
	w.Server.Sessions = []remedy.Session{
		{ID: 50, User: "importer", Command: "Sleep", RunningMs: 45_000, TrxID: "77", TrxAgeMs: 46_000, TrxState: "RUNNING", RowsModified: 3, RowsLocked: 750_001},
		{ID: 51, User: "wp", Command: "Query", Verb: "INSERT", Table: "wp_posts", RunningMs: 40_000, TrxAgeMs: 40_000, Waits: 50},
		{ID: 52, User: "wp", Command: "Query", Verb: "UPDATE", Table: "wp_posts", RunningMs: 30_000, TrxAgeMs: 30_000, Waits: 51},
	}
	return w
}

func TestKillGolden(t *testing.T) {
	f, w := finding0(), world0()
	w.Server.Sessions = []remedy.Session{running0()}
	golden(t, "purge-running-mariadb", plan(t, KillQuery(), f, w, remedy.Wishes{}))
	mysql(&w)
	w.Server.Sessions[0].RowsRead, w.Server.Sessions[0].QueryID = -1, 0
	golden(t, "purge-running-mysql", plan(t, KillQuery(), f, w, remedy.Wishes{}))
	w.Server.Sessions[0].RowsRead = 480_000
	golden(t, "nearly-done", plan(t, KillQuery(), f, w, remedy.Wishes{}))
	golden(t, "sleeping", plan(t, EndSession(), findingIdle(), worldIdle(), remedy.Wishes{}))
}

func killOf(t *testing.T, p remedy.Plan) remedy.KillQuery {
	t.Helper()
	if len(p.Steps) != 1 {
		t.Fatalf("steps %s, refused %s, says %s: want one kill", kindsOf(p), ids(p.Refused), ids(p.Says))
	}
	return p.Steps[0].Step.(remedy.KillQuery)
}

// TestVictim: the root, never a waiter; the same session as accused, or none.
func TestVictim(t *testing.T) {
	waiter := func(id, on uint64) remedy.Session {
		return remedy.Session{ID: id, User: "wp", Command: "Query", Verb: "INSERT", Table: "wp_aiowps_audit_log", RunningMs: 9000, RowsRead: -1, TrxAgeMs: 9000, Waits: on}
	}
	blocker := remedy.Session{ID: 7, User: "wp", Command: "Sleep", RunningMs: 60_000, TrxID: "5", TrxAgeMs: 61_000}
	for _, c := range []struct {
		name     string
		sessions []remedy.Session
		change   func(*diagnose.Finding)
		want     uint64 // 0: it is over
	}{
		{"the accused session", []remedy.Session{running0()}, nil, 4711},
		{"what the accused waits for", []remedy.Session{func() remedy.Session { s := running0(); s.Waits = 7; return s }(), blocker}, nil, 7},
		{"the next run in another session", []remedy.Session{func() remedy.Session { s := running0(); s.ID = 8; return s }()}, nil, 8},
		{"the id belongs to somebody else now", []remedy.Session{{ID: 4711, User: "wp", Command: "Query", Digest: "SELECT ?", RunningMs: 90_000, TrxAgeMs: -1}}, nil, 0},
		{"the accused sleeps: its statement is over", []remedy.Session{func() remedy.Session { s := running0(); s.Command = "Sleep"; return s }()}, nil, 0},
		{"of another user", []remedy.Session{func() remedy.Session { s := running0(); s.User = "other"; return s }()}, func(f *diagnose.Finding) { f.Statement = nil }, 0},
		{"over, and nobody waits", nil, nil, 0},
		{"over, but others wait on the table", []remedy.Session{waiter(20, 21), waiter(21, 7), blocker}, nil, 7},
		{"others wait on another table", []remedy.Session{{ID: 20, Table: "wp_posts", Waits: 7}, blocker}, nil, 0},
	} {
		f, w := finding0(), world0()
		if c.change != nil {
			c.change(&f)
		}
		w.Server.Sessions = c.sessions
		p := plan(t, KillQuery(), f, w, remedy.Wishes{})
		if c.want == 0 {
			if p.Doable() || len(p.Refused) > 0 || !has(p.Says, "kill-nothing") {
				t.Errorf("%s: steps %s, refused %s: want that it is over", c.name, kindsOf(p), ids(p.Refused))
			}
			continue
		}
		if got := killOf(t, p); got.Session != c.want {
			t.Errorf("%s: got session %d, want %d", c.name, got.Session, c.want)
		}
	}
}

func TestKillForm(t *testing.T) {
	f, w := finding0(), world0()
	w.Server.Sessions = []remedy.Session{running0()}
	got := killOf(t, plan(t, KillQuery(), f, w, remedy.Wishes{}))
	want := remedy.KillQuery{MariaDB: true, Session: 4711, QueryID: 99, Digest: digest0, User: "wp", TrxID: "421", Rollback: 3 * time.Second}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	p := plan(t, EndSession(), findingIdle(), worldIdle(), remedy.Wishes{})
	if k := killOf(t, p); !k.Sleeping || k.Session != 50 || k.Digest != "" || k.Kill() != "KILL CONNECTION 50" {
		t.Errorf("asleep: got %+v", k)
	}
	if !p.Steps[0].Estimate.Irreversible || !has(p.Says, "kill-lost") || !has(p.Says, "kill-find-program") {
		t.Errorf("asleep: says %s", ids(p.Says))
	}
	for _, s := range p.Says {
		if s.ID == "kill-sleeping" && s.Args["waiters"] != diagnose.Count(2) {
			t.Errorf("waiters: got %v, want both, also the one behind the other", s.Args["waiters"])
		}
	}
}

func TestKillRefuses(t *testing.T) {
	run := func(change func(*remedy.Session, *remedy.World, *diagnose.Finding)) func(*diagnose.Finding, *remedy.World) {
		return func(f *diagnose.Finding, w *remedy.World) {
			s := running0()
			change(&s, w, f)
			w.Server.Sessions = append([]remedy.Session{s}, w.Server.Sessions...)
		}
	}
	idle := func(change func(*remedy.World)) func(*diagnose.Finding, *remedy.World) {
		return func(f *diagnose.Finding, w *remedy.World) {
			*f, *w = findingIdle(), worldIdle()
			change(w)
		}
	}
	for _, c := range []struct {
		name, want, instead string
		change              func(*diagnose.Finding, *remedy.World)
	}{
		{"the database was not read", "refused-unread", "instead-doctor", func(_ *diagnose.Finding, w *remedy.World) { w.Server = nil }},
		{"it waits for what is not seen", "refused-kill-root", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Waits = 999 })},
		{"a circle", "refused-kill-root", "instead-wait", run(func(s *remedy.Session, w *remedy.World, _ *diagnose.Finding) {
			s.Waits = 7
			w.Server.Sessions = []remedy.Session{{ID: 7, Waits: 4711}}
		})},
		{"it waits for itself", "refused-kill-root", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Waits = s.ID })},
		{"our own", "refused-kill-own", "instead-stop", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Own = true })},
		{"replication", "refused-kill-system", "instead-dba", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Replication = true })},
		{"the server's own user", "refused-kill-system", "instead-dba", run(func(s *remedy.Session, _ *remedy.World, f *diagnose.Finding) {
			s.User, f.Origin.User = "system user", ""
		})},
		{"no user", "refused-kill-system", "instead-dba", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.User = "" })},
		{"a backup", "refused-kill-dump", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Dump = true })},
		{"already rolling back", "refused-kill-rolling", "instead-no-restart", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.TrxState = "ROLLING BACK" })},
		{"already rolling back, by its state", "refused-kill-rolling", "instead-no-restart", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.State = "Rollback" })},
		{"killed", "refused-kill-rolling", "instead-no-restart", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Command = "Killed" })},
		{"DDL past four fifths", "refused-kill-ddl", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Verb, s.Progress = "ALTER", 0.8 })},
		{"DDL of unknown progress", "refused-kill-ddl", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Verb, s.Progress = "ALTER", 0 })},
		{"an unknown command", "refused-kill-command", "instead-dba", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.Command = "Connect" })},
		{"of another user, and no right", "refused-rights", "instead-grant", run(func(s *remedy.Session, _ *remedy.World, f *diagnose.Finding) {
			s.User, f.Origin.User = "other", "other"
		})},
		{"nearly done", "refused-kill-finish", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) {
			s.RowsRead, s.RowsModified = 590_000, 10
		})},
		{"past the estimate of rows", "refused-kill-finish", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.RowsRead = 900_000 })},
		{"finishes in 40 s, rolls back in 25 s", "refused-kill-finish", "instead-wait", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) {
			s.RunningMs, s.RowsRead, s.RowsModified = 60_000, 360_000, 500_000
		})},
		{"a rollback without end", "refused-kill-rollback", "instead-accept", run(func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) {
			s.RowsRead, s.RowsModified = -1, 301*rollbackRows
		})},
		{"a rollback that crawls", "refused-kill-rollback", "instead-accept", run(func(s *remedy.Session, w *remedy.World, _ *diagnose.Finding) {
			s.RowsRead, s.RowsModified, s.RowsLocked = -1, 31*rollbackRows, 4_000_000
		})},
		{"asleep and holding nothing", "refused-kill-holds-nothing", "instead-wait", run(func(s *remedy.Session, w *remedy.World, f *diagnose.Finding) {
			f.Statement, f.About.Session = nil, 0
			w.Server.Sessions = []remedy.Session{{ID: 3, Table: "wp_aiowps_audit_log", Waits: 4711}}
			s.Command, s.TrxID, s.TrxAgeMs = "Sleep", "", -1
		})},
		{"asleep for a moment only", "refused-kill-awake", "instead-wait", idle(func(w *remedy.World) { w.Server.Sessions[0].RunningMs = 2999 })},
		{"asleep, and nobody waits", "refused-kill-no-waiters", "instead-wait", idle(func(w *remedy.World) { w.Server.Sessions = w.Server.Sessions[:1] })},
		{"asleep, of another user, and no right", "refused-rights", "instead-grant", idle(func(w *remedy.World) { w.Server.Rights = []string{"PROCESS"} })},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w := finding0(), world0()
			c.change(&f, &w)
			p := plan(t, KillQuery(), f, w, remedy.Wishes{})
			if p.Doable() || len(p.Refused) == 0 || p.Refused[0].ID != c.want || !has(p.Refused, c.instead) {
				t.Errorf("refused: %s; steps: %s; says: %s; want %s and %s", ids(p.Refused), kindsOf(p), ids(p.Says), c.want, c.instead)
			}
		})
	}
}

// TestKillGoesOn has the look-alikes of the refusals.
func TestKillGoesOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*remedy.Session, *remedy.World, *diagnose.Finding)
		wish   remedy.Wishes
	}{
		{"finishing takes far longer", func(*remedy.Session, *remedy.World, *diagnose.Finding) {}, remedy.Wishes{}},
		{"finishing takes a little more than twice the rollback", func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) {
			s.RunningMs, s.RowsRead, s.RowsModified = 60_000, 360_000, 380_000
		}, remedy.Wishes{}},
		{"how long it takes is not known", func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) { s.RowsRead = -1 }, remedy.Wishes{}},
		{"a long rollback, accepted", func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) {
			s.RowsRead, s.RowsModified = -1, 301*rollbackRows
		}, remedy.Wishes{Force: []string{"long-rollback"}}},
		{"it can never finish", func(s *remedy.Session, _ *remedy.World, f *diagnose.Finding) {
			f.Rule, s.RowsRead = "purge-never-finishes", 590_000
		}, remedy.Wishes{}},
		{"DDL half-way", func(s *remedy.Session, _ *remedy.World, _ *diagnose.Finding) {
			s.Verb, s.Progress, s.RowsRead = "ALTER", 0.5, -1
		}, remedy.Wishes{}},
		{"of another user, with the right", func(s *remedy.Session, w *remedy.World, f *diagnose.Finding) {
			s.User, f.Origin.User, w.Server.Rights = "other", "other", []string{"SUPER"}
		}, remedy.Wishes{}},
	} {
		f, w := finding0(), world0()
		s := running0()
		c.change(&s, &w, &f)
		w.Server.Sessions = []remedy.Session{s}
		p := plan(t, KillQuery(), f, w, c.wish)
		if !p.Doable() || !has(p.Says, "kill-comes-again") {
			t.Errorf("%s: refused %s, says %s", c.name, ids(p.Refused), ids(p.Says))
		}
	}
}
