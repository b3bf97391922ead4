package audit

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	mib = int64(1) << 20
	// What the system, the web server and the page cache need beside the database and
	// PHP, and what a database takes beside its buffer pool; the same numbers as the
	// advice of a plan is made of.
	systemLeast, systemShare = 256 * mib, 0.1
	serverBase               = 150 * mib
	poolOverhead             = 1.1
	// sharedRoom is by how much the sum may exceed the memory: what workers share is
	// counted in each of them.
	sharedRoom = 1.1
	// spareConnections are for cron, backups, monitors and us.
	spareConnections = 10
)

// workers is how many PHP workers may run, all pools together; 0 unknown.
func (v view) workers() int64 {
	limit := map[string]int64{}
	for _, p := range recording.Ever[evidence.WorkerPool](v.w) {
		if p.Service == evidence.ServicePHP && p.Max > 0 {
			limit[p.Instance+"\x00"+p.Pool] = int64(p.Max)
		}
	}
	sum := int64(0)
	for _, n := range limit {
		sum += n
	}
	return sum
}

// memory tells where all workers together with the database do not fit.
func (v view) memory() {
	workers := v.workers()
	var each, server, total, swap int64
	for _, u := range recording.All[evidence.ServiceUse](v.w) {
		switch {
		case u.Service == evidence.ServicePHP && u.Processes > 1:
			each = max(each, u.RSSKB<<10/int64(u.Processes))
		case u.Service == evidence.ServiceDatabase:
			server = max(server, u.RSSKB<<10)
		}
	}
	for _, h := range recording.All[evidence.Host](v.w) {
		total, swap = h.MemTotalKB<<10, h.SwapKB<<10
	}
	for _, g := range recording.All[evidence.Cgroup](v.w) {
		if limit := g.MemLimitKB << 10; limit > 0 && limit < total {
			total = limit // a container has no more than that
		}
	}
	if workers == 0 || each == 0 || total == 0 {
		v.unknown(diagnose.Say("unknown-memory"))
		return
	}
	server = max(server, serverBase+int64(poolOverhead*float64(v.pool())))
	system := max(systemLeast, int64(systemShare*float64(total)))
	need := workers*each + server + system
	if float64(need) <= sharedRoom*float64(total) {
		return
	}
	fit := max((total-server-system)/each, 1)
	v.found(Risk{ID: "memory-overcommitted", When: When{Kind: OnRush}, Remedies: []string{"fewer-children"},
		Say: diagnose.Say("risk-memory", "workers", diagnose.Count(workers), "need", diagnose.Bytes(need), "total", diagnose.Bytes(total), "fit", diagnose.Count(fit)),
		Evidence: []diagnose.Sentence{diagnose.Say("audit-memory", "worker", diagnose.Bytes(each), "server", diagnose.Bytes(server), "system", diagnose.Bytes(system),
			"swap", diagnose.Bytes(swap))}})
}

// connections tells where PHP alone can use up the database's connections.
func (v view) connections() {
	workers, limit := v.workers(), int64(0)
	for _, s := range recording.Ever[evidence.DBServer](v.w) {
		limit = s.MaxConnections
	}
	if workers == 0 || limit == 0 || workers+spareConnections <= limit {
		return
	}
	most := int64(-1)
	for _, s := range recording.All[evidence.DBStatus](v.w) {
		most = max(most, s.MaxUsed)
	}
	v.found(Risk{ID: "connections-too-few", When: When{Kind: OnRush}, Remedies: []string{"more-connections"},
		Say:      diagnose.Say("risk-connections", "workers", diagnose.Count(workers), "max", diagnose.Count(limit)),
		Evidence: []diagnose.Sentence{diagnose.Say("audit-connections", "used", diagnose.Count(most), "max", diagnose.Count(limit))}})
}

// busyLeast is over how long the use of the CPU must be known to be compared with a plan.
const busyLeast = 24 * time.Hour

// creditHours is how much a full account of credit holds: what a day earns.
const creditHours = 24

// credit compares the use of the CPU with what the plan earns.
func (v view) credit() {
	switch {
	case v.o.Baseline <= 0:
		v.unknown(diagnose.Say("unknown-plan"))
		return
	case v.o.BusyOver < busyLeast:
		v.unknown(diagnose.Say("unknown-use"))
		return
	case v.o.Busy <= v.o.Baseline:
		return
	}
	days := creditHours * v.o.Baseline / (v.o.Busy - v.o.Baseline) / 24
	when, ok := v.in(days)
	if !ok {
		return
	}
	v.found(Risk{ID: "credit-runs-out", When: when, Remedies: []string{"bigger-plan"},
		Say:      diagnose.Say("risk-credit", "busy", diagnose.Share01(v.o.Busy), "baseline", diagnose.Share01(v.o.Baseline)),
		Evidence: []diagnose.Sentence{diagnose.Say("audit-credit", "busy", diagnose.Share01(v.o.Busy), "days", diagnose.Number(v.o.BusyOver.Hours()/24))}})
}
