package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"strings"

	"hirune/internal/core/evidence"
)

// systemSchemas belong to the server.
var systemSchemas = "'mysql','information_schema','performance_schema','sys'"

// Schemas lists the databases that the account sees, the server's own left out.
func (c *Conn) Schemas(ctx context.Context) ([]string, error) {
	out, err := c.names(ctx, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ("+systemSchemas+") LIMIT 100")
	if err != nil {
		return nil, fmt.Errorf("list the databases: %w", err)
	}
	return out, nil
}

// Tables returns the largest tables of a schema with their indexes, the
// largest on disk first, at most limit. An account without SELECT on the
// schema gets names and file sizes only.
func (c *Conn) Tables(ctx context.Context, schema string, limit int) ([]evidence.Table, error) {
	files, err := c.fileSizes(ctx, schema, "")
	if err != nil {
		return nil, err
	}
	ts, err := c.tableRows(ctx, "TABLE_SCHEMA = ?", schema)
	if err != nil {
		return nil, err
	}
	ts = withFiles(ts, files, schema, c.target.Instance)
	sort.Slice(ts, func(i, j int) bool { return sizeOf(ts[i]) > sizeOf(ts[j]) })
	ts = ts[:min(len(ts), limit)]
	return ts, c.indexes(ctx, schema, ts)
}

// Table returns one table; ok is false where the account sees none of that name.
func (c *Conn) Table(ctx context.Context, schema, name string) (t evidence.Table, ok bool, err error) {
	ts, err := c.tableRows(ctx, "TABLE_SCHEMA = ? AND TABLE_NAME = ?", schema, name)
	if err != nil {
		return t, false, err
	}
	files, err := c.fileSizes(ctx, schema, name)
	if err != nil {
		return t, false, err
	}
	ts = withFiles(ts, files, schema, c.target.Instance)
	if len(ts) == 0 {
		return t, false, nil
	}
	return ts[0], true, c.indexes(ctx, schema, ts[:1])
}

func sizeOf(t evidence.Table) int64 { return max(t.FileBytes, t.DataBytes+t.IdxBytes) }

func (c *Conn) tableRows(ctx context.Context, where string, args ...any) ([]evidence.Table, error) {
	var out []evidence.Table
	err := c.query(ctx, func(scan func(...any) error) error {
		t := evidence.Table{DB: c.target.Instance, FileBytes: -1, Rows: -1}
		var engine sql.NullString
		var rows, data, idx, next sql.NullInt64
		if err := scan(&t.Schema, &t.Name, &engine, &rows, &data, &idx, &next); err != nil {
			return err
		}
		t.Engine, t.DataBytes, t.IdxBytes, t.AutoInc = engine.String, data.Int64, idx.Int64, next.Int64
		if rows.Valid {
			t.Rows = rows.Int64
		}
		out = append(out, t)
		return nil
	}, "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE, TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH, AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_TYPE='BASE TABLE' AND "+where+" LIMIT 5000", args...)
	if err != nil {
		return nil, fmt.Errorf("read the tables: %w", err)
	}
	return out, nil
}

// fileSizes reads the sizes on disk by table, partitions added up; nil without
// the right PROCESS. One table, or all of the schema for an empty name.
func (c *Conn) fileSizes(ctx context.Context, schema, name string) (map[string]int64, error) {
	if !c.can.process {
		return nil, nil
	}
	from := "information_schema.INNODB_SYS_TABLESPACES"
	if c.flavour == MySQL && c.atLeast(8, 0, 0) {
		from = "information_schema.INNODB_TABLESPACES"
	}
	like := likeEscape(fileName(schema)+"/"+fileName(name)) + "%"
	sizes := map[string]int64{}
	err := c.query(ctx, func(scan func(...any) error) error {
		var n string
		var size int64
		if err := scan(&n, &size); err != nil {
			return err
		}
		_, table, _ := strings.Cut(n, "/")
		table, _, _ = strings.Cut(table, "#") // partitions: t#P#p0
		sizes[table] += size
		return nil
	}, "SELECT NAME, FILE_SIZE FROM "+from+" WHERE NAME LIKE ? LIMIT 20000", like)
	if refused(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the sizes of tablespaces: %w", err)
	}
	return sizes, nil
}

// withFiles adds the sizes on disk; tables that TABLES does not show to this
// account come from the files alone.
func withFiles(ts []evidence.Table, files map[string]int64, schema, instance string) []evidence.Table {
	if len(ts) == 0 {
		for name, size := range files {
			ts = append(ts, evidence.Table{DB: instance, Schema: schema, Name: tableOfFile(name), Engine: "InnoDB", Rows: -1, FileBytes: size})
		}
		return ts
	}
	for i := range ts {
		if size, ok := files[fileName(ts[i].Name)]; ok {
			ts[i].FileBytes = size
		}
	}
	return ts
}

// fileName writes a name as the servers write it to disk: what is no ASCII
// letter, digit or _ becomes @ and four hex digits. Names in other scripts
// have shorter forms that are not known here: their file size stays unknown.
func fileName(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 && isNameByte(byte(r)) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "@%04x", r)
		}
	}
	return b.String()
}

func isNameByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_'
}

// tableOfFile undoes fileName.
func tableOfFile(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		var r rune
		if s[i] == '@' && i+5 <= len(s) {
			if n, err := fmt.Sscanf(s[i+1:i+5], "%04x", &r); n == 1 && err == nil {
				b.WriteRune(r)
				i += 4
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func likeEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(s)
}

// indexes adds the indexes of the tables.
func (c *Conn) indexes(ctx context.Context, schema string, ts []evidence.Table) error {
	if len(ts) == 0 {
		return nil
	}
	at := map[string]*evidence.Table{}
	args := []any{schema}
	for i := range ts {
		at[ts[i].Name] = &ts[i]
		args = append(args, ts[i].Name)
	}
	err := c.query(ctx, func(scan func(...any) error) error {
		var table, name string
		var column sql.NullString
		var dup int
		if err := scan(&table, &name, &column, &dup); err != nil {
			return err
		}
		if t := at[table]; t != nil {
			t.Indexes = appendColumn(t.Indexes, name, column.String, dup == 0)
		}
		return nil
	}, "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, NON_UNIQUE FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME IN (?"+
		strings.Repeat(",?", len(ts)-1)+") ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX", args...)
	if err != nil {
		return fmt.Errorf("read the indexes of %s: %w", schema, err)
	}
	return nil
}

func appendColumn(is []evidence.Index, name, column string, unique bool) []evidence.Index {
	if n := len(is); n > 0 && is[n-1].Name == name {
		is[n-1].Columns = append(is[n-1].Columns, column)
		return is
	}
	return append(is, evidence.Index{Name: name, Columns: []string{column}, Unique: unique})
}
