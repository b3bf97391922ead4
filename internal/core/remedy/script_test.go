package remedy

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
)

var plainTable = On{Schema: "wordpress", Table: "wp_aiowps_audit_log"}

// texts are the lines of one language.
func texts(lines []Line, lang string) []string {
	var out []string
	for _, l := range lines {
		if l.Lang == lang {
			out = append(out, l.Text)
		}
	}
	return out
}

func TestScripts(t *testing.T) {
	old := Doomed{Column: "created", Literal: "1700000000"}
	for _, c := range []struct {
		name string
		step Step
		want []string
	}{
		{"chunks", DeleteInChunks{On: plainTable, Key: "id", FromKey: 1, ToKey: 25, Doomed: old, Isolation: "READ COMMITTED", Chunk: 10}, []string{
			"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;",
			"SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;",
			"DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `id` >= 1 AND `id` < 11 AND `created` < 1700000000;", "DO SLEEP(0.05);",
			"DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `id` >= 11 AND `id` < 21 AND `created` < 1700000000;", "DO SLEEP(0.05);",
			"DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `id` >= 21 AND `id` < 26 AND `created` < 1700000000;", "DO SLEEP(0.05);"}},
		{"swap leaves generated columns to the server", KeepAndSwap{On: plainTable, Key: "id", Doomed: old, New: "n", Old: "o", Isolation: "READ COMMITTED", Stall: 2 * time.Second,
			Columns: []Column{{Name: "id"}, {Name: "v", Generated: true}, {Name: "created"}}}, []string{
			"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;",
			"SET SESSION lock_wait_timeout=2, innodb_lock_wait_timeout=2;",
			"CREATE TABLE `wordpress`.`n` LIKE `wordpress`.`wp_aiowps_audit_log`;",
			"INSERT INTO `wordpress`.`n` (`id`, `created`) SELECT `id`, `created` FROM `wordpress`.`wp_aiowps_audit_log` WHERE NOT COALESCE(`created` < 1700000000, 0);",
			"SET @hirune = CONCAT('ALTER TABLE `wordpress`.`n` AUTO_INCREMENT=', (SELECT GREATEST(COALESCE(MAX(`id`), 0), 0) + 100000 FROM `wordpress`.`wp_aiowps_audit_log`));",
			"PREPARE hirune FROM @hirune;", "EXECUTE hirune;", "DEALLOCATE PREPARE hirune;",
			"RENAME TABLE `wordpress`.`wp_aiowps_audit_log` TO `wordpress`.`o`, `wordpress`.`n` TO `wordpress`.`wp_aiowps_audit_log`;",
			"INSERT IGNORE INTO `wordpress`.`wp_aiowps_audit_log` (`id`, `created`) SELECT `id`, `created` FROM `wordpress`.`o` WHERE NOT COALESCE(`created` < 1700000000, 0);"}},
		{"index, MariaDB", AddIndex{On: plainTable, Index: "hirune_created", Columns: []string{"created"}, MariaDB: true, Stall: time.Second}, []string{
			"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;",
			"SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;",
			"ALTER TABLE `wordpress`.`wp_aiowps_audit_log` WAIT 1 ADD INDEX `hirune_created` (`created`), ALGORITHM=INPLACE, LOCK=NONE;"}},
		{"index, MySQL", AddIndex{On: plainTable, Index: "hirune_created", Columns: []string{"status", "created"}, Stall: time.Second}, []string{
			"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;",
			"SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;",
			"ALTER TABLE `wordpress`.`wp_aiowps_audit_log` ADD INDEX `hirune_created` (`status`, `created`), ALGORITHM=INPLACE, LOCK=NONE;"}},
		{"explain", ExplainStatement{On: plainTable, Doomed: old}, []string{"EXPLAIN DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `created` < 1700000000;"}},
		{"kill, MariaDB", KillQuery{MariaDB: true, Session: 7, QueryID: 99}, []string{"KILL QUERY ID 99;"}},
		{"kill, no query id", KillQuery{MariaDB: true, Session: 7}, []string{"KILL QUERY 7;"}},
		{"kill, MySQL", KillQuery{Session: 7, QueryID: 99}, []string{"KILL QUERY 7;"}},
		{"kill, asleep", KillQuery{MariaDB: true, Session: 7, QueryID: 99, Sleeping: true}, []string{"KILL CONNECTION 7;"}},
		{"drop", DropTable{On: plainTable}, []string{
			"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;", "SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;", "DROP TABLE `wordpress`.`wp_aiowps_audit_log`;"}},
		{"rebuild", RebuildTable{On: plainTable}, []string{
			"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;", "SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;",
			"ALTER TABLE `wordpress`.`wp_aiowps_audit_log` FORCE, ALGORITHM=INPLACE, LOCK=NONE;"}},
	} {
		if got, want := strings.Join(texts(c.step.Script(), LangSQL), "\n"), strings.Join(c.want, "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// TestRangesCoverTheKeysOnce walks what a script deletes: every key once, none
// beyond, however far the keys reach.
func TestRangesCoverTheKeysOnce(t *testing.T) {
	for _, c := range []struct{ from, to, chunk int64 }{
		{1, 1, 1000}, {1, 1000, 1000}, {1, 1001, 1000}, {-5, 17, 3}, {0, 99, 0}, {1, 0, 10},
		{1, math.MaxInt64, 1000}, {math.MinInt64, math.MaxInt64, 1}, {math.MaxInt64 - 1, math.MaxInt64, 10}, {1, 3_000_000_000, 1000},
	} {
		s := DeleteInChunks{On: plainTable, Key: "id", FromKey: c.from, ToKey: c.to, Chunk: c.chunk, Doomed: Doomed{Column: "c", Literal: "1"}}
		lines := texts(s.Script(), LangSQL)
		if len(lines) > 2*scriptMost+10 {
			t.Errorf("%+v: a script of %d lines", c, len(lines))
		}
		next := c.from
		for _, l := range lines {
			if !strings.HasPrefix(l, "DELETE") {
				continue
			}
			var from, to int64
			if _, err := fmt.Sscanf(l, "DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `id` >= %d AND `id` < %d AND", &from, &to); err != nil {
				t.Fatalf("%+v: %q: %v", c, l, err)
			}
			if from != next || to <= from {
				t.Fatalf("%+v: range [%d, %d) after %d", c, from, to, next)
			}
			next = to
		}
		if want := min(c.to, math.MaxInt64-1) + 1; c.to >= c.from && next != want {
			t.Errorf("%+v: the ranges end at %d, want %d", c, next, want)
		}
	}
}

// TestNotesAndJobsStayOnTheirLine puts names of line ends wherever a name may
// stand: a comment that ends early, or a second line of a crontab, would be run.
func TestNotesAndJobsStayOnTheirLine(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\x00", "\v", "\f", "\u0085", "\u2028", "\u2029"} {
		evil := "x" + end + "* * * * * root rm -rf /"
		steps := []Step{
			DeleteInChunks{On: On{Schema: evil, Table: evil}, Key: evil, Archive: evil, Doomed: doomed},
			KeepAndSwap{On: On{Schema: evil, Table: evil}, Key: evil, New: evil, Old: evil, Doomed: doomed},
			MoveCronEvent{Schema: evil, Hook: evil},
			RetentionJob{On: On{Schema: evil, Table: evil}, Column: evil, Binary: evil, Keep: time.Hour},
		}
		for _, s := range steps {
			for _, l := range s.Script() {
				if l.Lang != LangSQL && strings.ContainsFunc(l.Text, func(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }) {
					t.Errorf("%s with %q: the line %q has an end within", s.Kind(), end, l.Text)
				}
			}
		}
	}
}

func TestCronLine(t *testing.T) {
	for _, c := range []struct {
		table, want string
	}{
		{"wp_log", "40 3 * * * root /usr/bin/hirune keep --yes --schema wordpress --table wp_log --column created --for 720h"},
		{"a b", "40 3 * * * root /usr/bin/hirune keep --yes --schema wordpress --table 'a b' --column created --for 720h"},
		{"a'b$(x)", `40 3 * * * root /usr/bin/hirune keep --yes --schema wordpress --table 'a'\''b$(x)' --column created --for 720h`},
		{"50%", `40 3 * * * root /usr/bin/hirune keep --yes --schema wordpress --table '50\%' --column created --for 720h`},
		{"", `40 3 * * * root /usr/bin/hirune keep --yes --schema wordpress --table '' --column created --for 720h`},
	} {
		s := RetentionJob{On: On{Schema: "wordpress", Table: c.table}, Minute: 40, Hour: 3, Column: "created", Keep: 30 * 24 * time.Hour, Binary: "/usr/bin/hirune"}
		if got := s.CronLine(); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.table, got, c.want)
		}
	}
}
