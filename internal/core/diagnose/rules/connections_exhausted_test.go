package rules

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestConnectionsExhaustedIsFound(t *testing.T) {
	change := func(n sessions, f func(*sessions)) sessions { f(&n); return n }
	for name, c := range map[string]struct {
		records []evidence.Record
		want    diagnose.Status
		claim   string
	}{
		"a program leaks them":                       {leak().records(nil), diagnose.Proven, "connections-exhausted"},
		"PHP tells of it, the server does not count": {change(leak(), func(n *sessions) { n.refused, n.lines = 0, true }).records(nil), diagnose.Proven, "connections-exhausted"},
		"persistent connections of idle workers":     {change(leak(), func(n *sessions) { n.user, n.before, n.idle = "shop", 140, 90*time.Second }).records(nil), diagnose.Likely, "connections-exhausted"},
		"nobody saw the workers":                     {without[evidence.WorkerPool](leak().records(nil)), diagnose.Likely, "connections-exhausted"},
		"an account's own limit":                     {change(leak(), func(n *sessions) { n.sleeping, n.running, n.limit, n.lines, n.before = 29, 1, 30, true, 3 }).records(nil), diagnose.Proven, "link-account-limit"},
		"nobody saw who has them":                    {change(leak(), func(n *sessions) { n.unseen, n.before = true, -1 }).records(nil), diagnose.Likely, "link-connections-unseen"},
		"the account was looked at only then":        {change(leak(), func(n *sessions) { n.before = -1 }).records(nil), diagnose.Proven, "connections-exhausted"},
		"nor was it known how many there were":       {uncounted(change(leak(), func(n *sessions) { n.before = -1 }).records(nil)), diagnose.Likely, "connections-exhausted"},
		"durations are not logged":                   {untimed(leak().records(nil)), diagnose.Proven, "connections-exhausted"},
	} {
		v := verdict(c.records)
		if v.Status != c.want || len(v.Causes) != 1 || v.Causes[0].Rule != "connections-exhausted" || v.Causes[0].Claim.ID != c.claim {
			t.Errorf("%s: got %s, causes %+v; want %s by %s", name, v.Status, v.Causes, c.want, c.claim)
		}
	}
	if f := verdict(leak().records(nil)).Causes[0]; f.Origin.User != "feeder" || f.About.Schema != "shop" {
		t.Errorf("got %+v by %+v, want the account and its database", f.About, f.Origin)
	}
}

// Look-alikes: the connections are all taken, because of something else.
func TestConnectionsExhaustedStaysSilent(t *testing.T) {
	change := func(n sessions, f func(*sessions)) sessions { f(&n); return n }
	locked := func(i int, s *second) {
		if q := backupLock(); i >= q.from && i < q.to {
			q.wait(i, s)
		}
	}
	for name, c := range map[string]struct {
		records []evidence.Record
		clears  bool
	}{
		"all wait for a lock":               {change(leak(), func(n *sessions) { n.sleeping, n.waiting, n.busy = 10, 138, 10 }).records(locked), true},
		"all run slow statements":           {change(leak(), func(n *sessions) { n.sleeping, n.running, n.busy = 10, 138, 10 }).records(nil), true},
		"requests wait for another server":  {many(change(leak(), func(n *sessions) { n.user, n.idle, n.busy = "shop", 25*time.Second, 150 }).records(nil)), false},
		"they are asleep for a moment":      {change(leak(), func(n *sessions) { n.idle = time.Second }).records(nil), false},
		"many sleep, and more would fit":    {free(leak().records(nil)), false},
		"all were taken for two seconds":    {brief(leak().records(func(i int, s *second) { waitElsewhere(i, s) })), false},
		"they ran out when all stood still": {lateFull(leak().records(func(i int, s *second) { waitElsewhere(i, s) })), false},
		"nobody suffers":                    {calm(leak().records(nil)), false},
	} {
		v := verdict(c.records)
		if accuses(v, "connections-exhausted") || rejects(v, "connections-exhausted") != c.clears {
			t.Errorf("%s: got %s with causes %+v, rejected %+v; want no accusation, cleared %v", name, v.Status, v.Causes, v.Rejected, c.clears)
		}
	}
}

// many is a pool of 150 workers.
func many(records []evidence.Record) []evidence.Record {
	return alter(records, func(_ int, p *evidence.WorkerPool) { p.Max, p.Children = 150, 150 })
}

// free has 400 connections, as the server says at its start.
func free(records []evidence.Record) []evidence.Record {
	return alter(alter(records, func(_ int, s *evidence.DBServer) { s.MaxConnections = 400 }), func(_ int, s *evidence.DBStatus) { s.RefusedMax = 0 })
}

// uncounted does not know how many connections there were before.
func uncounted(records []evidence.Record) []evidence.Record {
	return alter(records, func(i int, s *evidence.DBStatus) {
		if i < 60 {
			s.Connected = 0
		}
	})
}

// brief has them all taken in seconds 60 and 61 only.
func brief(records []evidence.Record) []evidence.Record {
	return alter(records, func(i int, s *evidence.DBStatus) {
		if i > 61 {
			s.Connected, s.RefusedMax = 20, 0
		}
	})
}

// lateFull has them all taken only in the end.
func lateFull(records []evidence.Record) []evidence.Record {
	return alter(records, func(i int, s *evidence.DBStatus) {
		if i < 90 {
			s.Connected, s.RefusedMax = 20, 0
		}
	})
}

// calm is the same while visitors get their pages.
func calm(records []evidence.Record) []evidence.Record {
	return alter(records, func(_ int, p *evidence.Probe) { p.Status, p.Error, p.TookMs = 200, "", 21 })
}
