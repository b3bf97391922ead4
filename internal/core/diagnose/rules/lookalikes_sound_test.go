package rules

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// scenes are all of the look-alikes, and one outage of each cause.
func scenes() map[string][]evidence.Record {
	out := map[string][]evidence.Record{
		"case 0": caseZero(purgeFacts()...), "case 0, stolen": caseZeroStolen(), "locked out": lockedOut(true, false),
		"search flood": flooded(evidence.ClassSearch), "log-in flood": flooded(evidence.ClassXMLRPC),
		"purge taken back": purgeTakenBack(), "purge that nobody saw": purgeThatNobodySaw(),
		"capped before": cappedBefore(), "errors all along": errorsAllAlong(), "pool of one": poolOfOne(),
		"wrapped column": wrappedColumn(), "server that tells less": mysqlTellsLess(), "absurd interval": absurdInterval(1 << 55),
		"staging stopped": stagingDatabaseStopped(), "two sites": sameTableOnTwoSites(), "two tables": locksOnTwoTables(),
		"time-outs": siteThatTimesOut(), "own database down": siteWithoutItsDatabase(), "no witness": downWithoutWitness(),
		"an update that fails": changedAt(everyPageFails(50, itsFile), 49, updated(slotsPlugin)), "an update at work": changedAt(everyViewAlters(50, "ALTER", slotsAlter, "source"), 45, updated(slotsPlugin)),
		"pages by one client": hammeredByOne(), "readers": rushed(70, nobodyMuch, askedFor(articles)),
		"quiet": scene(120, func(int, *second) {}), "one second": scene(1, func(int, *second) {}), "nothing": nil,
	}
	maps.Copy(out, hostScenes())
	for _, set := range [][]lookalike{innocents(), oddRecordings(), quietOddities()} {
		for _, c := range set {
			out[c.name] = c.records
		}
	}
	for _, c := range suspects() {
		out[c.id+": "+c.why] = c.records
	}
	maps.Copy(out, fatalScenes())
	maps.Copy(out, workerScenes())
	maps.Copy(out, locksScenes())
	maps.Copy(out, demandScenes())
	maps.Copy(out, queryScenes())
	return out
}

// No number of a verdict is out of the world, and nothing in a chain begins
// before its cause or ends before it began.
func TestVerdictsAreSound(t *testing.T) {
	accused := map[string]bool{}
	for name, records := range scenes() {
		v := verdict(records)
		for _, at := range badNumbers(reflect.ValueOf(v), "verdict") {
			t.Errorf("%s: %s is no number", name, at)
		}
		for _, f := range v.Causes {
			accused[f.Rule] = true
		}
		if (len(v.Chain) == 0) != (len(v.Causes) == 0) {
			t.Errorf("%s: got %d links of a chain for %d causes", name, len(v.Chain), len(v.Causes))
		}
		for i, l := range v.Chain {
			if (l.Role == diagnose.RoleCause) != (i == 0) {
				t.Errorf("%s: link %d, %s, is a %s; want the cause first and alone", name, i, l.ID, l.Role)
			}
			if l.Span.From.Before(v.Causes[0].Active.From) || l.Span.To.Before(l.Span.From) {
				t.Errorf("%s: %s at %v to %v of a cause at %v", name, l.ID, l.Span.From, l.Span.To, v.Causes[0].Active.From)
			}
		}
	}
	for _, r := range All() {
		if !accused[r.ID] {
			t.Errorf("no scene in which %s is accused: its findings were not looked at", r.ID)
		}
	}
}

// badNumbers returns where in a value a number is NaN or infinite.
func badNumbers(v reflect.Value, path string) []string {
	var out []string
	switch v.Kind() {
	case reflect.Float64, reflect.Float32:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return []string{path}
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return badNumbers(v.Elem(), path)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return nil
		}
		for i := range v.NumField() {
			out = append(out, badNumbers(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			out = append(out, badNumbers(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			out = append(out, badNumbers(v.MapIndex(k), fmt.Sprintf("%s[%v]", path, k))...)
		}
	default: // holds no fractions
	}
	return out
}

func TestBadNumbersAreFoundAnywhere(t *testing.T) {
	v := diagnose.Verdict{
		Visitors: diagnose.Visitors{QuietMs: math.NaN()},
		WhyNow:   &diagnose.Growth{PerDay: math.Inf(1)},
		Notes:    []diagnose.Sentence{diagnose.Say("x", "share", diagnose.Share01(math.NaN()), "n", diagnose.Count(1))},
		Series:   []diagnose.Series{{Values: []float64{1, math.Inf(-1)}}},
	}
	if got := badNumbers(reflect.ValueOf(v), "verdict"); len(got) != 4 {
		t.Errorf("got %v, want the 4 that are there", got)
	}
}
