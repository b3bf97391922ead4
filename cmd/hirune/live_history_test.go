package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
)

// pastOf is what looks at a log of so many lines, a small piece in each beat.
func pastOf(t *testing.T, lines int) *eyes {
	t.Helper()
	path := filepath.Join(t.TempDir(), "access.log")
	var text strings.Builder
	for i := range lines {
		at := time.Now().Add(time.Duration(i-lines) * time.Second)
		fmt.Fprintf(&text, "192.0.2.1 - - [%s] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n", at.Format("02/Jan/2006:15:04:05 -0700"))
	}
	must(t, os.WriteFile(path, []byte(text.String()), 0o600))
	found := discover.Found{WebServers: []discover.WebServer{{Service: evidence.ServiceApache, AccessLogs: []discover.AccessLog{{Path: path}}}}}
	e := &eyes{traffic: collectors.NewTraffic(func() discover.Found { return found })}
	e.traffic.HistoryBytes = 64 << 10
	t.Cleanup(func() { must(t, e.traffic.Close()) })
	e.traffic.HistoryDays = 3
	return e
}

func TestThePastOfTheLogsIsReadBeforeTheVerdict(t *testing.T) {
	a, _ := quietApp(t)
	const lines = 60_000 // several pieces
	e := pastOf(t, lines)
	e.traffic.HistoryBytes = 1 << 10
	first := a.glanceAt(t, e)
	e.traffic.HistoryBytes = 64 << 10
	if e.traffic.HistoryDone() {
		t.Fatal("the past was read at a glance: the log is too short for this test")
	}
	rest := a.restOfLogs(t.Context(), e)
	var requests int64
	for _, r := range append(first, rest...) {
		switch f := r.Fact.(type) {
		case evidence.Traffic:
			if f.FromHist {
				requests += f.Requests
			}
		case evidence.Unseen:
			t.Errorf("got %+v", f)
		}
	}
	if !e.traffic.HistoryDone() || requests != lines {
		t.Errorf("done %t, %d requests of %d", e.traffic.HistoryDone(), requests, lines)
	}
}

func TestCtrlCEndsTheReadingOfThePast(t *testing.T) {
	a, _ := quietApp(t)
	e := pastOf(t, 60_000)
	e.traffic.HistoryBytes = 1
	a.glanceAt(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := a.restOfLogs(ctx, e); got != nil || e.traffic.HistoryDone() {
		t.Errorf("got %d facts, done %t; want none: it was interrupted", len(got), e.traffic.HistoryDone())
	}
}

// glanceAt asks the collector of requests once.
func (a *app) glanceAt(t *testing.T, e *eyes) (out []evidence.Record) {
	t.Helper()
	must(t, e.traffic.Collect(t.Context(), collect.NewBeat(time.Now(), "traffic", func(r evidence.Record) { out = append(out, r) })))
	return out
}
