package change

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Cron moves an event of WordPress' schedule: the Doer of remedy.MoveCronEvent.
// A site with a persistent object cache may write its old schedule back; Done
// then says so.
type Cron struct {
	Server
	// Edit moves the events of a hook that are due at from, and returns the option
	// anew. It errors where there is none, or where it does not understand the option.
	Edit func(option, hook string, from, to int64) (string, error)
}

var _ apply.Doer = Cron{}

const (
	cronTries = 8
	cronPause = 250 * time.Millisecond
	day       = int64(24 * 60 * 60)
	// cronDays is how far from the planned moments the event is looked for: when it
	// has run, WordPress keeps its time of day.
	cronDays = 60
)

// cronState is what was written, in unix seconds.
type cronState struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Do implements apply.Doer. Where the event has run since the plan was made, both
// moments are taken as times of day.
func (d Cron) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.MoveCronEvent)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.MoveCronEvent{}.Kind())
	}
	return d.move(ctx, step, w, step.From, step.To)
}

// Undo implements apply.Doer: the event goes back to its time of day.
func (d Cron) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.MoveCronEvent)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.MoveCronEvent{}.Kind())
	}
	return d.move(ctx, step, w, step.To, step.From)
}

// move moves the event from one time of day to another: to the planned moment,
// or the first one after now, as a moment that has passed would run it at once.
func (d Cron) move(ctx context.Context, step remedy.MoveCronEvent, w *apply.Work, from, to int64) error {
	h, err := d.openCron(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	for try := 1; try <= cronTries; try++ {
		was, err := readCron(ctx, h, step)
		if err != nil {
			return fmt.Errorf("move %s: %w", step.Hook, err)
		}
		if _, there := d.due(was, step.Hook, to); there {
			return nil
		}
		at, there := d.due(was, step.Hook, from)
		if !there {
			_, why := d.Edit(was, step.Hook, from, to)
			return hint.Wrap(fmt.Errorf("move %s: %w: it is not due at its time of day: %w", step.Hook, apply.ErrRefused, why), "cron-event", "plan again: hirune plan")
		}
		goal := later(at+to-from, w.Now().Unix())
		now, err := d.Edit(was, step.Hook, at, goal)
		if err != nil {
			return fmt.Errorf("move %s: %w: %w", step.Hook, apply.ErrRefused, err)
		}
		if err := w.Note(cronState{From: at, To: goal}); err != nil {
			return err
		}
		written, err := writeCron(ctx, h, step, was, now)
		if err != nil || written {
			return err
		}
		w.Tell(apply.Progress{Doing: DoingTest, Total: -1, Wait: WaitCron})
		if err := pause(ctx, cronPause); err != nil {
			return fmt.Errorf("move %s: %w", step.Hook, err)
		}
	}
	return hint.Wrap(fmt.Errorf("move %s: WordPress has changed its schedule each of %d times", step.Hook, cronTries), "cron-changed", "go on in a quiet minute with: hirune apply")
}

// later is the first moment of that time of day after now.
func later(at, now int64) int64 {
	if at > now {
		return at
	}
	return at + ((now-at)/day+1)*day
}

// Done implements apply.Doer.
func (d Cron) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (apply.Answer, error) {
	step, ok := s.(remedy.MoveCronEvent)
	if !ok {
		return apply.CannotTell, fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.MoveCronEvent{}.Kind())
	}
	h, err := d.openCron(ctx)
	if err != nil {
		return apply.CannotTell, err
	}
	defer h.Close()
	option, err := readCron(ctx, h, step)
	if err != nil {
		return apply.CannotTell, err
	}
	if _, there := d.due(option, step.Hook, step.To); there {
		return apply.IsDone, nil
	}
	if _, there := d.due(option, step.Hook, step.From); there || len(state) == 0 {
		return apply.NotDone, nil // or not there at all: Do refuses that
	}
	return apply.CannotTell, nil
}

// due finds the event at a time of day, at the planned moment first.
func (d Cron) due(option, hook string, at int64) (int64, bool) {
	for n := range cronDays {
		for _, t := range []int64{at + int64(n)*day, at - int64(n)*day} {
			if t <= 0 {
				continue
			}
			if _, err := d.Edit(option, hook, t, t+1); err == nil {
				return t, true
			}
		}
	}
	return 0, false
}

// openCron opens a session for the option. It is strict, so that the server would
// rather refuse a byte than change it. A binary log in statements takes no change
// under READ COMMITTED, and of one row by its unique name no gap is locked.
func (d Cron) openCron(ctx context.Context) (*mysql.Hand, error) {
	return d.Open(ctx, eyeLimit, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
		"SET SESSION lock_wait_timeout=2, innodb_lock_wait_timeout=2, autocommit=1, sql_mode='STRICT_ALL_TABLES'")
}

func optionsTable(s remedy.MoveCronEvent) string {
	return remedy.On{Schema: s.Schema, Table: s.Prefix + "options"}.Name()
}

// readCron reads the option byte for byte: its texts carry their lengths in bytes.
func readCron(ctx context.Context, h *mysql.Hand, s remedy.MoveCronEvent) (string, error) {
	rows, err := h.Named(ctx, "SELECT CAST(option_value AS BINARY) AS v FROM "+optionsTable(s)+" WHERE option_name='cron'")
	if err != nil {
		return "", fmt.Errorf("read WordPress' schedule: %w", explained(err))
	}
	if len(rows) != 1 {
		return "", tableChanged("%s holds no schedule of WordPress", optionsTable(s))
	}
	return rows[0]["v"], nil
}

// writeCron writes the option if it is still what was read; false where it is not.
func writeCron(ctx context.Context, h *mysql.Hand, s remedy.MoveCronEvent, was, now string) (bool, error) {
	n, err := h.Exec(context.WithoutCancel(ctx), "UPDATE "+optionsTable(s)+" SET option_value = ? WHERE option_name='cron' AND CAST(option_value AS BINARY) = ?", []byte(now), []byte(was))
	if mysql.Number(err) == errLockWait || mysql.Number(err) == errDeadlock {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write WordPress' schedule: %w", explained(err))
	}
	return n == 1, nil
}
