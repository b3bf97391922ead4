package openmetrics

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/sqltext"
)

const (
	// tablesEvery is how often sizes of tables are told: they move by the hour.
	tablesEvery = 10 * time.Minute
	fsEvery     = time.Minute
	// gapMost is the longest interval that an amount is told over: in a longer one
	// nothing was scraped.
	gapMost    = 15 * time.Minute
	digestsTop = 15
	tablesTop  = 30
)

// facts makes facts of the values, scrape by scrape: all values of one exporter
// at one moment.
type facts struct {
	im    *importer
	emit  func(evidence.Record) error
	boxes map[uint16]*box
	now   value // of the scrape that is being gathered
	seen  map[uint32]float64
	n     map[uint32]int // values that were added up
	open  bool
}

// box is what is kept of an exporter from scrape to scrape.
type box struct {
	at     int64
	was    map[uint32]float64
	tables int64 // when they were told last
	fs     int64
	told   evidence.DBServer
}

func newFacts(im *importer, emit func(evidence.Record) error) *facts {
	return &facts{im: im, emit: emit, boxes: map[uint16]*box{}, seen: map[uint32]float64{}, n: map[uint32]int{}}
}

// take adds a value; when the next scrape begins, the one before is told.
func (f *facts) take(v value) error {
	if !f.im.chosen[v.target] {
		return nil
	}
	if f.open && (v.at != f.now.at || v.target != f.now.target) {
		if err := f.flush(); err != nil {
			return err
		}
	}
	f.now, f.open = v, true
	f.seen[v.key] += v.v
	f.n[v.key]++
	return nil
}

// flush tells the scrape that was gathered.
func (f *facts) flush() error {
	if !f.open {
		return nil
	}
	f.open = false
	b := f.boxes[f.now.target]
	if b == nil {
		b = &box{}
		f.boxes[f.now.target] = b
	}
	s := scrape{f: f, box: b, at: time.UnixMilli(f.now.at).UTC()}
	if b.at > 0 {
		s.over = time.Duration(f.now.at-b.at) * time.Millisecond
	}
	if s.over > gapMost {
		s.over = 0 // what the counters moved by cannot be placed
	}
	id := f.im.ids[f.now.target]
	s.instance = id.instance
	switch id.from {
	case fromNode:
		s.node()
	case fromMySQL:
		s.mysql()
	case fromFPM:
		s.fpm()
	case fromApache, fromNginx:
		s.web(id.from)
	case fromBlackbox:
		s.blackbox()
	case fromProcess:
		s.processes()
	case exporters:
	}
	b.at, b.was = f.now.at, f.seen
	f.seen, f.n = make(map[uint32]float64, len(f.seen)), map[uint32]int{}
	return s.err
}

// scrape is all values of one exporter at one moment.
type scrape struct {
	f        *facts
	box      *box
	at       time.Time
	over     time.Duration // since the scrape before; 0 unknown
	instance string
	err      error
}

func (s *scrape) emit(f evidence.Fact) {
	if s.err == nil {
		s.err = s.f.emit(evidence.Record{At: s.at, Source: "import", Fact: f})
	}
}

// id of a value; false where the file has none of that name.
func (s *scrape) id(key, by string) (uint32, bool) {
	k, ok := s.f.im.keys[keyID{key: key, by: by}]
	return k, ok
}

// now is a gauge; absent where it was not scraped.
func (s *scrape) now(key, by string) (float64, bool) {
	k, ok := s.id(key, by)
	if !ok {
		return 0, false
	}
	v, ok := s.f.seen[k]
	return v, ok
}

// gauge is a value as a whole number, or absent.
func (s *scrape) gauge(key, by string, absent int64) int64 {
	v, ok := s.now(key, by)
	if !ok {
		return absent
	}
	return whole(v)
}

// moved is what a counter moved by. One that was reset counts from zero.
func (s *scrape) moved(key, by string) float64 {
	k, ok := s.id(key, by)
	if !ok {
		return 0
	}
	return s.movedKey(k)
}

func (s *scrape) movedKey(k uint32) float64 {
	v, ok := s.f.seen[k]
	was, before := s.box.was[k]
	if !ok || !before || s.over <= 0 {
		return 0
	}
	if v < was {
		return max(v, 0)
	}
	return v - was
}

