package verify

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"hirune/internal/core/diagnose"
)

// The journal keeps an Outcome as JSON. The parameters of its sentences are of
// several types there, so each is written with the name of its own.

// saying is a sentence on the wire.
type saying struct {
	ID   string         `json:"id"`
	Args map[string]arg `json:"args,omitempty"`
}

type arg struct {
	Type  string          `json:"t"`
	Value json.RawMessage `json:"v"`
}

// plain is an Outcome without its methods and sentences.
type plain Outcome

type wire struct {
	plain
	Says []saying
}

// MarshalJSON implements json.Marshaler.
func (o Outcome) MarshalJSON() ([]byte, error) {
	w := wire{plain: plain(o)}
	for _, s := range o.Says {
		out := saying{ID: s.ID, Args: map[string]arg{}}
		for name, v := range s.Args {
			a, err := argOf(v)
			if err != nil {
				return nil, fmt.Errorf("write the sentence %s: parameter %s: %w", s.ID, name, err)
			}
			out.Args[name] = a
		}
		w.Says = append(w.Says, out)
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements json.Unmarshaler. A parameter of a type that this
// version does not know is left out.
func (o *Outcome) UnmarshalJSON(text []byte) error {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("read an outcome: %w", err)
	}
	*o = Outcome(w.plain)
	o.Says = nil
	for _, s := range w.Says {
		out := diagnose.Sentence{ID: s.ID, Args: diagnose.Args{}}
		for name, a := range s.Args {
			v, err := a.read()
			if err != nil {
				return fmt.Errorf("read the sentence %s: parameter %s: %w", s.ID, name, err)
			}
			if v != nil {
				out.Args[name] = v
			}
		}
		o.Says = append(o.Says, out)
	}
	return nil
}

// params are the types of parameters by their names in the journal.
var params = map[string]reflect.Type{
	"string":   reflect.TypeFor[string](),
	"count":    reflect.TypeFor[diagnose.Count](),
	"share":    reflect.TypeFor[diagnose.Share01](),
	"bytes":    reflect.TypeFor[diagnose.Bytes](),
	"ms":       reflect.TypeFor[diagnose.Ms](),
	"number":   reflect.TypeFor[diagnose.Number](),
	"duration": reflect.TypeFor[time.Duration](),
	"time":     reflect.TypeFor[time.Time](),
}

func argOf(v any) (arg, error) {
	for name, t := range params {
		if reflect.TypeOf(v) == t {
			text, err := json.Marshal(v)
			return arg{name, text}, err
		}
	}
	return arg{}, fmt.Errorf("a %T has no name in the journal", v)
}

// read returns nil for a type that is not known here.
func (a arg) read() (any, error) {
	t, ok := params[a.Type]
	if !ok {
		return nil, nil
	}
	v := reflect.New(t)
	err := json.Unmarshal(a.Value, v.Interface())
	return v.Elem().Interface(), err
}
