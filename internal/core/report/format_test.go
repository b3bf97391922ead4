package report

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
)

func TestValues(t *testing.T) {
	en := newPrinter(diagnose.Verdict{Outage: span(0, 10)}, Options{Loc: tokyo}, clean)
	ja := newPrinter(diagnose.Verdict{Outage: span(0, 10)}, Options{Loc: tokyo, Lang: Japanese}, clean)
	for _, c := range []struct {
		value  any
		en, ja string
	}{
		{diagnose.Count(1234567), "1,234,567", "1,234,567"},
		{diagnose.Count(999), "999", "999"},
		{diagnose.Share01(0.8), "80 %", "80%"},
		{diagnose.Share01(0), "0 %", "0%"},
		{diagnose.Share01(0.004), "0.4 %", "0.4%"},
		{diagnose.Share01(0.0001), "<0.1 %", "<0.1%"},
		{diagnose.Share01(0.9999), "99.9 %", "99.9%"},
		{diagnose.Share01(0.998), "99.8 %", "99.8%"},
		{diagnose.Share01(1), "100 %", "100%"},
		{diagnose.Share01(1.01), "100 %", "100%"},
		{diagnose.Bytes(1288490189), "1.2 GB", "1.2 GB"},
		{diagnose.Bytes(134217728), "128 MB", "128 MB"},
		{diagnose.Bytes(512), "512 B", "512 B"},
		{diagnose.Ms(21), "21 ms", "21ミリ秒"},
		{diagnose.Ms(16818), "16.8 s", "16.8秒"},
		{diagnose.Ms(999.9), "1 s", "1秒"},
		{secs(9.7), "9.7 s", "9.7秒"},
		{secs(59.97), "1 min", "1分"},
		{secs(160), "2 min 40 s", "2分40秒"},
		{secs(3600 + 300), "1 h 5 min", "1時間5分"},
		{secs(86400 * 2.125), "2 d 3 h", "2日3時間"},
		{diagnose.Number(6.44), "6.4", "6.4"},
		{diagnose.Number(0.05), "0.05", "0.05"},
		{at(5), "15:30:05", "15:30:05"},
		{at(86405), "21 Nov 15:30:05", "11月21日 15:30:05"},
		{at(86400 * 60), "19 Jan 2027 15:30:00", "2027年1月19日 15:30:00"},
		{"wp_x", "wp_x", "wp_x"},
	} {
		for p, want := range map[*printer]string{en: c.en, ja: c.ja} {
			got, known := p.value("x", c.value)
			if got = strings.ReplaceAll(got, nbsp, " "); got != want || !known {
				t.Errorf("value(%T %v) = %q, %v; want %q", c.value, c.value, got, known, want)
			}
		}
	}
}

func TestUnknownValues(t *testing.T) {
	p := newPrinter(diagnose.Verdict{}, Options{}, clean)
	for _, v := range []any{nil, "", diagnose.Count(-1), diagnose.Share01(-1), diagnose.Ms(-1), diagnose.Bytes(-1),
		diagnose.Number(math.NaN()), diagnose.Number(math.Inf(1)), time.Duration(-1), time.Time{}, []string{}} {
		if s, known := p.value("x", v); known {
			t.Errorf("value(%T %v) = %q, known; want unknown", v, v, s)
		}
	}
}

