package remedy

import (
	"encoding/json"
	"fmt"
)

// decoders is the codec table: every kind of step has its line.
var decoders = map[string]func([]byte) (Step, error){
	DeleteInChunks{}.Kind():   decode[DeleteInChunks],
	KeepAndSwap{}.Kind():      decode[KeepAndSwap],
	DropTable{}.Kind():        decode[DropTable],
	RebuildTable{}.Kind():     decode[RebuildTable],
	AddIndex{}.Kind():         decode[AddIndex],
	ExplainStatement{}.Kind(): decode[ExplainStatement],
	KillQuery{}.Kind():        decode[KillQuery],
	WriteInclude{}.Kind():     decode[WriteInclude],
	MoveCronEvent{}.Kind():    decode[MoveCronEvent],
	RetentionJob{}.Kind():     decode[RetentionJob],
	BanPrefixes{}.Kind():      decode[BanPrefixes],
	LiftBans{}.Kind():         decode[LiftBans],
	AllowPrefixes{}.Kind():    decode[AllowPrefixes],
}

func decode[S Step](text []byte) (Step, error) {
	var s S
	err := json.Unmarshal(text, &s)
	return s, err
}

// planned is a step as the journal keeps it: without its words, which are made
// anew from the plan's own when it is shown.
type planned struct {
	ID           string          `json:"id"`
	Kind         string          `json:"kind"`
	Step         json.RawMessage `json:"step"`
	Rows         int64           `json:"rows,omitempty"`
	Irreversible bool            `json:"irreversible,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (p Planned) MarshalJSON() ([]byte, error) {
	step, err := json.Marshal(p.Step)
	if err != nil {
		return nil, err
	}
	return json.Marshal(planned{p.ID, p.Step.Kind(), step, p.Estimate.Rows, p.Estimate.Irreversible})
}

// UnmarshalJSON implements json.Unmarshaler. A kind of step that is not known
// here is an error: a newer hirune wrote it.
func (p *Planned) UnmarshalJSON(text []byte) error {
	var raw planned
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	read, ok := decoders[raw.Kind]
	if !ok {
		return fmt.Errorf("step %s is of the unknown kind %q: a newer hirune planned it", raw.ID, raw.Kind)
	}
	step, err := read(raw.Step)
	if err != nil {
		return fmt.Errorf("read step %s (%s): %w", raw.ID, raw.Kind, err)
	}
	*p = Planned{ID: raw.ID, Step: step, Estimate: Estimate{Rows: raw.Rows, Irreversible: raw.Irreversible}}
	return nil
}
