package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
)

func decode(t *testing.T, v diagnose.Verdict) map[string]any {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, v); err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, b.Bytes())
	}
	return out
}

// lists are the arrays of the schema with the keys that each element must have.
var lists = map[string][]string{
	"causes": {"id", "confidence", "subject", "origin", "share"}, "chain": {"id", "role", "from", "to"},
	"rejected": {"id", "metric", "baseline", "window"}, "unseen": {"source", "hint"}, "remedies": nil,
	"episodes": {"from", "to"}, "surer": {"id", "args"}, "notes": {"id", "args"}, "series": {"id", "unit", "values"},
}

func TestJSONHasTheSchema(t *testing.T) {
	all := verdicts()
	all["zero"] = diagnose.Verdict{Status: diagnose.CannotJudge}
	for name, v := range all {
		d := decode(t, v)
		if d["schema"] != 1.0 || d["status"] != string(v.Status) {
			t.Errorf("%s: schema %v, status %v", name, d["schema"], d["status"])
		}
		window, ok := d["window"].(map[string]any)
		if !ok || len(window) != 2 {
			t.Errorf("%s: window %v", name, d["window"])
		}
		if _, ok := d["recurrence"]; !ok {
			t.Errorf("%s: no recurrence", name)
		}
		for key, fields := range lists {
			list, ok := d[key].([]any)
			if !ok {
				t.Errorf("%s: %s is %v, want a list", name, key, d[key])
			}
			for _, x := range list {
				for _, f := range fields {
					if _, ok := x.(map[string]any)[f]; !ok {
						t.Errorf("%s: %s without %s: %v", name, key, f, x)
					}
				}
			}
		}
	}
}

func TestJSONValues(t *testing.T) {
	d := decode(t, purgeVerdict())
	cause := d["causes"].([]any)[0].(map[string]any)
	share := cause["share"].(map[string]any)
	if share["database_time"] != 0.98 || share["cpu"] != 0.46 {
		t.Errorf("share = %v", share)
	}
	if s := cause["subject"].(map[string]any); s["table"] != auditTable || s["session"] != nil || len(s) != 3 {
		t.Errorf("subject = %v, want schema, table and column only", s)
	}
	if r := d["recurrence"].(map[string]any); r["next"] != "2026-11-21T06:30:05Z" || r["at"] != "15:30:05" || r["schedule"] != "daily" {
		t.Errorf("recurrence = %v", r)
	}
	link := d["chain"].([]any)[0].(map[string]any)
	if link["from"] != "2026-11-20T06:30:05Z" || link["role"] != "cause" || link["id"] != "purge-without-index" {
		t.Errorf("chain begins with %v", link)
	}
	idle := decode(t, idleVerdict())["causes"].([]any)[0].(map[string]any)["share"].(map[string]any)
	if v, ok := idle["cpu"]; !ok || v != nil {
		t.Errorf("an unknown share is %v, want null", idle)
	}
}

func TestJSONOfOddNumbers(t *testing.T) {
	v := purgeVerdict()
	v.Rejected[0].Baseline, v.Rejected[0].Window = math.NaN(), math.Inf(1)
	v.Causes[0].Confidence = math.NaN()
	v.Causes[0].Claim.Args["running"] = diagnose.Number(math.Inf(-1))
	v.Chain[0].Span.From = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	d := decode(t, v)
	if r := d["rejected"].([]any)[0].(map[string]any); r["baseline"] != nil || r["window"] != nil {
		t.Errorf("not a number is %v, want null", r)
	}
	if l := d["chain"].([]any)[0].(map[string]any); l["from"] != nil {
		t.Errorf("a time beyond RFC 3339 is %v, want null", l["from"])
	}
}

func TestJSONIsStable(t *testing.T) {
	var a, b bytes.Buffer
	if err := errors.Join(JSON(&a, purgeVerdict()), JSON(&b, purgeVerdict())); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Error("two runs differ")
	}
}

func TestParseJSON(t *testing.T) {
	for name, v := range verdicts() {
		var b bytes.Buffer
		if err := JSON(&b, v); err != nil {
			t.Fatal(err)
		}
		d, err := ParseJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if d.Status != v.Status || len(d.Causes) != len(v.Causes) || (d.Outage == nil) != v.Outage.Zero() {
			t.Errorf("%s: came back as %+v", name, d)
		}
		if d.Outage != nil && !d.Outage.From.Equal(v.Outage.From) {
			t.Errorf("%s: outage from %v, want %v", name, d.Outage.From, v.Outage.From)
		}
	}
	for _, bad := range []string{"", "{}", "[]", `{"schema":1}`, `{"schema":0,"status":"healthy"}`} {
		if _, err := ParseJSON(strings.NewReader(bad)); err == nil {
			t.Errorf("ParseJSON(%q): no error", bad)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestWriterErrorsAreReturned(t *testing.T) {
	v := purgeVerdict()
	for name, err := range map[string]error{
		"text": Text(broken{}, v, Options{}), "markdown": Markdown(broken{}, v, Options{}), "json": JSON(broken{}, v)} {
		if err == nil {
			t.Errorf("%s: no error from a broken writer", name)
		}
	}
}

func TestSummary(t *testing.T) {
	unmeasured := notProvenVerdict()
	unmeasured.Visitors = diagnose.Visitors{StillGoing: true}
	for _, c := range []struct {
		v    diagnose.Verdict
		lang string
		want string
	}{
		{unmeasured, English, "20 Nov 2026 15:30:15–15:32:55 JST: the site was in trouble, and still is. The cause is not proven."},
		{purgeVerdict(), English, "20 Nov 2026 15:30:15–15:32:55 JST: the site was slow and partly down, and still is. The cause is proven (97 %). A clean-up job that reads a whole table"},
		{healthyVerdict(), English, "Healthy: no outage, and nothing that points to one."},
		{healthyVerdict(), Japanese, "正常：障害はなく、その兆しも見つかりませんでした。"},
		{blindVerdict(), English, "Cannot judge: too little was seen to say how the site is."},
		{notProvenVerdict(), Japanese, "2026年11月20日 15:30:15～15:32:55 JST：サイトが遅く、一部は表示不能でした（継続中）。原因は未特定。"},
	} {
		if got := Summary(c.v, options(c.lang)); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
