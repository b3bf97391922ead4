package change

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Kill ends one statement, or a session that sleeps on locks, and watches its
// work being taken back: the Doer of remedy.KillQuery.
type Kill struct {
	Server
}

var _ apply.Doer = Kill{}

// killState is what a kill notes just before it is sent.
type killState struct {
	Sent bool   `json:"sent"`           // it is about to be
	Took bool   `json:"took,omitempty"` // the server has taken it
	Trx  string `json:"trx,omitempty"`  // its transaction
	Rows int64  `json:"rows,omitempty"` // that it had changed
}

// Error numbers of KILL.
const (
	errNoThread  = 1094
	errNotOwner  = 1095
	errNotOwnerQ = 1979 // MariaDB, by query id
	errNoQueryID = 1957 // MariaDB
	ddlNearlyAll = 0.8  // of DDL: from here on to end it costs more than to let it end
)

// victim is the session that a step is about, as it is now.
type victim struct {
	seen
	there bool
	trx   openTx // zero: none is seen
}

// Do implements apply.Doer. It returns ErrRefused where the session is not to
// the letter the one that was planned for, or must not be ended.
func (d Kill) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.KillQuery)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.KillQuery{}.Kind())
	}
	var st killState
	if _, err := w.Load(&st); err != nil {
		return fmt.Errorf("read what was noted of the kill: %w", err)
	}
	hand, err := d.openEye(ctx)
	if err != nil {
		return err
	}
	defer hand.Close()
	v, err := lookVictim(ctx, hand, step.Session)
	if err != nil {
		return err
	}
	if st.Sent && (st.Took || v.over(step, st) || v.ending()) {
		return watchEnd(ctx, hand, step, st, w)
	}
	if err := v.fits(step, hand.ID()); err != nil {
		return fmt.Errorf("end the work of session %d: %w", step.Session, err)
	}
	if err := spareDDL(ctx, hand, v); err != nil {
		return fmt.Errorf("end the work of session %d: %w", step.Session, err)
	}
	st = killState{Sent: true, Trx: v.trx.id, Rows: v.trx.modified}
	if err := w.Note(st); err != nil {
		return err
	}
	if err := sendKill(ctx, hand, step); err != nil {
		return err
	}
	st.Took = true
	if err := w.Note(st); err != nil {
		return err
	}
	return watchEnd(ctx, hand, step, st, w)
}

// sendKill sends the KILL; one that comes too late has nothing left to do.
func sendKill(ctx context.Context, hand *mysql.Hand, step remedy.KillQuery) error {
	_, err := hand.Exec(context.WithoutCancel(ctx), step.Kill())
	switch mysql.Number(err) {
	case errNoThread, errNoQueryID:
		return nil
	case errNotOwner, errNotOwnerQ:
		return hint.Wrap(fmt.Errorf("end the work of session %d: %w: the account may not end sessions of others", step.Session, apply.ErrRefused), "kill-denied",
			"GRANT CONNECTION ADMIN (MySQL: CONNECTION_ADMIN) ON *.* to hirune's account, or run it as root")
	}
	if err != nil {
		return fmt.Errorf("end the work of session %d: %w", step.Session, explained(err))
	}
	return nil
}

// Done implements apply.Doer. A session that is gone is done, whoever ended it.
func (d Kill) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (apply.Answer, error) {
	step, ok := s.(remedy.KillQuery)
	if !ok {
		return apply.CannotTell, fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.KillQuery{}.Kind())
	}
	var st killState
	if len(state) > 0 {
		if err := json.Unmarshal(state, &st); err != nil {
			return apply.CannotTell, fmt.Errorf("read what was noted of the kill: %w", err)
		}
	}
	eye, err := d.openEye(ctx)
	if err != nil {
		return apply.CannotTell, err
	}
	defer eye.Close()
	v, err := lookVictim(ctx, eye, step.Session)
	switch {
	case err != nil:
		return apply.CannotTell, err
	case !st.Sent && !v.there:
		return apply.IsDone, nil
	case !st.Sent:
		return apply.NotDone, nil // or another one by now: Do refuses that
	case v.over(step, st):
		return apply.IsDone, nil
	case st.Took || v.ending():
		return apply.Partly, nil
	}
	return apply.NotDone, nil // noted, but perhaps never sent
}

