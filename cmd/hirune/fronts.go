package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/discover"
)

const (
	frontsWithin = 3 * time.Second // to compare the logs
	frontsEvery  = 5 * time.Minute // that is looked at anew: a server may have stopped logging
)

// markFronts finds the web servers to which another one on this host hands all
// requests, and marks those of which the logs prove it: the requests are in both.
// Only the logs in front are counted then. Where too few requests came to say, all
// stays as it was.
func markFronts(ctx context.Context, f *discover.Found, now time.Time) {
	pairs := f.Fronts()
	if len(pairs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, frontsWithin)
	defer cancel()
	for back, fronts := range pairs {
		var before []accesslog.PairLog
		var names []string
		for _, i := range fronts {
			before = append(before, pairLogs(f.WebServers[i])...)
			names = append(names, f.WebServers[i].Instance)
		}
		logs := pairLogs(f.WebServers[back])
		all, proved := len(logs) > 0 && len(before) > 0, 0
		for _, l := range logs {
			twice, known := accesslog.Pair(ctx, l, before, now, time.Local)
			if all = all && (twice || !known); twice {
				proved++
			}
		}
		switch {
		case !all:
			f.WebServers[back].Behind = ""
		case proved > 0: // a log of a site that nobody visits proves nothing
			f.WebServers[back].Behind = strings.Join(names, ", ")
		}
	}
}

func pairLogs(w discover.WebServer) []accesslog.PairLog {
	var out []accesslog.PairLog
	for _, l := range w.AccessLogs {
		if !l.Gzip {
			out = append(out, accesslog.PairLog{Path: l.Path, Format: l.Format})
		}
	}
	return out
}

// leftOut says that the logs of a web server are not counted.
func (a *app) leftOut(w discover.WebServer) {
	for _, l := range w.AccessLogs {
		fmt.Fprintf(a.err, "%s is left out: its requests are in the log of %s too, which stands before %s\n", safe(l.Path), safe(w.Behind), safe(w.Instance))
	}
}