func whole(v float64) int64 {
	if !(v > -9e15 && v < 9e15) {
		return 0
	}
	return int64(math.Round(v))
}

// by calls do for each value of a name that was scraped, in the order of their labels.
func (s *scrape) by(key string, do func(id keyID, k uint32)) {
	var ks []uint32
	for k := range s.f.seen {
		if s.f.im.names[k].key == key {
			ks = append(ks, k)
		}
	}
	slices.SortFunc(ks, func(a, b uint32) int {
		x, y := s.f.im.names[a], s.f.im.names[b]
		return cmp.Or(cmp.Compare(x.by, y.by), cmp.Compare(x.also, y.also))
	})
	for _, k := range ks {
		do(s.f.im.names[k], k)
	}
}

func (s *scrape) node() {
	idle, ok := s.id("cpu", "idle")
	if !ok || s.f.n[idle] == 0 {
		return
	}
	ms := func(modes ...string) int64 {
		sum := 0.0
		for _, m := range modes {
			sum += s.moved("cpu", m)
		}
		return whole(1000 * sum)
	}
	h := evidence.Host{
		OverMs: s.over.Milliseconds(), CPUs: s.f.n[idle], UserMs: ms("user", "nice"), SystemMs: ms("system", "irq", "softirq"), IdleMs: ms("idle"),
		IowaitMs: ms("iowait"), StealMs: ms("steal"), Runnable: int(s.gauge("running", "", 0)), Blocked: int(s.gauge("blocked", "", 0)),
		MemTotalKB: s.gauge("mem", "", 0) / 1024, MemAvailKB: s.gauge("avail", "", 0) / 1024, SwapKB: s.gauge("swap", "", 0) / 1024, SwapFreeKB: s.gauge("swapfree", "", 0) / 1024,
		SwapInKB: 4 * whole(s.moved("swapin", "")), SwapOutKB: 4 * whole(s.moved("swapout", "")), MajFaults: whole(s.moved("majfault", "")), OOMKills: whole(s.moved("oom", "")),
	}
	h.Load1, _ = s.now("load1", "")
	s.by("dread", func(_ keyID, k uint32) { h.ReadKB += whole(s.movedKey(k) / 1024) })
	s.by("dwrite", func(_ keyID, k uint32) { h.WriteKB += whole(s.movedKey(k) / 1024) })
	s.by("dreads", func(_ keyID, k uint32) { h.ReadOps += whole(s.movedKey(k)) })
	s.by("dwrites", func(_ keyID, k uint32) { h.WriteOps += whole(s.movedKey(k)) })
	s.by("dbusy", func(_ keyID, k uint32) { h.DiskBusyMs = max(h.DiskBusyMs, min(whole(1000*s.movedKey(k)), h.OverMs)) })
	if _, ok := s.now("pcpu", ""); ok {
		h.PSI = true
		h.CPUSomeMs, h.MemSomeMs, h.IOSomeMs = whole(1000*s.moved("pcpu", "")), whole(1000*s.moved("pmem", "")), whole(1000*s.moved("pio", ""))
	}
	if s.over > 0 {
		s.emit(h)
	}
	s.filesystems()
}

func (s *scrape) filesystems() {
	if s.at.UnixMilli()-s.box.fs < fsEvery.Milliseconds() {
		return
	}
	s.box.fs = s.at.UnixMilli()
	s.by("fsize", func(id keyID, k uint32) {
		f := evidence.Filesystem{Mount: id.by, SizeKB: whole(s.f.seen[k] / 1024), FreeKB: s.gauge("ffree", id.by, 0) / 1024,
			Inodes: s.gauge("finodes", id.by, 0), InodesFree: s.gauge("fifree", id.by, 0)}
		if f.SizeKB > 0 && !strings.HasPrefix(f.Mount, "/run") && !strings.HasPrefix(f.Mount, "/snap") && !strings.HasPrefix(f.Mount, "/var/lib/docker") {
			s.emit(f)
		}
	})
}

