package wordpress

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// auditTable is a log of log-ins: which column holds what.
type auditTable struct {
	name, plugin        string
	id, ip, event, user string
	at                  string            // "": it has no times
	ins, outs           []string          // values of event of a log-in and of a failed one; none: told by their words
	binary              bool              // addresses are 16 bytes
	split               string            // table beside it that holds what a row is about
	index               map[string]string // column: index that begins with it
}

// knownAudits are the logs of well-known plugins, by their table without the
// prefix, in lower case. Of others the columns tell; see shape.
var knownAudits = map[string]auditTable{
	// All-In-One Security 5, wp-security-audit-event-handler.php.
	"aiowps_audit_log": {ip: "ip", event: "event_type", user: "username", at: "created", ins: []string{"successful_login"}, outs: []string{"failed_login"}},
	// Wordfence, lib/wfSchema.php.
	"wflogins": {ip: "IP", event: "action", user: "username", at: "ctime", binary: true, ins: []string{"loginOK"}, outs: []string{"loginFailInvalidUsername", "loginFailValidUsername"}},
	// WP Activity Log 4.5 and later: events 1000, 1002 and 1003.
	"wsal_occurrences": {ip: "client_ip", event: "alert_id", user: "username", at: "created_on", ins: []string{"1000"}, outs: []string{"1002", "1003"}},
	// Simple History, loggers/class-user-logger.php.
	"simple_history": {at: "date", split: "simple_history_contexts", ins: []string{"user_logged_in", "user_unknown_logged_in"}, outs: []string{"user_login_failed", "user_unknown_login_failed"}},
}

// Names of columns by what they hold, the likeliest first.
var (
	ipColumns    = []string{"ip", "client_ip", "ip_address", "user_ip", "remote_addr", "remote_ip", "login_ip", "hist_ip", "visitor_ip", "host_ip"}
	eventColumns = []string{"event_type", "event", "action", "event_name", "message_key", "type", "status", "result", "activity"}
	userColumns  = []string{"username", "user_login", "user_name", "login", "user"}
	timeColumns  = []string{"created", "created_at", "created_on", "ctime", "event_time", "event_date", "date_gmt", "date", "time", "timestamp", "hist_time", "occurred_at"}
)

