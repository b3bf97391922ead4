package report

import (
	"fmt"
	"net/netip"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/diagnose"
)

// The scenes of `hirune attacks`.
func sieges() map[string]Attacks {
	return map[string]Attacks{
		"attacks-hurts": hurtsSiege(), "attacks-harmless": harmlessSiege(), "attacks-over": overSiege(), "attacks-unknown": awaySiege(),
		"attacks-blind": blindSiege(), "attacks-broken-in": brokenInSiege(), "attacks-none": noSiege(), "attacks-hostile": hostileSiege(), "attacks-nameless": namelessSiege(), "attacks-unsure": unsureSiege(),
	}
}

var siegeEnd = time.Date(2026, 11, 22, 18, 30, 0, 0, time.UTC)

func ago(d time.Duration) int64 { return siegeEnd.Add(-d).Unix() }

func actors(n int, fired int, each int64) []attack.Actor {
	var out []attack.Actor
	for i := range n {
		out = append(out, attack.Actor{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)}), 32), Attempts: each - int64(i), From: ago(26 * time.Hour), To: ago(time.Minute),
			Agent: "Mozilla/5.0 (Windows NT 6.1; rv:40.0) Gecko/20100101 Firefox/40.1", TookUs: -1, Fired: i < fired,
		})
	}
	return out
}

func baseSiege() Attacks {
	return Attacks{
		At: siegeEnd, Top: 3, Costs: CostLog,
		Picture: attack.Picture{From: ago(7 * 24 * time.Hour), To: ago(0), Total: attack.Sums{Requests: 301_200, Dynamic: 120_400, TookUs: 9_000_000_000}, Clients: 8_412, Timed: true},
		BreakIn: attack.BreakIn{Status: attack.NothingFound},
		Logs: []AttackLog{
			{Path: "/var/log/apache2/access.log", Format: `%h %l %u %t "%r" %>s %O`, Lines: 301_200, Rejected: 398, From: siegeEnd.Add(-24 * time.Hour), To: siegeEnd, Samples: []string{`\x16\x03\x01`}},
			{Path: "/var/log/apache2/access.log.1", Format: `%h %l %u %t "%r" %>s %O`, Lines: 210_000, From: siegeEnd.Add(-7 * 24 * time.Hour), To: siegeEnd.Add(-24 * time.Hour)},
		},
		Typed: func(c string) string { return "sudo " + c },
	}
}