func (s *scrape) mysql() {
	up, told := s.now("up", "")
	_, answers := s.now("uptime", "")
	if told {
		s.emit(evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: s.instance, Up: up > 0, UptimeS: s.gauge("uptime", "", 0), How: "exporter"})
	}
	if !answers {
		return
	}
	s.server()
	st := evidence.DBStatus{
		OverMs: s.over.Milliseconds(), UptimeS: s.gauge("uptime", "", 0), Questions: whole(s.moved("questions", "")),
		Selects: whole(s.moved("com", "select")), Inserts: whole(s.moved("com", "insert")), Updates: whole(s.moved("com", "update")), Deletes: whole(s.moved("com", "delete")),
		ThreadsRunning: s.gauge("running", "", 0), Connected: s.gauge("connected", "", 0), MaxUsed: s.gauge("maxused", "", 0),
		Aborted: whole(s.moved("aborted", "")), RefusedMax: whole(s.moved("refused", "max_connections")),
		RowsRead: whole(s.moved("rows", "read")), RowsInserted: s.rows("inserted", "write"), RowsUpdated: s.rows("updated", "update"), RowsDeleted: s.rows("deleted", "delete"),
		PageReads: whole(s.moved("preads", "")), PageRequests: whole(s.moved("prequests", "")), DirtyPages: s.gauge("dirty", "", 0),
		HistoryLength: s.gauge("history", "", -1), RowLockWaits: whole(s.moved("lockwaits", "")), RowLockMs: whole(s.moved("lockms", "")), RowLocksWaiting: s.gauge("locksnow", "", 0),
		Deadlocks: whole(s.moved("deadlocks", "")), SlowQueries: whole(s.moved("slow", "")), TmpDiskTables: whole(s.moved("tmpdisk", "")), HandlerReadNext: whole(s.moved("handler", "read_rnd_next")),
	}
	if k, ok := s.id("uptime", ""); ok {
		was, before := s.box.was[k]
		st.Restarted = before && s.f.seen[k] < was
	}
	if s.over > 0 {
		s.emit(st)
		s.digests()
	}
	s.tables()
}

// rows is how many rows were changed: by InnoDB's counter, which newer MariaDB does
// not have any more, or else by that of all engines.
func (s *scrape) rows(operation, handler string) int64 {
	if _, ok := s.now("rows", operation); ok {
		return whole(s.moved("rows", operation))
	}
	return whole(s.moved("handler", handler))
}

// server tells what kind of server it is, when that is new.
func (s *scrape) server() {
	v := evidence.DBServer{Flavour: "mysql", BufferPoolBytes: s.gauge("pool", "", 0), MaxConnections: s.gauge("maxconn", "", 0), LockWaitS: s.gauge("lockwait", "", 0),
		PerfSchema: s.gauge("perf", "", 0) > 0, SlowLog: s.gauge("slowlog", "", 0) > 0}
	s.by("version", func(id keyID, _ uint32) { v.Version = id.by })
	if strings.Contains(strings.ToLower(v.Version), "mariadb") {
		v.Flavour = "mariadb"
	}
	if v != s.box.told && (v.MaxConnections > 0 || v.Version != "") {
		s.box.told = v
		s.emit(v)
	}
}

func (s *scrape) digests() {
	var out []evidence.DigestUse
	im := s.f.im
	s.by("dcount", func(id keyID, k uint32) {
		n := s.movedKey(k)
		if n <= 0 {
			return
		}
		part := func(key string) float64 {
			k, ok := im.keys[keyID{key, id.by, id.also}]
			if !ok {
				return 0
			}
			return s.movedKey(k)
		}
		out = append(out, evidence.DigestUse{OverMs: s.over.Milliseconds(), Schema: id.also, Digest: sqltext.Digest(id.by), Count: whole(n), TimeMs: whole(1000 * part("dtime")),
			RowsRead: whole(part("dread")), RowsSent: whole(part("dsent")), RowsDone: whole(part("ddone")), Errors: whole(part("derrors"))})
	})
	slices.SortStableFunc(out, func(a, b evidence.DigestUse) int { return cmp.Compare(b.TimeMs, a.TimeMs) })
	for _, d := range out[:min(len(out), digestsTop)] {
		s.emit(d)
	}
}

