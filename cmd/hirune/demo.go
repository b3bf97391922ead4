package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/diagnose/rules"
	"hirune/internal/core/hint"
	"hirune/internal/edge/tape"
)

//go:embed demo
var bundled embed.FS

// demoTape is the bundled tape of a real outage; see demo/README.md.
const demoTape = "demo/case0.hirune"

func (a *app) demoCmd() *cobra.Command {
	var f form
	c := &cobra.Command{
		Use:   "demo",
		Short: "Replay the bundled tape of a real outage and print the verdict",
		Long: `Replay the bundled tape of a real outage of a real WordPress site, recorded by hirune in its own lab, and print the verdict.
It needs no server, no database and no rights.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.demo(f)
		},
	}
	a.formFlags(c, &f)
	return c
}

func (a *app) demo(f form) error {
	b, err := bundled.ReadFile(demoTape)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.Wrap(errors.New("no tape is bundled with this build"), "no-demo", "record one in the lab, as root: make tape")
	} else if err != nil {
		return fmt.Errorf("read the bundled tape: %w", err)
	}
	r, err := tape.OpenBytes(b)
	if err != nil {
		return err
	}
	defer r.Close()
	l, err := loadAll(r)
	if err != nil {
		return err
	}
	v := diagnose.Diagnose(l.window(), rules.All(), diagnose.Options{Loc: time.Local})
	if err := a.answer(v, f); err != nil {
		return err
	}
	if f.json || f.markdown {
		return nil
	}
	a.next("hirune demo --verbose", "all of the evidence",
		"hirune demo --lang ja", "the same in Japanese",
		a.sudo("hirune doctor"), "what can be seen on this server, and what cannot",
		a.sudo("hirune diagnose"), "the verdict on this server")
	return nil
}
