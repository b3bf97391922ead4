package change

import (
	"context"
	"encoding/json"
	"fmt"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Rebuild gives the room of deleted rows back to the file system: the Doer of
// remedy.RebuildTable. That there is room for a second copy is for the plan to know.
type Rebuild struct {
	Server
}

var _ apply.Doer = Rebuild{}

// rebuildState is noted before and after.
type rebuildState struct {
	Created string `json:"created"` // moment at which the table was made before, in the server's words
	Done    bool   `json:"done,omitempty"`
}

// Do implements apply.Doer.
func (d Rebuild) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.RebuildTable)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.RebuildTable{}.Kind())
	}
	made, err := asked(ctx, d.Server, step.On, tableMade)
	if err != nil {
		return fmt.Errorf("rebuild table %s: %w", step.Name(), err)
	}
	st := rebuildState{Created: made}
	if err := w.Note(st); err != nil {
		return err
	}
	err = online{srv: d.Server, on: step.On, text: step.Rebuild(), doing: DoingRebuild, stall: step.Stall, there: func(ctx context.Context, eye *mysql.Hand) (bool, error) {
		now, err := tableMade(ctx, eye, step.On)
		return now != st.Created, err
	}}.run(ctx, w)
	if err != nil {
		return err
	}
	st.Done = true
	return w.Note(st)
}

// tableMade is when the table was made or rebuilt, to the second.
func tableMade(ctx context.Context, eye *mysql.Hand, on remedy.On) (string, error) {
	rows, err := eye.Named(ctx, "SELECT CREATE_TIME AS made, TABLE_TYPE AS kind FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_NAME=?", on.Schema, on.Table)
	if err != nil {
		return "", err
	}
	if len(rows) == 0 || rows[0]["kind"] != "BASE TABLE" {
		return "", tableChanged("the table is gone")
	}
	return rows[0]["made"], nil
}

// Done implements apply.Doer. A rebuild of ours that is still at work after a
// crash of hirune is waited for, for a moment.
func (d Rebuild) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (apply.Answer, error) {
	step, ok := s.(remedy.RebuildTable)
	if !ok {
		return apply.CannotTell, fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.RebuildTable{}.Kind())
	}
	var st rebuildState
	if len(state) == 0 {
		return apply.NotDone, nil
	}
	if err := json.Unmarshal(state, &st); err != nil {
		return apply.CannotTell, fmt.Errorf("read what was noted of the rebuild: %w", err)
	}
	if st.Done {
		return apply.IsDone, nil
	}
	return d.afterOurs(ctx, step.Rebuild(), func(eye *mysql.Hand) (bool, error) {
		made, err := tableMade(ctx, eye, step.On)
		return made != st.Created, err
	})
}

// Undo implements apply.Doer: the rows are the same, so there is nothing to undo.
func (Rebuild) Undo(context.Context, remedy.Step, *apply.Work) error { return nil }
