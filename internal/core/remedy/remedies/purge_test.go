package remedies

import (
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

func chunksOf(t *testing.T, p remedy.Plan) remedy.DeleteInChunks {
	t.Helper()
	for _, s := range p.Steps {
		if c, ok := s.Step.(remedy.DeleteInChunks); ok {
			return c
		}
	}
	t.Fatalf("no chunks in the plan: %s; refused: %s", kindsOf(p), ids(p.Refused))
	return remedy.DeleteInChunks{}
}

// datetime makes the table one that is dated by a DATETIME, as an unknown plugin
// would: wp_visit_log by "seen".
func datetime(f *diagnose.Finding, w *remedy.World) {
	f.About.Table, f.About.Column = "wp_visit_log", "seen"
	f.Origin.Plugin, f.Origin.Hook = "", ""
	f.Statement.Digest = "DELETE FROM wp_visit_log WHERE seen < ?"
	f.Statement.Filter.Table, f.Statement.Filter.Range = "wp_visit_log", []string{"seen"}
	w.Table.Name = "wp_visit_log"
	w.Table.Columns = []remedy.Column{{Name: "id", Type: "bigint"}, {Name: "seen", Type: "datetime", FullType: "datetime"}, {Name: "url", Type: "varchar", FullType: "varchar(191)", Charset: "utf8mb4"}}
	w.Table.Growth.Column = "seen"
	w.Table.Indexes = w.Table.Indexes[:1]
}

func TestPurgeGolden(t *testing.T) {
	cases := map[string]func(*diagnose.Finding, *remedy.World, *remedy.Wishes){
		"case-0-mariadb": func(*diagnose.Finding, *remedy.World, *remedy.Wishes) {},
		"case-0-mysql":   func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { mysql(w) },
		"datetime":       func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { datetime(f, w) },
		"unseen":         func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) { f.Statement = nil },
		"keep-30d":       func(_ *diagnose.Finding, _ *remedy.World, wish *remedy.Wishes) { wish.Keep = 30 * day },
		"swap-and-drop": func(_ *diagnose.Finding, _ *remedy.World, wish *remedy.Wishes) {
			wish.Strategy, wish.Force = remedy.Swap, []string{"drop-old-table"}
		},
		"no-archive": func(_ *diagnose.Finding, _ *remedy.World, wish *remedy.Wishes) {
			wish.NoArchive, wish.Force = true, []string{"rebuild"}
		},
		"replica-refused": func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Server.Replica = true },
	}
	if len(cases) == 0 {
		t.Fatal("no case")
	}
	for name, change := range cases {
		f, w, wish := finding0(), world0(), remedy.Wishes{}
		change(&f, &w, &wish)
		golden(t, name, plan(t, Purge(), f, w, wish))
	}
}

func mysql(w *remedy.World) {
	w.Server.Flavour, w.Server.Version, w.Server.Major, w.Server.Minor = "mysql", "9.7.4", 9, 7
	w.Server.Binlog, w.Server.BinlogFormat, w.Server.BinlogDirFree = true, "ROW", 30<<30
}

