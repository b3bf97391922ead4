package rules

import (
	"time"

	"hirune/internal/core/evidence"
)

// names of the synthetic queries: in no catalogue.
const (
	guests     = "shop_guest_hits"
	guestQuery = "SELECT COUNT ( * ) FROM `shop_guest_hits` WHERE `address` = ?"
	traitQuery = "SELECT `value` FROM `shop_traits` WHERE `item` = ? AND `name` = ?"
	optionsGet = "SELECT `option_name` , `option_value` FROM `shop_options` WHERE `autoload` IN ( ? )"
	optionsPut = "UPDATE `shop_options` SET `option_value` = ? WHERE `option_name` = ?"
)

func guestTable(indexes ...evidence.Index) evidence.Table {
	return evidence.Table{Schema: "shop", Name: guests, Engine: "InnoDB", Rows: 900_000, DataBytes: 300 << 20, FileBytes: 320 << 20,
		Indexes: append([]evidence.Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}}, indexes...)}
}

// guestFacts are what proves the visitors' query, where it is to blame.
func guestFacts() []evidence.Fact {
	return []evidence.Fact{guestTable(),
		evidence.Filter{Digest: guestQuery, Verb: "SELECT", Schema: "shop", Table: guests, Equal: []string{"address"}},
		evidence.Plan{Digest: guestQuery, Table: guests, Access: "ALL", Rows: 880_000, Running: true},
		evidence.Owner{Site: "shop", Table: guests, Plugin: "guest-book", How: "source", Version: "2.1"}}
}

// crowd adds copies of one query to a second, each on a connection of its own and
// each running for three seconds.
func crowd(i, copies int, digest, verb, table string, s *second) {
	for k := range copies {
		s.extra = append(s.extra, evidence.Statement{ConnID: uint64(200 + (i/3*copies+k)%60), QueryID: uint64(i/3*100 + k + 1), User: "wp", Schema: "shop", Command: "Query",
			State: "Sending data", RunningMs: int64(i%3)*1000 + 700, Digest: digest, Verb: verb, Table: table, RowsRead: -1})
	}
}

// reading makes a second in which queries take all of the database and the CPU.
func reading(s *second) {
	s.busy, s.db, s.php = 1.98, 1.7, 0.25
	s.pageMs, s.failed, s.workers, s.queue, s.pages, s.xmlrpc = 8000, true, 10, 15, 3, 0
}

// pressed are the seconds of trouble in the scenes of this file.
func pressed(i int) bool { return i >= 60 && i < 140 }

// queried is an outage from the second minute on that visitors' queries make;
// also changes each second, rows says how many the server reads in each.
func queried(facts []evidence.Fact, rows func(i int) int64, also func(i int, s *second)) []evidence.Record {
	return counted(scene(160, func(i int, s *second) {
		if pressed(i) {
			reading(s)
			crowd(i, 9, guestQuery, "SELECT", guests, s)
		}
		if i == 63 {
			s.extra = append(s.extra, facts...)
		}
		also(i, s)
	}), rows, func(int) int64 { return 60 })
}

// manyRows is what such queries make the server read.
func manyRows(i int) int64 {
	if pressed(i) {
		return 2_400_000
	}
	return 4_000
}

// counted sets the server's counters of each second.
func counted(records []evidence.Record, rows, questions func(i int) int64) []evidence.Record {
	return alter(records, func(i int, st *evidence.DBStatus) { st.RowsRead, st.Questions = rows(i), questions(i) })
}

// looped is an outage in which each page asks the database a thousand times; each
// seconds shows what the samples catch of it.
func looped(each func(i int, s *second), facts ...evidence.Fact) []evidence.Record {
	return counted(scene(160, func(i int, s *second) {
		s.pages, s.xmlrpc = 5, 0
		if pressed(i) {
			reading(s)
			s.db, s.php, s.pages, s.xmlrpc = 1.0, 0.9, 4, 0
			each(i, s)
		}
		if i == 66 {
			s.extra = append(s.extra, facts...)
		}
	}), func(i int) int64 {
		if pressed(i) {
			return 9_000
		}
		return 400
	}, func(i int) int64 {
		if pressed(i) {
			return 4_500
		}
		return 200
	})
}

