package stack

import (
	"context"
	"reflect"
	"testing"
	"time"
)

// keepsItsData changes the table in every way that a checksum has to see, purges it as the plugin does, and lays it anew.
func keepsItsData(ctx context.Context, t *testing.T, s *Stack) {
	t.Helper()
	now := time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.Sum(ctx, "")
	must(err)
	for _, change := range []string{"SET username='' WHERE id=3", "SET country_code=NULL WHERE id=4", "SET username='xip', ip='' WHERE id=5"} {
		before, err := s.Sum(ctx, "")
		must(err)
		_, err = s.SQL(ctx, "UPDATE "+s.DBName+"."+s.Table()+" "+change)
		must(err)
		after, err := s.Sum(ctx, "")
		must(err)
		if before == after {
			t.Errorf("%s: the sum is still %+v", change, after)
		}
	}
	if access, err := s.Access(ctx, now); err != nil || access != "ALL" {
		t.Errorf("access of the purge: %q, %v; want ALL", access, err)
	}
	stay, err := s.Sum(ctx, "NOT "+s.Old(now))
	must(err)
	_, err = s.SQL(ctx, s.PurgeSQL(now))
	must(err)
	if left, err := s.Sum(ctx, ""); err != nil || left != stay || left.Rows != 500 {
		t.Errorf("after the purge: %+v, %v; want the 500 rows that stay, %+v", left, err, stay)
	}
	must(s.ResetData(ctx))
	if again, err := s.Sum(ctx, ""); err != nil || again != first {
		t.Errorf("after the reset: %+v, %v; want %+v", again, err, first)
	}
	if got, err := s.Indexes(ctx); err != nil || len(got) != 5 || got[0] != "event_type 1 (event_type)" {
		t.Errorf("indexes: %q, %v; want the plugin's five", got, err)
	}
}

func TestCronRequestsAreTimed(t *testing.T) {
	const log = `127.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "POST /wp-cron.php?doing_wp_cron=1 HTTP/1.1" 200 0 "-" "WordPress/6.1" 900
127.0.0.1 - - [22/Nov/2026:10:00:05 +0000] "GET / HTTP/1.1" 200 30 "-" "x" 5
127.0.0.1 - - [22/Nov/2026:10:00:05 +0000] "POST /wp-cron.php?doing_wp_cron=2 HTTP/1.1" 200 0 "-" "WordPress/6.1" 250000
`
	since := time.Date(2026, 11, 22, 10, 0, 4, 5e8, time.UTC)
	got, err := cronRequests(log, since)
	if want := []time.Duration{250 * time.Millisecond}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := cronRequests(`[22/Nov/2026:10:00:05 +0000] "POST /wp-cron.php HTTP/1.1" 200 0 "-" "x"`, since); err == nil {
		t.Error("a log without durations passes, want an error")
	}
}

func TestSlowLogIsRead(t *testing.T) {
	const text = `/usr/sbin/mariadbd, Version: 10.11. started with:
Time		    Id Command	Argument
# Time: 261122 10:00:00
# User@Host: wp_site[wp_site] @ localhost []
# Thread_id: 9  Schema: wordpress  QC_hit: No
# Query_time: 0.012500  Lock_time: 0.000010  Rows_sent: 0  Rows_examined: 7
# Rows_affected: 3  Bytes_sent: 11
use wordpress;
SET timestamp=1790000000;
DELETE FROM wp_aiowps_audit_log
 WHERE created < '5';
# User@Host: wp_site[wp_site] @ localhost []
# Query_time: 0.000100  Lock_time: 0.000010  Rows_sent: 1  Rows_examined: 1
SET timestamp=1790000000;
SELECT 1;
`
	want := []Ran{
		{Took: 12500 * time.Microsecond, Examined: 7, Affected: 3, Text: "DELETE FROM wp_aiowps_audit_log WHERE created < '5'"},
		{Took: 100 * time.Microsecond, Examined: 1, Text: "SELECT 1"},
	}
	if got := parseSlowLog(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
