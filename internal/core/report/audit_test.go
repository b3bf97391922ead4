package report

import (
	"bytes"
	"encoding/json"
	"sort"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/audit"
	"hirune/internal/core/diagnose"
)

func TestEverySayingOfTheAuditHasWords(t *testing.T) {
	for id, params := range audit.Sayings() {
		want := append([]string{}, params...)
		sort.Strings(want)
		for _, lang := range []string{English, Japanese} {
			w, ok := catalogue(lang)["claim."+id]
			if got := holes(w); !ok || strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s %s: placeholders %v, parameters %v", lang, id, got, want)
			}
		}
	}
}

func auditOfTwo() audit.Report {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return audit.Report{
		At: at,
		Risks: []audit.Risk{
			{ID: "xmlrpc-open", When: audit.When{Kind: audit.Already}, Say: diagnose.Say("risk-xmlrpc", "per_day", diagnose.Count(4000)), Remedies: []string{"close-xmlrpc"}},
			{ID: "lock-memory", When: audit.When{Kind: audit.OnDate, At: at.Add(51 * 24 * time.Hour)}, Remedies: []string{"purge", "close-xmlrpc"},
				Say:      diagnose.Say("risk-lock-memory", "table", "wp_x\x1b[31m", "limit", diagnose.Count(4_790_000), "pool", diagnose.Bytes(128<<20)),
				Evidence: []diagnose.Sentence{diagnose.Say("audit-table", "table", "wp_x", "bytes", diagnose.Bytes(1<<30), "rows", diagnose.Count(300_000), "per_day", diagnose.Number(-1), "oldest", time.Time{})}},
		},
		Unknown: []diagnose.Sentence{diagnose.Say("unknown-plan")},
	}
}

func TestAuditText(t *testing.T) {
	for lang, want := range map[string][]string{
		English:  {"Already so", "Around 12 Jan 2027, in 51 days", "4,000 calls a day", "wp_x: 300,000 rows, 1 GB.", "→ Close xmlrpc.php if you do not need it", "Not known", "--baseline"},
		Japanese: {"すでに発生", "2027年1月12日ごろ（51日後）", "→ 不要なら xmlrpc.php を閉じる", "分からないこと"},
	} {
		var b bytes.Buffer
		if err := AuditText(&b, auditOfTwo(), Options{Lang: lang, Width: 100}); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: %q is missing in\n%s", lang, w, b.String())
			}
		}
		if strings.Contains(b.String(), "\x1b[31m") || strings.Count(b.String(), "→") != 2 {
			t.Errorf("%s: hostile text, or a remedy twice:\n%s", lang, b.String())
		}
	}
	var b bytes.Buffer
	if err := AuditText(&b, audit.Report{}, Options{}); err != nil || !strings.Contains(b.String(), "Nothing was found") {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestAuditJSON(t *testing.T) {
	var b bytes.Buffer
	if err := AuditJSON(&b, auditOfTwo()); err != nil {
		t.Fatal(err)
	}
	var d AuditDocument
	if err := json.Unmarshal(b.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Schema != 1 || len(d.Risks) != 2 || d.Risks[0].Date != nil || d.Risks[1].Date == nil || d.Risks[1].Claim.ID != "risk-lock-memory" || len(d.Unknown) != 1 {
		t.Errorf("got %s", b.String())
	}
}
