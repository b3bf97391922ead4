package change

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Codes of why a change of a table's form waits, beside those of package apply.
// Progress carries them; the catalogues of package report have their words.
const (
	WaitDump        = "dump-runs"        // a backup is being made
	WaitDDL         = "other-ddl"        // somebody else alters the table
	WaitStatement   = "long-statement"   // a statement has been at the table for long
	WaitTransaction = "open-transaction" // a transaction has had the table, or may have
	WaitTable       = "table-locked"     // the server did not give the table in time
	WaitPlan        = "plan-not-range"   // the server would still read the whole table
	WaitCron        = "cron-changed"     // WordPress has changed its schedule meanwhile
)

// Codes of what a step does, beside those of apply.Progress.
const (
	DoingIndex   = "indexing"
	DoingRebuild = "rebuilding"
	DoingSwap    = "swapping"
	DoingDrop    = "dropping"
	DoingCopy    = "copying"
	DoingCompare = "comparing"
	DoingTest    = "testing"
	DoingUndoing = "rolling-back"
)

// longMs is how old a statement or a transaction may be that we queue behind: one
// that is younger ends by itself before visitors notice.
const longMs = 2000

// obstacle is why the table cannot be had now.
type obstacle struct {
	code    string
	fact    string // plain words; names and numbers only, never a literal
	guessed bool   // it may not have to do with the table at all
}

// opening are the settings of the session that looks: moments of transactions
// are in the system's zone.
func opening() []string {
	return []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"SET SESSION time_zone='SYSTEM', lock_wait_timeout=1, innodb_lock_wait_timeout=1, autocommit=1 /*!80000 , information_schema_stats_expiry=0 */ /*M!100101 , max_statement_time=5 */",
	}
}

// eyeLimit bounds one answer to the session that looks.
const eyeLimit = 10 * time.Second

func (s Server) openEye(ctx context.Context) (*mysql.Hand, error) {
	return s.Open(ctx, eyeLimit, opening()...)
}

// asked asks something about a table over a session of its own.
func asked[T any](ctx context.Context, s Server, on remedy.On, ask func(context.Context, *mysql.Hand, remedy.On) (T, error)) (T, error) {
	eye, err := s.openEye(ctx)
	if err != nil {
		var none T
		return none, err
	}
	defer eye.Close()
	return ask(ctx, eye, on)
}

// doneMost bounds how long is waited for a statement of ours that is still at
// work after a crash of hirune.
const doneMost = 15 * time.Second

// afterOurs waits for the end of such a statement, for a moment, and then asks
// whether it has had its effect.
func (s Server) afterOurs(ctx context.Context, text string, there func(*mysql.Hand) (bool, error)) (apply.Answer, error) {
	eye, err := s.openEye(ctx)
	if err != nil {
		return apply.CannotTell, err
	}
	defer eye.Close()
	limit, cancel := context.WithTimeout(ctx, doneMost)
	defer cancel()
	if untilQuiet(limit, eye, text) != nil {
		return apply.CannotTell, nil
	}
	done, err := there(eye)
	switch {
	case err != nil:
		return apply.CannotTell, err
	case done:
		return apply.IsDone, nil
	}
	return apply.NotDone, nil
}

// obstacles lists what holds the table, or may; own are connections of ours.
// Where the account may not see others, what cannot be seen is not listed: the
// bounds of the attempt itself then are all that there is.
func obstacles(ctx context.Context, eye *mysql.Hand, on remedy.On, own ...uint64) ([]obstacle, error) {
	all, err := sessions(ctx, eye)
	if err != nil {
		return nil, err
	}
	all = without(all, append(own, eye.ID())...)
	out := statementsAt(all, on)
	txs, err := transactions(ctx, eye)
	if err != nil {
		return nil, err
	}
	held, exact, err := holders(ctx, eye, on)
	if err != nil {
		return nil, err
	}
	return append(out, transactionsAt(txs, all, on, held, exact)...), nil
}

// statementsAt finds the backups, the DDL and the long statements at the table.
func statementsAt(all []seen, on remedy.On) []obstacle {
	var out []obstacle
	for _, s := range all {
		switch {
		case s.dump():
			out = append(out, obstacle{code: WaitDump, fact: fmt.Sprintf("session %d of %s is a backup", s.id, s.user)})
		case !s.at(on) || s.command == "Sleep":
		case s.ddl():
			out = append(out, obstacle{code: WaitDDL, fact: fmt.Sprintf("session %d of %s: %s for %s", s.id, s.user, s.verb, lasting(s.ms))})
		case s.ms >= longMs:
			out = append(out, obstacle{code: WaitStatement, fact: fmt.Sprintf("session %d of %s: %s for %s", s.id, s.user, s.verb, lasting(s.ms))})
		}
	}
	return out
}

// transactionsAt finds the transactions that have had the table for long. Where
// the server does not tell which tables a transaction has had (MariaDB without a
// plugin), every old one that is not seen to be elsewhere is suspected.
func transactionsAt(txs []openTx, all []seen, on remedy.On, held map[uint64]bool, exact bool) []obstacle {
	var out []obstacle
	for _, t := range txs {
		s, known := sessionOf(all, t.conn)
		if t.ageMs < longMs || !known || exact && !held[t.conn] || s.replication() {
			continue
		}
		if s.command != "Sleep" && s.at(on) && s.ms >= longMs {
			continue // told as a statement already
		}
		out = append(out, obstacle{code: WaitTransaction, guessed: !exact && !s.at(on),
			fact: fmt.Sprintf("session %d of %s: transaction open for %s", t.conn, s.user, lasting(t.ageMs))})
	}
	return out
}

func lasting(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

func without(all []seen, own ...uint64) []seen {
	out := all[:0:0]
	for _, s := range all {
		mine := false
		for _, id := range own {
			mine = mine || id == s.id
		}
		if !mine {
			out = append(out, s)
		}
	}
	return out
}

func sessionOf(all []seen, id uint64) (seen, bool) {
	for _, s := range all {
		if s.id == id {
			return s, true
		}
	}
	return seen{}, false
}

// surest returns the first obstacle that is no guess, else the first.
func surest(all []obstacle) obstacle {
	for _, o := range all {
		if !o.guessed {
			return o
		}
	}
	return all[0]
}

// mentions reports whether the text names the table as a word of its own.
func mentions(text, table string) bool {
	text, table = strings.ToLower(text), strings.ToLower(table)
	for at := 0; table != ""; {
		i := strings.Index(text[at:], table)
		if i < 0 {
			return false
		}
		i += at
		at = i + len(table)
		if (i == 0 || !inName(text[i-1])) && (at == len(text) || !inName(text[at])) {
			return true
		}
	}
	return false
}

func inName(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}
