package remedy

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestDoomedSQL(t *testing.T) {
	for _, c := range []struct {
		name string
		d    Doomed
		want string
	}{
		{"unix seconds", Doomed{Column: "created", Literal: "1700000000"}, "`created` < 1700000000"},
		{"a date", Doomed{Column: "date", Literal: "2026-01-02 03:04:05", Date: true}, "`date` < '2026-01-02 03:04:05'"},
		{"digits of a date column are text", Doomed{Column: "date", Literal: "20260102", Date: true}, "`date` < '20260102'"},
		{"no number", Doomed{Column: "c", Literal: "1 OR 1=1"}, "`c` < '1 OR 1=1'"},
		{"nothing", Doomed{Column: "c"}, "`c` < ''"},
		{"infinity", Doomed{Column: "c", Literal: "Inf"}, "`c` < 'Inf'"},
		{"a power", Doomed{Column: "c", Literal: "1e9"}, "`c` < '1e9'"},
		{"a comment", Doomed{Column: "c", Literal: "1--1"}, "`c` < '1--1'"},
		{"also", Doomed{Column: "c", Literal: "5", Also: []OneOf{{"status", []string{"complete", "o'k"}}, {"a`b", []string{`\`}}}},
			"`c` < 5 AND `status` IN ('complete', 'o''k') AND `a``b` IN (x'5c')"},
		{"a hostile column", Doomed{Column: "c` < 1 OR 1=1 -- ", Literal: "5"}, "`c`` < 1 OR 1=1 -- ` < 5"},
	} {
		if got := c.d.SQL(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	d := Doomed{Column: "c", Literal: "5"}
	if got, want := d.Survive(), "NOT COALESCE(`c` < 5, 0)"; got != want {
		t.Errorf("survivors: got %s, want %s", got, want)
	}
	if got, want := d.Statement(On{Schema: "a`b", Table: "t"}), "DELETE FROM `a``b`.`t` WHERE `c` < 5"; got != want {
		t.Errorf("statement: got %s, want %s", got, want)
	}
}

var hostile = []string{"", "a", "'", "''", `\`, `\'`, `'\`, `a\'; DROP TABLE t; -- `, "`", "``", "a`b", "a\x00b", "a\nb", "\"", "/*", "*/", "--", "#", ";", "%", "日本", "\xff\xfe", "\u202e"}

// unquote reads a quoted text as the server does, under a sql_mode where a
// backslash escapes and under one where it does not: both have to agree.
func unquote(t *testing.T, s string) string {
	t.Helper()
	if h, ok := strings.CutPrefix(s, "x'"); ok {
		b, err := hex.DecodeString(strings.TrimSuffix(h, "'"))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		return string(b)
	}
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		t.Fatalf("%q is not quoted", s)
	}
	in := s[1 : len(s)-1]
	if strings.Contains(in, `\`) {
		t.Errorf("%q: a backslash means one thing or another by sql_mode", s)
	}
	if strings.Contains(strings.ReplaceAll(in, "''", ""), "'") {
		t.Errorf("%q ends early", s)
	}
	return strings.ReplaceAll(in, "''", "'")
}

func TestQuoteHoldsWhatItQuotes(t *testing.T) {
	for _, s := range hostile {
		if got := unquote(t, Quote(s)); got != s {
			t.Errorf("%q: came back as %q from %s", s, got, Quote(s))
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := unquote(t, Quote(s)); got != s {
			t.Errorf("%q: came back as %q", s, got)
		}
		id := Ident(s)
		if in := id[1 : len(id)-1]; id[0] != '`' || id[len(id)-1] != '`' || strings.ReplaceAll(in, "``", "`") != s || strings.Contains(strings.ReplaceAll(in, "``", ""), "`") {
			t.Errorf("%q: name %s", s, id)
		}
	})
}

func TestColumnOf(t *testing.T) {
	tab := Table{Columns: []Column{{Name: "ID"}, {Name: "created"}}}
	if c, ok := tab.ColumnOf("id"); !ok || c.Name != "ID" {
		t.Errorf("got %v %v, want the column as the table spells it", c, ok)
	}
	if _, ok := tab.ColumnOf("nothing"); ok {
		t.Error("found a column that is not there")
	}
}

// TestSayingsAreApart finds an id that two parts claim: one would hide the other.
func TestSayingsAreApart(t *testing.T) {
	n := 0
	for _, part := range []map[string][]string{purgeSayings, indexSayings, killSayings, webSayings, smallSayings, adviceSayings, blockSayings, banWebSayings} {
		n += len(part)
	}
	if got := len(Sayings()); got != n || n == 0 {
		t.Errorf("%d sentences in all, %d in the parts: an id stands in two of them", got, n)
	}
}
