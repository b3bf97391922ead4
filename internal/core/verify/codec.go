package verify

import (
	"encoding/json"
	"fmt"
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

func argOf(v any) (arg, error) {
	name := ""
	switch v.(type) {
	case string:
		name = "string"
	case diagnose.Count:
		name = "count"
	case diagnose.Share01:
		name = "share"
	case diagnose.Bytes:
		name = "bytes"
	case diagnose.Ms:
		name = "ms"
	case diagnose.Number:
		name = "number"
	case time.Duration:
		name = "duration"
	case time.Time:
		name = "time"
	default:
		return arg{}, fmt.Errorf("a %T has no name in the journal", v)
	}
	text, err := json.Marshal(v)
	return arg{name, text}, err
}

func (a arg) read() (any, error) {
	switch a.Type {
	case "string":
		return as[string](a)
	case "count":
		return as[diagnose.Count](a)
	case "share":
		return as[diagnose.Share01](a)
	case "bytes":
		return as[diagnose.Bytes](a)
	case "ms":
		return as[diagnose.Ms](a)
	case "number":
		return as[diagnose.Number](a)
	case "duration":
		return as[time.Duration](a)
	case "time":
		return as[time.Time](a)
	}
	return nil, nil
}

func as[T any](a arg) (any, error) {
	var v T
	err := json.Unmarshal(a.Value, &v)
	return v, err
}
