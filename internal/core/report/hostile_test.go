package report

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"hirune/internal/core/diagnose"
)

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

func text(t *testing.T, v diagnose.Verdict, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, v, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// evil are strings that attack a terminal, Markdown, HTML, a template or JSON.
var evil = []string{
	"a\x1b]0;owned\x07\x1b[2Jb", "x\r\nsudo rm -rf /\n", "\u202egnp.exe\u2066", "\u009b31m\u0085\u00ad\u200b\ufeff", "\xff\xfe\x80",
	"<script>alert(1)</script>", "](javascript:alert(1))", "`code` **bold** | a | # h", "https://evil.example/ www.evil.example @everyone",
	"{table}[{x}]", "&lt;b&gt;", strings.Repeat("長", 5000), strings.Repeat("e\u0301\u0302", 3000), "\u2028\u2029\U000e0041", "~~~\n```", "_x_ -y", "\u00a0",
}

// poison puts s into every string of the verdict but the ids of our own closed
// sets when keep is set, so that the words around them are used too.
func poison(v reflect.Value, s string, keep bool, field string) {
	own := map[string]bool{"Status": true, "ID": true, "Rule": true, "Role": true, "How": true}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			poison(v.Field(i), s, keep, v.Type().Field(i).Name)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), s, keep, field)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), s, keep, field)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if _, ok := reflect.TypeAssert[string](v.MapIndex(k)); ok {
				v.SetMapIndex(k, reflect.ValueOf(s))
			}
		}
	case reflect.String:
		if !keep || !own[field] && field != "Remedies" {
			v.SetString(s)
		}
	}
}

// poisoned is every verdict with every evil string in every place.
func poisoned(t *testing.T, check func(t *testing.T, v diagnose.Verdict)) {
	fresh := []func() diagnose.Verdict{purgeVerdict, idleVerdict, stoppedVerdict, healthyVerdict, notProvenVerdict, blindVerdict}
	for _, make := range fresh {
		for _, s := range evil {
			for _, keep := range []bool{true, false} {
				v := make()
				poison(reflect.ValueOf(&v).Elem(), s, keep, "")
				check(t, v)
			}
		}
	}
}

// leak is the first character of s that a terminal could obey or hide.
func leak(s string) (rune, bool) {
	for _, r := range s {
		if r != '\n' && (!unicode.IsPrint(r) || r == unicode.ReplacementChar) {
			return r, true
		}
	}
	return 0, false
}

func TestHostileTextNeverLeaks(t *testing.T) {
	poisoned(t, func(t *testing.T, v diagnose.Verdict) {
		for _, lang := range []string{English, Japanese} {
			o := options(lang)
			for _, o.Verbose = range []bool{false, true} {
				for _, o.Color = range []bool{false, true} {
					got := sgr.ReplaceAllString(text(t, v, o), "")
					if r, bad := leak(got); bad {
						t.Fatalf("text leaks %U:\n%s", r, got)
					}
					for l := range strings.SplitSeq(got, "\n") {
						if strings.HasPrefix(l, "sudo rm") || cells(l) > o.Width {
							t.Fatalf("line of %d cells, or hostile: %q", cells(l), l)
						}
					}
				}
			}
			if lines := strings.Count(text(t, v, options(lang)), "\n"); lines > screenLines+8 {
				t.Fatalf("hostile text makes a first screen of %d lines", lines)
			}
			if s := Summary(v, o); strings.Contains(s, "\n") {
				t.Fatalf("summary of more than a line: %q", s)
			} else if r, bad := leak(s); bad {
				t.Fatalf("summary leaks %U: %q", r, s)
			}
		}
	})
}

func TestHostileTextIsInertInMarkdown(t *testing.T) {
	poisoned(t, func(t *testing.T, v diagnose.Verdict) {
		var b bytes.Buffer
		if err := Markdown(&b, v, options(English)); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		if r, bad := leak(got); bad {
			t.Fatalf("Markdown leaks %U:\n%s", r, got)
		}
		inert := regexp.MustCompile("`[^`\n]*`").ReplaceAllString(strings.ReplaceAll(got, "```", ""), "")
		for _, bad := range []string{"<", "](", "javascript:", "https:", "www.", "@every", "**bold", "| a |", "~~~", "&lt;"} {
			if strings.Contains(inert, bad) {
				t.Fatalf("Markdown holds %q outside of code:\n%s", bad, inert)
			}
		}
		if strings.Count(got, "```") > 2 {
			t.Fatalf("hostile code fence:\n%s", got)
		}
	})
}

func TestHostileTextIsEscapedInJSON(t *testing.T) {
	poisoned(t, func(t *testing.T, v diagnose.Verdict) {
		var b bytes.Buffer
		if err := JSON(&b, v); err != nil {
			t.Fatal(err)
		}
		if r, bad := leak(strings.ReplaceAll(b.String(), `\ufffd`, "")); bad {
			t.Fatalf("JSON leaks %U", r)
		}
		d, err := ParseJSON(&b)
		if err != nil && v.Status != "" {
			t.Fatal(err)
		}
		if len(v.Causes) > 0 && d.Causes[0].Subject.Table != strings.ToValidUTF8(v.Causes[0].About.Table, "\ufffd") &&
			!strings.Contains(v.Causes[0].About.Table, "\xff") {
			t.Fatalf("table %q came back as %q", v.Causes[0].About.Table, d.Causes[0].Subject.Table)
		}
	})
}
