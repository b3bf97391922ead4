package sqltext

import (
	"reflect"
	"strings"
	"testing"

	"hirune/internal/core/evidence"
)

func TestParseTarget(t *testing.T) {
	cases := []struct{ in, verb, schema, table string }{
		{"DELETE FROM wp_a WHERE x < 1", "DELETE", "", "wp_a"},
		{"delete low_priority from `site`.`wp_a` where x<1", "DELETE", "site", "wp_a"},
		{"DELETE a, b FROM wp_options a, wp_options b WHERE a.option_name LIKE 'x'", "DELETE", "", "wp_options"},
		{"DELETE a.* FROM wp_options a JOIN x ON x.i=a.i", "DELETE", "", "wp_options"},
		{"DELETE FROM a USING wp_meta AS a JOIN y ON y.i = a.i", "DELETE", "", "wp_meta"},
		{"UPDATE IGNORE wp_posts p SET a=1 WHERE p.id=2", "UPDATE", "", "wp_posts"},
		{"INSERT INTO wp_log (a) SELECT a FROM t2", "INSERT", "", "wp_log"},
		{"INSERT HIGH_PRIORITY IGNORE INTO x.y VALUES (1)", "INSERT", "x", "y"},
		{"REPLACE `wp_o` SET a=1", "REPLACE", "", "wp_o"},
		{"SELECT (SELECT COUNT(*) FROM b) FROM a WHERE i = 1", "SELECT", "", "a"},
		{"SELECT EXTRACT(YEAR FROM d), TRIM(LEADING 'x' FROM y) FROM a", "SELECT", "", "a"},
		{"SELECT COUNT(*) FROM (SELECT x FROM inn WHERE y = 1) d", "SELECT", "", "inn"},
		{"(SELECT a FROM t1) UNION (SELECT b FROM t2)", "SELECT", "", "t1"},
		{"WITH c AS (SELECT 1 FROM z) SELECT * FROM c JOIN q", "SELECT", "", "c"},
		{"SET STATEMENT max_statement_time=1 FOR DELETE FROM t WHERE a=1", "DELETE", "", "t"},
		{"ALTER ONLINE TABLE IF EXISTS t ADD INDEX (a)", "ALTER", "", "t"},
		{"CREATE UNIQUE INDEX i ON t (a)", "CREATE", "", "t"},
		{"TRUNCATE t", "TRUNCATE", "", "t"},
		{"OPTIMIZE LOCAL TABLE a.t", "OPTIMIZE", "a", "t"},
		{"LOCK TABLES t WRITE", "LOCK", "", "t"},
		{"LOAD DATA INFILE 'x' INTO TABLE t", "LOAD", "", "t"},
		{"COMMIT", "COMMIT", "", ""},
		{"SELECT 1", "SELECT", "", ""},
		{"SELECT a FROM", "SELECT", "", ""},
		{"DELETE", "DELETE", "", ""},
		{"'x'", "", "", ""},
		{"", "", "", ""},
	}
	for _, c := range cases {
		got := Parse(c.in)
		if got.Verb != c.verb || got.Schema != c.schema || got.Table != c.table {
			t.Errorf("Parse(%q)\n got %q %q.%q\nwant %q %q.%q", c.in, got.Verb, got.Schema, got.Table, c.verb, c.schema, c.table)
		}
	}
}

func TestParseFilter(t *testing.T) {
	cases := []struct {
		in   string
		want evidence.Filter
	}{
		{"DELETE FROM t WHERE created < '1700000000'", evidence.Filter{Range: []string{"created"}, CutoffUnixS: 1700000000}},
		{"DELETE FROM t WHERE created < UNIX_TIMESTAMP(NOW()) - 7776000 LIMIT 5000", evidence.Filter{Range: []string{"created"}, Limit: true}},
		{"DELETE FROM t WHERE DATE_ADD(FROM_UNIXTIME(created), INTERVAL 90 DAY) < NOW()", evidence.Filter{Wrapped: []string{"created"}}},
		{"DELETE FROM t WHERE created + 86400 < 5", evidence.Filter{Wrapped: []string{"created"}}},
		{"DELETE FROM t WHERE date < DATE_SUB(NOW(), INTERVAL 30 DAY)", evidence.Filter{Range: []string{"date"}}},
		{"DELETE FROM t WHERE at <= '2024-01-01 00:00:00' AND n < 12", evidence.Filter{Range: []string{"at", "n"}, CutoffUnixS: 1704067200}},
		{"DELETE FROM t WHERE 1700000000000 > at", evidence.Filter{Range: []string{"at"}, CutoffUnixS: 1700000000}},
		{"DELETE FROM t WHERE 5 > created", evidence.Filter{Range: []string{"created"}}},
		{"DELETE FROM t WHERE `t`.`created` BETWEEN 1 AND 2 AND level = 'x' AND (a = 1 OR b IN (1,2)) AND c <> 3", evidence.Filter{Range: []string{"created"}, Equal: []string{"level", "a", "b"}}},
		{"SELECT * FROM p WHERE 1=1 AND p.s IS NULL AND q IS NOT NULL AND n NOT IN (1) AND m LIKE '%x%' ORDER BY p.d DESC, id LIMIT 0, 10", evidence.Filter{Equal: []string{"s"}, OrderBy: []string{"d", "id"}, Limit: true}},
		{"DELETE a FROM opt a, opt b WHERE a.name LIKE 'x%' AND b.name = CONCAT('t', a.name) AND b.v < 5", evidence.Filter{}},
		{"DELETE m FROM meta m LEFT JOIN posts p ON p.id = m.pid WHERE p.id IS NULL AND m.k = 'x'", evidence.Filter{Equal: []string{"k"}}},
		{"DELETE FROM t WHERE id IN (SELECT x FROM y WHERE z = 1)", evidence.Filter{Equal: []string{"id"}}},
		{"UPDATE t SET a = 5, b = b + 1 WHERE c >= @x AND (((d))) = 1", evidence.Filter{Range: []string{"c"}, Equal: []string{"d"}}},
		{"SELECT COUNT(*) FROM (SELECT x FROM inn WHERE y = 1 LIMIT 3) d", evidence.Filter{Equal: []string{"y"}, Limit: true}},
		{"SELECT a FROM t WHERE month = 3 AND NOT x = 1", evidence.Filter{Equal: []string{"month", "x"}}},
		{"SELECT a FROM t WHERE (a = 1 AND b <", evidence.Filter{Equal: []string{"a"}, Range: []string{"b"}}},
		{"SELECT a FROM t WHERE", evidence.Filter{}},
		{"SELECT a FROM t ORDER BY RAND(), c", evidence.Filter{OrderBy: []string{"c"}}},
	}
	for _, c := range cases {
		got := Parse(c.in).Filter
		got.Digest, got.Verb, got.Schema, got.Table = "", "", "", ""
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("filter of %q\n got %+v\nwant %+v", c.in, got, c.want)
		}
	}
}

func TestParseBoundsDeepNesting(t *testing.T) {
	deep := "SELECT a FROM t WHERE " + strings.Repeat("(", 20000) + "x = 1"
	if got := Parse(deep).Table; got != "t" {
		t.Errorf("got table %q, want t", got)
	}
	Parse("SELECT " + strings.Repeat("a FROM (SELECT ", 3000))
}