func xmlrpcAttack(v attack.Verdict, worker float64) attack.Attack {
	return attack.Attack{
		ID: "xmlrpc-brute-force", Actors: actors(100, 0, 160), ActorsTotal: 312, Attempts: 45_012, Answers: attack.Answers{S2xx: 45_000, S5xx: 12},
		Paths: []attack.PathCount{{Path: "/xmlrpc.php", Count: 45_012}}, From: ago(4 * 24 * time.Hour), To: ago(time.Minute),
		Cluster: &attack.Cluster{Agent: "Mozilla/5.0 (Windows NT 6.1; rv:40.0)", Path: "/xmlrpc.php", Size: 403, Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		Harm:    attack.Harm{WorkerTime: worker, Requests: 0.21, Busy: 6.1, Measured: true}, Verdict: v, Severity: attack.High, PeakMinute: 412,
	}
}

func loginAttack(v attack.Verdict, worker float64) attack.Attack {
	return attack.Attack{
		ID: "wp-login-brute-force", Actors: actors(2, 2, 1_200), ActorsTotal: 2, Attempts: 2_399, Answers: attack.Answers{S2xx: 2_399},
		Paths: []attack.PathCount{{Path: "/wp-login.php", Count: 2_399}}, From: ago(3 * time.Hour), To: ago(2 * time.Minute),
		Harm: attack.Harm{WorkerTime: worker, Requests: 0.02, Busy: 0.4, Measured: true}, Verdict: v, Severity: attack.Medium, PeakMinute: 31,
	}
}

func probeAttack() attack.Attack {
	return attack.Attack{
		ID: "plugin-probing", Actors: actors(3, 3, 60), ActorsTotal: 3, Attempts: 177, Answers: attack.Answers{S4xx: 177},
		Paths: []attack.PathCount{{Path: "/wp-content/plugins/revslider/readme.txt", Count: 9}}, From: ago(50 * time.Hour), To: ago(49 * time.Hour),
		Harm: attack.Harm{WorkerTime: 0.0004, Requests: 0.001, Measured: true}, Verdict: attack.Harmless, Severity: attack.Low, PeakMinute: 60,
	}
}

func propose(v Attacks) []attack.Proposal {
	now := v.At.Unix()
	if v.Away {
		now = v.Picture.To
	}
	return attack.Propose(attack.ProposeIn{Picture: v.Picture, BreakIn: v.BreakIn, Now: now, Away: v.Away})
}

func hurtsSiege() Attacks {
	v := baseSiege()
	v.Picture.Attacks = []attack.Attack{xmlrpcAttack(attack.Hurts, 0.62), loginAttack(attack.Harmless, 0.03), probeAttack()}
	v.Picture.Benign = []attack.Benign{{ID: "own-cron", Requests: 10_080}, {ID: "verified-bot", Requests: 1_204, Name: "Googlebot"}, {ID: "strange", Requests: 3}}
	v.Loads = map[string]attack.Load{"xmlrpc-brute-force": {During: 4.2, Usual: 1.1}}
	v.Spent = map[string]attack.Spent{"xmlrpc-brute-force": {PHP: 0.58, Database: 0.33, From: siegeEnd.Add(-time.Hour), To: siegeEnd}}
	v.Used = map[string]attack.Used{"xmlrpc-brute-force": {PHP: attack.Load{During: 1.4, Usual: 0.5}, Database: attack.Load{During: 0.6, Usual: 0.2}}}
	v.BreakIn.Unseen = []attack.Unseen{{Source: "sessions", Why: "access denied for user 'wp'"}, {Source: "audit-log", Why: "no such table"}}
	v.Proposals, v.Saved, v.Who = propose(v), "/var/lib/hirune/attacks.json", true
	return v
}

func harmlessSiege() Attacks {
	v := baseSiege()
	v.Picture.Attacks = []attack.Attack{loginAttack(attack.Harmless, 0.03), probeAttack()}
	v.Proposals = propose(v)
	return v
}

func overSiege() Attacks {
	v := baseSiege()
	t := xmlrpcAttack(attack.Hurts, 0.62)
	t.To = ago(30 * time.Hour)
	v.Picture.Attacks = []attack.Attack{t}
	v.Proposals = propose(v)
	return v
}

func awaySiege() Attacks {
	v := baseSiege()
	t := xmlrpcAttack(attack.Unknown, -1)
	t.Harm.Busy, t.Harm.Measured = -1, false
	v.Picture.Attacks, v.Picture.Timed, v.Away, v.Costs = []attack.Attack{t}, false, true, ""
	v.Proposals = propose(v)
	return v
}

func blindSiege() Attacks {
	v := baseSiege()
	v.Picture, v.Costs = attack.Picture{}, ""
	v.Logs = []AttackLog{{Path: "error.log", Lines: 12, Rejected: 12, Fault: "read the log error.log: no line is a request in a known format", Hint: "is it an error log?", Samples: []string{"[Sun Nov 22] [core:notice]"}}}
	return v
}

func brokenInSiege() Attacks {
	v := harmlessSiege()
	v.BreakIn = attack.BreakIn{Status: attack.Confirmed}
	for i := range 3 {
		v.BreakIn.Evidence = append(v.BreakIn.Evidence, attack.Evidence{
			ID: "session-of-attacker", Weight: attack.Confirmed, At: ago(time.Hour), Client: "198.51.100.1", User: fmt.Sprint("editor", i),
			Say: diagnose.Say("in-session", "user", fmt.Sprint("editor", i), "address", "198.51.100.1", "attempts", diagnose.Count(1_200), "since", siegeEnd.Add(-time.Hour)), Do: diagnose.Say("do-end-sessions", "user", fmt.Sprint("editor", i)),
		})
	}
	return v
}

func noSiege() Attacks { return baseSiege() }

// unsureSiege is measured, and lies between harmless and hurting.
func unsureSiege() Attacks {
	v := baseSiege()
	t := loginAttack(attack.Unknown, 0.15)
	t.Says = []diagnose.Sentence{diagnose.Say("harm-between", "share", diagnose.Share01(0.15), "busy", diagnose.Number(1.2), "workers", diagnose.Count(5), "requests", diagnose.Share01(0.2))}
	v.Picture.Attacks = []attack.Attack{t}
	v.Proposals = propose(v)
	return v
}

func namelessSiege() Attacks {
	v := baseSiege()
	v.Nameless, v.Away, v.Picture.Clients = true, true, 0
	return v
}

// hostileSiege has what an attacker can write everywhere.
func hostileSiege() Attacks {
	const evil = "\x1b]0;owned\x07\x1b[2J\u202e<script>alert(1)</script>{worker}[x]=cmd|' /C calc'!A0\n\xff"
	v := hurtsSiege()
	t := &v.Picture.Attacks[0]
	t.ID, t.Paths[0].Path, t.Cluster.Agent, t.Cluster.Path = evil, evil, evil, evil
	for i := range t.Actors {
		t.Actors[i].Agent, t.Actors[i].Bot = evil, evil
	}
	t.Says = []diagnose.Sentence{diagnose.Say("new-claim", "path", evil)}
	v.Picture.Benign[1].Name = evil
	v.Picture.Clues = []attack.Clue{{ID: "new-php", Path: evil}}
	v.Logs[0].Path, v.Logs[0].Samples, v.Logs[0].Fault, v.Logs[0].Hint = evil, []string{evil}, evil, evil
	v.BreakIn.Evidence = []attack.Evidence{{ID: evil, Weight: attack.LookAtThis, Client: evil, User: evil, Path: evil, Say: diagnose.Say("new", "user", evil)}}
	v.BreakIn.Unseen = append(v.BreakIn.Unseen, attack.Unseen{Source: evil, Why: evil})
	v.Proposals = propose(v)
	return v
}
