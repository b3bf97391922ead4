package tape

import (
	"fmt"
	"math/rand/v2"
	"time"

	"hirune/internal/core/evidence"
)

var t0 = time.Date(2026, 2, 2, 15, 30, 0, 0, time.UTC)

// synth makes the facts of a busy host: about 25 a second, with as much chance
// in the values as real ones have.
type synth struct{ rnd *rand.Rand }

func newSynth() *synth { return &synth{rand.New(rand.NewPCG(1, 2))} }

var digests = []string{
	"SELECT `option_name` , `option_value` FROM `wp_options` WHERE `autoload` = ?",
	"SELECT SQL_CALC_FOUND_ROWS `wp_posts` . `ID` FROM `wp_posts` WHERE ? = ? AND ( ( ( `post_title` LIKE ? ) OR ( `post_content` LIKE ? ) ) ) AND `post_type` = ? ORDER BY `post_date` DESC LIMIT ?, ?",
	"DELETE FROM `wp_audit_log` WHERE `created_on` < ?",
	"INSERT INTO `wp_audit_log` ( `user` , `ip` , `event` , `created_on` , `data` ) VALUES (...)",
	"SELECT * FROM `wp_users` WHERE `user_login` = ? LIMIT ?",
	"UPDATE `wp_options` SET `option_value` = ? WHERE `option_name` = ?",
	"SELECT `post_id` , `meta_key` , `meta_value` FROM `wp_postmeta` WHERE `post_id` IN (...) ORDER BY `meta_id` ASC",
}

func (s *synth) n(max int) int64 { return int64(s.rnd.IntN(max)) }

// second returns the facts of the i-th second after t0.
func (s *synth) second(i int) []evidence.Record {
	at := t0.Add(time.Duration(i)*time.Second + time.Duration(s.n(5))*time.Millisecond)
	var out []evidence.Record
	add := func(source string, f evidence.Fact) {
		out = append(out, evidence.Record{At: at, Source: source, Fact: f})
	}
	add("host", evidence.Host{OverMs: 995 + s.n(10), CPUs: 2, UserMs: s.n(1500), SystemMs: s.n(300), IdleMs: s.n(900), IowaitMs: s.n(90), StealMs: s.n(200),
		Load1: float64(s.n(900)) / 100, Runnable: int(s.n(12)), MemTotalKB: 2013264, MemAvailKB: 300000 + s.n(90000), WriteKB: s.n(4000), WriteOps: s.n(300), DiskBusyMs: s.n(800), MajFaults: s.n(4)})
	for j, name := range []string{evidence.ServiceDatabase, evidence.ServicePHP, evidence.ServiceApache, evidence.ServiceOther} {
		add("processes", evidence.ServiceUse{OverMs: 1000, Service: name, Instance: "i", Processes: 1 + j*4, CPUMs: s.n(700), RSSKB: 90000 + s.n(9000), Running: int(s.n(3))})
	}
	for range 2 {
		add("processes", evidence.ProcessUse{OverMs: 1000, PID: int(2000 + s.n(300)), Name: "php", CPUMs: s.n(200), RSSKB: 30000 + s.n(9000), State: "S", Parent: "cron"})
	}
	for j := range 4 {
		d := s.n(len(digests))
		add("database", evidence.Statement{ConnID: uint64(9000 + i/7 + j), QueryID: uint64(100000 + i*70 + j), User: "bn_wordpress", Schema: "bitnami_wordpress", Command: "Query", State: "Sending data",
			RunningMs: s.n(60000), Digest: digests[d], Verb: digests[d][:6], Table: "wp_audit_log", RowsRead: s.n(600000)})
	}
	add("database", evidence.Transaction{ID: fmt.Sprint(88000 + i/30), ConnID: 9001, State: "RUNNING", AgeMs: int64(i%600) * 1000, RowsLocked: s.n(400000), RowsModified: s.n(9000), LockStructs: s.n(900), Digest: digests[2]})
	add("database", evidence.LockWait{Lock: evidence.LockRow, Waiter: uint64(9000 + s.n(30)), Blocker: 9001, WaitMs: s.n(50000), Schema: "bitnami_wordpress", Table: "wp_audit_log", Index: "PRIMARY", WaiterDigest: digests[3], BlockerDigest: digests[2]})
	add("database", evidence.DBStatus{OverMs: 1000, UptimeS: int64(80000 + i), Questions: s.n(300), Selects: s.n(200), Inserts: s.n(20), ThreadsRunning: s.n(30), Connected: s.n(60), MaxUsed: 80, RowsRead: s.n(500000), RowsDeleted: s.n(5000), PageReads: s.n(300), PageRequests: s.n(900000), PagesWritten: s.n(90), DirtyPages: s.n(4000), HistoryLength: s.n(30000), HandlerReadNext: s.n(400000), RedoKB: s.n(900)})
	for _, c := range []string{evidence.ClassPage, evidence.ClassXMLRPC, evidence.ClassStatic} {
		n := s.n(20)
		add("accesslog", evidence.Traffic{Site: "www.example.org", OverMs: 1000, Class: c, Requests: n, S2xx: n, TookMs: s.n(30000), MaxMs: s.n(9000), Bytes: s.n(900000), Clients: s.n(9), Distinct: s.n(9)})
	}
	for range 4 {
		add("accesslog", evidence.ClientUse{Site: "www.example.org", OverMs: 1000, Class: evidence.ClassXMLRPC, Client: fmt.Sprintf("203.0.113.%d", s.n(60)), Agent: "Mozilla/5.0 (X11; Linux x86_64)", Requests: s.n(9), Distinct: 1, TookMs: s.n(9000), Path: "/xmlrpc.php"})
	}
	add("fpm", evidence.WorkerPool{Service: evidence.ServicePHP, Instance: "php-fpm:8.2", Pool: "www", Children: 5, Busy: int(s.n(6)), Max: 5, Queue: int(s.n(40)), Backlog: 128, How: "status"})
	add("cgroup", evidence.Cgroup{OverMs: 1000, Path: "/lab", QuotaCPUs: 0.1, UsedMs: s.n(100), Throttled: s.n(10), ThrottledMs: s.n(900)})
	if i%5 == 0 {
		add("probe", evidence.Probe{Site: "www.example.org", URL: "http://127.0.0.1:8080/", Status: 200, TookMs: s.n(5000), Bytes: 40000 + s.n(900)})
	}
	if i%300 == 0 {
		for j := range 60 {
			add("tables", evidence.Table{Schema: "bitnami_wordpress", Name: fmt.Sprintf("wp_t%02d", j), Engine: "InnoDB", Rows: s.n(900000), DataBytes: s.n(1 << 28), IdxBytes: s.n(1 << 20), FileBytes: s.n(1 << 28), Indexes: []evidence.Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}}})
		}
	}
	return out
}
