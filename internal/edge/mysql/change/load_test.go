package change

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/edge/mysql/mysqltest"
)

// typesOf are the columns of a table with every type of the server, and values
// that are easily lost on the way.
func typesOf(srv *mysqltest.Server) (columns []string, rows [][]string) {
	columns = []string{
		"ti TINYINT UNSIGNED", "zi INT(8) ZEROFILL", "bi BIGINT UNSIGNED", "de DECIMAL(65,30)", "fl FLOAT", "fm FLOAT(9,4)", "do DOUBLE", "dm DOUBLE(12,3)", "ye YEAR",
		"b1 BIT(1)", "b64 BIT(64)", "da DATE", "ti6 TIME(6)", "dt DATETIME(6)", "ts TIMESTAMP(3) NULL", "ch CHAR(10)", "l1 VARCHAR(20) CHARACTER SET latin1", "u8 VARCHAR(20) CHARACTER SET utf8mb4",
		"u16 VARCHAR(20) CHARACTER SET utf16", "sj VARCHAR(20) CHARACTER SET sjis", "by4 BINARY(4)", "vb VARBINARY(40)", "tx TEXT CHARACTER SET utf8mb4", "bl LONGBLOB", "en ENUM('', 'a', 'b''c')",
		"se SET(" + strings.Join(sixtyFour(), ",") + ")", "js JSON", "ge GEOMETRY", "po POINT", "ge_n INT GENERATED ALWAYS AS (ti + 1) STORED", "ge_v INT GENERATED ALWAYS AS (ti + 2) VIRTUAL",
		"`odd ``name` INT",
	}
	rows = [][]string{
		{"255", "42", "18446744073709551615", "-12345678901234567890123456789012345.000000000000000000000000000001", "0.1", "12345.6789", "1.7976931348623157e308", "-0.001", "2155",
			"b'1'", "x'ff00ff00ff00ff27'", "'9999-12-31'", "'-838:59:58.999999'", "'2024-02-29 23:59:59.000001'", "'2024-11-03 05:30:00.123'", "'ab  '", "CONVERT(x'e9a427' USING latin1)", "'昼寝😀'",
			"'昼寝'", "'ﾋﾙ'", "x'27005c00'", "x'00275c0a0d1aff'", `'it\'s \\ "quoted"'`, "REPEAT(x'ff00275c', 5000)", "'b''c'", "9223372036854775809", `'{"a": [1, 2.5, "\\u3042\\n", null], "b": -0.0}'`,
			"ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')", "ST_GeomFromText('POINT(1 2)', 4326)", "DEFAULT", "DEFAULT", "7"},
		{"0", "0", "0", "0", "-3.4028235e38", "0.0001", "-0e0", "0.1", "0", "b'0'", "b'0'", "'0000-00-00'", "'00:00:00'", "'2024-00-00 00:00:00'", "'0000-00-00 00:00:00'", "''", "''", "''",
			"''", "''", "''", "''", "''", "''", "0", "0", "'[]'", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(0 0))')", "ST_GeomFromText('POINT(-0.1 1e-300)')", "DEFAULT", "DEFAULT", "0"},
		{"1", "1", "1", "1.5", "1.17549435e-38", "-1", "4.9e-324", "1", "1901", "b'1'", "b'1'", "'1000-01-01'", "'12:00'", "'1000-01-01'", "'2038-01-19 03:14:07.999'", "'x'", "'x'", "'e\u0301'",
			"'x'", "'表'", "'x'", "'x'", "'x'", "'x'", "1", "1", `'"x"'`, "NULL", "NULL", "DEFAULT", "DEFAULT", "NULL"},
		append(nulls(29), "DEFAULT", "DEFAULT", "NULL"),
	}
	if !srv.Flavour.MySQL {
		columns = append(columns, "i6 INET6", "cb VARBINARY(50) COMPRESSED", "hi INT INVISIBLE")
		for i, v := range [][]string{{"'2001:db8::1'", "REPEAT('c', 40)", "5"}, {"'::'", "''", "0"}, {"'::ffff:1.2.3.4'", "'c'", "1"}, {"NULL", "NULL", "NULL"}} {
			rows[i] = append(rows[i], v...)
		}
	}
	if strings.HasSuffix(srv.Flavour.Name, "11.8") || srv.Flavour.MySQL {
		columns = append(columns, "ve VECTOR(2)")
		value := "VEC_FromText('[1.5,-0.1]')"
		if srv.Flavour.MySQL {
			value = "STRING_TO_VECTOR('[1.5,-0.1]')"
		}
		for i, v := range []string{value, value, value, "NULL"} {
			rows[i] = append(rows[i], v)
		}
	}
	if strings.HasSuffix(srv.Flavour.Name, "11.8") {
		columns = append(columns, "uu UUID", "i4 INET4")
		for i, v := range [][]string{{"UUID()", "'1.2.3.4'"}, {"'00000000-0000-0000-0000-000000000000'", "'0.0.0.0'"}, {"NULL", "NULL"}, {"NULL", "NULL"}} {
			rows[i] = append(rows[i], v...)
		}
	}
	return columns, rows
}

