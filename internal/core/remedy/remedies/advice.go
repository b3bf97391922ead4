package remedies

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// Advise says what the owner may change by hand, with the exact lines: where
// memory, connections and WordPress' own schedule do not fit each other. It says
// nothing of what could not be read.
func Advise(w remedy.World, fs []diagnose.Finding) []remedy.Advice {
	m := memoryOf(w)
	fewer := m.children(w)
	return slices.Concat(fewer, connections(w, fewer), m.pool(w, fs), autoload(w), realCron(w, fs))
}

const (
	mib = int64(1) << 20

	// systemLeast is what the system, the web server and the page cache need
	// beside the database and PHP; above it a share of the memory, because big
	// machines run more of it.
	systemLeast = 256 * mib
	systemShare = 0.1
	// serverBase is the memory of a server beside its buffer pool, measured idle
	// with a pool of 128M: MariaDB 105 MB in all, MySQL 543 MB. Sessions come on top.
	mariaBase = 150 * mib
	mysqlBase = 500 * mib
	// poolOverhead is how much more memory a buffer pool takes than its size.
	poolOverhead = 1.1
)

// memory is how the machine's memory is shared out; 0 unknown.
type memory struct {
	all, system, server int64
	worker              int64 // of one PHP worker
	workers             int   // that PHP-FPM may start, all pools together
}

func memoryOf(w remedy.World) memory {
	m := memory{all: w.Host.MemoryBytes, worker: w.Host.WorkerRSS, workers: workers(w)}
	m.system = max(systemLeast, int64(systemShare*float64(m.all)))
	if w.Server != nil {
		m.server = serverBytes(w.Server, w.Server.BufferPool)
	}
	return m
}

// serverBytes is the memory of the database with a buffer pool of that size.
func serverBytes(s *remedy.Server, pool int64) int64 {
	base := mysqlBase
	if s.MariaDB() {
		base = mariaBase
	}
	return base + int64(poolOverhead*float64(pool))
}

// workers is how many workers PHP-FPM may start; 0 unknown.
func workers(w remedy.World) int {
	n := 0
	for _, p := range w.Host.Pools {
		n += max(p.Max, 0)
	}
	return n
}

// children advises fewer PHP workers where all of them together with the
// database do not fit into memory: the machine would swap, or the kernel would
// kill the database. It never advises more: they would only wait, for the CPU or
// for the database.
func (m memory) children(w remedy.World) []remedy.Advice {
	if m.all <= 0 || m.worker <= 0 || m.workers <= 0 || w.Server == nil {
		return nil
	}
	fit := (m.all - m.system - m.server) / m.worker
	if fit >= int64(m.workers) || fit < 2 { // below two it is the pool of the database that is too large
		return nil
	}
	var out []remedy.Advice
	for _, p := range w.Host.Pools {
		if p.Max <= 0 {
			continue
		}
		n := max(fit*int64(p.Max)/int64(m.workers), 1)
		if n >= int64(p.Max) || !iniName(p.Pool) {
			continue
		}
		out = append(out, remedy.Advice{
			ID: "advice-children",
			Say: say("advice-children", "pool", p.Pool, "max", diagnose.Count(p.Max), "fit", diagnose.Count(n), "worker", diagnose.Bytes(m.worker),
				"memory", diagnose.Bytes(m.all), "server", diagnose.Bytes(m.server)),
			File: "pool.d/" + p.Pool + ".conf", Lines: []string{"[" + p.Pool + "]", fmt.Sprintf("pm.max_children = %d", n)},
		})
	}
	return out
}

// iniName reports whether a pool's name can stand in a file of settings.
func iniName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}

// spareConnections are for cron, the command line, backups, monitors and us.
const spareConnections = 20

// connections advises more of them where PHP can use up all: each worker holds
// one, and who comes last gets error 1040 instead of a page. Where fewer workers
// are advised, those are the better way.
func connections(w remedy.World, fewer []remedy.Advice) []remedy.Advice {
	n := int64(workers(w))
	if len(fewer) > 0 || w.Server == nil || w.Server.MaxConnections <= 0 || n <= 0 || n+spareConnections/2 <= w.Server.MaxConnections {
		return nil
	}
	want := (n + spareConnections + 9) / 10 * 10
	return []remedy.Advice{{
		ID: "advice-connections", Say: say("advice-connections", "max", diagnose.Count(w.Server.MaxConnections), "workers", diagnose.Count(n)),
		File: serverFile(w), Lines: []string{"[mysqld]", fmt.Sprintf("max_connections = %d", want)},
	}}
}

// serverFile is where settings of the database are read from.
func serverFile(remedy.World) string { return "my.cnf" }

const (
	// lockBytes is what the row locks of a whole-table DELETE take for each row,
	// and lockLimit the share of the buffer pool at which it dies with error 1206.
	// Source: measured on MariaDB 10.11 and MySQL 9.7.
	lockBytes = 21
	lockLimit = 0.75
	// lockNear is the share of that limit from which it is worth a word.
	lockNear = 0.8
	// lockRoom is how much of the pool locks should take at most.
	lockRoom = 0.5
	// poolStep is the granularity of the buffer pool.
	poolStep = 128 * mib
	// poolGain is how much larger the pool must become to be worth a restart.
	poolGain = 1.5
)