// tables tells the largest tables; their indexes no exporter knows.
func (s *scrape) tables() {
	if s.at.UnixMilli()-s.box.tables < tablesEvery.Milliseconds() {
		return
	}
	var out []evidence.Table
	im := s.f.im
	s.by("tsize-data_length", func(id keyID, k uint32) {
		t := evidence.Table{Schema: id.also, Name: id.by, Rows: -1, FileBytes: -1, DataBytes: whole(s.f.seen[k])}
		if k, ok := im.keys[keyID{"tsize-index_length", id.by, id.also}]; ok {
			t.IdxBytes = whole(s.f.seen[k])
		}
		if k, ok := im.keys[keyID{"trows", id.by, id.also}]; ok {
			if v, ok := s.f.seen[k]; ok {
				t.Rows = whole(v)
			}
		}
		out = append(out, t)
	})
	if len(out) == 0 {
		return
	}
	s.box.tables = s.at.UnixMilli()
	slices.SortStableFunc(out, func(a, b evidence.Table) int { return cmp.Compare(b.DataBytes, a.DataBytes) })
	for _, t := range out[:min(len(out), tablesTop)] {
		s.emit(t)
	}
}

func (s *scrape) fpm() {
	s.by("active", func(id keyID, k uint32) {
		busy := whole(s.f.seen[k])
		p := evidence.WorkerPool{Service: evidence.ServicePHP, Instance: s.instance, Pool: id.by, Children: int(s.gauge("total", id.by, 0)), Busy: int(busy),
			Max: -1, Queue: int(s.gauge("queue", id.by, -1)), Backlog: int(s.gauge("backlog", id.by, 0)), How: "status"}
		if n := whole(s.moved("full", id.by)); n > 0 {
			p.Max = p.Children
			s.emit(evidence.ErrorLine{Service: evidence.ServicePHP, Instance: s.instance, ID: "fpm-max-children", Count: n, Message: "max_children_reached rose (pool " + id.by + ")"})
		}
		s.emit(p)
	})
	s.by("up", func(_ keyID, k uint32) {
		s.emit(evidence.ServiceState{Service: evidence.ServicePHP, Instance: s.instance, Up: s.f.seen[k] > 0, How: "exporter"})
	})
}

func (s *scrape) web(from exporter) {
	service := evidence.ServiceApache
	if from == fromNginx {
		service = evidence.ServiceNginx
	}
	if up, ok := s.now("up", ""); ok {
		s.emit(evidence.ServiceState{Service: service, Instance: s.instance, Up: up > 0, How: "exporter"})
	}
	if _, ok := s.now("requests", ""); ok && s.over > 0 {
		s.emit(evidence.Traffic{Site: s.instance, OverMs: s.over.Milliseconds(), Class: evidence.ClassAll, Requests: whole(s.moved("requests", "")), TookMs: -1, MaxMs: -1})
	}
	if busy, ok := s.now("workers", "busy"); ok {
		s.emit(evidence.WorkerPool{Service: service, Instance: s.instance, Pool: "workers", Children: int(whole(busy) + s.gauge("workers", "idle", 0)), Busy: int(whole(busy)), Max: -1, Queue: -1, How: "status"})
	}
}

func (s *scrape) blackbox() {
	ok, told := s.now("success", "")
	took, timed := s.now("took", "")
	if !told || !timed {
		return
	}
	p := evidence.Probe{Site: s.instance, URL: address(s.instance), Status: int(s.gauge("status", "", 0)), TookMs: whole(1000 * took)}
	switch {
	case ok > 0 && p.Status == 0:
		p.Status = 200
	case ok <= 0 && p.Status < 500:
		p.Status, p.Error = 0, "other"
	}
	s.emit(p)
}

// address is a URL without its query string.
func address(s string) string {
	s, _, _ = strings.Cut(s, "?")
	return s
}

// services are the groups of process-exporter that are known services.
var services = map[string]string{"mysqld": evidence.ServiceDatabase, "mariadbd": evidence.ServiceDatabase, "apache2": evidence.ServiceApache, "httpd": evidence.ServiceApache, "nginx": evidence.ServiceNginx}

func (s *scrape) processes() {
	s.by("cpu", func(id keyID, k uint32) {
		service, ok := services[id.by]
		if strings.HasPrefix(id.by, "php-fpm") || strings.HasPrefix(id.by, "php-cgi") {
			service, ok = evidence.ServicePHP, true
		}
		if !ok || s.over <= 0 {
			return
		}
		s.emit(evidence.ServiceUse{OverMs: s.over.Milliseconds(), Service: service, Instance: id.by, Processes: int(s.gauge("procs", id.by, 0)),
			CPUMs: whole(1000 * s.movedKey(k)), RSSKB: s.gauge("rss", id.by, 0) / 1024})
	})
}