func sixtyFour() []string {
	out := make([]string, 64)
	for i := range out {
		out[i] = fmt.Sprintf("'m%d'", i)
	}
	return out
}

func nulls(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "NULL"
	}
	return out
}

// everyType purges rows with each type of column and wants each byte back.
func everyType(t *testing.T, srv *mysqltest.Server) {
	columns, rows := typesOf(srv)
	b := newChunkBench(t, srv, "types", "InnoDB", 10)
	conn := srv.Session(t, "chunks")
	run := func(text string) {
		t.Helper()
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	run("SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00'")
	run("DROP TABLE types")
	run("CREATE TABLE types (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, " + strings.Join(columns, ", ") + ", created INT, up TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP) CHARACTER SET utf8mb4")
	var names []string
	for _, c := range columns {
		name, _, _ := strings.Cut(c, " ")
		if strings.HasPrefix(c, "`") {
			name = c[:strings.LastIndex(c, "`")+1]
		}
		names = append(names, name)
	}
	insert := fmt.Sprintf("INSERT INTO types (id, %s, created, up) VALUES ", strings.Join(names, ", "))
	for i, r := range rows {
		run(fmt.Sprintf("%s (%d, %s, 1, '2020-01-0%d')", insert, i, strings.Join(r, ", "), i+1))               // the key 0, too
		run(fmt.Sprintf("%s (%d, %s, %d, '2020-01-01')", insert, i+100, strings.Join(r, ", "), benchCutoff+1)) // one that stays
	}
	b.step.Columns, b.step.FromKey, b.step.ToKey = b.columns(t), -5, 200
	before := b.checksum(t)
	text := func() string { return fmt.Sprint(b.checksum(t), b.number(t, "COUNT(*)", "created = 1")) }
	want := text()
	b.mustDo(t)
	if got := b.number(t, "COUNT(*)", ""); got != int64(len(rows)) {
		t.Fatalf("%d rows are left, want %d", got, len(rows))
	}
	b.mustUndo(t)
	if got := b.checksum(t); got != before {
		t.Errorf("after undo: got checksum %d, want %d", got, before)
	}
	if got := text(); got != want {
		t.Errorf("after undo: got %s, want %s", got, want)
	}
	if u := b.state(t).Undo; u.Loaded != int64(len(rows)) || u.Differ != 0 {
		t.Errorf("got %+v, want %d loaded and none that differs", u, len(rows))
	}
}

// hugeRows have more bytes than a chunk is to take, and than a statement takes.
func hugeRows(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "huge", "InnoDB", 400)
	srv.Exec(t, "ALTER TABLE chunks.huge MODIFY body LONGTEXT", "UPDATE chunks.huge SET body=REPEAT(body, 2000) WHERE id BETWEEN 5100 AND 5260")
	b.step.Columns = b.columns(t)
	before, survivors, doomed := b.checksum(t), b.survivors(t), b.doomedRows(t)
	most := int64(0)
	b.pace = paceFunc(func(_ context.Context, did apply.Piece) (apply.Grant, error) {
		most = max(most, did.Rows)
		return apply.Grant{Size: 100000}, nil
	})
	b.mustDo(t)
	b.wantPurged(t, survivors, doomed)
	var smaller bool
	for _, g := range b.said {
		smaller = smaller || g.Wait == WaitSmaller
	}
	if !smaller || most > firstRows {
		t.Errorf("a chunk of huge rows was made smaller: %v, most rows at once %d; want true, %d at most", smaller, most, firstRows)
	}
	b.mustUndo(t)
	if got := b.checksum(t); got != before {
		t.Errorf("after undo: got checksum %d, want %d", got, before)
	}
}

func undoInParts(t *testing.T, srv *mysqltest.Server) {
	b := newChunkBench(t, srv, "parts", "InnoDB", 3000)
	before, doomed := b.checksum(t), b.doomedRows(t)
	b.mustDo(t)
	for range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		left := 4
		b.pace = paceFunc(func(context.Context, apply.Piece) (apply.Grant, error) {
			if left--; left == 0 {
				cancel()
			}
			return apply.Grant{Size: 120}, nil
		})
		err := b.undo(ctx)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, apply.ErrStopped) {
			t.Fatalf("got %v, want ErrStopped", err)
		}
	}
	if got := b.checksum(t); got != before {
		t.Errorf("after undo: got checksum %d, want %d", got, before)
	}
	if u := b.state(t).Undo; u == nil || !u.Finished || u.Loaded != doomed {
		t.Errorf("got %+v, want %d loaded and finished", u, doomed)
	}
}

