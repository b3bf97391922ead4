package remedies

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// say makes a sentence of remedy.Sayings.
var say = diagnose.Say

// sentences are reasons, each followed by what to do instead; none: go on.
type sentences = []diagnose.Sentence

// settleAfter is how long to watch after a job has run: InnoDB removes deleted
// rows for some time after the statement, and that is when the site suffers most.
// settleLeast is how long trouble must stay away where no job is known.
const (
	settleAfter = 10 * time.Minute
	settleLeast = 30 * time.Minute
)

// begin is the plan of a remedy before anything is decided.
func begin(id string, f diagnose.Finding, w remedy.World) remedy.Plan {
	return remedy.Plan{Remedy: id, Because: remedy.BecauseOf(f), Settle: settle(f, w), At: w.Now}
}

func settle(f diagnose.Finding, w remedy.World) remedy.Settle {
	if f.Origin.Hook == "" {
		return remedy.Settle{Least: settleLeast}
	}
	out := remedy.Settle{Hook: f.Origin.Hook, Site: f.Origin.Site, After: settleAfter}
	if w.Site == nil {
		return out
	}
	for _, e := range w.Site.Events {
		if e.Hook != f.Origin.Hook || f.Origin.Site != "" && e.Site != "" && e.Site != f.Origin.Site {
			continue
		}
		due := time.Unix(e.NextUnixS, 0).UTC()
		if out.Due.IsZero() || due.Before(out.Due) {
			out.Due, out.Every = due, time.Duration(e.IntervalS)*time.Second
		}
	}
	return out
}

// comesAgain says when the job behind the finding runs next; nothing where there is none.
func comesAgain(id string, p remedy.Plan, f diagnose.Finding) sentences {
	if p.Settle.Hook == "" {
		return nil
	}
	return sentences{say(id, "hook", p.Settle.Hook, "next", p.Settle.Due, "schedule", f.Origin.Schedule)}
}

// accepted reports whether the user has accepted the warning of that name.
func accepted(w remedy.Wishes, name string) bool { return slices.Contains(w.Force, name) }

// unread says why nothing can be planned: the server, or the table where it is
// needed, could not be read.
func unread(f diagnose.Finding, w remedy.World, table bool) sentences {
	switch {
	case w.Server == nil:
		return sentences{say("refused-unread", "message", w.Unread["database"]), say("instead-doctor")}
	case table && w.Table == nil:
		return sentences{say("refused-no-table", "table", f.About.Table, "message", w.Unread["table"]), say("instead-doctor")}
	}
	return nil
}

// server says why a server of this kind or role is not changed.
func server(s *remedy.Server) sentences {
	switch {
	case s.Flavour != "mariadb" && s.Flavour != "mysql":
		return sentences{say("refused-server-unknown", "version", s.Version), say("instead-dba")}
	case s.MariaDB() && s.Major < 10, !s.MariaDB() && (s.Major < 5 || s.Major == 5 && s.Minor < 6):
		return sentences{say("refused-server-old", "version", s.Version), say("instead-dba")}
	case s.Replica:
		return sentences{say("refused-replica"), say("instead-primary")}
	case s.ReadOnly:
		return sentences{say("refused-read-only"), say("instead-primary")}
	case s.Galera:
		return sentences{say("refused-galera"), say("instead-cluster")}
	}
	return nil
}

// rights says which rights are missing on the table's schema, and the GRANT
// that gives them.
func rights(s *remedy.Server, schema string, need ...string) sentences {
	have := map[string]bool{}
	for _, r := range s.Rights {
		have[strings.ToUpper(r)] = true
	}
	if have["ALL"] || have["ALL PRIVILEGES"] {
		return nil
	}
	var missing []string
	for _, n := range need {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, ", ")
	grant := fmt.Sprintf("GRANT %s ON %s.* TO %s", list, remedy.Ident(schema), grantee(s.Account))
	return sentences{say("refused-rights", "account", s.Account, "rights", list), say("instead-grant", "hint", grant)}
}

