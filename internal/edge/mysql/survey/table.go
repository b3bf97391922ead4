package survey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// HiddenTriggers stands among the names of a table's triggers where the account
// may not see whether it has any.
const HiddenTriggers = "(not visible: the account lacks TRIGGER)"

// readTable reads the form of the table: all that must be known before a row of
// it may be deleted. It fails where any of that stays unknown.
func readTable(ctx context.Context, h *mysql.Hand, c *mysql.Conn, want Want, server *remedy.Server) (*remedy.Table, error) {
	on := fmt.Sprintf("%s.%s", want.Schema, want.Table)
	et, ok, err := c.Table(ctx, want.Schema, want.Table)
	if err != nil {
		return nil, err
	}
	if !ok || et.Engine == "" {
		return nil, fmt.Errorf("read table %s: there is none that the account may see: %w", on, evidence.ErrAbsent)
	}
	et.DB = want.Instance
	t := &remedy.Table{Table: et}
	for _, part := range []struct {
		what string
		read func() error
	}{
		{"columns", func() error { return readColumns(ctx, h, t) }},
		{"indexes", func() error { return readKinds(ctx, h, t) }},
		{"triggers", func() error { return readTriggers(ctx, h, t, server.Rights) }},
		{"foreign keys", func() error { return readForeign(ctx, h, t) }},
		{"partitions", func() error { return readPartitions(ctx, h, t) }},
		{"first and last key", func() error { return readKeys(ctx, h, t) }},
	} {
		if err := part.read(); err != nil {
			return nil, fmt.Errorf("read the %s of %s: %w", part.what, on, err)
		}
	}
	return t, nil
}

func name(t *remedy.Table) string { return remedy.On{Schema: t.Schema, Table: t.Name}.Name() }

func readColumns(ctx context.Context, h *mysql.Hand, t *remedy.Table) error {
	rows, err := h.Named(ctx, `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, COLUMN_TYPE AS full_type, CHARACTER_SET_NAME AS charset, IS_NULLABLE AS nullable,
EXTRA AS extra FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`, t.Schema, t.Name)
	for _, row := range rows {
		extra := strings.ToUpper(row["extra"])
		t.Columns = append(t.Columns, remedy.Column{
			Name: row["name"], Type: strings.ToLower(row["type"]), FullType: row["full_type"], Charset: row["charset"],
			Nullable: row["nullable"] == "YES", Generated: isGenerated(extra),
		})
	}
	if err == nil && len(t.Columns) == 0 {
		return errors.New("the account sees none: it lacks SELECT on the table")
	}
	return err
}

// isGenerated tells a generated column from one with a default that is an
// expression, which MySQL words as DEFAULT_GENERATED.
func isGenerated(extra string) bool {
	for _, w := range []string{"VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT"} {
		if strings.Contains(extra, w) {
			return true
		}
	}
	return false
}

// readKinds reads the primary key and which indexes are of a kind that cannot be
// built beside writers.
func readKinds(ctx context.Context, h *mysql.Hand, t *remedy.Table) error {
	rows, err := h.Named(ctx, `SELECT INDEX_NAME AS name, COLUMN_NAME AS col, INDEX_TYPE AS kind, SUB_PART AS part FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX`, t.Schema, t.Name)
	for _, row := range rows {
		switch row["kind"] {
		case "FULLTEXT":
			t.Fulltext = true
		case "SPATIAL", "RTREE":
			t.Spatial = true
		}
		if row["name"] == "PRIMARY" {
			t.KeyColumns = append(t.KeyColumns, row["col"])
		}
	}
	if len(t.KeyColumns) == 1 {
		if c, ok := t.ColumnOf(t.KeyColumns[0]); ok && strings.HasSuffix(c.Type, "int") {
			t.Key = c.Name
		}
	}
	return err
}

func readTriggers(ctx context.Context, h *mysql.Hand, t *remedy.Table, rights []string) error {
	var err error
	t.Triggers, err = column(ctx, h, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? ORDER BY TRIGGER_NAME", t.Schema, t.Name)
	if len(t.Triggers) == 0 && !slices.Contains(rights, "TRIGGER") && !slices.Contains(rights, all) {
		t.Triggers = []string{HiddenTriggers}
	}
	return err
}

func readPartitions(ctx context.Context, h *mysql.Hand, t *remedy.Table) error {
	names, err := column(ctx, h, "SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND PARTITION_NAME IS NOT NULL", t.Schema, t.Name)
	t.Partitions = len(names)
	return err
}

// readForeign reads the foreign keys in both directions. InnoDB's own list also
// shows those of schemas that the account does not see, and is not slow where
// there are thousands of tables.
func readForeign(ctx context.Context, h *mysql.Hand, t *remedy.Table) error {
	var err error
	t.References, err = column(ctx, h, `SELECT DISTINCT REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?`, t.Schema, t.Name)
	if err != nil {
		return err
	}
	from := "information_schema.INNODB_SYS_FOREIGN"
	if !h.MariaDB() && h.AtLeast(8, 0, 0) {
		from = "information_schema.INNODB_FOREIGN"
	}
	names, err := column(ctx, h, "SELECT DISTINCT FOR_NAME FROM "+from+" WHERE REF_NAME IN (?, ?)", mysql.FileName(t.Schema, t.Name), t.Schema+"/"+t.Name)
	if err == nil {
		for _, n := range names {
			schema, table, _ := strings.Cut(n, "/")
			t.ReferencedBy = append(t.ReferencedBy, outside(t.Schema, mysql.NameOfFile(schema), mysql.NameOfFile(table)))
		}
		return nil
	}
	if h.Lost() {
		return err
	}
	t.ReferencedBy, err = column(ctx, h, `SELECT DISTINCT TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA = ? AND REFERENCED_TABLE_NAME = ?`, t.Schema, t.Name)
	return err
}

// outside names a table with its schema where that is another one.
func outside(own, schema, table string) string {
	if schema == own || schema == "" {
		return table
	}
	return schema + "." + table
}

// A statement was ended because it took too long: on MariaDB, on MySQL.
const (
	errStatementTime = 1969
	errExecutionTime = 3024
)

// readKeys reads the first and the last key; both are 0 for an empty table. A key
// beyond what an int64 holds counts as none: nothing can be planned by it.
func readKeys(ctx context.Context, h *mysql.Hand, t *remedy.Table) error {
	if t.Key == "" {
		return nil
	}
	k := remedy.Ident(t.Key)
	rows, err := h.Named(ctx, fmt.Sprintf("SELECT MIN(%s) AS lo, MAX(%s) AS hi FROM %s", k, k, name(t)))
	if n := mysql.Number(err); n == errStatementTime || n == errExecutionTime {
		return fmt.Errorf("deleted rows at its beginning are still being removed, try again in some minutes: %w", err)
	}
	if err != nil || len(rows) == 0 || rows[0]["lo"] == "" {
		return err
	}
	lo, okLo := integer(rows[0]["lo"])
	hi, okHi := integer(rows[0]["hi"])
	if !okLo || !okHi {
		t.Key = ""
		return nil
	}
	t.MinKey, t.MaxKey = lo, hi
	return nil
}
