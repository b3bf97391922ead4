package main

import (
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"hirune/internal/core/hint"
	"hirune/internal/edge/discover"
)

// configFlag adds --config.
func (a *app) configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "config", "", "a TOML `FILE` that overrides what is found (default "+discover.DefaultConfig+", if it exists)")
	_ = c.MarkFlagFilename("config", "toml")
}

// config reads the override file. The default one need not exist; one that the
// user names has to.
func (a *app) config(path string) (discover.Config, error) {
	if path == "" {
		return discover.LoadConfig(discover.DefaultConfig)
	}
	if !exists(path) {
		return discover.Config{}, hint.Wrap(fmt.Errorf("read the configuration %s: %w", path, fs.ErrNotExist), "config-missing", "everything is found without one; leave --config out")
	}
	return discover.LoadConfig(path)
}
