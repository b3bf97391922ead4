package collectors

import (
	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/errorlog"
)

// tracesMost is how many places of one beat are told apart.
const tracesMost = 40

// traces tells what PHP-FPM's slow log says of a beat: where its workers stood,
// equal places as one fact.
func (l *errorFile) traces(b *collect.Beat) error {
	var facts []evidence.ErrorLine
	r := errorlog.Traces{Each: func(x errorlog.Trace) {
		for i := range facts {
			if f := &facts[i]; f.ID == x.ID && f.File == x.File && f.Message == x.Call {
				f.Count++
				return
			}
		}
		if len(facts) < tracesMost {
			facts = append(facts, evidence.ErrorLine{Service: evidence.ServicePHP, Instance: l.instance, ID: x.ID, Count: 1, Message: x.Call, File: x.File})
		}
	}}
	_, err := l.tail.Read(errorBytes, r.Line)
	r.Flush()
	for _, f := range facts {
		b.Emit(f)
	}
	return err
}