// grantee writes user@host as GRANT takes it.
func grantee(account string) string {
	user, host := account, "%"
	if i := strings.LastIndex(account, "@"); i >= 0 {
		user, host = account[:i], account[i+1:]
	}
	return remedy.Quote(user) + "@" + remedy.Quote(host)
}

// place says why a table of that schema is not the site's to change.
func place(schema string, w remedy.World, wish remedy.Wishes) sentences {
	switch {
	case w.Site == nil || w.Site.Schema == "":
		if accepted(wish, "unknown-site") {
			return nil
		}
		return sentences{say("refused-unknown-site", "schema", schema), say("instead-accept", "name", "unknown-site")}
	case schema != w.Site.Schema:
		return sentences{say("refused-other-schema", "schema", schema, "own", w.Site.Schema, "site", w.Site.Name), say("instead-doctor")}
	}
	return nil
}

// longTransaction is the age from which a transaction that works on the table
// is waited for; a page's own are over sooner.
const longTransaction = 10 * time.Second

// busy says who works on the table now in a way that a purge must not join:
// a backup, an ALTER, the job itself, or a long transaction.
func busy(w remedy.World) sentences {
	t := w.Table
	for _, s := range others(w.Server) {
		switch on := strings.EqualFold(s.Table, t.Name); {
		case s.Dump:
			return sentences{say("refused-dump", "session", diagnose.Count(s.ID), "user", s.User, "age", ms(s.RunningMs)), say("instead-wait")}
		case on && ddl(s.Verb):
			return sentences{say("refused-ddl", "table", t.Name, "session", diagnose.Count(s.ID)), say("instead-wait")}
		case on && writes(s.Verb) && s.Waits == 0 && ms(s.RunningMs) >= slowWrite:
			return sentences{say("refused-running", "table", t.Name, "session", diagnose.Count(s.ID), "age", ms(s.RunningMs)), say("instead-wait-or-kill")}
		case on && ms(s.TrxAgeMs) >= longTransaction && s.RowsLocked+s.RowsModified > 0:
			return sentences{say("refused-transaction", "table", t.Name, "session", diagnose.Count(s.ID), "user", s.User, "age", ms(s.TrxAgeMs)), say("instead-wait-or-kill")}
		}
	}
	if t.Ddl {
		return sentences{say("refused-ddl", "table", t.Name, "session", diagnose.Count(-1)), say("instead-wait")}
	}
	return nil
}

// slowWrite is how long a writing statement on the table may run before it is
// taken for the job itself.
const slowWrite = 3 * time.Second

// others are the sessions that a plan has to mind: not our own, and not the
// server's replication, which a purge does not disturb.
func others(s *remedy.Server) []remedy.Session {
	return slices.DeleteFunc(slices.Clone(s.Sessions), func(o remedy.Session) bool { return o.Own || o.Replication })
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func ddl(verb string) bool {
	switch strings.ToUpper(verb) {
	case "ALTER", "CREATE", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "REPAIR", "ANALYZE", "CHECK":
		return true
	}
	return false
}

func writes(verb string) bool {
	switch strings.ToUpper(verb) {
	case "DELETE", "UPDATE", "INSERT", "REPLACE", "LOAD":
		return true
	}
	return false
}

// innoDB reports whether the table has transactions and row locks.
func innoDB(t *remedy.Table) bool { return strings.EqualFold(t.Engine, "InnoDB") }

// lockingEngine reports whether the engine locks the whole table for each write.
func lockingEngine(t *remedy.Table) bool {
	return strings.EqualFold(t.Engine, "MyISAM") || strings.EqualFold(t.Engine, "Aria")
}

// fits reports whether need bytes go on a disk with free ones, with half as much
// again to spare: a full disk stops the database.
func fits(need, free int64) bool { return free >= need+need/2 }

// free returns the free bytes of a disk by purpose; -1 unknown.
func free(w remedy.World, purpose string) int64 {
	if n, ok := w.Host.FreeBytes[purpose]; ok {
		return n
	}
	return -1
}