func TestZone(t *testing.T) {
	for _, c := range []struct {
		loc  *time.Location
		want string
	}{{nil, "UTC"}, {tokyo, "JST"}, {time.FixedZone("+0330", 12600), "UTC+0330"}} {
		p := newPrinter(diagnose.Verdict{}, Options{Loc: c.loc}, clean)
		if got := p.zone(at(0)); got != c.want {
			t.Errorf("zone in %v = %q, want %q", c.loc, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		w    int
		want []string
	}{
		{"aa bb cc", 5, []string{"aa bb", "cc"}},
		{"", 5, []string{""}},
		{"abcdefgh", 5, []string{"abcde", "fgh"}},
		{"日本語です。", 10, []string{"日本語で", "す。"}},
		{"日本語。", 6, []string{"日本", "語。"}},
		{"表 wp_x を読む", 8, []string{"表 wp_x", "を読む"}},
		{"（日本）語", 6, []string{"（日", "本）語"}},
	} {
		got := wrap(c.in, c.w)
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.in, c.w, got, c.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("日本語。 abc（x）", 7)
	f.Add("a  b", 2)
	f.Fuzz(func(t *testing.T, s string, w int) {
		if w < 4 || w > 200 || len(s) > 2000 {
			return
		}
		s = clean(s, 500)
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		lines := wrap(s, w)
		if got := squeeze(strings.Join(lines, "")); got != squeeze(s) {
			t.Errorf("wrap(%q, %d) lost text: %q", s, w, lines)
		}
		for _, l := range lines {
			if cells(l) > w {
				t.Errorf("wrap(%q, %d): line of %d cells %q", s, w, cells(l), l)
			}
		}
	})
}

func TestFirstScreenKeepsTheTurningStep(t *testing.T) {
	got := text(t, purgeVerdict(), options(English))
	for _, want := range []string{"CPU capped", "Deleted rows are still being removed", "PHP workers all busy", "Visitors wait"} {
		if !strings.Contains(got, want) {
			t.Errorf("the first screen does not say %q:\n%s", want, got)
		}
	}
}

func TestColourOnlyWhenAsked(t *testing.T) {
	o := options(English)
	for name, v := range verdicts() {
		o.Color = false
		plain := text(t, v, o)
		if strings.Contains(plain, "\x1b") {
			t.Errorf("%s: an escape without colour", name)
		}
		o.Color = true
		colour := text(t, v, o)
		if stripped := sgr.ReplaceAllString(colour, ""); stripped != plain || colour == plain {
			t.Errorf("%s: colour changes more than colour:\n%s\n%s", name, stripped, plain)
		}
	}
}

func TestASCII(t *testing.T) {
	o := options(English)
	o.ASCII = true
	for name, v := range verdicts() {
		for _, verbose := range []bool{false, true} {
			o.Verbose = verbose
			for _, r := range text(t, v, o) {
				if r >= 0x80 {
					t.Errorf("%s: %q in ASCII output", name, r)
				}
			}
		}
	}
}

func TestTimelineMarksTheOutage(t *testing.T) {
	v := purgeVerdict()
	v.Outage = span(-100, -50)
	p := newPrinter(v, options(English), clean)
	lines := p.timeline(labelCells, 60)
	axis := lines[len(lines)-1]
	from, to := strings.Index(axis, "━"), strings.LastIndex(axis, "━")
	if from < 0 || to <= from || !strings.HasSuffix(axis, p.clock(p.zoom().To)) {
		t.Fatalf("axis %q does not mark the trouble", axis)
	}
}

func TestSampleKeepsPeaksAndGaps(t *testing.T) {
	s := diagnose.Series{Unit: "ms", From: at(0), Step: time.Second, Values: make([]float64, 100)}
	for i := range s.Values {
		s.Values[i] = 1
		if i >= 50 && i < 70 {
			s.Values[i] = -1
		}
	}
	s.Values[33] = 900
	got, ok := sample(s, span(0, 100), 10)
	if !ok || got[3] != 900 || got[5] != -1 || got[6] != -1 || got[7] != 1 {
		t.Errorf("sample = %v, %v", got, ok)
	}
}

func TestDropOrder(t *testing.T) {
	link := func(role string, cpu float64) diagnose.Link {
		return diagnose.Link{Role: role, Share: diagnose.Share{DatabaseTime: -1, CPU: cpu, WorkerTime: -1}}
	}
	chain := []diagnose.Link{link(diagnose.RoleCause, 0.1), link(diagnose.RoleStep, 0.9), link(diagnose.RoleStep, -1),
		link(diagnose.RoleStep, 0.2), link(diagnose.RoleEffect, -1), link(diagnose.RoleEffect, -1), link(diagnose.RoleEffect, -1)}
	got, want := dropOrder(chain), []int{6, 5, 3, 1, 2}
	if !slices.Equal(got, want) {
		t.Errorf("dropOrder = %v, want %v: later effects, then steps by share, those without one last", got, want)
	}
}
