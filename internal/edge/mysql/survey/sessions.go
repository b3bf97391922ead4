package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// located is a session with the schema of the table that it works on.
type located struct {
	remedy.Session
	schema string // "" unknown
}

// sessions reads who is at the server and what a plan has to mind of them.
func (r *Result) sessions(ctx context.Context, h *mysql.Hand, c *mysql.Conn, want Want) []located {
	if !c.SeesSessions() {
		r.Unread["sessions"] = "the account sees its own sessions only: it needs GRANT PROCESS ON *.*"
	}
	all, err := look(ctx, h, c, want)
	if err != nil {
		r.Unread["sessions"] = err.Error()
	}
	dumps := 0
	for _, s := range all {
		r.Server.Sessions = append(r.Server.Sessions, s.Session)
		if strings.HasPrefix(s.Command, "Binlog Dump") {
			dumps++
		}
		if _, denied := r.Unread["replication"]; denied && applies(s.Session) {
			r.Server.Replica = true
		}
	}
	r.Server.Replicas = max(r.Server.Replicas, dumps)
	return all
}

// applies reports whether the session fetches or applies what another server wrote.
func applies(s remedy.Session) bool {
	return strings.HasPrefix(s.Command, "Slave_") || s.User == "system user" && s.Command != "Daemon"
}

// look joins what the server runs, its transactions, who waits for whom, its own
// threads, and what programs say of themselves. It returns what it has beside an
// error.
func look(ctx context.Context, h *mysql.Hand, c *mysql.Conn, want Want) ([]located, error) {
	running, err := c.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	txs, err := c.Transactions(ctx, running)
	if err != nil && !errors.Is(err, mysql.ErrNoProcess) {
		return nil, err
	}
	waits, err := c.LockWaits(ctx, running, txs)
	if err != nil {
		return nil, err
	}
	b := board{at: map[uint64]*located{}, sleeping: running.Sleeping}
	for _, x := range running.Running {
		b.running(x)
	}
	for _, t := range txs {
		b.transaction(t)
	}
	for _, w := range waits {
		b.wait(w)
	}
	err = errors.Join(b.threads(ctx, h, c), b.programs(ctx, h, c), b.stages(ctx, h, c), b.tables(ctx, h, c, want))
	return b.list(), err
}

// board collects the sessions by their id.
type board struct {
	at       map[uint64]*located
	lost     []located // transactions without a session
	sleeping map[uint64]mysql.Sleeper
}

func (b *board) running(x mysql.Running) {
	s := remedy.Session{ID: x.ConnID, QueryID: x.QueryID, User: x.User, Command: x.Command, State: x.State, Verb: x.Verb, Digest: x.Digest,
		Table: x.Table, RunningMs: x.RunningMs, RowsRead: x.RowsRead, TrxAgeMs: -1, Progress: -1}
	s.Own = strings.HasPrefix(x.Text, strings.TrimSpace(mysql.Marker))
	s.Dump = dumpText.MatchString(x.Text) || dumpName.MatchString(x.User)
	s.Replication = replication(s.User, s.Command)
	b.at[x.ConnID] = &located{s, x.Schema}
}

// asleep is the session of that id, noted as one that sleeps if it is not there.
func (b *board) asleep(id uint64) *located {
	if s := b.at[id]; s != nil {
		return s
	}
	s := &located{Session: remedy.Session{ID: id, RowsRead: -1, TrxAgeMs: -1, Progress: -1}}
	if z, ok := b.sleeping[id]; ok {
		s.Command, s.User, s.RunningMs = "Sleep", z.User, z.IdleMs
		s.Dump = dumpName.MatchString(z.User)
	}
	b.at[id] = s
	return s
}

// transaction joins one with its session. One that a crash has left has none
// while it is rolled back, and counts as the server's own.
func (b *board) transaction(t mysql.OpenTx) {
	s := &located{Session: remedy.Session{Command: "Daemon", RowsRead: -1, Progress: -1}}
	if t.ConnID != 0 {
		s = b.asleep(t.ConnID)
	}
	s.TrxID, s.TrxAgeMs, s.TrxState, s.RowsModified, s.RowsLocked = t.ID, t.AgeMs, t.State, t.RowsModified, t.RowsLocked
	if t.ConnID == 0 {
		b.lost = append(b.lost, *s)
	}
}

func (b *board) wait(w evidence.LockWait) {
	if w.Blocker == 0 {
		return
	}
	b.asleep(w.Waiter).Waits = w.Blocker
	holder := b.asleep(w.Blocker)
	if holder.Table == "" { // it has at least this one
		holder.Table, holder.schema = w.Table, w.Schema
	}
}