// TestPurgeRefuses has one case for each reason; each begins with a world in which
// the purge is planned.
func TestPurgeRefuses(t *testing.T) {
	type change func(*diagnose.Finding, *remedy.World, *remedy.Wishes)
	on := func(g func(*remedy.World)) change {
		return func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { g(w) }
	}
	session := func(s remedy.Session) change {
		return on(func(w *remedy.World) { w.Server.Sessions = []remedy.Session{s} })
	}
	table := func(name string) change {
		return func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Table.Name, f.About.Table, f.Statement.Filter.Table = name, name, name
			f.Statement.Digest = strings.Replace(digest0, "wp_aiowps_audit_log", name, 1)
		}
	}
	unknown := func(g change) change { // of a plugin that the catalogue does not know
		return func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			table("wp_visit_log")(f, w, wish)
			g(f, w, wish)
		}
	}
	statement := func(digest string, filter func(*evidence.Filter)) change {
		return unknown(func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) {
			f.Statement.Digest = digest
			filter(&f.Statement.Filter)
		})
	}
	none := func(*evidence.Filter) {}
	for _, c := range []struct {
		name, want, instead string
		change              change
	}{
		{"the database was not read", "refused-unread", "instead-doctor", on(func(w *remedy.World) { w.Server = nil; w.Unread = map[string]string{"database": "access denied"} })},
		{"the table was not read", "refused-no-table", "instead-doctor", on(func(w *remedy.World) { w.Table = nil })},
		{"an unknown server", "refused-server-unknown", "instead-dba", on(func(w *remedy.World) { w.Server.Flavour = "" })},
		{"an old MariaDB", "refused-server-old", "instead-dba", on(func(w *remedy.World) { w.Server.Major, w.Server.Minor = 5, 5 })},
		{"an old MySQL", "refused-server-old", "instead-dba", on(func(w *remedy.World) { w.Server.Flavour, w.Server.Major, w.Server.Minor = "mysql", 5, 5 })},
		{"a read-only server", "refused-read-only", "instead-primary", on(func(w *remedy.World) { w.Server.ReadOnly = true })},
		{"a replica", "refused-replica", "instead-primary", on(func(w *remedy.World) { w.Server.Replica = true })},
		{"Galera", "refused-galera", "instead-cluster", on(func(w *remedy.World) { w.Server.Galera = true })},
		{"no DELETE", "refused-rights", "instead-grant", on(func(w *remedy.World) { w.Server.Rights = []string{"SELECT", "INSERT"} })},
		{"no way back", "refused-rights", "instead-grant", on(func(w *remedy.World) { w.Server.Rights = []string{"SELECT", "DELETE"} })},
		{"rights unknown", "refused-rights", "instead-grant", on(func(w *remedy.World) { w.Server.Rights = nil })},
		{"no site", "refused-unknown-site", "instead-accept", on(func(w *remedy.World) { w.Site = nil })},
		{"a site without a schema", "refused-unknown-site", "instead-accept", on(func(w *remedy.World) { w.Site.Schema = "" })},
		{"another schema", "refused-other-schema", "instead-doctor", on(func(w *remedy.World) { w.Table.Schema = "shop" })},
		{"a schema of other case", "refused-other-schema", "instead-doctor", on(func(w *remedy.World) { w.Table.Schema = "WordPress" })},

		{"posts", "refused-core-table", "instead-plugin", table("wp_posts")},
		{"comments of a blog", "refused-core-table", "instead-plugin", table("wp_2_comments")},
		{"options of a site beside", "refused-name", "instead-plugin", table("old_options")},
		{"users", "refused-core-table", "instead-plugin", table("wp_users")},
		{"orders", "refused-name", "instead-plugin", table("wp_wc_orders")},
		{"order items", "refused-name", "instead-plugin", table("wp_woocommerce_order_itemmeta")},
		{"a consent log", "refused-name", "instead-plugin", table("wp_cookieconsent_log")},
		{"GDPR", "refused-name", "instead-plugin", table("wp_gdpr_audit_log")},
		{"privacy", "refused-name", "instead-plugin", table("wp_privacy_log")},
		{"payments", "refused-name", "instead-plugin", table("wp_edd_payment_log")},
		{"invoices", "refused-name", "instead-plugin", table("wp_invoices")},
		{"customers", "refused-name", "instead-plugin", table("wp_customer_history")},
		{"a job queue", "refused-name", "instead-plugin", table("wp_mail_queue")},
		{"logs of pending jobs", "refused-not-disposable", "instead-plugin", table("wp_actionscheduler_logs")},
		{"the scanner's state", "refused-not-disposable", "instead-plugin", table("wp_wfknownfilelist")},
		{"the site's statistics", "refused-not-disposable", "instead-plugin", table("wp_statistics_visitor")},
		{"a job queue by another column than its rule", "refused-conditions", "instead-plugin", func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			table("wp_actionscheduler_actions")(f, w, wish)
		}},

		{"a further condition", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created < ? AND kind = ?", func(f *evidence.Filter) { f.Equal = []string{"kind"} })},
		{"a condition that no filter shows", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created < ? AND level <> ?", none)},
		{"LIKE", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created < ? AND url LIKE ?", none)},
		{"IS NULL", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created < ? AND pinned IS NULL", none)},
		{"EXISTS", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created < ? AND EXISTS (SELECT ? FROM x)", none)},
		{"OR", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created < ? OR id < ?", none)},
		{"NOT", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE NOT created < ?", none)},
		{"the young ones", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created > ?", none)},
		{"the young ones, turned round", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE ? < created", none)},
		{"a span", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created BETWEEN ? AND ?", none)},
		{"two tables", "refused-conditions", "instead-plugin", statement("DELETE a FROM wp_visit_log a JOIN wp_users b ON a.u = b.ID WHERE a.created < ?", none)},
		{"another column than its filter", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE expires < ?", none)},
		{"another table than its filter", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_other_log WHERE created < ?", none)},
		{"two ranges", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE created < ?", func(f *evidence.Filter) { f.Range = []string{"created", "id"} })},
		{"no DELETE at all", "refused-conditions", "instead-plugin", unknown(func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) { f.Statement.Verb = "UPDATE" })},
		{"a wrapped column", "refused-wrapped", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE DATE_ADD(created, INTERVAL ? DAY) < NOW()", func(f *evidence.Filter) { f.Range, f.Wrapped = nil, []string{"created"} })},
		{"a parenthesis too many", "refused-conditions", "instead-plugin", statement("DELETE FROM wp_visit_log WHERE (created < ?", none)},
		{"computed, and nobody knows the days", "refused-no-cutoff", "instead-keep", statement("DELETE FROM wp_visit_log WHERE created < DATE_SUB(NOW(), INTERVAL ? DAY)", func(f *evidence.Filter) { f.CutoffUnixS = 0 })},
		{"a moment to come", "refused-future", "instead-keep", func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) {
			f.Statement.Filter.CutoffUnixS = now.Unix() + 1
		}},
		{"unseen, and not in the catalogue", "refused-no-cutoff", "instead-keep", unknown(func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) { f.Statement = nil })},
		{"unseen, with no column", "refused-no-statement", "instead-record", unknown(func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) { f.Statement, f.About.Column = nil, "" })},
		{"unseen, and the plugin keeps for ever", "refused-no-cutoff", "instead-keep", func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			table("wp_redirection_404")(f, w, nil)
			f.Statement = nil
		}},
		{"the column is gone", "refused-no-column", "instead-doctor", on(func(w *remedy.World) { w.Table.Columns = w.Table.Columns[:9] })},
		{"the column of the rule is gone", "refused-no-column", "instead-doctor", func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			table("wp_actionscheduler_actions")(f, w, nil)
			f.Statement = nil
			w.Table.Columns = append(w.Table.Columns, remedy.Column{Name: "last_attempt_gmt", Type: "datetime"})
		}},
		{"a column of text", "refused-column-type", "instead-plugin", on(func(w *remedy.World) { w.Table.Columns[9].Type = "varchar" })},
		{"a year", "refused-column-type", "instead-plugin", on(func(w *remedy.World) { w.Table.Columns[9].Type = "year" })},

		{"kept shorter, key order not following time", "refused-not-a-log", "instead-plugin", unknown(func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			wish.Keep, w.Table.Growth.Ordered = 30*day, false
		})},
		{"kept shorter, another column probed", "refused-not-a-log", "instead-plugin", unknown(func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			wish.Keep, w.Table.Growth.Column = 30*day, "updated"
		})},
		{"kept shorter, no AUTO_INCREMENT", "refused-not-a-log", "instead-plugin", unknown(func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			wish.Keep, w.Table.AutoInc = 30*day, 0
		})},
		{"kept shorter, no name of a log", "refused-not-a-log", "instead-plugin", func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			table("wp_things")(f, w, wish)
			wish.Keep = 30 * day
		}},
		{"computed, kept as the user says, no log", "refused-not-a-log", "instead-plugin", func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			table("wp_things")(f, w, wish)
			f.Statement.Digest, f.Statement.Filter.CutoffUnixS = "DELETE FROM wp_things WHERE created < NOW() - INTERVAL ? DAY", 0
			wish.Keep = 30 * day
		}},

		{"referenced", "refused-referenced", "instead-plugin", on(func(w *remedy.World) { w.Table.ReferencedBy = []string{"wp_x"} })},
		{"children by name", "refused-children", "instead-accept", on(func(w *remedy.World) { w.Table.Children = []string{"wp_x_meta"} })},
		{"children by the catalogue", "refused-children", "instead-accept", func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			table("wp_stream")(f, w, wish)
		}},
		{"triggers", "refused-triggers", "instead-dba", on(func(w *remedy.World) { w.Table.Triggers = []string{"copy_row"} })},
		{"partitions", "refused-partitions", "instead-partitions", on(func(w *remedy.World) { w.Table.Partitions = 12 })},
		{"an unknown engine", "refused-engine", "instead-dba", on(func(w *remedy.World) { w.Table.Engine = "ROCKSDB" })},
		{"no integer key", "refused-no-key", "instead-dba", on(func(w *remedy.World) { w.Table.Key = "" })},

		{"a backup", "refused-dump", "instead-wait", session(remedy.Session{ID: 9, Dump: true, User: "backup", RunningMs: 1000})},
		{"an ALTER", "refused-ddl", "instead-wait", session(remedy.Session{ID: 9, Verb: "ALTER", Table: "wp_aiowps_audit_log"})},
		{"an ALTER that no session shows", "refused-ddl", "instead-wait", on(func(w *remedy.World) { w.Table.Ddl = true })},
		{"the clean-up itself", "refused-running", "instead-wait-or-kill", session(remedy.Session{ID: 9, Verb: "DELETE", Table: "wp_aiowps_audit_log", RunningMs: 3000})},
		{"a long transaction", "refused-transaction", "instead-wait-or-kill", session(remedy.Session{ID: 9, Command: "Sleep", Table: "wp_aiowps_audit_log", TrxAgeMs: 10_000, RowsLocked: 1})},

		{"no room for the archive", "refused-archive-disk", "instead-no-archive", on(func(w *remedy.World) { w.Host.FreeBytes[remedy.DiskArchive] = 100 << 20 })},
		{"no room for the binary log", "refused-binlog-disk", "instead-free-disk", on(func(w *remedy.World) { mysql(w); w.Server.BinlogDirFree = 1 << 30 })},
		{"one disk for both", "refused-archive-disk", "instead-no-archive", on(func(w *remedy.World) {
			mysql(w)
			w.Server.BinlogDirFree, w.Host.FreeBytes[remedy.DiskArchive] = 2500<<20, 2500<<20
		})},
		{"an unknown strategy", "refused-strategy", "instead-chunks", func(_ *diagnose.Finding, _ *remedy.World, wish *remedy.Wishes) { wish.Strategy = "drop" }},
		{"truncate with survivors", "refused-survivors", "instead-chunks", func(_ *diagnose.Finding, _ *remedy.World, wish *remedy.Wishes) { wish.Strategy = remedy.Truncate }},
		{"swap with a foreign key", "refused-swap-keys", "instead-chunks", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			wish.Strategy, w.Table.References = remedy.Swap, []string{"fk"}
		}},
		{"swap without room", "refused-swap-disk", "instead-chunks", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			wish.Strategy, w.Host.FreeBytes[remedy.DiskData] = remedy.Swap, 100<<20
		}},
		{"swap with unknown room", "refused-swap-disk", "instead-chunks", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			wish.Strategy = remedy.Swap
			delete(w.Host.FreeBytes, remedy.DiskData)
		}},
		{"swap without CREATE", "refused-rights", "instead-grant", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			wish.Strategy, w.Server.Rights = remedy.Swap, []string{"SELECT", "INSERT", "DELETE"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w, wish := finding0(), world0(), remedy.Wishes{}
			c.change(&f, &w, &wish)
			p := plan(t, Purge(), f, w, wish)
			if p.Doable() || len(p.Refused) == 0 || p.Refused[0].ID != c.want || !has(p.Refused, c.instead) {
				t.Errorf("refused: %s; steps: %s; want %s and %s", ids(p.Refused), kindsOf(p), c.want, c.instead)
			}
		})
	}
}

