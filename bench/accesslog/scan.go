package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/edge/accesslog"
)

// none counts hits and does nothing else: what reading and splitting alone cost.
type none struct{ hits int64 }

// Add implements accesslog.Sink.
func (n *none) Add(*attack.Hit) { n.hits++ }

// scan reads logs as hirune does, without the rest of it.
func scan(ctx context.Context, args []string, stdout io.Writer) error {
	set := flag.NewFlagSet("scan", flag.ContinueOnError)
	workers := set.Int("workers", 0, "")
	detect := set.Bool("detect", true, "")
	profile := set.String("profile", "", "")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	in := accesslog.ScanIn{Workers: *workers, NewSink: func() accesslog.Sink { return &none{} }, Loc: time.UTC, Stdin: os.Stdin}
	if *detect {
		in.NewSink = func() accesslog.Sink { return attack.NewTally(attack.Options{Seed: 1}) }
	}
	for _, path := range set.Args() {
		in.Logs = append(in.Logs, accesslog.ScanLog{Path: path, Named: true})
	}
	out := accesslog.Scan(ctx, in)
	var all *attack.Tally
	for _, s := range out.Sinks {
		t, ok := s.(*attack.Tally)
		switch {
		case !ok:
		case all == nil:
			all = t
		default:
			all.Merge(t)
		}
	}
	for _, l := range out.Logs {
		fmt.Fprintf(stdout, "%s: %d lines, %d rejected, %s to %s, %s\n", l.Path, l.Lines, l.Rejected, l.From.Format(time.DateTime), l.To.Format(time.DateTime), l.Format)
	}
	for _, err := range out.Failed {
		fmt.Fprintln(stdout, err)
	}
	if all == nil {
		return nil
	}
	p := all.Picture()
	fmt.Fprintf(stdout, "%d requests, %d clients, forgot %d\n", p.Total.Requests, p.Clients, p.Forgot)
	for _, a := range p.Attacks {
		fmt.Fprintf(stdout, "  %-24s %9d attempts %7d actors %s\n", a.ID, a.Attempts, a.ActorsTotal, a.Verdict)
	}
	for _, b := range p.Benign {
		fmt.Fprintf(stdout, "  %-24s %9d requests\n", b.ID, b.Requests)
	}
	return nil
}
