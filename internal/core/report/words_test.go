package report

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"unicode"

	"hirune/internal/core/attack"
	"hirune/internal/core/audit"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

// same are the keys whose words are the same in both languages by right:
// abbreviations and marks.
var same = map[string]bool{"ui.share-database": true, "ui.share-cpu": true, "ui.share-worker": true, "unit.ms": false}

var hole = regexp.MustCompile(`\{([^}#]*)(#[^}]*)?\}`)

// holes are the placeholders of a template, each once, sorted.
func holes(tmpl string) []string {
	seen := map[string]bool{}
	for _, m := range hole.FindAllStringSubmatch(tmpl, -1) {
		seen[m[1]] = true
	}
	out := []string{}
	for k := range seen {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func TestLanguagesHaveTheSameKeys(t *testing.T) {
	en, ja := catalogue(English), catalogue(Japanese)
	for k := range en {
		if _, ok := ja[k]; !ok {
			t.Errorf("%s: no Japanese words", k)
		}
	}
	for k := range ja {
		if _, ok := en[k]; !ok {
			t.Errorf("%s: no English words", k)
		}
	}
}

func TestWordsAreTranslated(t *testing.T) {
	en, ja := catalogue(English), catalogue(Japanese)
	for k, w := range en {
		if strings.TrimSpace(w) == "" || strings.TrimSpace(ja[k]) == "" {
			t.Errorf("%s: empty words", k)
		}
		if w == ja[k] && !same[k] {
			t.Errorf("%s: %q in both languages", k, w)
		}
		if strings.ContainsFunc(w, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }) {
			t.Errorf("%s: Japanese in the English words %q", k, w)
		}
	}
}

func TestTemplatesAgree(t *testing.T) {
	en, ja := catalogue(English), catalogue(Japanese)
	for k := range en {
		if got, want := strings.Join(holes(ja[k]), " "), strings.Join(holes(en[k]), " "); got != want {
			t.Errorf("%s: placeholders %q in Japanese, %q in English", k, got, want)
		}
		for lang, w := range map[string]string{English: en[k], Japanese: ja[k]} {
			if strings.Count(w, "[") != strings.Count(w, "]") || strings.Count(w, "{") != strings.Count(w, "}") {
				t.Errorf("%s %s: brackets do not match: %q", k, lang, w)
			}
			if regexp.MustCompile(`\[[^\]]*\[`).MatchString(w) {
				t.Errorf("%s %s: an optional part within another: %q", k, lang, w)
			}
		}
	}
}

func TestEveryClaimHasWords(t *testing.T) {
	claims := diagnose.Claims()
	if len(claims) == 0 {
		t.Fatal("no claims found")
	}
	en := catalogue(English)
	for id, params := range claims {
		w, ok := en["claim."+id]
		if !ok {
			t.Errorf("claim %s has no words: add claim.%s to words_en_claims.go and words_ja_claims.go", id, id)
			continue
		}
		want := append([]string{}, params...)
		sort.Strings(want)
		if got := holes(w); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("claim %s: placeholders %v, parameters %v", id, got, want)
		}
		if isCause(id) {
			for _, part := range []string{"title", "means"} {
				if en["cause."+id+"."+part] == "" {
					t.Errorf("cause %s has no %s: add cause.%s.%s", id, part, id, part)
				}
			}
		}
		if (isCause(id) || strings.HasPrefix(id, "link-")) && en["short."+id] == "" {
			t.Errorf("%s has no short words for the chain: add short.%s", id, id)
		}
	}
}

var claimGroups = []string{"proof-", "link-", "cleared-", "why-", "again-", "missing-", "note-"}

func isCause(id string) bool {
	for _, g := range claimGroups {
		if strings.HasPrefix(id, g) {
			return false
		}
	}
	return true
}

// remedyIDs is the closed set of remedies.
var remedyIDs = []string{"purge", "add-index", "close-xmlrpc", "keep-it-small", "kill-query", "end-session", "block-clients",
	"rate-limit", "cache-search", "start-service", "raise-buffer-pool", "move-cron", "free-room", "free-inodes", "clean-sessions", "purge-binlogs", "rotate-logs", "reopen-deleted", "mend-start", "move-job", "slow-job", "unblock-clients", "allow-clients", "take-back-change", "more-connections", "free-room", "bigger-plan",
	"outbound-timeout", "outbound-off", "name-server", "raise-children", "page-cache", "fewer-children", "real-cron", "long-job", "self-requests",
	"guard-login", "close-trap", "answer-404", "use-less-cpu", "move-host", "raise-quota",
	"free-queue", "ddl-calm", "end-blocker", "backup-lockless", "convert-innodb", "user-lock", "end-sleepers", "fewer-connections", "account-limit",
	"narrow-query", "fewer-queries", "object-cache", "trim-options", "autoload-off", "trim-cron", "switch-off-code", "raise-php-memory"}

