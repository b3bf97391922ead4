package remedy

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// sqlSession begins a script: what our session is bound by. Source: the safety
// rules for sessions that change tables.
func sqlSession(isolation string, stall time.Duration) []Line {
	s := max(int64(stall/time.Second), 1)
	return []Line{
		sql("SET SESSION TRANSACTION ISOLATION LEVEL %s", isolation),
		sql("SET SESSION lock_wait_timeout=%d, innodb_lock_wait_timeout=%d", s, s),
	}
}

// inUTC fixes the zone in which a date of the condition is read: a TIMESTAMP is
// compared in the session's own.
func inUTC(d Doomed) []Line {
	if !d.Date {
		return nil
	}
	return []Line{sql("SET SESSION time_zone='+00:00'")}
}

func sql(format string, args ...any) Line {
	return Line{LangSQL, fmt.Sprintf(format, args...) + ";"}
}

// note is a remark. It is shown as a comment, which ends with its line: what
// could end it, or move the cursor, becomes a question mark.
func note(format string, args ...any) Line {
	return Line{LangNote, oneLine(fmt.Sprintf(format, args...))}
}

// oneLine replaces what could end a line, or be read as such, by question marks.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}

// Range deletes the doomed rows with a key in [from, to).
func (s DeleteInChunks) Range(from, to int64) string {
	k := Ident(s.Key)
	return fmt.Sprintf("DELETE FROM %s WHERE %s >= %d AND %s < %d AND %s", s.Name(), k, from, k, to, s.Doomed.SQL())
}

// scriptPause is between two chunks of a script that is piped to a client, which
// cannot see how visitors fare.
const scriptPause = 50 * time.Millisecond

// Script implements Step.
func (s DeleteInChunks) Script() []Line {
	out := append(sqlSession(s.Isolation, time.Second), inUTC(s.Doomed)...)
	out = append(out, note("hirune sizes the ranges by the time that they take, and waits for visitors; this script has fixed ones"))
	if s.Archive != "" {
		out = append(out, note("hirune keeps the deleted rows in %s; this script does not", s.Archive))
	}
	last := min(s.ToKey, math.MaxInt64-1) // the end of a range lies behind its last key
	for from := s.FromKey; from <= last; {
		to := last + 1
		if step := s.scriptStep(); last-from >= step || last-from < 0 { // below 0: farther than an int64 can count
			to = from + step
		}
		out = append(out, sql("%s", s.Range(from, to)), sql("DO SLEEP(%.2f)", scriptPause.Seconds()))
		from = to
	}
	return out
}

// scriptMost is the most ranges that a script has.
const scriptMost = 50_000

// scriptStep is the keys in each range of a script: those of the first chunk, or
// more where keys are so sparse that the script would have no end.
func (s DeleteInChunks) scriptStep() int64 {
	keys := s.ToKey - s.FromKey
	if keys < 0 { // farther than an int64 can count, by up to twice
		return max(s.Chunk, math.MaxInt64/scriptMost*2+2)
	}
	return max(s.Chunk, keys/scriptMost+1)
}

// CreateNew makes the table that the survivors go to.
func (s KeepAndSwap) CreateNew() string {
	return "CREATE TABLE " + s.Sibling(s.New) + " LIKE " + s.Name()
}

// Copy copies the survivors with a key in [from, to).
func (s KeepAndSwap) Copy(from, to int64) string {
	k := Ident(s.Key)
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s >= %d AND %s < %d AND %s",
		s.Sibling(s.New), s.columns(), s.columns(), s.Name(), k, from, k, to, s.Doomed.Survive())
}

// Rename swaps the names in one statement: nobody ever sees no table.
func (s KeepAndSwap) Rename() string {
	return fmt.Sprintf("RENAME TABLE %s TO %s, %s TO %s", s.Name(), s.Sibling(s.Old), s.Sibling(s.New), s.Name())
}

// columns lists what can be written: generated columns make themselves.
func (s KeepAndSwap) columns() string {
	var out []string
	for _, c := range s.Columns {
		if !c.Generated {
			out = append(out, Ident(c.Name))
		}
	}
	return strings.Join(out, ", ")
}

// scriptGap is how far beyond the highest key the new table of a script counts
// on: so many rows may be written until the names are swapped.
const scriptGap = 100_000

// Script implements Step. What comes between the copy and the swap is copied
// after it; that it keeps its keys is the reason for the new table's numbers.
func (s KeepAndSwap) Script() []Line {
	out := append(sqlSession(s.Isolation, s.Stall), inUTC(s.Doomed)...)
	out = append(out, sql("%s", s.CreateNew()))
	if !s.Empty {
		out = append(out,
			note("hirune copies by ranges of %s and waits for visitors; here in one statement", s.Key),
			sql("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s", s.Sibling(s.New), s.columns(), s.columns(), s.Name(), s.Doomed.Survive()))
	}
	return append(out,
		note("the new table's AUTO_INCREMENT is set to the highest + %d, so that rows written meanwhile keep their numbers", scriptGap),
		sql("SET @hirune = CONCAT(%s, (SELECT GREATEST(COALESCE(MAX(%s), 0), 0) + %d FROM %s))", Quote("ALTER TABLE "+s.Sibling(s.New)+" AUTO_INCREMENT="), Ident(s.Key), scriptGap, s.Name()),
		sql("PREPARE hirune FROM @hirune"), sql("EXECUTE hirune"), sql("DEALLOCATE PREPARE hirune"),
		sql("%s", s.Rename()),
		note("rows written between the copy and the swap; hirune also finds those that were changed or deleted between them, which this script does not"),
		sql("INSERT IGNORE INTO %s (%s) SELECT %s FROM %s WHERE %s", s.Name(), s.columns(), s.columns(), s.Sibling(s.Old), s.Doomed.Survive()),
	)
}

