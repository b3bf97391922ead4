package tape

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

// told is history as text, one fact each: hours from t0, who, how many.
func told(t *testing.T, path string) string {
	t.Helper()
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rs, st, err := r.History()
	if err != nil || len(st.Damaged) > 0 {
		t.Fatalf("history: %+v, %v", st, err)
	}
	var out []string
	for _, r := range rs {
		h := r.At.Sub(t0.Truncate(time.Hour)).Hours()
		switch f := r.Fact.(type) {
		case evidence.Traffic:
			out = append(out, fmt.Sprintf("%.2g:%s=%d", h, f.Site, f.Requests))
		case evidence.ClientUse:
			out = append(out, fmt.Sprintf("%.2g:%s/%s=%d", h, f.Site, f.Client, f.Requests))
		case evidence.ErrorLine:
			out = append(out, fmt.Sprintf("%.2g:%s*%d", h, f.ID, f.Count))
		}
	}
	return strings.Join(out, " ")
}

func TestEachHourOfHistoryIsToldOnceHoweverOftenTheRecorderStarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	traffic := func(site string, n int64) evidence.Traffic {
		return evidence.Traffic{Site: site, Class: evidence.ClassPage, OverMs: 3600e3, Requests: n, FromHist: true}
	}
	t0 := t0.Truncate(time.Hour)
	session := func(start time.Time, rs ...evidence.Record) {
		w, err := OpenWriter(path, Options{Now: start})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rs { // each in a commit of its own: a part of the history at a time
			_ = w.Append([]evidence.Record{r, {At: start, Fact: evidence.Host{CPUs: 2}}})
			if err := w.Commit(start.Add(time.Duration(i) * time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	at := func(h float64, f evidence.Fact) evidence.Record {
		return evidence.Record{At: t0.Add(time.Duration(h * float64(time.Hour))), Fact: f}
	}
	session(t0.Add(90*time.Minute), // in the middle of an hour
		at(-1, traffic("a", 10)), at(0, traffic("a", 20)), at(0, traffic("a", 5)), // two logs of one site
		at(1.5, traffic("a", 3)),
		at(0, evidence.ErrorLine{ID: "oom", Count: 1, FromHist: true}))
	session(t0.Add(4*time.Hour),
		at(0, traffic("a", 20)), at(0, traffic("a", 5)), at(2, traffic("a", 30)), at(2, traffic("b", 1)),
		at(0, evidence.ClientUse{Site: "a", Class: evidence.ClassPage, Client: "k", Requests: 9, FromHist: true}),
		at(0, evidence.ErrorLine{ID: "oom", Count: 1, FromHist: true}))
	want := "-1:a=10 0:a=20 0:a=5 0:a/k=9 0:oom*1 2:a=30 2:b=1"
	if got := told(t, path); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHistoryStaysWithinItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	noise := make([]byte, 3000)
	for i := range 3 * historyKept / len(noise) / 100 {
		var rs []evidence.Record
		for j := range 100 {
			for k := range noise {
				noise[k] = "0123456789abcdef"[(i*7919+j*104729+k*k*31+k*i)%16]
			}
			rs = append(rs, evidence.Record{At: t0.Add(-time.Duration(i) * time.Hour), Fact: evidence.ErrorLine{ID: "x", Message: string(noise), FromHist: true}})
		}
		_ = w.Append(append(rs, evidence.Record{At: second(i), Fact: evidence.Host{CPUs: 1}}))
		if err := w.Commit(t0.Add(time.Duration(i) * 2 * time.Hour)); err != nil { // hours apart: the small tables are tidied once an hour
			t.Fatal(err)
		}
	}
	var kept, rows int64
	if err := w.db.QueryRowContext(t.Context(), "SELECT sum(length(data)), count(*) FROM history").Scan(&kept, &rows); err != nil {
		t.Fatal(err)
	}
	if kept > historyKept*5/4 || rows == 0 {
		t.Errorf("%d bytes in %d rows are kept, want about %d", kept, rows, historyKept)
	}
}

// The file was written by the hirune that made schema 1.
func TestATapeOfSchema1IsReadAndGoneOnWith(t *testing.T) {
	b, err := os.ReadFile("testdata/recorded-by-schema-1.hirune")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tape")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	span, err := r.Span()
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	records := func() ([]evidence.Record, Stats) {
		r, err := OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		out, st, err := r.Records(span.From, span.To.Add(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return out, st
	}
	old, st := records()
	if len(old) < 20 || len(st.Damaged) > 0 {
		t.Fatalf("got %d facts, %+v; want at least 20", len(old), st)
	}
	if got := told(t, path); got != "" {
		t.Errorf("history: %s, want none", got)
	}
	now := old[len(old)-1].At.Add(time.Hour)
	w, err := OpenWriter(path, Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Append([]evidence.Record{{At: now, Fact: evidence.Host{CPUs: 9}}, {At: t0, Fact: evidence.Traffic{Site: "a", Requests: 7, FromHist: true}}})
	if err := errors.Join(w.Commit(now), w.Close()); err != nil {
		t.Fatal(err)
	}
	got, st := records()
	if len(got) != len(old)+1 || len(st.Damaged) > 0 || !strings.HasSuffix(told(t, path), ":a=7") {
		t.Errorf("got %d facts and the history %q, want %d and one", len(got), told(t, path), len(old)+1)
	}
}

func TestMinutesTellHowVisitorsFared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 180 {
		p := evidence.Probe{Site: "a", Status: 200, TookMs: 50}
		if i >= 60 && i < 120 {
			p.Status = 503
		}
		rs := []evidence.Record{{At: second(i), Fact: evidence.Host{CPUs: 1}}}
		if i < 120 {
			rs = append(rs, evidence.Record{At: second(i), Fact: p})
		}
		_ = w.Append(rs)
		if err := w.Commit(second(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ms, err := r.Minutes(t0, second(3600))
	if err != nil || len(ms) < 3 {
		t.Fatalf("got %d minutes, %v; want 3", len(ms), err)
	}
	if ms[0].ProbeMs != 50 || ms[0].ProbesFailed > 1 || ms[1].ProbesFailed < 50 || ms[len(ms)-1].ProbeMs != -1 {
		t.Errorf("got %+v", ms)
	}
	if ms, err := r.Minutes(second(3600), second(7200)); err != nil || len(ms) != 0 {
		t.Errorf("after the recording: got %d minutes, %v", len(ms), err)
	}
}