// pool advises a larger buffer pool: where the locks of the accused clean-up do
// not fit, or where the table does not and there is memory to spare.
func (m memory) pool(w remedy.World, fs []diagnose.Finding) []remedy.Advice {
	if w.Server == nil || w.Server.BufferPool <= 0 || w.Table == nil {
		return nil
	}
	now, room := w.Server.BufferPool, m.poolRoom(w)
	rows := max(w.Table.Rows, 0)
	locks := rows * lockBytes
	if purges(fs) && float64(locks) >= lockNear*lockLimit*float64(now) {
		need := upTo(int64(float64(locks)/lockRoom), poolStep)
		if room >= 0 && need > room {
			return []remedy.Advice{{ID: "advice-pool-locks-tight", Say: say("advice-pool-locks-tight", "table", w.Table.Name, "rows", diagnose.Count(rows),
				"locks", diagnose.Bytes(locks), "size", diagnose.Bytes(now)), Lines: []string{"hirune plan purge keep-it-small"}}}
		}
		return []remedy.Advice{m.poolAdvice(w, need, say("advice-pool-locks", "table", w.Table.Name, "rows", diagnose.Count(rows),
			"locks", diagnose.Bytes(locks), "size", diagnose.Bytes(now)))}
	}
	want := min(room, 2*max(w.Table.FileBytes, 0)) / poolStep * poolStep
	if room < 0 || w.Table.FileBytes <= now || float64(want) < poolGain*float64(now) {
		return nil
	}
	return []remedy.Advice{m.poolAdvice(w, want, say("advice-pool-memory", "table", w.Table.Name, "bytes", diagnose.Bytes(w.Table.FileBytes),
		"size", diagnose.Bytes(now), "memory", diagnose.Bytes(m.all)))}
}

func (memory) poolAdvice(w remedy.World, bytes int64, s diagnose.Sentence) remedy.Advice {
	return remedy.Advice{ID: s.ID, Say: s, File: serverFile(w), Lines: []string{"[mysqld]", fmt.Sprintf("innodb_buffer_pool_size = %dM", bytes/mib)}}
}

// poolRoom is the largest buffer pool that memory bears beside PHP; -1 unknown.
// It is never more than half of the memory: the site runs here, too.
func (m memory) poolRoom(w remedy.World) int64 {
	if m.all <= 0 || m.worker <= 0 || m.workers <= 0 {
		return -1
	}
	left := m.all - m.system - int64(m.workers)*m.worker - serverBytes(w.Server, 0)
	return max(min(int64(float64(left)/poolOverhead), m.all/2), 0)
}

func upTo(n, step int64) int64 { return (max(n, 0) + step - 1) / step * step }

// purges reports whether a clean-up of a whole table is accused.
func purges(fs []diagnose.Finding) bool {
	for _, f := range fs {
		if strings.HasPrefix(f.Rule, "purge-") {
			return true
		}
	}
	return false
}

// autoloadMost is from where WordPress itself warns, since version 6.6.
const autoloadMost = 800_000

// autoload advises to look at the options that every request loads.
func autoload(w remedy.World) []remedy.Advice {
	if w.Site == nil || w.Site.Autoload < autoloadMost {
		return nil
	}
	query := fmt.Sprintf("SELECT option_name, LENGTH(option_value) AS bytes FROM %s.%s WHERE autoload IN ('yes', 'on', 'auto', 'auto-on') ORDER BY bytes DESC LIMIT 20;",
		remedy.Ident(w.Site.Schema), remedy.Ident(w.Site.Prefix+"options"))
	if !plainName(query) || w.Site.Autoload == math.MaxInt64 {
		return nil
	}
	return []remedy.Advice{{ID: "advice-autoload", Say: say("advice-autoload", "bytes", diagnose.Bytes(w.Site.Autoload)), Lines: []string{query}}}
}

// realCron advises to run WordPress' jobs by the machine's cron, where one of
// them is accused and visitors' requests start them.
func realCron(w remedy.World, fs []diagnose.Finding) []remedy.Advice {
	hook := ""
	for _, f := range fs {
		if f.Origin.Hook != "" {
			hook = f.Origin.Hook
			break
		}
	}
	if w.Site == nil || w.Site.Platform != "wordpress" || w.Site.NoWPCron || hook == "" {
		return nil
	}
	line := cronLine(w)
	if line == "" {
		return nil
	}
	return []remedy.Advice{
		{ID: "advice-real-cron", Say: say("advice-real-cron", "hook", hook), File: "/etc/cron.d/wordpress", Lines: []string{line}},
		{ID: "advice-no-wp-cron", Say: say("advice-no-wp-cron"), File: configFile(w), Lines: []string{"define( 'DISABLE_WP_CRON', true );"}},
	}
}

// cronLine asks the site for its jobs every five minutes: as a request they run
// with the rights and the settings that they always had. "" where the site's
// address cannot stand in a line of cron as it is.
func cronLine(w remedy.World) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:~"
	url := strings.TrimSuffix(w.Site.URL, "/")
	if strings.Trim(url, plain) != "" || !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return ""
	}
	return "*/5 * * * * nobody curl -fsS -m 280 -o /dev/null '" + url + "/wp-cron.php?doing_wp_cron'"
}
