package sqltext

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDigest(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"plugin purge", "DELETE FROM wp_aiowps_audit_log WHERE created < '1700000000'", "DELETE FROM wp_aiowps_audit_log WHERE created < ?"},
		{"backticks and case", "delete  from `wp_posts`\n where `ID`=5", "DELETE FROM wp_posts WHERE ID = ?"},
		{"server's own digest", "SELECT * FROM `wp_posts` WHERE `ID` IN (...) AND `a` . `b` = ?", "SELECT * FROM wp_posts WHERE ID IN (?) AND a.b = ?"},
		{"in list", "SELECT a FROM t WHERE id IN (1, 2,3 , 'x')", "SELECT a FROM t WHERE id IN (?)"},
		{"tuples", "SELECT a FROM t WHERE (a,b) IN ((1,2),(3,4))", "SELECT a FROM t WHERE (a, b) IN ((?))"},
		{"values", "INSERT INTO t (a,b) VALUES (1,'x'),(2,'y'),(3,NULL)", "INSERT INTO t(a, b) VALUES (?)"},
		{"values with calls", "INSERT INTO t VALUES (1,NOW(),'a'),(2,NOW(),'b')", "INSERT INTO t VALUES (?, NOW(), ?)"},
		{"values cut off", "INSERT INTO t VALUES (1,NOW(),'a'),(2,NO", "INSERT INTO t VALUES (?, NOW(), ?)"},
		{"on duplicate", "INSERT INTO t VALUES (1,2) ON DUPLICATE KEY UPDATE a=VALUES(a), b=3", "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES (a), b = ?"},
		{"comments", "/* from plugin 12 */ SELECT 1 -- secret\n + 2 # more", "SELECT ? + ?"},
		{"executable comment", "SELECT /*!40001 SQL_NO_CACHE */ * FROM t", "SELECT SQL_NO_CACHE * FROM t"},
		{"double dash is minus", "SELECT 5--2", "SELECT ? - ?"},
		{"escapes", `SELECT 'it\'s', "a""b", 'c''d' FROM t`, "SELECT ? FROM t"},
		{"cut inside a string", "SELECT * FROM t WHERE pass = 'hunter2", "SELECT * FROM t WHERE pass = ?"},
		{"cut after a backslash", `SELECT 'a\`, "SELECT ?"},
		{"prefixed strings", "SELECT x'4D', b'01', n'a', _utf8mb4'secret'", "SELECT ?"},
		{"numbers", "SELECT 1, -2, 0xFF, 0b01, 1.5e-10, .5, 1e10 FROM t WHERE a = -1 AND b - 1 > 2", "SELECT ? FROM t WHERE a = ? AND b - ? > ?"},
		{"name with a digit first", "SELECT 2fa FROM wp_2_posts", "SELECT 2fa FROM wp_2_posts"},
		{"null", "SELECT a FROM t WHERE a IS NULL OR b IS NOT NULL OR c = NULL", "SELECT a FROM t WHERE a IS NULL OR b IS NOT NULL OR c = ?"},
		{"limit", "SELECT a FROM t LIMIT 10, 20", "SELECT a FROM t LIMIT ?"},
		{"account", "SET PASSWORD FOR 'u'@'h' = PASSWORD('x')", "SET PASSWORD FOR ? @ ? = PASSWORD(?)"},
		{"variables", "SET @@session.x=1, @a := 'b'", "SET @@session.x = ?, @a := ?"},
		{"quoted keyword", "SELECT `order`, `my col` FROM `a-b`.`c`", "SELECT `order`, `my col` FROM `a-b`.c"},
		{"adjacent strings", "SELECT 'a' 'b'", "SELECT ?"},
		{"empty", "", ""},
		{"junk", "\x00\xff\x1b[31m'", "\uFFFD [ 31m ?"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Digest(c.in)
			if got != c.want {
				t.Errorf("Digest(%q)\n got %q\nwant %q", c.in, got, c.want)
			}
			if again := Digest(got); again != got {
				t.Errorf("digest of the digest\n got %q\nwant %q", again, got)
			}
		})
	}
}

// shapes have %s where any literal may stand.
var shapes = []string{
	"SELECT * FROM t WHERE a = %s AND b IN (%s, %s) ORDER BY c LIMIT 5",
	"INSERT INTO t (a, b) VALUES (%s, %s), (%s, NOW())",
	"UPDATE t SET a = %s, b = CONCAT(%s, c) WHERE d BETWEEN %s AND %s",
	"DELETE a FROM x a JOIN y b ON a.i = b.i WHERE a.v LIKE %s AND b.w < %s",
	"SELECT f(%s)/*c*/, (%s) + a FROM t WHERE x=%s OR y<%s#z",
}

func TestDigestHidesLiterals(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, shape := range shapes {
		want := Digest(fill(r, shape))
		for range 200 {
			text := fill(r, shape)
			if got := Digest(text); got != want {
				t.Fatalf("texts that differ in literals only\n text %q\n got %q\nwant %q", text, got, want)
			}
			if strings.Contains(Digest(text), "SECRET") {
				t.Fatalf("digest of %q holds a literal", text)
			}
		}
	}
}

func fill(r *rand.Rand, shape string) string {
	lits := []string{"1", "-7", "0.5", "1e9", "0xAB", "NULL", "'SECRET'", `"SECRET"`, `'SE\'CRET'`, "'SECRET''x'", "x'5E'", "_utf8'SECRET'", "'a) , (SECRET -- /*'", "+3", "TRUE", "?"}
	for strings.Contains(shape, "%s") {
		shape = strings.Replace(shape, "%s", lits[r.IntN(len(lits))], 1)
	}
	return shape
}

func FuzzDigest(f *testing.F) {
	for _, s := range shapes {
		f.Add(s)
	}
	for _, s := range []string{"", "'", "`", "/*", "/*!", "--", "((((", "a.1b.`c`", "1e", "0x", "@`a`", "VALUES (1),(", "?,?,(?),(?)", "a.5", "`a`.5e", "1.e+5", "/*!`*/`", "x''''", "- - 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := Digest(s)
		if again := Digest(d); again != d {
			t.Errorf("digest of the digest of %q\n got %q\nwant %q", s, again, d)
		}
		for i, tok := range lex(d) {
			if tok.kind == literal && strings.ContainsAny(tok.text, `'"`) {
				t.Errorf("token %d of the digest %q is a string", i, d)
			}
		}
		if len(d) > maxDigest {
			t.Errorf("digest of %d bytes", len(d))
		}
		Parse(s)
	})
}

func BenchmarkDigest(b *testing.B) {
	text := "SELECT SQL_CALC_FOUND_ROWS wp_posts.ID FROM wp_posts LEFT JOIN wp_term_relationships ON (wp_posts.ID = wp_term_relationships.object_id) WHERE 1=1 AND ( wp_term_relationships.term_taxonomy_id IN (1,2,3) ) AND wp_posts.post_type = 'post' AND (wp_posts.post_status = 'publish') GROUP BY wp_posts.ID ORDER BY wp_posts.post_date DESC LIMIT 0, 10"
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Digest(text)
	}
}
