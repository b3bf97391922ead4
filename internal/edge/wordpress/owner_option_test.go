package wordpress

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOptionOwner(t *testing.T) {
	dir := t.TempDir()
	plugin := filepath.Join(dir, "plugins", "trace-all")
	if err := os.MkdirAll(plugin, 0o755); err != nil {
		t.Fatal(err)
	}
	src := "<?php add_action('init', 'x'); $log = get_option('trace_all_log'); set_transient('facet_counts_' . $x, 1);"
	if err := os.WriteFile(filepath.Join(plugin, "trace-all.php"), []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	var s Sources
	if complete, err := s.Scan(t.Context(), dir, 1<<20); err != nil || !complete {
		t.Fatal(complete, err)
	}
	for name, want := range map[string]string{
		"trace_all_log": "trace-all", "_transient_facet_counts_9f3c": "trace-all", "_transient_timeout_facet_counts_a_b": "trace-all",
		"cron": "core", "_site_transient_update_plugins": "core", "widget_text": "core", "theme_mods_dark": "core",
		"_transient_wc_layered_nav_counts_pa": "woocommerce", "nobody_knows_this": "", "facet": "", "": "",
	} {
		if got := s.OptionOwner(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