// TestNoLeftover finds words for what no longer exists or is never said.
func TestNoLeftover(t *testing.T) {
	claims, src := diagnose.Claims(), source(t)
	maps.Copy(claims, remedy.Sayings())
	maps.Copy(claims, verify.Sayings())
	maps.Copy(claims, attack.Sayings())
	maps.Copy(claims, attack.ProposalSayings())
	maps.Copy(claims, attack.BreakInSayings())
	maps.Copy(claims, audit.Sayings())
	remedies := map[string]bool{}
	for _, id := range remedyIDs {
		remedies[id] = true
		for _, part := range []string{"title", "does", "how"} {
			if catalogue(English)["remedy."+id+"."+part] == "" {
				t.Errorf("remedy %s has no %s", id, part)
			}
		}
	}
	for k := range catalogue(English) {
		group, rest, _ := strings.Cut(k, ".")
		id, _, _ := strings.Cut(rest, ".")
		_, isClaim := claims[rest]
		switch group {
		case "claim", "short":
			if !isClaim {
				t.Errorf("%s: no such claim", k)
			}
		case "cause":
			if _, ok := claims[id]; !ok {
				t.Errorf("%s: no such cause", k)
			}
		case "remedy":
			if !remedies[id] {
				t.Errorf("%s: no such remedy", k)
			}
		case "ui":
			if !strings.Contains(src, `"`+k+`"`) && !builtKey(src, k) {
				t.Errorf("%s is said nowhere", k)
			}
		}
	}
}

// builtKey reports whether the source makes the key from a prefix that ends in
// a hyphen, as "ui.how-" and the name of a measurement.
func builtKey(src, key string) bool {
	for i, r := range key {
		if r == '-' && strings.Contains(src, `"`+key[:i+1]+`"+`) {
			return true
		}
	}
	return false
}

// source is the text of the package without tests and catalogues.
func source(t *testing.T) string {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source files found: %v", err)
	}
	var b strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || strings.HasPrefix(f, "words_") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}

func TestRender(t *testing.T) {
	en := newPrinter(diagnose.Verdict{}, Options{}, clean)
	ja := newPrinter(diagnose.Verdict{}, Options{Lang: Japanese}, clean)
	for _, c := range []struct {
		p    *printer
		tmpl string
		args []any
		want string
	}{
		{en, "a {x} b", []any{"x", diagnose.Count(1234567)}, "a 1,234,567 b"},
		{en, "a[ {x}] b", []any{"x", diagnose.Count(-1)}, "a b"},
		{en, "a {x} b", nil, "a unknown b"},
		{en, "{x#row|rows}", []any{"x", diagnose.Count(1)}, "1 row"},
		{en, "{x#row|rows}", []any{"x", diagnose.Count(0)}, "0 rows"},
		{en, "{x}", []any{"x", "{y} [z"}, "{y} [z"},
		{en, "{x}", []any{"x", "a\x1b[31mb\u202e"}, `a\x1b[31mb\u202e`},
		{en, "{class}", []any{"class", "xmlrpc"}, "XML-RPC calls"},
		{en, "{session}", []any{"session", diagnose.Count(48213)}, "48213"},
		{ja, "{x} が {y} に", []any{"x", "データベース", "y", "wp"}, "データベースが wp に"},
	} {
		got := c.p.render(c.tmpl, diagnose.Say("", c.args...).Args)
		if got != c.want {
			t.Errorf("render(%q, %v) = %q, want %q", c.tmpl, c.args, got, c.want)
		}
	}
}

func TestUnknownIDsAreShown(t *testing.T) {
	p := newPrinter(diagnose.Verdict{}, Options{}, clean)
	got := p.say(diagnose.Say("new-claim", "rows", diagnose.Count(5), "table", "wp_x"))
	if want := "new-claim rows=5 table=wp_x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := p.remedy("new-remedy", "title"); got != "new-remedy" {
		t.Errorf("got %q, want the id", got)
	}
}