// Drop drops the table.
func (s DropTable) Drop() string { return "DROP TABLE " + s.Name() }

// Script implements Step.
func (s DropTable) Script() []Line {
	return append(sqlSession("READ COMMITTED", s.Stall), sql("%s", s.Drop()))
}

// Rebuild rebuilds the table in place, readers and writers go on.
func (s RebuildTable) Rebuild() string {
	return "ALTER TABLE " + s.Name() + " FORCE, ALGORITHM=INPLACE, LOCK=NONE"
}

// Script implements Step.
func (s RebuildTable) Script() []Line {
	return append(sqlSession("READ COMMITTED", s.Stall), sql("%s", s.Rebuild()))
}

// Add adds the index; it errors where the server would copy the table or lock it.
func (s AddIndex) Add() string {
	return fmt.Sprintf("ALTER TABLE %s%s ADD INDEX %s (%s), ALGORITHM=INPLACE, LOCK=NONE", s.Name(), s.wait(), Ident(s.Index), s.list())
}

// Drop takes the index away again.
func (s AddIndex) Drop() string {
	return fmt.Sprintf("ALTER TABLE %s%s DROP INDEX %s, ALGORITHM=INPLACE, LOCK=NONE", s.Name(), s.wait(), Ident(s.Index))
}

// wait bounds the wait for the metadata lock in the statement itself, where the
// server can (MariaDB); elsewhere lock_wait_timeout alone does it.
func (s AddIndex) wait() string {
	if !s.MariaDB {
		return ""
	}
	return fmt.Sprintf(" WAIT %d", max(int64(s.Stall/time.Second), 1))
}

func (s AddIndex) list() string {
	out := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		out[i] = Ident(c)
	}
	return strings.Join(out, ", ")
}

// Script implements Step.
func (s AddIndex) Script() []Line {
	return append(sqlSession("READ COMMITTED", s.Stall), sql("%s", s.Add()))
}

// Script implements Step.
func (s ExplainStatement) Script() []Line { return []Line{sql("EXPLAIN %s", s.Doomed.Statement(s.On))} }

// Kill ends the statement, or the session that sleeps.
func (s KillQuery) Kill() string {
	switch {
	case s.Sleeping:
		return fmt.Sprintf("KILL CONNECTION %d", s.Session)
	case s.MariaDB && s.QueryID != 0:
		return fmt.Sprintf("KILL QUERY ID %d", s.QueryID)
	}
	return fmt.Sprintf("KILL QUERY %d", s.Session)
}

// Script implements Step.
func (s KillQuery) Script() []Line { return []Line{sql("%s", s.Kill())} }

// Script implements Step: what a unified diff would show.
func (s WriteInclude) Script() []Line {
	file := func(text string) Line { return Line{LangFile, text} }
	out := []Line{file("--- /dev/null"), file("+++ " + s.Path)}
	for l := range strings.Lines(s.Content) {
		out = append(out, file("+"+strings.TrimSuffix(l, "\n")))
	}
	for i, h := range s.Hooks() {
		out = append(out, file("--- "+h.File), file("+++ "+h.File),
			file(fmt.Sprintf("@@ -%d,1 +%d,2 @@", h.At, h.At+before(s.Hooks()[:i], h.File))), file("+"+h.Line), file(" "+h.Next))
	}
	out = append(out, Line{LangShell, strings.Join(s.Test, " ")})
	if len(s.Reload) > 0 {
		return append(out, Line{LangShell, strings.Join(s.Reload, " ")})
	}
	return append(out, Line{LangShell, fmt.Sprintf("kill -%s %d", s.Signal, s.PID)})
}

// before counts the lines that the same file has got further up.
func before(hooks []Hook, file string) int {
	n := 0
	for _, h := range hooks {
		if h.File == file {
			n++
		}
	}
	return n
}

// Script implements Step.
func (s MoveCronEvent) Script() []Line {
	return []Line{note("in the option cron of %s: %s moves from %s to %s", s.Schema, s.Hook, utc(s.From), utc(s.To))}
}

func utc(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05 UTC") }

// CronLine is the job as cron takes it, in the form of /etc/cron.d. A percent
// sign is cron's line end, so it is escaped; a true line end cannot be written
// at all and becomes a question mark, so that no name can begin a line of its own.
func (s RetentionJob) CronLine() string {
	args := []string{s.Binary, "keep", "--yes", "--schema", s.Schema, "--table", s.Table, "--column", s.Column, "--for", fmt.Sprintf("%dh", int64(s.Keep/time.Hour))}
	for i, a := range args {
		args[i] = strings.ReplaceAll(shell(a), "%", `\%`)
	}
	return oneLine(fmt.Sprintf("%d %d * * * root %s", s.Minute, s.Hour, strings.Join(args, " ")))
}

// shell quotes a word for sh.
func shell(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Script implements Step.
func (s RetentionJob) Script() []Line {
	out := []Line{{LangFile, "--- /dev/null"}, {LangFile, "+++ " + s.Path}}
	for l := range strings.Lines(s.Content()) {
		out = append(out, Line{LangFile, "+" + strings.TrimSuffix(l, "\n")})
	}
	return out
}
