package slowlog

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// read returns the entries of a log as one line each.
func read(text string) (out []string, skipped int) {
	r := NewReader(time.UTC, func(e Entry) {
		out = append(out, fmt.Sprintf("%s %s@%d/%s %v %d %d %s", e.Ended.UTC().Format("15:04:05.0"), e.User, e.ConnID, e.Schema, e.Took.Round(time.Millisecond), e.Examined, e.Affected, e.Text))
	})
	for line := range strings.Lines(text) {
		r.Line([]byte(strings.TrimSuffix(line, "\n")))
	}
	r.End()
	return out, r.Skipped()
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: got\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReadsKeptLogs(t *testing.T) {
	literal := "SELECT 'it''s\n# User@Host: a[a] @ b []\n# Query_time: 99'"
	for file, want := range map[string][]string{
		"mariadb-10.11.log": {"22:25:23.0 root@6/shop 0s 0 0 SET long_query_time=0",
			"22:25:25.8 root@6/shop 2.801s 3 2 DELETE FROM ledger WHERE noted < 3 AND SLEEP(1.4) = 0", "22:25:26.0 root@6/shop 0s 0 0 " + literal},
		"mysql-9.7.log": {"22:26:31.4 root@10/shop 0s 0 -1 SET long_query_time=0",
			"22:26:34.3 root@10/shop 2.802s 3 -1 DELETE FROM ledger WHERE noted < 3 AND SLEEP(1.4) = 0", "22:26:34.3 root@10/shop 0s 1 -1 " + literal},
	} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		got, skipped := read(string(text))
		if skipped > 0 {
			t.Errorf("%s: %d skipped", file, skipped)
		}
		same(t, file, got, want)
	}
}

func TestTornAndOddEntries(t *testing.T) {
	const head = "# User@Host: wp[wp] @ localhost []  Id: 7\n# Query_time: 3.0  Lock_time: 0 Rows_sent: 1  Rows_examined: 9\n"
	for name, c := range map[string]struct {
		text    string
		want    []string
		skipped int
	}{
		"begins within an entry":     {"DELETE FROM t;\n" + head + "SET timestamp=60;\nSELECT 1;\n", []string{"00:01:03.0 wp@7/ 3s 9 -1 SELECT 1"}, 0},
		"no time at all":             {head + "SELECT 1;\n", nil, 1},
		"no figures":                 {"# User@Host: wp[wp] @ localhost []  Id: 7\nSET timestamp=60;\nSELECT 1;\n", nil, 1},
		"a command of the protocol":  {head + "SET timestamp=60;\n# administrator command: Quit;\n", []string{"00:01:03.0 wp@7/ 3s 9 -1 Quit"}, 0},
		"a clock of the night":       {"# Time: 701122  1:02:03\n" + head + "SELECT 1;\n", nil, 0},
		"an apostrophe in a comment": {head + "SET timestamp=60;\nSELECT 1 -- don't\n;\n" + head + "SET timestamp=61;\nSELECT 2;\n", []string{"00:01:03.0 wp@7/ 3s 9 -1 SELECT 1 -- don't\n", "00:01:04.0 wp@7/ 3s 9 -1 SELECT 2"}, 0},
		"a plan of MariaDB":          {head + "# explain: id select_type\n# Tmp_tables: 1  Tmp_disk_tables: 0\nSET timestamp=60;\nSELECT 1;\n", []string{"00:01:03.0 wp@7/ 3s 9 -1 SELECT 1"}, 0},
		"an absurd time":             {"# User@Host: wp[wp] @ localhost []\n# Query_time: 1e300\nSET timestamp=60;\nSELECT 1;\n", nil, 1},
		"the server was begun anew":  {head + "SET timestamp=60;\nSELECT 1;\n/usr/sbin/mysqld, Version: 8. started with:\nTcp port: 1  Unix socket: s\nTime                 Id Command    Argument\n", []string{"00:01:03.0 wp@7/ 3s 9 -1 SELECT 1"}, 0},
		"schema of the connection":   {head + "use shop;\nSET timestamp=60;\nSELECT 1;\n" + head + "SET timestamp=61;\nSELECT 2;\n", []string{"00:01:03.0 wp@7/shop 3s 9 -1 SELECT 1", "00:01:04.0 wp@7/shop 3s 9 -1 SELECT 2"}, 0},
	} {
		got, skipped := read(c.text)
		if name == "a clock of the night" {
			if len(got) != 1 {
				t.Errorf("%s: got %q", name, got)
			}
			continue
		}
		same(t, name, got, c.want)
		if skipped != c.skipped {
			t.Errorf("%s: skipped %d, want %d", name, skipped, c.skipped)
		}
	}
}

func TestALongStatementIsCut(t *testing.T) {
	text := "# User@Host: wp[wp] @ localhost []\n# Query_time: 3\nSET timestamp=60;\nINSERT INTO t VALUES ('" + strings.Repeat("x\n", 100_000) + "');\n"
	n := 0
	r := NewReader(time.UTC, func(e Entry) {
		if n++; len(e.Text) > TextMost {
			t.Errorf("kept %d bytes", len(e.Text))
		}
	})
	for line := range bytes.Lines([]byte(text)) {
		r.Line(bytes.TrimSuffix(line, []byte("\n")))
	}
	r.End()
	if n != 1 {
		t.Errorf("got %d entries, want 1", n)
	}
}

func FuzzReader(f *testing.F) {
	for _, file := range []string{"mariadb-10.11.log", "mysql-9.7.log"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := NewReader(time.UTC, func(e Entry) {
			if e.Took < 0 || len(e.Text) > TextMost || len(e.Schema) > 64 || len(e.User) > 64 || e.Ended.IsZero() {
				t.Errorf("impossible: %+v", e)
			}
		})
		for line := range strings.Lines(text) {
			r.Line([]byte(strings.TrimSuffix(line, "\n")))
		}
		r.End()
	})
}
