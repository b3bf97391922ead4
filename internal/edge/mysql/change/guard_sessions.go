package change

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/sqltext"
)

// maxText is how much of a statement is read, in characters: as much as the
// recorder reads, so that digests of long statements are the same.
const maxText = 4096

// seen is one session of the server as its list shows it now.
type seen struct {
	id, query                          uint64 // query: MariaDB only
	user, schema, command, state, text string // text with its literals: never shown
	digest, verb, textSchema, table    string
	ms                                 int64   // of the statement or the sleep; whole seconds on MySQL
	progress                           float64 // of DDL, 0 to 1; -1 unknown
}

// sessions lists the sessions; one without the right PROCESS sees its account's own.
// Source: information_schema.PROCESSLIST, performance_schema.processlist.
func sessions(ctx context.Context, h *mysql.Hand) ([]seen, error) {
	rows, err := sessionRows(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("read the list of sessions: %w", err)
	}
	out := make([]seen, len(rows))
	for i, r := range rows {
		s := seen{id: unsigned(r["id"]), query: unsigned(r["query_id"]), user: r["user"], schema: r["db"], command: r["command"],
			state: r["state"], text: r["info"], ms: millis(r["ms"]), progress: progress(r)}
		p := sqltext.Parse(s.text)
		s.digest, s.verb, s.textSchema, s.table = p.Digest, p.Verb, p.Schema, p.Table
		out[i] = s
	}
	return out, nil
}

func sessionRows(ctx context.Context, h *mysql.Hand) ([]map[string]string, error) {
	if h.MariaDB() {
		return h.Named(ctx, fmt.Sprintf(`SELECT ID AS id, QUERY_ID AS query_id, USER AS user, DB AS db, COMMAND AS command, STATE AS state, TIME_MS AS ms,
LEFT(INFO, %d) AS info, STAGE AS stage, MAX_STAGE AS stages, PROGRESS AS part FROM information_schema.PROCESSLIST`, maxText))
	}
	text := `SELECT ID AS id, USER AS user, DB AS db, COMMAND AS command, STATE AS state, TIME*1000 AS ms, LEFT(INFO, %d) AS info FROM %s.processlist`
	rows, err := h.Named(ctx, fmt.Sprintf(text, maxText, "performance_schema"))
	if err != nil && !h.Lost() { // before 8.0.22, or switched off
		return h.Named(ctx, fmt.Sprintf(text, maxText, "information_schema"))
	}
	return rows, err
}

func unsigned(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64) // 0: the server does not say
	return n
}

func signed(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // 0: the server does not say
	return n
}

func millis(s string) int64 {
	whole, _, _ := strings.Cut(s, ".")
	return max(0, signed(whole))
}

// progress is that of MariaDB's ALTER, which counts stages; for those in place
// it stays silent.
func progress(r map[string]string) float64 {
	stages := signed(r["stages"])
	part, err := strconv.ParseFloat(r["part"], 64)
	if stages <= 0 || err != nil {
		return -1
	}
	return (float64(signed(r["stage"])-1) + part/100) / float64(stages)
}

// own reports whether the session runs a statement of hirune.
func (s seen) own() bool { return strings.HasPrefix(s.text, strings.TrimSpace(mysql.Marker)) }

// at reports whether the statement names the table.
func (s seen) at(on remedy.On) bool {
	if s.text == "" {
		return false
	}
	if strings.EqualFold(s.table, on.Table) && s.textSchema != "" {
		return strings.EqualFold(s.textSchema, on.Schema)
	}
	return mentions(s.text, on.Table) && (s.schema == "" || strings.EqualFold(s.schema, on.Schema) || mentions(s.text, on.Schema))
}

// ddl reports whether the statement changes a table's form or wants it alone.
func (s seen) ddl() bool {
	switch s.verb {
	case "ALTER", "DROP", "CREATE", "RENAME", "TRUNCATE", "OPTIMIZE", "REPAIR", "LOCK":
		return true
	}
	return false
}

