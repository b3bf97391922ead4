package change

import (
	"context"
	"encoding/json"
	"fmt"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Drop drops the table that a swap has left: the Doer of remedy.DropTable.
type Drop struct {
	Server
}

var _ apply.Doer = Drop{}

// Do implements apply.Doer.
func (d Drop) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.DropTable)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.DropTable{}.Kind())
	}
	kind, err := d.kind(ctx, step.On)
	switch {
	case err != nil:
		return fmt.Errorf("drop table %s: %w", step.Name(), err)
	case kind == "":
		return nil
	case kind != "BASE TABLE":
		return fmt.Errorf("drop table %s: %w", step.Name(), tableChanged("it is no table"))
	}
	return online{srv: d.Server, on: step.On, text: step.Drop(), doing: DoingDrop, stall: step.Stall, there: func(ctx context.Context, eye *mysql.Hand) (bool, error) {
		t, err := lookIndexes(ctx, eye, step.On)
		return t.kind == "", err
	}}.run(ctx, w)
}

// kind is the table's type; "" where there is none.
func (s Server) kind(ctx context.Context, on remedy.On) (string, error) {
	return asked(ctx, s, on, kindOfTable)
}

func kindOfTable(ctx context.Context, eye *mysql.Hand, on remedy.On) (string, error) {
	rows, err := eye.Named(ctx, "SELECT TABLE_TYPE AS kind FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_NAME=?", on.Schema, on.Table)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0]["kind"], nil
}

// Done implements apply.Doer.
func (d Drop) Done(ctx context.Context, s remedy.Step, _ json.RawMessage) (apply.Answer, error) {
	step, ok := s.(remedy.DropTable)
	if !ok {
		return apply.CannotTell, fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.DropTable{}.Kind())
	}
	kind, err := d.kind(ctx, step.On)
	switch {
	case err != nil:
		return apply.CannotTell, err
	case kind == "":
		return apply.IsDone, nil
	}
	return apply.NotDone, nil
}

// Undo implements apply.Doer. A table that is still there was never dropped.
func (d Drop) Undo(ctx context.Context, s remedy.Step, _ *apply.Work) error {
	answer, err := d.Done(ctx, s, nil)
	if err != nil || answer == apply.NotDone {
		return err
	}
	return fmt.Errorf("bring back a table that was dropped: %w", apply.ErrIrreversible)
}
