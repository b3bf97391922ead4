package main

import (
	"os"
	"strings"
	"testing"

	"hirune/internal/edge/discover"
)

// The example that users copy is one that hirune takes.
func TestTheDocumentedConfigurationIsTaken(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```toml\n")
	example, _, ended := strings.Cut(rest, "```")
	if !ok || !ended {
		t.Fatal("docs/configuration.md has no example")
	}
	cfg, err := discover.ParseConfig(example)
	if err != nil || len(cfg.Databases) != 1 || len(cfg.Ignore.Sites) != 1 {
		t.Errorf("got %+v, err %v", cfg, err)
	}
}
