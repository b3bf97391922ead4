package remedies

import (
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

const gib = int64(1) << 30

// small1 is a machine of 1 GB with the defaults of a distribution.
func small1() remedy.World {
	w := world0()
	w.Host.MemoryBytes, w.Host.WorkerRSS = gib, 60<<20
	w.Host.Pools = []evidence.WorkerPool{{Service: "php-fpm", Pool: "www", Max: 10}}
	w.Server.BufferPool, w.Server.MaxConnections = 128<<20, 151
	w.Site.URL, w.Site.NoWPCron, w.Site.Root = "https://shop.example/", true, "/srv/www/shop"
	w.Table.Rows, w.Table.FileBytes = 1000, 4<<20
	return w
}

func TestAdvise(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*remedy.World)
		want   string // ids, each with its file and lines
	}{
		{"nothing to say", func(w *remedy.World) { w.Host.MemoryBytes = 2 * gib }, ""},
		{"nothing known", func(w *remedy.World) { *w = remedy.World{} }, ""},
		{"too many workers", func(w *remedy.World) {}, "advice-children pool.d/www.conf: [www]|pm.max_children = 7"},
		{"too many workers for MySQL", func(w *remedy.World) { w.Server.Flavour = "mysql"; w.Host.WorkerRSS = 40 << 20 },
			"advice-children pool.d/www.conf: [www]|pm.max_children = 3"},
		{"two pools share", func(w *remedy.World) {
			w.Host.Pools = append(w.Host.Pools, evidence.WorkerPool{Service: "php-fpm", Pool: "shop", Max: 30})
		}, "advice-children pool.d/www.conf: [www]|pm.max_children = 1; advice-children pool.d/shop.conf: [shop]|pm.max_children = 5"},
		{"a hostile name of a pool", func(w *remedy.World) { w.Host.Pools[0].Pool = "x]\npm.max_children = 1000\n[y" }, ""},
		{"not even two workers fit", func(w *remedy.World) { w.Server.BufferPool = 900 << 20 }, ""},
		{"too few connections", func(w *remedy.World) {
			w.Host.MemoryBytes = 8 * gib
			w.Host.Pools[0].Max = 40
			w.Server.MaxConnections = 30
		},
			"advice-connections my.cnf: [mysqld]|max_connections = 60"},
		{"fewer workers need fewer connections", func(w *remedy.World) { w.Host.Pools[0].Max = 40; w.Server.MaxConnections = 30 },
			"advice-children pool.d/www.conf: [www]|pm.max_children = 7"},
		{"enough connections", func(w *remedy.World) {
			w.Host.MemoryBytes = 8 * gib
			w.Host.Pools[0].Max = 20
			w.Server.MaxConnections = 30
		}, ""},
		{"1206 to come", func(w *remedy.World) {
			w.Host.MemoryBytes = 4 * gib
			w.Server.BufferPool = 16 << 20
			w.Table.Rows = 600_000
		},
			"advice-pool-locks my.cnf: [mysqld]|innodb_buffer_pool_size = 128M"},
		{"1206 to come, of a big table", func(w *remedy.World) { w.Host.MemoryBytes = 4 * gib; w.Table.Rows = 5_000_000 },
			"advice-pool-locks my.cnf: [mysqld]|innodb_buffer_pool_size = 256M"},
		{"1206 and no memory", func(w *remedy.World) { w.Host.Pools[0].Max = 8; w.Host.WorkerRSS = 50 << 20; w.Table.Rows = 20_000_000 },
			"advice-pool-locks-tight : hirune plan purge keep-it-small"},
		{"600,000 rows are no matter for 128M", func(w *remedy.World) { w.Host.MemoryBytes = 2 * gib; w.Table.Rows = 600_000 }, ""},
		{"a pool too small for the table", func(w *remedy.World) { w.Host.MemoryBytes = 8 * gib; w.Table.FileBytes = 2 * gib },
			"advice-pool-memory my.cnf: [mysqld]|innodb_buffer_pool_size = 4096M"},
		{"no memory for more", func(w *remedy.World) { w.Host.Pools[0].Max = 7; w.Table.FileBytes = 2 * gib }, ""},
		{"much is loaded", func(w *remedy.World) { w.Host.MemoryBytes = 2 * gib; w.Site.Autoload = 3 << 20; w.Site.Prefix = "a`b_" },
			"advice-autoload : SELECT option_name, LENGTH(option_value) AS bytes FROM `wordpress`.`a``b_options` WHERE autoload IN ('yes', 'on', 'auto', 'auto-on') ORDER BY bytes DESC LIMIT 20;"},
		{"visitors start the jobs", func(w *remedy.World) { w.Host.MemoryBytes = 2 * gib; w.Site.NoWPCron = false },
			"advice-real-cron /etc/cron.d/wordpress: */5 * * * * nobody curl -fsS -m 280 -o /dev/null 'https://shop.example/wp-cron.php?doing_wp_cron'; " +
				"advice-no-wp-cron /srv/www/shop/wp-config.php: define( 'DISABLE_WP_CRON', true );"},
		{"a hostile address", func(w *remedy.World) {
			w.Host.MemoryBytes = 2 * gib
			w.Site.NoWPCron = false
			w.Site.URL = "https://x/';reboot;'%"
		}, ""},
		{"an unknown address", func(w *remedy.World) { w.Host.MemoryBytes = 2 * gib; w.Site.NoWPCron = false; w.Site.URL = "" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := small1()
			c.change(&w)
			var got []string
			for _, a := range Advise(w, []diagnose.Finding{finding0()}) {
				if a.ID != a.Say.ID {
					t.Errorf("%s says %s", a.ID, a.Say.ID)
				}
				got = append(got, a.ID+" "+a.File+": "+strings.Join(a.Lines, "|"))
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

// TestAdviceFits follows the advice and asks again.
func TestAdviceFits(t *testing.T) {
	for mem := gib / 2; mem <= 16*gib; mem += gib / 2 {
		for _, rss := range []int64{30 << 20, 60 << 20, 120 << 20} {
			for _, n := range []int{5, 20, 50} {
				w := small1()
				w.Host.MemoryBytes, w.Host.WorkerRSS, w.Host.Pools[0].Max, w.Table.FileBytes = mem, rss, n, 30*gib
				for _, a := range Advise(w, []diagnose.Finding{finding0()}) {
					m := memoryOf(w)
					switch a.ID {
					case "advice-children":
						m.workers = int(a.Say.Args["fit"].(diagnose.Count))
					case "advice-pool-memory", "advice-pool-locks":
						size := strings.TrimSuffix(strings.TrimPrefix(a.Lines[1], "innodb_buffer_pool_size = "), "M")
						m.server = serverBytes(w.Server, atoi(t, size)*mib)
					}
					if used := m.system + m.server + int64(m.workers)*m.worker; a.ID != "advice-connections" && used > m.all {
						t.Errorf("%d MB, %d workers of %d MB: after %v %d MB are used", mem/mib, n, rss/mib, a.Lines, used/mib)
					}
				}
			}
		}
	}
}

func atoi(t *testing.T, s string) int64 {
	t.Helper()
	n := int64(0)
	for _, r := range s {
		if r < '0' || r > '9' {
			t.Fatalf("%q is no number", s)
		}
		n = n*10 + int64(r-'0')
	}
	return n
}

// TestSmallAndAdviceSayWhatTheCatalogueKnows holds the names of parameters.
func TestSmallAndAdviceSayWhatTheCatalogueKnows(t *testing.T) {
	var list []diagnose.Sentence
	for _, wish := range []remedy.Wishes{{}, {Keep: 30 * day, Force: []string{moveEvent}}, {Keep: 120 * day}} {
		p := KeepItSmall().Plan(finding0(), tokyo0(), wish)
		list = append(list, sentencesOf(p)...)
		for _, a := range p.Advice {
			list = append(list, a.Say)
		}
	}
	w := small1()
	w.Site.NoWPCron, w.Site.Autoload, w.Host.Pools[0].Max = false, 3<<20, 200
	for _, rows := range []int64{1000, 5_000_000} {
		w.Table.Rows = rows
		for _, mem := range []int64{gib, 64 * gib} {
			w.Host.MemoryBytes = mem
			w.Server.MaxConnections = 151
			w.Table.FileBytes = 2 * gib
			for _, a := range Advise(w, []diagnose.Finding{finding0()}) {
				list = append(list, a.Say)
			}
		}
	}
	known := remedy.Sayings()
	seen := map[string]bool{}
	for _, s := range list {
		params, ok := known[s.ID]
		if !ok {
			t.Errorf("%s is not among the sayings", s.ID)
		}
		seen[s.ID] = true
		for name := range s.Args {
			if !slices.Contains(params, name) {
				t.Errorf("%s has no parameter %s", s.ID, name)
			}
		}
		if len(s.Args) != len(params) {
			t.Errorf("%s: %d parameters, want %v", s.ID, len(s.Args), params)
		}
	}
	if len(seen) < 14 {
		t.Errorf("only %d different sentences were seen", len(seen))
	}
}
