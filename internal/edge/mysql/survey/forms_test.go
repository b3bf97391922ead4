package survey

import (
	"fmt"
	"slices"
	"testing"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

func theForms(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE DATABASE `other-db`", "CREATE TABLE site.parent (id INT PRIMARY KEY) ENGINE=InnoDB",
		"CREATE TABLE site.forms (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, p INT NULL, d TEXT, at DATETIME NULL, len INT AS (CHAR_LENGTH(d)) STORED, place POINT NOT NULL, FULLTEXT KEY ft (d), SPATIAL KEY sp (place), FOREIGN KEY (p) REFERENCES site.parent (id)) ENGINE=InnoDB",
		"CREATE TABLE site.kid (id INT PRIMARY KEY, f INT UNSIGNED, FOREIGN KEY (f) REFERENCES site.forms (id)) ENGINE=InnoDB",
		"CREATE TABLE `other-db`.`far-kid` (id INT PRIMARY KEY, f INT UNSIGNED, FOREIGN KEY (f) REFERENCES site.forms (id)) ENGINE=InnoDB",
		"CREATE TRIGGER site.forms_ad AFTER DELETE ON site.forms FOR EACH ROW SET @x=1",
		"INSERT INTO site.forms (d, at, place) VALUES ('a', NOW(), ST_GeomFromText('POINT(1 1)'))",
		"CREATE TABLE site.parted (id INT NOT NULL, at INT, PRIMARY KEY (id)) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN MAXVALUE)",
		"CREATE TABLE site.isam (a INT NOT NULL, b INT NOT NULL, created INT, PRIMARY KEY (a, b)) ENGINE=MyISAM",
		"INSERT INTO site.isam VALUES (1,1,5),(1,2,6),(2,1,NULL),(2,2,99)",
		"CREATE TABLE site.bare (created INT) ENGINE=InnoDB")
	h := hand(t, s, root)
	form := func(table string, d *remedy.Doomed) *remedy.Table {
		r := read(t, h, Want{Schema: "site", Table: table, Doomed: d})
		if r.Table == nil || len(r.Unread) != 0 {
			t.Fatalf("%s is unread: %v", table, r.Unread)
		}
		return r.Table
	}
	f := form("forms", nil)
	if !slices.Equal(f.References, []string{"parent"}) || !slices.Equal(slices.Sorted(slices.Values(f.ReferencedBy)), []string{"kid", "other-db.far-kid"}) || !slices.Equal(f.Triggers, []string{"forms_ad"}) || !f.Fulltext || !f.Spatial {
		t.Errorf("got references %q by %q, triggers %q, fulltext %v, spatial %v", f.References, f.ReferencedBy, f.Triggers, f.Fulltext, f.Spatial)
	}
	if c, _ := f.ColumnOf("len"); !c.Generated {
		t.Errorf("got %+v, want it generated", c)
	}
	if c, _ := f.ColumnOf("at"); c.Generated || c.Type != "datetime" {
		t.Errorf("got %+v", c)
	}
	if p := form("parted", nil); p.Partitions != 2 || p.Key != "id" || p.MinKey != 0 || p.MaxKey != 0 {
		t.Errorf("got %+v", p)
	}
	d := &remedy.Doomed{Column: "created", Literal: "50"}
	if m := form("isam", d); m.Engine != "MyISAM" || m.Key != "" || len(m.KeyColumns) != 2 || !m.Weighed || m.DoomedRows != 2 || m.SurvivingRows != 2 {
		t.Errorf("got %+v, want 2 rows doomed of 4, counted", m)
	}
	if b := form("bare", d); b.Key != "" || len(b.KeyColumns) != 0 || b.DoomedRows != 0 || !b.Weighed {
		t.Errorf("got %+v", b)
	}
}

