package stack

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Sum is a checksum of rows, over all their columns. Equal sums mean equal rows, whatever their order in the file.
type Sum struct {
	Rows  int64  `json:"rows"`
	XOR   uint64 `json:"xor"`    // of a CRC32 for each row
	Added uint64 `json:"added"`  // of the same CRCs
	MaxID int64  `json:"max_id"` // 0 without rows
}

// Sum reads the rows of the plugin's table that meet a condition, "" for all.
func (s *Stack) Sum(ctx context.Context, where string) (Sum, error) {
	columns, err := s.SQL(ctx, fmt.Sprintf("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='%s' AND TABLE_NAME='%s' ORDER BY ORDINAL_POSITION", s.DBName, s.Table()))
	if err != nil {
		return Sum{}, fmt.Errorf("name the columns: %w", err)
	}
	var parts []string
	for name := range strings.FieldsSeq(columns) {
		// A NULL and an empty text are not the same, and neither may join with its neighbour.
		parts = append(parts, fmt.Sprintf("IF(`%[1]s` IS NULL,'-',CONCAT(LENGTH(`%[1]s`),':',`%[1]s`))", name))
	}
	if where == "" {
		where = "1"
	}
	out, err := s.SQL(ctx, fmt.Sprintf("SELECT COUNT(*), BIT_XOR(c), IFNULL(SUM(c),0), IFNULL(MAX(id),0) FROM (SELECT id, CRC32(CONCAT(%s)) AS c FROM %s.%s WHERE %s) AS t",
		strings.Join(parts, ","), s.DBName, s.Table(), where))
	if err != nil {
		return Sum{}, fmt.Errorf("sum the rows: %w", err)
	}
	var sum Sum
	if _, err := fmt.Sscan(out, &sum.Rows, &sum.XOR, &sum.Added, &sum.MaxID); err != nil {
		return Sum{}, fmt.Errorf("read the rows' sum %q: %w", out, err)
	}
	return sum, nil
}

// Old is the condition of the rows that the plugin's purge would take at a moment. The seeded rows leave a day free on either side.
func (s *Stack) Old(at time.Time) string {
	before := at.AddDate(0, 0, -s.cfg.Plugin.RetentionDays)
	if s.cfg.Plugin.Datetime {
		return fmt.Sprintf("`%s` < '%s'", s.cfg.Plugin.Column, before.UTC().Format("2006-01-02 15:04:05"))
	}
	return fmt.Sprintf("`%s` < %d", s.cfg.Plugin.Column, before.Unix())
}

// PurgeSQL is the plugin's own statement, as it would be sent at a moment.
func (s *Stack) PurgeSQL(at time.Time) string {
	return fmt.Sprintf("DELETE FROM %s.%s WHERE %s", s.DBName, s.Table(), s.Old(at))
}

// Access is how the server would carry the purge out: "ALL" reads the whole table, "range" only what goes.
func (s *Stack) Access(ctx context.Context, at time.Time) (string, error) {
	out, err := s.SQL(ctx, "EXPLAIN "+s.PurgeSQL(at))
	if err != nil {
		return "", err
	}
	f := strings.Split(out, "\t") // id, select_type, table, type, …
	if len(f) < 4 {
		return "", fmt.Errorf("read the plan of the purge: %q", out)
	}
	return f[3], nil
}

// Indexes are the table's indexes, one line each with its columns in order.
func (s *Stack) Indexes(ctx context.Context) ([]string, error) {
	out, err := s.SQL(ctx, fmt.Sprintf("SELECT CONCAT(INDEX_NAME,' ',NON_UNIQUE,' (',GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX),')') FROM information_schema.STATISTICS WHERE TABLE_SCHEMA='%s' AND TABLE_NAME='%s' GROUP BY INDEX_NAME, NON_UNIQUE ORDER BY 1", s.DBName, s.Table()))
	if err != nil {
		return nil, fmt.Errorf("list the indexes: %w", err)
	}
	return strings.Split(out, "\n"), nil
}