// undoRefusals are tables that do not take the rows as they were.
func undoRefusals(t *testing.T, srv *mysqltest.Server) {
	cases := []struct{ name, change, want string }{
		{"a column is gone", "ALTER TABLE chunks.refuse DROP COLUMN note", "note is gone"},
		{"a column has changed", "ALTER TABLE chunks.refuse MODIFY name VARCHAR(5)", "was varchar(60) and is varchar(5)"},
		{"a trigger", "CREATE TRIGGER chunks.refuse_t BEFORE INSERT ON chunks.refuse FOR EACH ROW SET NEW.name='x'", "triggers"},
		{"the table is gone", "DROP TABLE chunks.refuse", "is gone"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newChunkBench(t, srv, "refuse", "InnoDB", 300)
			b.mustDo(t)
			srv.Exec(t, c.change)
			err := b.undo(context.Background())
			if !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" {
				t.Errorf("got %v, want it refused with %q and a hint", err, c.want)
			}
		})
	}
	t.Run("a new column is taken", func(t *testing.T) {
		b := newChunkBench(t, srv, "refuse", "InnoDB", 300)
		doomed := b.doomedRows(t)
		b.mustDo(t)
		srv.Exec(t, "ALTER TABLE chunks.refuse ADD country CHAR(2) NOT NULL AFTER name")
		b.mustUndo(t)
		if got := b.doomedRows(t); got != doomed {
			t.Errorf("%d rows came back, want %d", got, doomed)
		}
	})
	t.Run("another row has the unique value", func(t *testing.T) {
		b := newChunkBench(t, srv, "refuse", "InnoDB", 300)
		before := b.checksum(t)
		srv.Exec(t, "ALTER TABLE chunks.refuse ADD UNIQUE (name)")
		b.mustDo(t)
		srv.Exec(t, "INSERT INTO chunks.refuse (id, name, created) VALUES (1000000, '名5', 900000)")
		if err := b.undo(context.Background()); err == nil || !strings.Contains(err.Error(), "1 rows did not") || hint.Of(err) == "" {
			t.Errorf("got %v, want one row that did not come back, and a hint", err)
		}
		srv.Exec(t, "DELETE FROM chunks.refuse WHERE id=1000000")
		b.mustUndo(t)
		if got := b.checksum(t); got != before {
			t.Errorf("after the second undo: got checksum %d, want %d", got, before)
		}
	})
	t.Run("another row has the key", func(t *testing.T) {
		b := newChunkBench(t, srv, "refuse", "InnoDB", 300)
		before, doomed := b.checksum(t), b.doomedRows(t)
		b.mustDo(t)
		srv.Exec(t, "INSERT INTO chunks.refuse (id, name, created) VALUES (5, 'new', 900000)")
		if err := b.undo(context.Background()); hint.CodeOf(err) != "rows-taken" || b.doomedRows(t) != doomed-1 || b.number(t, "COUNT(*)", "name='new'") != 1 {
			t.Errorf("got %v with %d rows of %d, want one row that did not come back", err, b.doomedRows(t), doomed)
		}
		srv.Exec(t, "DELETE FROM chunks.refuse WHERE id=5")
		b.mustUndo(t)
		if got := b.checksum(t); got != before {
			t.Errorf("after the second undo: got checksum %d, want %d", got, before)
		}
	})
	t.Run("changed between two purges", func(t *testing.T) {
		b := newChunkBench(t, srv, "refuse", "InnoDB", 300)
		b.mustDo(t)
		b.mustUndo(t)
		srv.Exec(t, "UPDATE chunks.refuse SET name='newer' WHERE id IN (5, 6)")
		before := b.checksum(t)
		b.mustDo(t)
		b.mustUndo(t) // the archive holds both copies
		if got := b.checksum(t); got != before {
			t.Errorf("after the second undo: got checksum %d, want %d", got, before)
		}
	})
	t.Run("a damaged part", func(t *testing.T) {
		b := newChunkBench(t, srv, "refuse", "InnoDB", 1000)
		doomed := b.doomedRows(t)
		b.mustDo(t)
		text, err := os.ReadFile(b.step.Archive)
		if err != nil {
			t.Fatal(err)
		}
		file, _ := readForTest(t, b.step.Archive)
		text[file.frames[1].at+frameHeadLen+5] ^= 1
		putArchive(t, b.step.Archive, text)
		if err := b.undo(context.Background()); !errors.Is(err, errArchive) || hint.Of(err) == "" {
			t.Errorf("got %v, want errArchive with a hint", err)
		}
		if got, want := b.doomedRows(t), doomed-int64(file.frames[1].Rows); got != want {
			t.Errorf("%d rows came back, want the %d of the parts that are whole", got, want)
		}
	})
	t.Run("the archive is gone", func(t *testing.T) {
		b := newChunkBench(t, srv, "refuse", "InnoDB", 300)
		b.mustDo(t)
		doomed, aside := b.doomedRows(t), b.step.Archive+".aside"
		if err := os.Rename(b.step.Archive, aside); err != nil {
			t.Fatal(err)
		}
		// were it irreversible, the run would count as undone, and nobody could undo it once the file is back
		if err := b.undo(context.Background()); err == nil || errors.Is(err, apply.ErrIrreversible) || hint.CodeOf(err) != "archive-lost" {
			t.Errorf("got %v, want archive-lost", err)
		}
		if err := os.Rename(aside, b.step.Archive); err != nil {
			t.Fatal(err)
		}
		if b.mustUndo(t); b.doomedRows(t) <= doomed {
			t.Errorf("%d rows came back", b.doomedRows(t))
		}
	})
}
