package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"hirune/lab/scenario"
	"hirune/lab/siege"
)

// besiege is the verb siege.
func besiege(ctx context.Context, all []scenario.Scenario, f flags, stdout, stderr io.Writer) error {
	sc, err := find(all, "healthy")
	if err != nil {
		return err
	}
	path, err := f.binary()
	if err == nil && path == "" {
		err = errors.New("this is about hirune: give --hirune PATH")
	}
	if err != nil {
		return err
	}
	out, err := siege.Lay(ctx, sc, siege.Options{Hirune: path, Out: f.out, Keep: f.keep, Web: f.web, Seed: f.seed}, stderr)
	if err != nil {
		return err
	}
	if f.asJSON {
		err = json.NewEncoder(stdout).Encode(out)
	} else {
		out.Print(stdout)
		_, err = fmt.Fprintf(stdout, "  see %s\n", f.out)
	}
	if err == nil && len(out.Wrong) > 0 {
		err = errWrong
	}
	return err
}
