package stack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// day is one calendar day's share of the table, in local time as the access log has it.
type day struct {
	From time.Time
	Span time.Duration // 24 h, less today
	Rows int
}

// at is when the i-th row of the day, from 0, was written.
func (d day) at(i int) time.Time {
	return d.From.Add(time.Duration(int64(i) * int64(d.Span/time.Second) / int64(d.Rows) * int64(time.Second)))
}

// days spreads the rows over the past: the old ones evenly over OldDays before the retention began, the rest over the retention
// with WeekShare of it in the last seven days and today. The result is in order of time and ends at now.
func (s Seed) days(retention int, now time.Time) []day {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	old := int(float64(s.Rows) * s.OldShare)
	week := int(float64(s.Rows-old) * s.WeekShare)
	var out []day
	add := func(rows, firstAgo, lastAgo int) {
		n := firstAgo - lastAgo + 1
		for i := range n {
			d := day{From: midnight.AddDate(0, 0, -(firstAgo - i)), Span: 24 * time.Hour, Rows: rows*(i+1)/n - rows*i/n}
			if firstAgo-i == 0 {
				d.Span = max(time.Second, now.Sub(midnight))
			}
			out = append(out, d)
		}
	}
	add(old, retention+s.OldDays, retention+1)
	add(s.Rows-old-week, retention-1, 8)
	today := int(float64(week) * now.Sub(midnight).Hours() / (24*7 + now.Sub(midnight).Hours()))
	add(week-today, 7, 1)
	add(today, 0, 0)
	return out
}

const (
	attackers = 9 // few addresses have made nearly all rows
)

// attackerIP is the address of the i-th row of a day, from 0; seedSQL computes the same.
func attackerIP(i int) string { return fmt.Sprintf("198.18.66.%d", 10+i%attackers) }

// seedTable fills the plugin's table by the sequence engine, from one row that a real failed log-in has written.
func (s *Stack) seedTable(ctx context.Context, now time.Time) error {
	if s.cfg.Seed.Rows == 0 {
		return nil
	}
	if err := s.failLogin(ctx); err != nil {
		return fmt.Errorf("write the sample row: %w", err)
	}
	n, err := s.SQL(ctx, fmt.Sprintf("SELECT COUNT(*) FROM %s.%s", s.DBName, s.Table()))
	if err != nil || n != "1" {
		return fmt.Errorf("a failed log-in left %q rows, want 1: %w", n, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "USE %s; SET time_zone='+00:00', unique_checks=0;\nSELECT details, stacktrace INTO @d, @s FROM %s LIMIT 1; TRUNCATE %[2]s;\n", s.DBName, s.Table())
	id := 1
	for _, d := range s.cfg.Seed.days(s.cfg.Plugin.RetentionDays, now) {
		if d.Rows > 0 {
			b.WriteString(s.daySQL(d, id))
			id += d.Rows
		}
	}
	fmt.Fprintf(&b, "ANALYZE TABLE %s;\n", s.Table())
	_, err = s.SQL(ctx, b.String())
	return err
}

// daySQL writes the rows of one day. It gives their keys, because a server that
// hands them out to one large INSERT leaves gaps that a plugin never makes.
func (s *Stack) daySQL(d day, firstID int) string {
	when := fmt.Sprintf("%d + (seq*%d DIV %d)", d.From.Unix(), int64(d.Span/time.Second), d.Rows)
	if s.cfg.Plugin.Datetime {
		when = "FROM_UNIXTIME(" + when + ")"
	}
	return fmt.Sprintf(`INSERT INTO %s (id,network_id,site_id,username,ip,level,event_type,details,stacktrace,%s,country_code)
 SELECT %d+seq, 1, 1, ELT(1+seq MOD 4,'admin','administrator','editor','kissa'), CONCAT('198.18.66.',10+seq MOD %d), 'warning', 'failed_login', @d, @s, %s, '' FROM seq_0_to_%d;
`, s.Table(), s.cfg.Plugin.Column, firstID, attackers, when, d.Rows-1)
}

// FailedLogin is the body of one XML-RPC log-in attempt.
func FailedLogin(user, password string) string {
	return `<?xml version="1.0"?><methodCall><methodName>wp.getUsersBlogs</methodName><params><param><value><string>` + user +
		`</string></value></param><param><value><string>` + password + `</string></value></param></params></methodCall>`
}

func (s *Stack) failLogin(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/xmlrpc.php", strings.NewReader(FailedLogin("admin", "letmein")))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/xml")
	status, body, err := answer(req)
	if err != nil {
		return err
	}
	if status != http.StatusOK || !strings.Contains(string(body), "faultCode") {
		return fmt.Errorf("a wrong password was answered by %d and %.300s", status, body)
	}
	return nil
}
