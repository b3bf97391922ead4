package evidence

import (
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Version is the version of the encoding that Encode writes. A reader takes
// every version up to its own: fields are only ever added, under new keys.
const Version = 1

// wire is a record as it is encoded: a CBOR array, one after the other.
type wire struct {
	_      struct{} `cbor:",toarray"`
	Kind   string
	AtMs   int64
	Source string
	Fact   cbor.RawMessage
}

// decoders is the codec table: one line for each kind of fact.
var decoders = map[string]func(cbor.RawMessage) (Fact, error){
	Unseen{}.Kind():       decode[Unseen],
	SelfCost{}.Kind():     decode[SelfCost],
	ClockStep{}.Kind():    decode[ClockStep],
	Host{}.Kind():         decode[Host],
	Cgroup{}.Kind():       decode[Cgroup],
	Filesystem{}.Kind():   decode[Filesystem],
	ServiceUse{}.Kind():   decode[ServiceUse],
	ProcessUse{}.Kind():   decode[ProcessUse],
	ServiceState{}.Kind(): decode[ServiceState],
	WorkerPool{}.Kind():   decode[WorkerPool],
	Statement{}.Kind():    decode[Statement],
	Transaction{}.Kind():  decode[Transaction],
	LockWait{}.Kind():     decode[LockWait],
	DBStatus{}.Kind():     decode[DBStatus],
	DBServer{}.Kind():     decode[DBServer],
	DigestUse{}.Kind():    decode[DigestUse],
	Table{}.Kind():        decode[Table],
	TableGrowth{}.Kind():  decode[TableGrowth],
	Plan{}.Kind():         decode[Plan],
	Filter{}.Kind():       decode[Filter],
	Traffic{}.Kind():      decode[Traffic],
	ClientUse{}.Kind():    decode[ClientUse],
	Attack{}.Kind():       decode[Attack],
	Probe{}.Kind():        decode[Probe],
	ErrorLine{}.Kind():    decode[ErrorLine],
	Site{}.Kind():         decode[Site],
	CronEvent{}.Kind():    decode[CronEvent],
	Owner{}.Kind():        decode[Owner],
	HookTable{}.Kind():    decode[HookTable],
	Schedule{}.Kind():     decode[Schedule],
	PathUse{}.Kind():      decode[PathUse],
	SessionUse{}.Kind():   decode[SessionUse],
	Outbound{}.Kind():     decode[Outbound],
	Change{}.Kind():       decode[Change],
	OptionUse{}.Kind():    decode[OptionUse],
}

func decode[T Fact](b cbor.RawMessage) (Fact, error) {
	var f T
	if err := lenient.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	return f, nil
}

// lenient takes texts that are no UTF-8: a client may send a user agent of any
// bytes, and one such line must not cost the facts around it.
var lenient = func() cbor.DecMode {
	m, err := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	if err != nil {
		panic(err) // the options above are constant
	}
	return m
}()

// Kinds returns the wire names of all facts, sorted.
func Kinds() []string {
	out := make([]string, 0, len(decoders))
	for k := range decoders {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Encode writes the records one after the other.
func Encode(w io.Writer, records []Record) error {
	enc := cbor.NewEncoder(w)
	for _, r := range records {
		b, err := cbor.Marshal(r.Fact)
		if err != nil {
			return fmt.Errorf("encode a fact of kind %s: %w", r.Fact.Kind(), err)
		}
		if err := enc.Encode(wire{Kind: r.Fact.Kind(), AtMs: r.At.UnixMilli(), Source: r.Source, Fact: b}); err != nil {
			return fmt.Errorf("encode a record: %w", err)
		}
	}
	return nil
}

// Decode reads records until the end of r. Facts of a kind that this version
// does not know are left out and counted: they come from a newer hirune.
// A record cut short ends the reading with an error; what came before it is
// returned with it.
func Decode(r io.Reader) (records []Record, unknown int, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, 0, fmt.Errorf("read records: %w", err)
	}
	fast := newScanner()
	for len(data) > 0 {
		rec, rest, ok := fast.record(data)
		if !ok {
			if rec, rest, err = slowRecord(data); err != nil {
				return records, unknown, err
			}
		}
		data = rest
		if rec.Fact == nil {
			unknown++
			continue
		}
		records = append(records, rec)
	}
	return records, unknown, nil
}

// slowRecord decodes one record of any form that CBOR allows. Its Fact is nil
// where the kind is unknown.
func slowRecord(data []byte) (Record, []byte, error) {
	var w wire
	rest, err := lenient.UnmarshalFirst(data, &w)
	if err != nil {
		return Record{}, nil, fmt.Errorf("decode a record: %w", err)
	}
	d, ok := decoders[w.Kind]
	if !ok {
		return Record{}, rest, nil
	}
	f, err := d(w.Fact)
	if err != nil {
		return Record{}, nil, fmt.Errorf("decode a fact of kind %s: %w", w.Kind, err)
	}
	return Record{At: time.UnixMilli(w.AtMs).UTC(), Source: w.Source, Fact: f}, rest, nil
}
