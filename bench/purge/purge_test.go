package main

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"hirune/lab/load"
)

func TestFlagsAreHeldToWhatThereIs(t *testing.T) {
	o, err := parse([]string{"--methods", "none,single", "--rows", "1000", "--out", "x"}, io.Discard)
	if err != nil || !reflect.DeepEqual(o.methods, []string{"none", "single"}) || o.rows != 1000 || !strings.HasPrefix(o.out, "/") {
		t.Errorf("got %+v, %v", o, err)
	}
	if _, err := parse([]string{"--methods", "magic"}, io.Discard); err == nil {
		t.Error("an unknown method passes, want an error")
	}
}

func TestStatementsAreTheSameForTheSameSeed(t *testing.T) {
	a, b := statements(10, 40, time.Minute, 1), statements(10, 40, time.Minute, 1)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed gives other statements")
	}
	count := map[load.Kind]int{}
	for i, s := range a {
		count[s.Kind]++
		if i > 0 && s.At < a[i-1].At {
			t.Fatal("they are not in order of time")
		}
	}
	if count[insert] < 450 || count[insert] > 750 || count[read] < 2100 || count[read] > 2700 {
		t.Errorf("a minute has %v, want about 600 inserts and 2400 reads", count)
	}
}

func TestTableHasTheMediansAndWhatWentWrong(t *testing.T) {
	run := func(wall float64, failed int, wrong ...string) result {
		return result{Method: "single", WallS: wall, During: map[load.Kind]load.Figures{load.Page: {Sent: 10, Failed: failed, P50Ms: wall, P99Ms: 2 * wall}}, Wrong: wrong}
	}
	var b strings.Builder
	table(&b, options{methods: []string{"single"}, rows: 5, times: 3, pool: "1M", cap: 0.2}, []result{run(30, 1), run(10, 0, "a|b"), run(20, 2)})
	for _, want := range []string{"capped at 0.2 of a core", "| one DELETE | 20.0 |  |", "| 20 / 40 | 3 of 30 |", "| a/b |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", b.String(), want)
		}
	}
	if got := median(nil, func(result) float64 { return 1 }); got != 0 {
		t.Errorf("median of none: %g, want 0", got)
	}
}