// auditTables finds them: by name first, then by columns.
func (p *people) auditTables(ctx context.Context) ([]auditTable, error) {
	rows, err := p.db.Named(ctx, "SELECT TABLE_NAME AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND LEFT(TABLE_NAME, CHAR_LENGTH(?)) = ? ORDER BY TABLE_NAME LIMIT 5000", p.schema, p.prefix, p.prefix)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	var names []string
	for _, row := range rows {
		all[row["t"]] = true
		if p.maybeAudit(row["t"]) && len(names) < 4*auditTables {
			names = append(names, row["t"])
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	columns, err := p.columns(ctx, names)
	if err != nil {
		return nil, err
	}
	var out []auditTable
	for _, name := range names {
		if t, ok := p.shape(name, columns[name], all); ok && len(out) < auditTables {
			out = append(out, t)
		}
	}
	return out, p.indexes(ctx, out)
}

// maybeAudit goes by the name, so that the columns of a few tables are asked for
// and not those of thousands.
func (p *people) maybeAudit(table string) bool {
	word := strings.ToLower(bare(table, p.prefix))
	if _, known := knownAudits[word]; known {
		return true
	}
	if word == "" || coreTables[word] || strings.Contains(word, "meta") || strings.HasPrefix(word, "actionscheduler_") || strings.HasPrefix(word, "simple_history") {
		return false
	}
	return slices.ContainsFunc([]string{"log", "audit", "event", "history", "activity", "attempt", "occurrence"}, func(s string) bool { return strings.Contains(word, s) })
}

// column is a column as information_schema has it.
type column struct{ name, kind, extra string }

func (p *people) columns(ctx context.Context, tables []string) (map[string][]column, error) {
	rows, err := p.db.Named(ctx, "SELECT TABLE_NAME AS t, COLUMN_NAME AS c, DATA_TYPE AS d, EXTRA AS x FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME IN ("+
		marks(len(tables))+") ORDER BY TABLE_NAME, ORDINAL_POSITION LIMIT 2000", append([]any{p.schema}, anys(tables)...)...)
	out := map[string][]column{}
	for _, row := range rows {
		out[row["t"]] = append(out[row["t"]], column{row["c"], strings.ToLower(row["d"]), strings.ToLower(row["x"])})
	}
	return out, err
}

// shape says which column holds what; false where the table is no log of
// log-ins.
func (p *people) shape(name string, cols []column, all map[string]bool) (auditTable, bool) {
	word := strings.ToLower(bare(name, p.prefix))
	t, known := knownAudits[word]
	t.name, t.plugin = name, byPrefix(word)
	if t.plugin == "" {
		t.plugin = word
	}
	if known && t.split != "" {
		t.split = strings.TrimSuffix(name, word) + t.split
		return t, all[t.split]
	}
	i := slices.IndexFunc(cols, func(c column) bool { return strings.Contains(c.extra, "auto_increment") })
	if i < 0 {
		return t, false
	}
	t.id = cols[i].name
	if known {
		return t, hasColumn(cols, t.ip) && hasColumn(cols, t.event) && hasColumn(cols, t.user) && hasColumn(cols, t.at)
	}
	text := []string{"char", "varchar", "enum", "tinytext", "text"}
	t.ip, t.event, t.user = pick(cols, ipColumns, text), pick(cols, eventColumns, text[:3]), pick(cols, userColumns, text)
	t.at = pick(cols, timeColumns, nil)
	return t, t.ip != "" && t.event != ""
}

func hasColumn(cols []column, name string) bool {
	return slices.ContainsFunc(cols, func(c column) bool { return strings.EqualFold(c.name, name) })
}

// pick is the first of the names that is a column of one of the kinds.
func pick(cols []column, names, kinds []string) string {
	for _, n := range names {
		for _, c := range cols {
			if strings.EqualFold(c.name, n) && (kinds == nil || slices.Contains(kinds, c.kind)) {
				return c.name
			}
		}
	}
	return ""
}

// indexes finds for each table the indexes that begin with its event and its
// client.
func (p *people) indexes(ctx context.Context, tables []auditTable) error {
	if len(tables) == 0 {
		return nil
	}
	args := []any{p.schema}
	for i, t := range tables {
		args = append(args, t.name)
		tables[i].index = map[string]string{}
	}
	rows, err := p.db.Named(ctx, "SELECT TABLE_NAME AS t, INDEX_NAME AS i, COLUMN_NAME AS c FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND SEQ_IN_INDEX = 1 AND TABLE_NAME IN ("+
		marks(len(tables))+") ORDER BY TABLE_NAME, INDEX_NAME LIMIT "+strconv.Itoa(50*auditTables), args...)
	for _, row := range rows {
		for _, t := range tables {
			if t.name == row["t"] && t.index[row["c"]] == "" {
				t.index[row["c"]] = row["i"]
			}
		}
	}
	return err
}

// logInWord reads an event's name of a plugin that is not known: "login_failed",
// "User logged in", "successful_login". It is about a log-in by its words, and
// about nothing else.
func logInWord(e string) (ok, is bool) {
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(e))
	about := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(s string) bool { return strings.Contains(word, s) })
	}
	switch {
	case len(word) > 40 || !about("login", "loggedin", "logon", "signin", "signedin") || about("logout", "loggedout", "page", "url", "reset", "lost", "setting"):
		return false, false
	case about("fail", "invalid", "wrong", "incorrect", "denied", "refused", "unsuccess", "error", "bad"):
		return false, true
	case about("block", "lock", "attempt", "ban", "limit"):
		return false, false // somebody was kept out; whether he failed before is told elsewhere
	}
	return true, true
}
