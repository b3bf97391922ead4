// Package scenarios holds the lab's scenario files, one outage or healthy twin each; package scenario reads them.
package scenarios

import "embed"

// Files are the scenario files, by name.
//
//go:embed *.toml
var Files embed.FS
