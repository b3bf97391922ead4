package past

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

var now = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)

func in() In { return In{Since: now.Add(-14 * 24 * time.Hour), Now: now, Zone: time.UTC} }

func entry(at time.Time, conn int, took float64, rows int, text string) string {
	return fmt.Sprintf("# User@Host: wp[wp] @ localhost []\n# Thread_id: %d  Schema: shop  QC_hit: No\n# Query_time: %g  Lock_time: 0.0  Rows_sent: 0  Rows_examined: %d\nSET timestamp=%d;\n%s;\n",
		conn, took, rows, at.Unix(), text)
}

func TestReadsASlowLogWithItsRotatedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slow.log")
	purge := "DELETE FROM wp_log WHERE created < 1700000000"
	write(t, path, entry(now.Add(-time.Hour), 9, 12.5, 600000, purge)+entry(now.Add(-time.Hour), 10, 0.2, 5, "SELECT 1"))
	write(t, path+".1", entry(now.Add(-25*time.Hour), 7, 30, 600000, purge))
	packed(t, path+".2.gz", entry(now.Add(-49*time.Hour), 5, 3, 10, "SELECT * FROM wp_users WHERE user_pass = 'hunter2'"))
	s, err := ReadSlowLog(t.Context(), "db", path, in())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.Records {
		switch f := r.Fact.(type) {
		case evidence.Statement:
			got = append(got, fmt.Sprintf("%s %d %s %s %d", r.At.Format("02 15:04:05"), f.ConnID, f.Verb, f.Table, f.RowsRead))
			if f.Command != evidence.CommandLogged || f.DB != "db" || f.Schema != "shop" {
				t.Errorf("got %+v", f)
			}
		case evidence.Filter:
			got = append(got, fmt.Sprint("filter ", f.Table, f.Range, f.Equal, f.CutoffUnixS))
		}
		if text := fmt.Sprintf("%+v", r.Fact); strings.Contains(text, "hunter2") {
			t.Errorf("a literal is kept: %s", text)
		}
	}
	want := []string{"21 15:00:30 7 DELETE wp_log 600000", "22 15:00:12 9 DELETE wp_log 600000", "20 15:00:03 5 SELECT wp_users 10", "filter wp_log[created] [] 1700000000", "filter wp_users[] [user_pass] 0"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(s.Shapes) != 2 || s.Shapes[0].Text != purge || s.Shapes[0].Times != 2 || s.Seen != 4 {
		t.Errorf("got %+v", s.Shapes)
	}
}

func TestALogThatIsNotThere(t *testing.T) {
	if _, err := ReadSlowLog(t.Context(), "db", filepath.Join(t.TempDir(), "slow.log"), in()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slow.log")
	var b strings.Builder
	for i := range 20_000 {
		b.WriteString(entry(now.Add(-time.Duration(20_000-i)*time.Second), i, 1+float64(i%10), 1, fmt.Sprintf("SELECT * FROM t%d WHERE a = %d", i%3000, i)))
	}
	write(t, path, b.String())
	s, err := ReadSlowLog(t.Context(), "db", path, in())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Records) > slowMost+shapesTold || len(s.Shapes) != shapesTold || s.Seen != 20_000 {
		t.Errorf("kept %d records, %d shapes of %d entries", len(s.Records), len(s.Shapes), s.Seen)
	}
	for _, r := range s.Records[:slowMost] {
		if f := r.Fact.(evidence.Statement); f.RunningMs < 5000 {
			t.Fatalf("a short one is kept before the longest: %+v", f)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func packed(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}
