package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Ran is one statement as the slow log tells of it.
type Ran struct {
	Took     time.Duration
	Examined int64
	Affected int64
	Text     string
}

// Watch has the server log every statement of the sessions that begin from now on, until the returned function is called.
func (s *Stack) Watch(ctx context.Context) (end func() error, err error) {
	file := s.slowLog()
	if err := s.ownLog(filepath.Base(file), "mysql"); err != nil {
		return nil, err
	}
	if _, err := s.SQL(ctx, fmt.Sprintf("SET GLOBAL slow_query_log_file='%s', long_query_time=0, slow_query_log=1", file)); err != nil {
		return nil, fmt.Errorf("log every statement: %w", err)
	}
	return func() error {
		_, err := s.SQL(context.WithoutCancel(ctx), "SET GLOBAL long_query_time=10, slow_query_log=0")
		return err
	}, nil
}

func (s *Stack) slowLog() string { return filepath.Join(s.LogDir(), "lab-statements.log") }

// Purges are the purges by the plugin itself among the statements that Watch has logged.
func (s *Stack) Purges() []Ran {
	var out []Ran
	for _, r := range parseSlowLog(tail(s.slowLog(), 8<<20)) {
		text := strings.ToUpper(r.Text)
		if strings.HasPrefix(text, "DELETE FROM "+strings.ToUpper(s.Table())+" ") && strings.Contains(text, strings.ToUpper(s.cfg.Plugin.Column)) {
			out = append(out, r)
		}
	}
	return out
}

// parseSlowLog reads MariaDB's slow log. What it does not know it passes over.
func parseSlowLog(text string) []Ran {
	var out []Ran
	var now Ran
	var statement []string
	begun := false // what stands before the first statement is the server's head
	end := func() {
		if begun && len(statement) > 0 {
			now.Text = strings.TrimSuffix(strings.Join(statement, " "), ";")
			out = append(out, now)
		}
		now, statement = Ran{}, nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "# User@Host"):
			end()
			begun = true
		case strings.HasPrefix(line, "#"):
			now.figures(strings.Fields(line))
		case line == "" || strings.HasPrefix(line, "SET timestamp=") || strings.HasPrefix(line, "use "):
		default:
			statement = append(statement, line)
		}
	}
	end()
	return out
}

// figures reads "Query_time: 0.5", "Rows_examined: 9" and "Rows_affected: 3".
func (r *Ran) figures(words []string) {
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "Query_time:":
			if v, err := strconv.ParseFloat(words[i+1], 64); err == nil {
				r.Took = time.Duration(v * float64(time.Second))
			}
		case "Rows_examined:":
			r.Examined, _ = strconv.ParseInt(words[i+1], 10, 64) // 0 where it is no number
		case "Rows_affected:":
			r.Affected, _ = strconv.ParseInt(words[i+1], 10, 64)
		}
	}
}
