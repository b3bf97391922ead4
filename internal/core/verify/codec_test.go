package verify_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/verify"
)

func TestTheJournalGivesAnOutcomeBack(t *testing.T) {
	want := verify.Judge(purgeIn(scene(whole, nothing)))
	want.Says = append(want.Says, diagnose.Say("x", "s", "text", "c", diagnose.Count(3), "h", diagnose.Share01(0.5), "b", diagnose.Bytes(9), "m", diagnose.Ms(1.5), "n", diagnose.Number(2), "d", time.Minute, "t", at(7)))
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got verify.Outcome
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := json.Marshal(verify.Outcome{Says: []diagnose.Sentence{diagnose.Say("x", "a", struct{}{})}}); err == nil {
		t.Error("a parameter that cannot be read back was written")
	}
	if err := json.Unmarshal([]byte(`{"Status":"cured","Says":[{"id":"x","args":{"a":{"t":"newer","v":1},"b":{"t":"count","v":2}}}]}`), &got); err != nil || len(got.Says) != 1 || !reflect.DeepEqual(got.Says[0], diagnose.Say("x", "b", diagnose.Count(2))) {
		t.Errorf("of a newer version: got %+v, %v", got, err)
	}
	if json.Unmarshal([]byte(`{"Says":[{"id":"x","args":{"b":{"t":"count","v":"two"}}}]}`), &got) == nil {
		t.Error("a damaged parameter was read")
	}
}
