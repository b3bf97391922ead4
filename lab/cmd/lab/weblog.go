package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"hirune/lab/weblog"
)

const weblogUsage = `lab weblog writes an access log of a site with visitors, machines, staff and attacks, and what it holds as JSON beside it.

  --out FILE       the log; FILE.json says what it holds ("-": stdout, and the JSON on stderr)
  --lines N        (5000000)
  --seed N         (1)
  --clients N      visitors to draw from (one for 60 lines)
  --format NAME    combined, timed (with %D), vhost_combined, nginx-timed
  --span DURATION  that the lines are spread over (168h)
  --ipv6 SHARE     of the visitors (0.2)
  --attacks NAMES  with commas; none (all)
`

// writeWeblog is the verb weblog.
func writeWeblog(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var o weblog.Options
	set := flag.NewFlagSet("weblog", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() { fmt.Fprint(stderr, weblogUsage) }
	out := set.String("out", "", "")
	set.Int64Var(&o.Lines, "lines", 5_000_000, "")
	set.Uint64Var(&o.Seed, "seed", 1, "")
	set.IntVar(&o.Clients, "clients", 0, "")
	set.StringVar(&o.Format, "format", "combined", "")
	set.DurationVar(&o.Span, "span", 0, "")
	set.Float64Var(&o.IPv6, "ipv6", 0, "")
	set.StringVar(&o.Attacks, "attacks", "", "")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *out == "" || set.NArg() > 0 {
		fmt.Fprint(stderr, weblogUsage)
		return errors.New("name the log with --out FILE")
	}
	to := stdout
	if *out != "-" {
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		to = f
	}
	truth, err := weblog.Write(ctx, to, o)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	if err := e.Encode(truth); err != nil {
		return err
	}
	if *out == "-" {
		_, err = stderr.Write(text.Bytes())
		return err
	}
	return os.WriteFile(*out+".json", text.Bytes(), 0o644)
}
