package wordpress

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

func putPart(t *testing.T, dir, name, text string) {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPartsOfASite(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"wp-includes/version.php":              "<?php $wp_version = '6.4.1';",
		"wp-content/plugins/index.php":         "<?php // silence",
		"wp-content/plugins/hello.php":         "<?php\n/* Plugin Name: Hello\n Version: 1.7\n*/",
		"wp-content/plugins/slots/a-first.php": "<?php // nothing",
		"wp-content/plugins/slots/main.php":    "<?php\n/*\nPlugin Name: Slots\nVersion: 1.4.0\n*/",
		"wp-content/plugins/slots/inc/db.php":  "<?php",
		"wp-content/plugins/empty/readme.txt":  "no code",
		"wp-content/mu-plugins/own.php":        "<?php\n// Version: 3",
		"wp-content/themes/paper/style.css":    "/*\nTheme Name: Paper\nVersion: 2.1\n*/",
		"wp-content/themes/paper/index.php":    "<?php",
	} {
		putPart(t, dir, name, text)
	}
	var p Parts
	site := Site{Name: "shop", Dir: dir}
	got, err := p.Look(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, part := range got {
		versions[part.What+" "+part.Name] = part.Version
		if d := time.Since(part.Changed); d < 0 || d > time.Minute {
			t.Errorf("%s: changed %s ago", part.Name, d)
		}
	}
	want := map[string]string{"core wordpress": "6.4.1", "plugin hello": "1.7", "plugin slots": "1.4.0", "plugin own": "3", "theme paper": "2.1"}
	if len(versions) != len(want) {
		t.Errorf("got %v, want %v", versions, want)
	}
	for k, v := range want {
		if versions[k] != v {
			t.Errorf("%s: got version %q, want %q", k, versions[k], v)
		}
	}
	// What a plugin writes beside its code is no change; a file below it is.
	slots := func(parts map[string]Part) Part { return parts[evidence.ChangePlugin+"/plugins/slots"] }
	putPart(t, dir, "wp-content/plugins/slots/cache/page.php", "<?php")
	putPart(t, dir, "wp-content/plugins/slots/notes.log", "x")
	again, _ := p.Look(t.Context(), site)
	if slots(again) != slots(got) {
		t.Errorf("a cache counts as a change: %+v, %+v", slots(got), slots(again))
	}
	putPart(t, dir, "wp-content/plugins/slots/inc/db.php", "<?php // 1.5")
	putPart(t, dir, "wp-content/plugins/slots/main.php", "<?php\n/*\nPlugin Name: Slots\nVersion: 1.5.0\n*/")
	again, _ = p.Look(t.Context(), site)
	if s := slots(again); s.Sum == slots(got).Sum || s.Version != "1.5.0" {
		t.Errorf("the update is not seen: %+v", s)
	}
}

func TestPartsDoNotFollowLinksOut(t *testing.T) {
	dir, away := t.TempDir(), t.TempDir()
	putPart(t, away, "evil.php", "<?php /* Plugin Name: Evil\nVersion: 9 */")
	putPart(t, dir, "wp-content/plugins/ok.php", "<?php // Version: 1")
	if err := os.Symlink(away, filepath.Join(dir, "wp-content/plugins/evil")); err != nil {
		t.Fatal(err)
	}
	got, err := (&Parts{}).Look(t.Context(), Site{Dir: dir})
	if err != nil || len(got) != 1 {
		t.Errorf("got %+v, %v; want the one plugin", got, err)
	}
	if _, err := (&Parts{}).Look(t.Context(), Site{Name: "gone", Dir: filepath.Join(dir, "none")}); err == nil {
		t.Error("got no error for a site whose plugins cannot be read")
	}
}