// tiny adds what a sample of a second catches: n small statements on connections
// that are new with each page.
func tiny(n int) func(i int, s *second) {
	return func(i int, s *second) {
		for k := range n {
			s.extra = append(s.extra, evidence.Statement{ConnID: uint64(300 + (i*n+k)%90), QueryID: uint64(i*10_000 + k + 1), User: "wp", Schema: "shop", Command: "Query",
				State: "Sending data", RunningMs: 1, Digest: traitQuery, Verb: "SELECT", Table: "shop_traits", RowsRead: -1})
		}
		s.extra = append(s.extra, evidence.Statement{ConnID: uint64(500 + i), QueryID: uint64(i*10_000 + 5000), User: "wp", Schema: "shop", Command: "Query",
			State: "Sending data", RunningMs: 1, Digest: optionsGet, Verb: "SELECT", Table: "shop_options", RowsRead: -1})
	}
}

var traitFacts = []evidence.Fact{
	evidence.Plan{Digest: traitQuery, Table: "shop_traits", Access: "ref", Key: "item", Rows: 3},
	evidence.Owner{Site: "shop", Table: "shop_traits", Plugin: "trait-list", How: "source", Version: "1.0"},
}

// kept is what a site keeps in its options.
func kept(autoload int64, events int64, largest ...evidence.OptionBytes) evidence.OptionUse {
	return evidence.OptionUse{Site: "shop", Table: "shop_options", AutoloadBytes: autoload, AutoloadCount: 300, CronBytes: events * 190, CronEvents: events, Largest: largest}
}

var traceLog = evidence.OptionBytes{Name: "trace_log", Bytes: 9 << 20, Owner: "trace-all"}

// loaded is an outage in which every request loads its options; the options are
// as given, before and after they grew.
func loaded(before, after evidence.OptionUse, each func(i int, s *second)) []evidence.Record {
	return scene(160, func(i int, s *second) {
		s.pages, s.xmlrpc = 5, 0
		if i == 3 {
			s.extra = append(s.extra, before)
		}
		if i == 90 {
			s.extra = append(s.extra, after)
		}
		if pressed(i) {
			reading(s)
			s.db, s.php, s.pages, s.xmlrpc = 0.9, 1.0, 4, 0
			each(i, s)
		}
	})
}

func readsOptions(i int, s *second) { crowd(i, 8, optionsGet, "SELECT", "shop_options", s) }

func nothingMore(int, *second) {}

// queryScenes are one outage of each cause of this file and their look-alikes.
func queryScenes() map[string][]evidence.Record {
	return map[string][]evidence.Record{
		"visitors' query":                 queried(guestFacts(), manyRows, nothingMore),
		"visitors' query, a wide range":   queried(wideFacts(), manyRows, nothingMore),
		"small statements":                looped(tiny(4), traitFacts...),
		"small statements, not caught":    looped(nothingMore),
		"options that grew":               loaded(kept(80_000, 40), kept(9<<20, 40, traceLog), readsOptions),
		"options that are large":          loaded(kept(9<<20, 40, traceLog), kept(9<<20, 40, traceLog), readsOptions),
		"a schedule of many events":       loaded(kept(80_000, 40), kept(4<<20, 20_000, evidence.OptionBytes{Name: "cron", Bytes: 3_800_000, Owner: "core"}), nothingMore),
		"options written again and again": rewriting(),
	}
}

// wideFacts are those of a query that uses an index over a month of rows.
func wideFacts() []evidence.Fact {
	at := evidence.Index{Name: "seen", Columns: []string{"seen"}}
	return []evidence.Fact{guestTable(at),
		evidence.Filter{Digest: guestQuery, Verb: "SELECT", Schema: "shop", Table: guests, Range: []string{"seen"}},
		evidence.Plan{Digest: guestQuery, Table: guests, Access: "range", Key: "seen", Keys: "seen", Rows: 410_000, Running: true},
		evidence.Owner{Site: "shop", Table: guests, Plugin: "guest-book", How: "prefix"}}
}

// rewriting is an option that every request writes anew.
func rewriting() []evidence.Record {
	return alter(loaded(kept(80_000, 40), kept(90_000, 40), func(i int, s *second) { crowd(i, 8, optionsPut, "UPDATE", "shop_options", s) }),
		func(i int, st *evidence.DBStatus) {
			if st.RedoKB = 20; pressed(i) {
				st.RedoKB = 9_000
			}
		})
}

// dumpBefore adds a dump that began a quarter of a minute before trouble.
func dumpBefore(i int, s *second) {
	if i >= 45 && i < 150 {
		s.extra = append(s.extra, evidence.Statement{ConnID: 9, QueryID: 7, User: "backup", Schema: "shop", Command: "Query", State: "Writing to net",
			RunningMs: (time.Duration(i-44) * time.Second).Milliseconds(), Digest: "SELECT ! SQL_NO_CACHE * FROM `shop_orders`", Verb: "SELECT", Table: "shop_orders", RowsRead: -1})
	}
}