func (b *board) list() []located {
	out := b.lost
	for _, s := range b.at {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(x, y located) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// threads adds the server's own threads, the senders of the binary log, and how
// far MariaDB says that an ALTER is.
func (b *board) threads(ctx context.Context, h *mysql.Hand, c *mysql.Conn) error {
	const which = ` WHERE USER IN ('system user','event_scheduler') OR COMMAND LIKE 'Binlog Dump%%' OR COMMAND LIKE 'Slave%%' OR COMMAND = 'Daemon'`
	text := "SELECT ID, USER, COMMAND, STATE, TIME" + "%s FROM %s" + which
	switch {
	case h.MariaDB():
		text = fmt.Sprintf(text, ", STAGE, MAX_STAGE, PROGRESS", "information_schema.PROCESSLIST") + " OR MAX_STAGE > 0"
	case c.SeesPerformanceSchema() && h.AtLeast(8, 0, 22):
		text = fmt.Sprintf(text, "", "performance_schema.processlist")
	default:
		text = fmt.Sprintf(text, "", "information_schema.PROCESSLIST")
	}
	rows, err := h.Named(ctx, text+" LIMIT 500")
	if err != nil {
		return fmt.Errorf("read the server's own threads: %w", err)
	}
	for _, row := range rows {
		id := unsigned(row["id"])
		s := b.at[id]
		if s == nil && replication(row["user"], row["command"]) {
			s = b.asleep(id)
			s.User, s.Command, s.State, s.RunningMs = row["user"], row["command"], row["state"], number(row["time"])*1000
		}
		if s != nil {
			s.Replication = s.Replication || replication(row["user"], row["command"])
			s.Progress = max(s.Progress, staged(row))
		}
	}
	return nil
}

// staged is the progress that MariaDB counts in stages; -1 where there is none.
func staged(row map[string]string) float64 {
	stages, part := number(row["max_stage"]), 0.0
	if stages <= 0 {
		return -1
	}
	if p, err := strconv.ParseFloat(row["progress"], 64); err == nil {
		part = p / 100
	}
	return (float64(max(number(row["stage"])-1, 0)) + part) / float64(stages)
}

// programs adds what programs say of themselves when they log in: backups, even
// between two of their statements, and hirune.
func (b *board) programs(ctx context.Context, h *mysql.Hand, c *mysql.Conn) error {
	if !c.SeesPerformanceSchema() {
		return nil
	}
	rows, err := h.Named(ctx, `SELECT PROCESSLIST_ID AS id, ATTR_VALUE AS program FROM performance_schema.session_connect_attrs WHERE ATTR_NAME='program_name' LIMIT 5000`)
	if mysql.Refused(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read which programs are logged in: %w", err)
	}
	for _, row := range rows {
		id, dump := unsigned(row["id"]), dumpName.MatchString(row["program"])
		if dump && id != h.ID() {
			b.asleep(id).Dump = true
		}
		if s := b.at[id]; s != nil && row["program"] == "hirune" {
			s.Own = true
		}
	}
	return nil
}

// stages adds how far MySQL says that an ALTER is.
func (b *board) stages(ctx context.Context, h *mysql.Hand, c *mysql.Conn) error {
	altering := false
	for _, s := range b.at {
		altering = altering || ddl(s.Verb)
	}
	if h.MariaDB() || !altering || !c.SeesPerformanceSchema() {
		return nil
	}
	rows, err := h.Named(ctx, `SELECT t.PROCESSLIST_ID AS id, e.WORK_COMPLETED AS done, e.WORK_ESTIMATED AS total FROM performance_schema.events_stages_current e
JOIN performance_schema.threads t USING (THREAD_ID) WHERE t.PROCESSLIST_ID IS NOT NULL AND e.WORK_ESTIMATED > 0 LIMIT 500`)
	if err != nil {
		return fmt.Errorf("read how far an ALTER is: %w", err)
	}
	for _, row := range rows {
		if s, total := b.at[unsigned(row["id"])], number(row["total"]); s != nil && ddl(s.Verb) {
			s.Progress = min(float64(number(row["done"]))/float64(total), 1)
		}
	}
	return nil
}

// tables names the wanted table for those who hold it without saying so, such as
// a transaction that sleeps, where the server tells who holds what.
func (b *board) tables(ctx context.Context, h *mysql.Hand, c *mysql.Conn, want Want) error {
	text := `SELECT t.PROCESSLIST_ID AS id FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
WHERE m.OBJECT_TYPE='TABLE' AND m.OBJECT_SCHEMA = ? AND m.OBJECT_NAME = ? AND m.LOCK_STATUS='GRANTED' AND t.PROCESSLIST_ID IS NOT NULL LIMIT 500`
	if h.MariaDB() {
		text = `SELECT THREAD_ID AS id FROM information_schema.METADATA_LOCK_INFO WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? LIMIT 500`
	}
	if want.Table == "" || !h.MariaDB() && !c.SeesPerformanceSchema() {
		return nil
	}
	rows, err := h.Named(ctx, text, want.Schema, want.Table)
	if mysql.Refused(err) || mysql.Number(err) == errNoTable {
		return nil // MariaDB has the table only with a plugin
	}
	if err != nil {
		return fmt.Errorf("read who holds %s.%s: %w", want.Schema, want.Table, err)
	}
	for _, row := range rows {
		if id := unsigned(row["id"]); id != 0 && id != h.ID() {
			if s := b.asleep(id); s.Table == "" {
				s.Table, s.schema = want.Table, want.Schema
			}
		}
	}
	return nil
}

// errNoTable: information_schema does not have it.
const errNoTable = 1109

// altered is the session that changes the form of the wanted table; 0: none does.
func altered(all []located, want Want) uint64 {
	for _, s := range all {
		if ddl(s.Verb) && strings.EqualFold(s.Table, want.Table) && (s.schema == "" || strings.EqualFold(s.schema, want.Schema)) {
			return s.ID
		}
	}
	return 0
}
