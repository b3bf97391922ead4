package change

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// chunkTable is what a purge has to know of its table, as it is now.
type chunkTable struct {
	engine   string
	kind     string // TABLE_TYPE
	columns  []remedy.Column
	key      []string // columns of the primary key
	triggers int
	children int // foreign keys of other tables to it
	readOnly bool
}

// lookTable reads the table as it is now. It takes some milliseconds.
func (h *chunkHand) lookTable(ctx context.Context, on remedy.On) (chunkTable, error) {
	var t chunkTable
	for _, look := range []func(context.Context, remedy.On, *chunkTable) error{h.lookEngine, h.lookColumns, h.lookKey, h.lookOthers, h.lookServer} {
		if err := look(ctx, on, &t); err != nil {
			return t, fmt.Errorf("look at table %s: %w", on.Name(), err)
		}
	}
	return t, nil
}

func (h *chunkHand) lookEngine(ctx context.Context, on remedy.On, t *chunkTable) error {
	rows, err := h.Named(ctx, "SELECT ENGINE AS engine, TABLE_TYPE AS kind FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_NAME=?", on.Schema, on.Table)
	if err != nil {
		return err
	}
	if len(rows) != 1 {
		return tableChanged("the table is gone")
	}
	t.engine, t.kind = rows[0]["engine"], rows[0]["kind"]
	return nil
}

func (h *chunkHand) lookColumns(ctx context.Context, on remedy.On, t *chunkTable) error {
	rows, err := h.Named(ctx, `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, COLUMN_TYPE AS full, CHARACTER_SET_NAME AS charset, IS_NULLABLE AS nullable,
EXTRA AS extra, GENERATION_EXPRESSION AS expr FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? ORDER BY ORDINAL_POSITION`, on.Schema, on.Table)
	for _, r := range rows {
		t.columns = append(t.columns, remedy.Column{
			Name: r["name"], Type: strings.ToLower(r["type"]), FullType: r["full"], Charset: r["charset"], Nullable: r["nullable"] == "YES",
			Generated: r["expr"] != "" || strings.Contains(strings.ToUpper(r["extra"]), "VIRTUAL") || strings.Contains(strings.ToUpper(r["extra"]), "STORED GENERATED") || strings.Contains(strings.ToUpper(r["extra"]), "PERSISTENT"),
		})
	}
	return err
}

func (h *chunkHand) lookKey(ctx context.Context, on remedy.On, t *chunkTable) error {
	rows, err := h.Named(ctx, "SELECT COLUMN_NAME AS name FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? AND INDEX_NAME='PRIMARY' ORDER BY SEQ_IN_INDEX", on.Schema, on.Table)
	for _, r := range rows {
		t.key = append(t.key, r["name"])
	}
	return err
}

func (h *chunkHand) lookOthers(ctx context.Context, on remedy.On, t *chunkTable) error {
	rows, err := h.Named(ctx, "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA=? AND EVENT_OBJECT_TABLE=?", on.Schema, on.Table)
	t.triggers = len(rows)
	return err
}

func (h *chunkHand) lookServer(ctx context.Context, _ remedy.On, t *chunkTable) error {
	rows, err := h.Named(ctx, "SELECT @@global.read_only AS ro, @@global.innodb_read_only AS iro")
	for _, r := range rows {
		t.readOnly = switchedOn(r["ro"]) || switchedOn(r["iro"])
	}
	return err
}

// lookChildren counts the foreign keys that refer to the table. The server may
// open every table of the schema for it, so it is asked once.
func (h *chunkHand) lookChildren(ctx context.Context, on remedy.On) (int, error) {
	rows, err := h.Named(ctx, "SELECT CONSTRAINT_NAME AS name FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA=? AND REFERENCED_TABLE_NAME=?", on.Schema, on.Table)
	return len(rows), err
}

// switchedOn reads a switch of the server; newer ones have words for more than two states.
func switchedOn(v string) bool {
	switch strings.ToUpper(v) {
	case "", "0", "OFF", "NO", "FALSE":
		return false
	}
	return true
}

// tableChanged says that the table is not the one that was planned for.
func tableChanged(format string, args ...any) error {
	return hint.Wrap(fmt.Errorf("%w: %s", apply.ErrRefused, fmt.Sprintf(format, args...)), "table-changed", "plan again: hirune plan")
}

// fits compares the table with the one that the step was planned for.
func (t chunkTable) fits(s remedy.DeleteInChunks) error {
	switch {
	case t.readOnly:
		return hint.Wrap(fmt.Errorf("%w: the server is read-only", apply.ErrRefused), "read-only", "apply it on the server that is written to")
	case t.kind != "BASE TABLE":
		return tableChanged("it is a %s", strings.ToLower(t.kind))
	case len(t.key) != 1 || !strings.EqualFold(t.key[0], s.Key):
		return tableChanged("the primary key is (%s), not (%s)", strings.Join(t.key, ", "), s.Key)
	case strings.EqualFold(t.engine, "InnoDB") != s.InnoDB:
		return tableChanged("the table's engine is %s now", t.engine)
	case t.triggers > 0:
		return tableChanged("the table has %d triggers, which would run for each row", t.triggers)
	case t.children > 0:
		return tableChanged("%d foreign keys of other tables refer to it", t.children)
	}
	if c, ok := t.column(s.Key); !ok || !wholeNumber(c.Type) {
		return tableChanged("the key %s is no whole number", s.Key)
	}
	if _, ok := t.column(s.Doomed.Column); !ok {
		return tableChanged("the column %s is gone", s.Doomed.Column)
	}
	return sameColumns(s.Columns, t.columns)
}

func (t chunkTable) column(name string) (remedy.Column, bool) {
	for _, c := range t.columns {
		if strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	return remedy.Column{}, false
}

func wholeNumber(dataType string) bool {
	switch dataType {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint":
		return true
	}
	return false
}

// sameColumns compares the columns as planned with those there are. A plan that
// names none was not made for a form of the table.
func sameColumns(planned, now []remedy.Column) error {
	if len(planned) == 0 {
		return nil
	}
	for i, p := range planned {
		if i >= len(now) || now[i].Name != p.Name {
			return tableChanged("the column %s is gone or has moved", p.Name)
		}
		n := now[i]
		if !strings.EqualFold(n.Type, p.Type) || p.FullType != "" && !strings.EqualFold(n.FullType, p.FullType) || p.Charset != "" && !strings.EqualFold(n.Charset, p.Charset) || n.Generated != p.Generated {
			return tableChanged("the column %s is %s now", n.Name, n.FullType)
		}
	}
	if len(now) > len(planned) {
		return tableChanged("the column %s is new", now[len(planned)].Name)
	}
	return nil
}

// momentFits makes sure that the cutoff of a TIMESTAMP column, which our session
// reads in UTC, is no later than the plan's. It may be earlier: a plan that does
// not know the zone takes the one that keeps most rows.
func (h *chunkHand) momentFits(ctx context.Context, t chunkTable, d remedy.Doomed) error {
	c, _ := t.column(d.Column)
	if c.Type != "timestamp" || d.Cutoff.IsZero() {
		return nil
	}
	rows, err := h.Named(ctx, "SELECT UNIX_TIMESTAMP("+remedy.Quote(d.Literal)+") AS at")
	if err != nil {
		return err
	}
	at, err := strconv.ParseFloat(rows[0]["at"], 64)
	if err != nil || at > float64(d.Cutoff.Unix()) {
		return tableChanged("the cutoff %s of the TIMESTAMP column %s is later than %s in UTC", d.Literal, d.Column, d.Cutoff.UTC().Format(time.DateTime))
	}
	return nil
}
