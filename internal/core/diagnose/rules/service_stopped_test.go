package rules

import (
	"slices"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestHowAServiceEnded(t *testing.T) {
	db := func(up func(int) (bool, int), lines map[int]evidence.ErrorLine) []evidence.Record {
		return ends(state{evidence.ServiceDatabase, up}, lines)
	}
	systemd := func(at int, id, text string) []evidence.Record {
		return ends(state{evidence.ServiceNginx, gone(60)}, map[int]evidence.ErrorLine{at: {ID: id, Message: text}})
	}
	kernel := func(records []evidence.Record, text string) []evidence.Record {
		for _, r := range records {
			if p, ok := r.Fact.(evidence.ServiceState); ok && !p.Up {
				return append(records, evidence.Record{At: r.At, Source: "errorlog", Fact: evidence.ErrorLine{Service: "kernel", ID: "kernel-oom", Count: 1, Message: text}})
			}
		}
		return records
	}
	for name, c := range map[string]struct {
		records []evidence.Record
		claim   string
	}{
		"told to stop":          {db(gone(60), map[int]evidence.ErrorLine{60: {ID: "db-stopping", Message: "mariadbd: Normal shutdown"}}), endedOrderly},
		"crashed":               {db(gone(60), map[int]evidence.ErrorLine{59: {ID: "db-signal", Message: "mariadbd got signal 11"}}), endedCrashed},
		"an assertion":          {db(gone(60), map[int]evidence.ErrorLine{60: {ID: "db-assertion", Message: "InnoDB: Assertion failure in file"}}), endedCrashed},
		"killed for memory":     {kernel(db(gone(60), nil), "Out of memory: Killed process 812 (mariadbd)"), endedCrashed},
		"another was killed":    {kernel(db(gone(60), map[int]evidence.ErrorLine{60: {ID: "db-stopping", Message: "Normal shutdown"}}), "Out of memory: Killed process 99 (java)"), endedOrderly},
		"restarting in a loop":  {db(loops, nil), endedLoop},
		"it does not start":     {db(gone(60), map[int]evidence.ErrorLine{60: {ID: "db-stopping", Message: "Normal shutdown"}, 66: {ID: "db-start-failed", Message: "unknown variable 'x=1'"}}), endedUnborn},
		"nothing tells":         {db(gone(60), nil), endedUnknown},
		"killed, says systemd":  {systemd(60, "systemd-killed", "nginx.service: Main process exited, code=killed, status=9/KILL"), endedCrashed},
		"stopped, says systemd": {systemd(59, "systemd-stopping", "Stopping nginx.service - A high performance web server"), endedOrderly},
	} {
		v := verdict(c.records)
		f := first(v)
		if v.Status != diagnose.Proven || f.Rule != "service-stopped" || f.Claim.ID != c.claim || len(v.Causes) != 1 {
			t.Errorf("%s: got %s, %+v; want %s", name, v.Status, v.Causes, c.claim)
		}
		if said := slices.ContainsFunc(f.Missing, func(s diagnose.Sentence) bool { return s.ID == "missing-last-words" }); said != (c.claim == endedUnknown || name == "restarting in a loop") {
			t.Errorf("%s: missing %+v", name, f.Missing)
		}
	}
}

// A database that ends for want of room is the victim of the disk.
func TestServiceThatEndsForWantOfRoom(t *testing.T) {
	d := dataDisk()
	records := ends(state{evidence.ServiceDatabase, gone(62)}, map[int]evidence.ErrorLine{60: {ID: "db-disk-full", Message: "mariadbd: Disk is full writing"}, 62: {ID: "db-signal", Message: "got signal 6"}})
	for _, r := range records {
		if p, ok := r.Fact.(evidence.Probe); ok && p.Site != "" {
			records = append(records, evidence.Record{At: r.At, Source: "filesystem", Fact: d.at(int(r.At.Sub(t0).Seconds()))})
		}
	}
	if v := verdict(records); first(v).Rule != "disk-full" || len(v.Causes) != 1 {
		t.Errorf("got %s, %+v", v.Status, v.Causes)
	}
}

func TestRestartsThatAreNotToBlame(t *testing.T) {
	// It was back at once, and noticed only five seconds later.
	quick := ends(state{evidence.ServiceDatabase, func(i int) (bool, int) { return true, 812 + i/60 }}, nil)
	quick = alter(quick, func(i int, s *evidence.ServiceState) {
		if i >= 60 && i < 65 {
			s.Up, s.PID, s.UptimeS = false, 0, 0
		}
		if i >= 65 {
			s.UptimeS = int64(i - 60)
		}
	})
	// Pages are slow later, for another reason.
	later := ends(state{evidence.ServiceDatabase, func(i int) (bool, int) { return i < 20 || i >= 22, 800 + i/21 }}, nil)
	for k, r := range later {
		if p, ok := r.Fact.(evidence.Probe); ok && r.At.Sub(t0).Seconds() > 80 {
			p.TookMs, p.Status = 9000, 200
			later[k].Fact = p
		}
	}
	inOrder := ends(state{evidence.ServiceDatabase, func(i int) (bool, int) { return i < 61 || i >= 65, 812 + i/65 }}, map[int]evidence.ErrorLine{61: {ID: "db-stopping", Message: "Normal shutdown"}})
	for name, records := range map[string][]evidence.Record{"a quick restart": quick, "slow an hour after it": later, "restarted in order, nobody suffered": inOrder} {
		if v := verdict(records); accuses(v, "service-stopped") {
			t.Errorf("%s: got %s, %+v", name, v.Status, v.Causes)
		}
	}
}