// TestPurgeGoesOn has the look-alikes of the refusals: just on the other side.
func TestPurgeGoesOn(t *testing.T) {
	for _, c := range []struct {
		name, says string
		change     func(*diagnose.Finding, *remedy.World, *remedy.Wishes)
	}{
		{"all rights", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Server.Rights = []string{"ALL PRIVILEGES"}
		}},
		{"rights in lower case", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Server.Rights = []string{"select", "delete", "insert"}
		}},
		{"no INSERT, and no archive", "purge-no-archive", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			w.Server.Rights, wish.NoArchive = []string{"SELECT", "DELETE"}, true
		}},
		{"an unknown site, accepted", "", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			w.Site, wish.Force = nil, []string{"unknown-site"}
		}},
		{"children, accepted", "purge-orphans", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			w.Table.Children, wish.Force = []string{"wp_x"}, []string{"orphans"}
		}},
		{"a foreign key of its own", "purge-references", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Table.References = []string{"fk"} }},
		{"no room for the archive, and none wanted", "purge-no-archive", func(_ *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			w.Host.FreeBytes[remedy.DiskArchive], wish.NoArchive = 0, true
		}},
		{"unknown room for the archive", "purge-disk-unknown", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			delete(w.Host.FreeBytes, remedy.DiskArchive)
		}},
		{"just room enough", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Host.FreeBytes[remedy.DiskArchive] = 480_000 * 400 * 3 / 2
		}},
		{"a short statement on the table", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Server.Sessions = []remedy.Session{{ID: 9, Verb: "DELETE", Table: "wp_aiowps_audit_log", RunningMs: 2999, TrxAgeMs: 9999, RowsLocked: 5}}
		}},
		{"a long INSERT that waits", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Server.Sessions = []remedy.Session{{ID: 9, Verb: "INSERT", Table: "wp_aiowps_audit_log", RunningMs: 9000, Waits: 10}}
		}},
		{"a long reader", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Server.Sessions = []remedy.Session{{ID: 9, Verb: "SELECT", Table: "wp_aiowps_audit_log", RunningMs: 90_000, TrxAgeMs: 90_000}}
		}},
		{"work on another table", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Server.Sessions = []remedy.Session{{ID: 9, Verb: "ALTER", Table: "wp_posts", RunningMs: 90_000, TrxAgeMs: 90_000, RowsLocked: 7}}
		}},
		{"hirune and replication", "", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			w.Server.Sessions = []remedy.Session{{ID: 8, Own: true, Verb: "DELETE", Table: "wp_aiowps_audit_log", RunningMs: 90_000}, {ID: 9, Replication: true, Command: "Binlog Dump", Dump: true}}
		}},
		{"LIMIT and ORDER BY take no more", "", func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) {
			f.Statement.Digest = "DELETE FROM wordpress.wp_aiowps_audit_log WHERE (wp_aiowps_audit_log.created <= ?) ORDER BY created DESC LIMIT ?"
		}},
		{"turned round", "", func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) {
			f.Statement.Digest = "DELETE FROM `wp_aiowps_audit_log` WHERE ? > `created`"
		}},
		{"the catalogue knows better than a strange statement", "purge-cutoff-plugin", func(f *diagnose.Finding, _ *remedy.World, _ *remedy.Wishes) {
			f.Statement.Digest += " AND level <> ?"
		}},
		{"no name of a log, but the plugin's own statement", "purge-cutoff-own", func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			datetime(f, w)
			w.Table.Name, f.Statement.Filter.Table, f.Statement.Digest = "wp_things", "wp_things", "DELETE FROM wp_things WHERE seen < ?"
		}},
		{"the same, kept longer", "purge-cutoff-keep", func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			datetime(f, w)
			w.Table.Name, f.Statement.Filter.Table, f.Statement.Digest = "wp_things", "wp_things", "DELETE FROM wp_things WHERE seen < ?"
			wish.Keep = 91 * day
		}},
		{"an unknown log, kept shorter", "purge-shorter", func(f *diagnose.Finding, w *remedy.World, wish *remedy.Wishes) {
			datetime(f, w)
			wish.Keep = 30 * day
		}},
		{"the key does not follow time", "purge-unordered", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Table.Growth.Ordered = false }},
		{"replicas", "purge-replicas", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Server.Replicas = 1 }},
		{"a binary log of rows", "purge-binlog", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { mysql(w) }},
		{"MyISAM", "purge-no-transactions", func(_ *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) { w.Table.Engine = "MyISAM" }},
		{"a date of a zone that is ahead", "purge-cutoff-own", func(f *diagnose.Finding, w *remedy.World, _ *remedy.Wishes) {
			datetime(f, w)
			f.Statement.Filter.CutoffUnixS = now.Add(9 * time.Hour).Unix()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w, wish := finding0(), world0(), remedy.Wishes{}
			c.change(&f, &w, &wish)
			p := plan(t, Purge(), f, w, wish)
			if !p.Doable() || c.says != "" && !has(p.Says, c.says) {
				t.Errorf("refused: %s; says: %s; want a plan that says %q", ids(p.Refused), ids(p.Says), c.says)
			}
		})
	}
}

// TestNothingToPurge finds no row old enough: no step, and no refusal.
func TestNothingToPurge(t *testing.T) {
	f, w := finding0(), world0()
	w.Table.Growth = growth("created", cutoff0, -0.01)
	if p := plan(t, Purge(), f, w, remedy.Wishes{}); p.Doable() || len(p.Refused) > 0 || !has(p.Says, "purge-nothing") {
		t.Errorf("steps %s, refused %s, says %s", kindsOf(p), ids(p.Refused), ids(p.Says))
	}
	w.Table.Growth.Probes[0].Key = 500 // what lies before the first probe is not known
	w.Table.MinKey = 1
	if p := plan(t, Purge(), f, w, remedy.Wishes{}); !p.Doable() {
		t.Errorf("refused %s, says %s: want chunks, because the oldest rows were not probed", ids(p.Refused), ids(p.Says))
	}
}
