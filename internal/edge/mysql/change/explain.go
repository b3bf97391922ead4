package change

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Explain asks the server how it would carry a statement out now, and notes the
// answer: the Doer of remedy.ExplainStatement. It never uses a form that
// executes the statement.
type Explain struct {
	Server
	patience time.Duration // for a plan that is wanted; 0: explainPatience
}

var _ apply.Doer = Explain{}

// explainPatience is how long a server may take until its own statistics show
// what was just deleted: 8 s were seen. ANALYZE TABLE is not needed for it.
const explainPatience = 20 * time.Second

// explainState is the answer, as the report shows it.
type explainState struct {
	Access   string    `json:"access"` // type: ALL, index, range, …
	Key      string    `json:"key,omitempty"`
	Possible string    `json:"possible_keys,omitempty"`
	Rows     int64     `json:"rows"`
	Extra    string    `json:"extra,omitempty"`
	When     string    `json:"when,omitempty"`
	Achieved bool      `json:"achieved"` // what the step wants; true where it just looks
	At       time.Time `json:"at"`
}

// Do implements apply.Doer. A plan that is worse than wanted is no error: it is
// noted as not achieved.
func (d Explain) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.ExplainStatement)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.ExplainStatement{}.Kind())
	}
	eye, err := d.openEye(ctx)
	if err != nil {
		return err
	}
	defer eye.Close()
	patience := d.patience
	if patience == 0 {
		patience = explainPatience
	}
	for began := w.Now(); ; {
		st, err := explain(ctx, eye, step)
		if err != nil {
			return fmt.Errorf("explain the statement on %s: %w", step.Name(), refusedOnline(err))
		}
		st.At = w.Now()
		st.Achieved = step.Want == "" || st.narrow()
		if st.Achieved || w.Now().Sub(began) >= patience {
			w.Tell(st.progress())
			return w.Note(st)
		}
		w.Tell(st.progress())
		if err := pause(ctx, time.Second); err != nil {
			return fmt.Errorf("explain the statement on %s: %w", step.Name(), err)
		}
	}
}

func explain(ctx context.Context, eye *mysql.Hand, step remedy.ExplainStatement) (explainState, error) {
	verb := "EXPLAIN "
	if !eye.MariaDB() { // its default form says nothing of a DELETE
		verb = "EXPLAIN FORMAT=TRADITIONAL "
	}
	if _, err := eye.Exec(ctx, mysql.ExplainAs); err != nil {
		return explainState{}, err
	}
	rows, err := eye.Named(ctx, verb+step.Doomed.Statement(step.On))
	if err != nil || len(rows) == 0 {
		return explainState{}, err
	}
	r := rows[0]
	return explainState{Access: r["type"], Key: r["key"], Possible: r["possible_keys"], Rows: signed(r["rows"]), Extra: r["extra"], When: step.When}, nil
}

// narrow reports whether the server reads a range or less: not the table and not
// a whole index. It has no access at all where no row can match.
func (st explainState) narrow() bool {
	switch strings.ToLower(st.Access) {
	case "all", "index":
		return false
	case "":
		extra := strings.ToLower(st.Extra)
		return strings.Contains(extra, "impossible") || strings.Contains(extra, "no matching")
	}
	return true
}

func (st explainState) progress() apply.Progress {
	p := apply.Progress{Doing: DoingTest, Total: -1, Fact: fmt.Sprintf("type=%s key=%s rows=%d", st.Access, st.Key, st.Rows)}
	if !st.Achieved {
		p.Wait = WaitPlan
	}
	return p
}

// Done implements apply.Doer: it is done when the answer is noted.
func (Explain) Done(_ context.Context, _ remedy.Step, state json.RawMessage) (apply.Answer, error) {
	var st explainState
	if len(state) == 0 {
		return apply.NotDone, nil
	}
	if err := json.Unmarshal(state, &st); err != nil {
		return apply.CannotTell, fmt.Errorf("read the plan that was noted: %w", err)
	}
	if st.At.IsZero() {
		return apply.NotDone, nil
	}
	return apply.IsDone, nil
}

// Undo implements apply.Doer: nothing was changed.
func (Explain) Undo(context.Context, remedy.Step, *apply.Work) error { return nil }