// Tables are the site's tables whose names begin with the plugin's: what a swap leaves shows here.
func (s *Stack) Tables(ctx context.Context) ([]string, error) {
	out, err := s.SQL(ctx, fmt.Sprintf("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='%s' ORDER BY 1", s.DBName))
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return strings.Split(out, "\n"), nil
}

// Number runs a query with one number as its answer.
func (s *Stack) Number(ctx context.Context, query string) (int64, error) {
	out, err := s.SQL(ctx, query)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the answer %q: %w", out, err)
	}
	return n, nil
}

// NextDay is the range of keys of the rows that become due first of those that stay at a moment: as many as a day has on average.
func (s *Stack) NextDay(ctx context.Context, at time.Time) (first, last int64, err error) {
	stay := fmt.Sprintf("FROM %s.%s WHERE NOT %s", s.DBName, s.Table(), s.Old(at))
	rows, err := s.Number(ctx, "SELECT COUNT(*) "+stay)
	if err != nil {
		return 0, 0, fmt.Errorf("count the rows that stay: %w", err)
	}
	out, err := s.SQL(ctx, fmt.Sprintf("SELECT IFNULL(MIN(id),0), IFNULL(MAX(id),-1) FROM (SELECT id %s ORDER BY id LIMIT %d) AS t", stay, rows/int64(s.cfg.Plugin.RetentionDays)))
	if err != nil {
		return 0, 0, fmt.Errorf("look for the rows of the next day: %w", err)
	}
	if _, err := fmt.Sscan(out, &first, &last); err != nil {
		return 0, 0, fmt.Errorf("read the keys of the next day %q: %w", out, err)
	}
	return first, last, nil
}

// Age makes the rows with a key from first to last older by the whole retention time, so that the plugin's purge takes them.
func (s *Stack) Age(ctx context.Context, first, last int64) error {
	older := fmt.Sprintf("`%[1]s` = `%[1]s` - %d", s.cfg.Plugin.Column, s.cfg.Plugin.RetentionDays*24*3600)
	if s.cfg.Plugin.Datetime {
		older = fmt.Sprintf("`%[1]s` = `%[1]s` - INTERVAL %d DAY", s.cfg.Plugin.Column, s.cfg.Plugin.RetentionDays)
	}
	if _, err := s.SQL(ctx, fmt.Sprintf("UPDATE %s.%s SET %s WHERE id BETWEEN %d AND %d", s.DBName, s.Table(), older, first, last)); err != nil {
		return fmt.Errorf("make the rows of a day older: %w", err)
	}
	return nil
}

// NextRun plans the plugin's daily job for a moment soon and returns it; the first visitor after it makes WordPress run it.
func (s *Stack) NextRun(ctx context.Context, in time.Duration) (time.Time, error) {
	at := time.Now().Add(in).Truncate(time.Second)
	return at, s.ScheduleHook(ctx, at)
}

// RunsOfHook reads how long each request to wp-cron.php took that began at a moment or later, from the access log, which must hold
// durations (Config.LogDuration).
func (s *Stack) RunsOfHook(since time.Time) ([]time.Duration, error) {
	if !s.cfg.LogDuration {
		return nil, fmt.Errorf("the access log holds no durations: set log_duration")
	}
	return cronRequests(tail(s.LogDir()+"/access.log", 4<<20), since)
}

// cronRequests picks the durations in microseconds that end the lines of wp-cron.php.
func cronRequests(log string, since time.Time) ([]time.Duration, error) {
	var out []time.Duration
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"POST /wp-cron.php`) {
			continue
		}
		_, rest, ok := strings.Cut(line, "[")
		stamp, _, ok2 := strings.Cut(rest, "]")
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", stamp)
		if !ok || !ok2 || err != nil {
			continue // the first line of a tail may be cut
		}
		f := strings.Fields(line)
		micros, err := strconv.ParseInt(f[len(f)-1], 10, 64)
		if err != nil {
			return out, fmt.Errorf("read the duration of %q: %w", line, err)
		}
		if !at.Before(since.Truncate(time.Second)) {
			out = append(out, time.Duration(micros)*time.Microsecond)
		}
	}
	return out, nil
}