// replication reports whether the session is the server's own: an applier, a
// sender of the binary log, the event scheduler.
func (s seen) replication() bool {
	switch strings.ToLower(s.user) {
	case "system user", "event_scheduler", "event scheduler":
		return true
	}
	c := strings.ToLower(s.command)
	return strings.HasPrefix(c, "binlog dump") || strings.HasPrefix(c, "slave") || strings.HasPrefix(c, "replica") || c == "daemon" || c == "connect"
}

var (
	// dumpText is what the programs that make backups send.
	dumpText = regexp.MustCompile(`(?i)^\s*(SELECT\s+/\*!40001\s+SQL_NO_CACHE\s*\*/|FLUSH\s.*TABLES|BACKUP\s+(STAGE|LOCK)|LOCK\s+(INSTANCE|TABLES\s.*READ\s+LOCAL))`)
	// dumpUser is how accounts of backups are named.
	dumpUser = regexp.MustCompile(`(?i)^(mysqldump|mariadb-?dump|mariabackup|mariadb-?backup|xtrabackup|mysqlbackup|mydumper|backup|dump|bkpuser)$`)
)

// dump reports whether the session makes a backup. One between two tables sleeps
// in a transaction, and is told by its account only.
func (s seen) dump() bool {
	return dumpText.MatchString(s.text) || dumpUser.MatchString(s.user) && (s.command != "Sleep" || s.ms < 60_000)
}

// openTx is one open transaction of InnoDB.
type openTx struct {
	id       string
	conn     uint64
	state    string
	ageMs    int64 // from whole seconds
	modified int64 // rows; it falls while they are taken back
}

// transactions lists the open transactions; none where the account may not see them.
// Source: information_schema.INNODB_TRX, which is 0.1 s old at most.
func transactions(ctx context.Context, h *mysql.Hand) ([]openTx, error) {
	rows, err := h.Named(ctx, `SELECT trx_id AS id, trx_mysql_thread_id AS conn, trx_state AS state, trx_rows_modified AS modified,
TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS age FROM information_schema.INNODB_TRX ORDER BY trx_started LIMIT 2000`)
	if hidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the open transactions: %w", err)
	}
	out := make([]openTx, len(rows))
	for i, r := range rows {
		out[i] = openTx{id: r["id"], conn: unsigned(r["conn"]), state: r["state"], ageMs: signed(r["age"]) * 1000, modified: signed(r["modified"])}
	}
	return out, nil
}

// holders lists the connections that hold the table's metadata lock; exact is
// false where the server does not tell.
// Source: performance_schema.metadata_locks, METADATA_LOCK_INFO.
func holders(ctx context.Context, h *mysql.Hand, on remedy.On) (held map[uint64]bool, exact bool, err error) {
	text := `SELECT t.PROCESSLIST_ID AS conn FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
WHERE m.OBJECT_TYPE='TABLE' AND m.OBJECT_SCHEMA=? AND m.OBJECT_NAME=? AND t.PROCESSLIST_ID IS NOT NULL`
	if h.MariaDB() {
		text = `SELECT THREAD_ID AS conn FROM information_schema.METADATA_LOCK_INFO WHERE TABLE_SCHEMA=? AND TABLE_NAME=?`
	} else if off, err := instrumentOff(ctx, h); off || err != nil {
		return nil, false, err
	}
	rows, err := h.Named(ctx, text, on.Schema, on.Table)
	if hidden(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read who holds %s: %w", on.Name(), err)
	}
	held = map[uint64]bool{}
	for _, r := range rows {
		held[unsigned(r["conn"])] = true
	}
	return held, true, nil
}

// instrumentOff reports whether MySQL does not keep its list of metadata locks:
// an empty list then says nothing.
func instrumentOff(ctx context.Context, h *mysql.Hand) (bool, error) {
	rows, err := h.Named(ctx, "SELECT ENABLED AS enabled FROM performance_schema.setup_instruments WHERE NAME='wait/lock/metadata/sql/mdl'")
	if hidden(err) {
		return true, nil
	}
	return err == nil && (len(rows) == 0 || rows[0]["enabled"] != "YES"), err
}

// hidden reports whether the account may not read it, or the server does not have it.
func hidden(err error) bool {
	switch mysql.Number(err) {
	case 1044, 1045, 1142, 1143, 1227, 1356, 1370, 1109, 1146, 1049:
		return true
	}
	return false
}