// theWeights makes tables whose keys do not tell it all.
func theWeights(t *testing.T, s *mysqltest.Server) {
	const n = 40_000
	s.Exec(t, "CREATE TABLE site.ns (n INT NOT NULL PRIMARY KEY)")
	s.Numbers(t, "site.ns", n)
	make := func(table, key, at string) {
		s.Exec(t, "CREATE TABLE site."+table+" (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, status VARCHAR(9), created BIGINT NULL) ENGINE=InnoDB",
			fmt.Sprintf("INSERT INTO site.%s SELECT %s, IF(n %% 4 = 0, 'pending', 'complete'), %s FROM site.ns ORDER BY n", table, key, at))
	}
	const at = "1700000000 + n * 60"
	make("scattered", "n", "1700000000 + CRC32(n) % 40000 * 60")
	make("gaps", "IF(n <= 10000, n, n * 1000)", at)
	make("negative", "n - 20000 + IF(n = 20000, 9000000000, 0)", at)
	make("strays", "n", "IF(n % 1000 = 0, NULL, 1700000000 + n * 60 + IF(n % 7 = 0, -180, 0))")
	make("millis", "n", "("+at+") * 1000")
	h := hand(t, s, root)
	const cut = 1700000000 + 30_000*60
	for _, c := range []struct {
		table   string
		also    bool
		literal int64
		first   int64
		last    int64 // -1: the last key
		percent int64
	}{
		{"scattered", false, cut, 1, n, 6},
		{"gaps", false, cut, 1, 29_999_000, 12},
		{"negative", false, cut, -19_999, -1, 6},
		{"strays", false, cut, 1, 30_002, 3},
		{"millis", false, cut * 1000, 1, 29_999, 3},
		{"millis", true, cut * 1000, 1, 29_999, 6},
		{"strays", false, 1, 1, 0, 0},
		{"strays", false, cut * 2, 1, n - 1, 3},
	} {
		d := remedy.Doomed{Column: "created", Literal: fmt.Sprint(c.literal)}
		if c.also {
			d.Also = []remedy.OneOf{{Column: "status", Values: []string{"complete", "failed"}}}
		}
		v := read(t, h, Want{Schema: "site", Table: c.table, Doomed: &d}).Table
		if c.last == -1 {
			c.last = v.MaxKey
		}
		want := count(t, s, "SELECT COUNT(*) FROM site."+c.table+" WHERE "+d.SQL())
		off := max(v.DoomedRows-want, want-v.DoomedRows)
		if !v.Weighed || off*100 > max(want, 1)*c.percent || v.FirstKey != c.first || v.LastDoomedKey != c.last {
			t.Errorf("%s %+v: got %d doomed rows of keys %d to %d, want %d of %d to %d", c.table, d, v.DoomedRows, v.FirstKey, v.LastDoomedKey, want, c.first, c.last)
		}
		all := v.DoomedRows + v.SurvivingRows
		if off := max(all-n, n-all); off*100 > n*max(c.percent, 3) {
			t.Errorf("%s: got %d rows in all, want %d", c.table, all, n)
		}
		if beyond := count(t, s, fmt.Sprintf("SELECT COUNT(*) FROM site.%s WHERE %s AND NOT id BETWEEN %d AND %d", c.table, d.SQL(), v.FirstKey, v.LastDoomedKey)); beyond > 0 {
			t.Errorf("%s: %d doomed rows lie outside of the keys", c.table, beyond)
		}
		if v.Millis != (c.table == "millis") {
			t.Errorf("%s: got millis %v", c.table, v.Millis)
		}
	}
}

func theChildren(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE TABLE site.wp_simple_history (id BIGINT AUTO_INCREMENT PRIMARY KEY, date DATETIME)",
		"INSERT INTO site.wp_simple_history SELECT n + 1000, NOW() FROM site.ns WHERE n <= 500",
		"CREATE TABLE site.wp_simple_history_contexts (context_id BIGINT AUTO_INCREMENT PRIMARY KEY, history_id BIGINT, KEY h (history_id))",
		"INSERT INTO site.wp_simple_history_contexts (history_id) VALUES (3), (1200)",
		"CREATE TABLE site.wp_far (x INT PRIMARY KEY, history_id INT, KEY h (history_id))", "INSERT INTO site.wp_far VALUES (1, 999999)",
		"CREATE TABLE site.wp_stream (id BIGINT AUTO_INCREMENT PRIMARY KEY, created DATETIME)", "INSERT INTO site.wp_stream SELECT n, NOW() FROM site.ns WHERE n <= 50",
		"CREATE TABLE site.wp_stream_meta (meta_id BIGINT AUTO_INCREMENT PRIMARY KEY, record_id BIGINT, KEY r (record_id))", "INSERT INTO site.wp_stream_meta (record_id) VALUES (7)",
		"CREATE TABLE site.wp_plain (note INT, stream_id BIGINT)")
	h := hand(t, s, root)
	for table, want := range map[string][]string{"wp_simple_history": {"wp_simple_history_contexts"}, "wp_stream": {"wp_plain", "wp_stream_meta"}, "wp_audit_log": nil} {
		r := read(t, h, Want{Schema: "site", Table: table})
		slices.Sort(r.Table.Children)
		if !slices.Equal(r.Table.Children, want) || len(r.Unread) != 0 {
			t.Errorf("%s: got children %q, unread %v, want %q", table, r.Table.Children, r.Unread, want)
		}
	}
}
