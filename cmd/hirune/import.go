package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/openmetrics"
	"hirune/internal/edge/tape"
)

// importFlags are what `hirune import` was asked for.
type importFlags struct {
	metrics, tape, instance string
}

func (a *app) importCmd() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import",
		Short: "Make a tape of what your monitoring has kept, to ask for the verdict",
		Long: `Make a tape of what your monitoring has kept, to ask for the verdict on a time before hirune recorded.

It reads OpenMetrics or Prometheus text in which each line has a timestamp, in any order, also compressed by gzip, and understands the metrics of
node_exporter and mysqld_exporter, and of the exporters of PHP-FPM, Apache, nginx, of blackbox_exporter and of process-exporter where they are
there. Monitoring does not see everything: the verdict says what is missing.`,
		Example: `  promtool tsdb dump-openmetrics /var/lib/prometheus/metrics2 > metrics.txt
  hirune import --openmetrics metrics.txt --tape old.hirune
  hirune diagnose --tape old.hirune`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.metrics == "" || f.tape == "" {
				return usage(cmd, "say what to read and which tape to make", "hirune import --openmetrics metrics.txt --tape old.hirune")
			}
			return a.importMetrics(cmd.Context(), f)
		},
	}
	c.Flags().StringVar(&f.metrics, "openmetrics", "", "the `FILE` of metrics to read; - reads standard input")
	c.Flags().StringVar(&f.tape, "tape", "", "the tape `FILE` to make")
	c.Flags().StringVar(&f.instance, "instance", "", "the host, where the file has several: the label instance, or its `NAME` without the port")
	_ = c.MarkFlagFilename("tape", "hirune")
	return c
}

func (a *app) importMetrics(ctx context.Context, f importFlags) (err error) {
	if exists(f.tape) {
		return hint.Wrap(fmt.Errorf("import to %s: %w", f.tape, os.ErrExist), "exists", "choose another name")
	}
	in, err := openMetrics(f.metrics)
	if err != nil {
		return err
	}
	defer in.Close()
	spareMemory()
	w := importing{path: f.tape}
	res, err := openmetrics.Import(ctx, in, openmetrics.Options{Instance: f.instance}, w.take)
	if err = errors.Join(err, w.close()); err != nil {
		return errors.Join(err, w.remove())
	}
	a.imported(res, f.tape)
	return nil
}

func openMetrics(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("read the metrics: %w", err), "no-metrics", "is the name right?")
	}
	if st, err := in.Stat(); err == nil && st.IsDir() {
		_ = in.Close()
		return nil, hint.Wrap(fmt.Errorf("read the metrics: %s is a folder", path), "no-metrics", "write its metrics to a file first: promtool tsdb dump-openmetrics "+path)
	}
	return in, nil
}

// importBatch is how much time goes into one block of the tape.
const importBatch = time.Minute

// importing writes facts to a tape, in the order of time.
type importing struct {
	path  string
	w     *tape.Writer
	batch []evidence.Record
	began time.Time
}

func (i *importing) take(r evidence.Record) (err error) {
	if i.w == nil {
		if i.w, err = tape.OpenWriter(i.path, tape.Options{Now: r.At, Version: version()}); err != nil {
			return err
		}
	}
	if i.began.IsZero() {
		i.began = r.At
	}
	if r.At.Sub(i.began) >= importBatch {
		if err := i.commit(r.At); err != nil {
			return err
		}
		i.began = r.At
	}
	i.batch = append(i.batch, r)
	return nil
}

func (i *importing) commit(at time.Time) error {
	err := i.w.Append(i.batch)
	i.batch = nil // the writer has it
	return errors.Join(err, i.w.Commit(at))
}

func (i *importing) close() error {
	if i.w == nil {
		return nil
	}
	return errors.Join(i.w.Append(i.batch), i.w.Close())
}

// remove takes away what an import that failed has written.
func (i *importing) remove() error {
	if i.w == nil {
		return nil
	}
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.Remove(i.path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// imported tells what was understood and what was not.
func (a *app) imported(res openmetrics.Result, to string) {
	fmt.Fprintf(a.err, "%d samples of %s, %s to %s: %d facts\n", res.Samples, safe(strings.Join(res.Instances, ", ")), stamp(res.From), stamp(res.To), res.Records)
	if res.Broken > 0 {
		fmt.Fprintf(a.err, "%s could not be read\n", count(int(res.Broken), "line"))
		for _, err := range res.First {
			fmt.Fprintf(a.err, "  %v\n", err)
		}
	}
	if res.Other > 0 {
		few := ""
		if n := min(len(res.Unknown), unknownNamed); n > 0 {
			few = ", such as " + safe(strings.Join(res.Unknown[:n], ", "))
		}
		fmt.Fprintf(a.err, "%d samples are of metrics that are of no use here%s\n", res.Other, few)
	}
	for _, m := range res.Missing {
		fmt.Fprintf(a.err, "nothing of %s was found\n", m)
	}
	fmt.Fprintf(a.err, "next: hirune diagnose%s\n", safe(tapeArg(to)))
}

// unknownNamed is how many metrics of no use are named.
const unknownNamed = 3
