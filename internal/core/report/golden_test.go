package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
)

var update = flag.Bool("update", false, "write the golden files anew")

func verdicts() map[string]diagnose.Verdict {
	return map[string]diagnose.Verdict{
		"audit-log-purge": purgeVerdict(), "idle-transaction": idleVerdict(), "service-stopped": stoppedVerdict(),
		"healthy": healthyVerdict(), "not-proven": notProvenVerdict(), "cannot-judge": blindVerdict(),
	}
}

func options(lang string) Options {
	return Options{Lang: lang, Loc: tokyo, Width: 80, Now: at(200).Add(20 * time.Minute)}
}

func TestGolden(t *testing.T) {
	for name, v := range verdicts() {
		golden(t, name+".json", func(b *bytes.Buffer) error { return JSON(b, v) })
		for _, lang := range []string{English, Japanese} {
			o := options(lang)
			golden(t, name+"."+lang+".txt", func(b *bytes.Buffer) error { return Text(b, v, o) })
			golden(t, name+"."+lang+".md", func(b *bytes.Buffer) error { return Markdown(b, v, o) })
			o.Verbose = true
			golden(t, name+"."+lang+".verbose.txt", func(b *bytes.Buffer) error { return Text(b, v, o) })
		}
	}
}

func golden(t *testing.T, name string, write func(*bytes.Buffer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it: go test ./internal/core/report -update", err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s\nrefresh: go test ./internal/core/report -update", name, got.Bytes(), want)
	}
}

func TestFirstScreenFits(t *testing.T) {
	for name, v := range verdicts() {
		for _, lang := range []string{English, Japanese} {
			for _, width := range []int{60, 80, 110} {
				o := options(lang)
				o.Width = width
				var b bytes.Buffer
				if err := Text(&b, v, o); err != nil {
					t.Fatal(err)
				}
				lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
				if width >= 80 && len(lines) > screenLines {
					t.Errorf("%s %s at %d: got %d lines, want at most %d\n%s", name, lang, width, len(lines), screenLines, b.String())
				}
				for _, l := range lines {
					if cells(l) > width {
						t.Errorf("%s %s at %d: line of %d cells: %q", name, lang, width, cells(l), l)
					}
				}
			}
		}
	}
}