// Undo implements apply.Doer: what was taken back does not come again. Where no
// KILL was sent there is nothing to bring back.
func (Kill) Undo(_ context.Context, _ remedy.Step, w *apply.Work) error {
	var st killState
	if _, err := w.Load(&st); err != nil {
		return fmt.Errorf("read what was noted of the kill: %w", err)
	}
	if !st.Sent {
		return nil
	}
	return fmt.Errorf("bring back a statement that was ended: %w", apply.ErrIrreversible)
}

func lookVictim(ctx context.Context, h *mysql.Hand, session uint64) (victim, error) {
	all, err := sessions(ctx, h)
	if err != nil {
		return victim{}, err
	}
	txs, err := transactions(ctx, h)
	if err != nil {
		return victim{}, err
	}
	var v victim
	v.seen, v.there = sessionOf(all, session)
	for _, t := range txs {
		if t.conn == session {
			v.trx = t
		}
	}
	return v, nil
}

// ending reports whether somebody has ended it already and the server is at it.
func (v victim) ending() bool {
	return v.trx.state == "ROLLING BACK" || v.there && strings.EqualFold(v.command, "Killed")
}

// over reports whether what was killed has ended, its rollback too. The
// transaction of a statement that was not alone in it stays open: that belongs
// to the client.
func (v victim) over(step remedy.KillQuery, st killState) bool {
	sameTrx := v.trx.id != "" && v.trx.id == st.Trx
	if step.Sleeping {
		return !sameTrx && (!v.there || v.user != step.User || step.QueryID != 0 && v.query != step.QueryID)
	}
	if sameTrx && v.trx.state == "ROLLING BACK" {
		return false
	}
	switch {
	case !v.there || v.command == "Sleep":
		return true
	case step.QueryID != 0:
		return v.query != step.QueryID
	}
	return v.digest != step.Digest || st.Trx != "" && !sameTrx
}

// fits compares the session with the one that was planned for, field by field.
func (v victim) fits(step remedy.KillQuery, self uint64) error {
	sleeps := v.command == "Sleep"
	switch {
	case !v.there:
		return sessionEnded("it has ended by itself")
	case v.id == self || v.own():
		return fmt.Errorf("%w: it is hirune's own", apply.ErrRefused)
	case v.replication():
		return fmt.Errorf("%w: it belongs to replication or to the server itself", apply.ErrRefused)
	case v.dump():
		return hint.Wrap(fmt.Errorf("%w: it makes a backup", apply.ErrRefused), "backup", "let the backup end, or move it to a quiet hour")
	case v.ending():
		return sessionEnded("somebody has ended it already, and its work is being taken back")
	case v.user != step.User, sleeps != step.Sleeping,
		step.QueryID != 0 && v.query != step.QueryID,
		!sleeps && v.digest != step.Digest,
		step.TrxID != "" && v.trx.id != step.TrxID:
		return sessionEnded("it has ended: the session is another one, or does something else now")
	}
	return nil
}

func sessionEnded(words string) error {
	return hint.Wrap(fmt.Errorf("%w: %s", apply.ErrRefused, words), "session-changed", "look again: hirune diagnose")
}

// spareDDL refuses to end a change of a table's form that is nearly done, or of
// which nobody knows how far it is.
func spareDDL(ctx context.Context, h *mysql.Hand, v victim) error {
	if !v.ddl() || v.verb == "LOCK" {
		return nil
	}
	part := v.progress
	if done, total, ok := stage(ctx, h, v.id); ok && total > 0 {
		part = float64(done) / float64(total)
	}
	if part >= 0 && part <= ddlNearlyAll {
		return nil
	}
	how := "nobody knows how far it is"
	if part >= 0 {
		how = fmt.Sprintf("%.0f %% of it are done", 100*part)
	}
	return hint.Wrap(fmt.Errorf("%w: it is %s, and %s", apply.ErrRefused, v.verb, how), "ddl", "let it end; what it waits for may be ended instead")
}
