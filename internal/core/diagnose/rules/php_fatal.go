package rules

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// PHPFatal is code at which PHP ends the pages with an error, though nothing was
// changed just before: the requests that fail are those that end there.
func PHPFatal() diagnose.Rule {
	return diagnose.Rule{
		ID:       "php-fatal",
		Title:    "PHP ends the pages with an error in one plugin's or theme's file, or at its limit of memory",
		Source:   "public reports: a list in the options that grew until each page ran into memory_limit; a licence that ran out in a plugin that then calls what is not there",
		Needs:    map[string]string{evidence.ErrorLine{}.Kind(): "missing-php-log"},
		Match:    matchFatal,
		Explains: []string{"php-pool-too-small"}, // an error page with its report of the error takes longer
	}
}

const (
	// fatalShare is the least share of the failed answers that end in these lines.
	fatalShare = 0.5
	// fatalProven is the share from which nothing else can account for many of them.
	fatalProven = 0.75
	// fatalFew is how many lines make a rule of it.
	fatalFew = 5
	// fatalQuiet is how often PHP may have given up in the quiet time, of how often it does now.
	fatalQuiet = 0.1
)

func matchFatal(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() || needsGone(c) {
		return nil
	}
	// 1. PHP gives up in one place.
	around := diagnose.Span{From: c.Outage.From.Add(-orderSlack), To: c.Outage.To.Add(orderSlack)}
	g, ok := mostFatal(givenUp(c, around))
	if !ok || g.count < fatalFew {
		return nil
	}
	// 2. Since visitors suffer, and hardly before.
	before := int64(0)
	for _, l := range givenUp(c, c.Quiet) {
		before += l.Count
	}
	rate := float64(g.count) / c.Outage.Duration().Seconds()
	quietRate := float64(before) / max(c.Quiet.Duration().Seconds(), 1)
	if !begins(c, g.first) || quietRate > fatalQuiet*rate {
		return nil
	}
	// 3. What fails, fails with it: PHP's own error, as often as the lines say.
	status, failing := internalErrors(c)
	failed := int64(0)
	for _, r := range c.Traffic(around) {
		failed += r.Errors
	}
	covers := min(float64(g.count)/float64(max(failed, 1)), 1)
	if failing < failLeast || failed > 0 && covers < fatalShare || failed == 0 && status == 0 || changedFails(c) {
		return nil
	}
	return []diagnose.Finding{fatalFinding(c, g, failed, status, failing, covers)}
}

// fatalFinding says so, as sure as the evidence is.
func fatalFinding(c *diagnose.Case, g given, failed int64, status int, failing, covers float64) diagnose.Finding {
	f := diagnose.Finding{
		Origin:     diagnose.Origin{File: g.file, Plugin: g.plugin()},
		Share:      diagnose.UnknownShare,
		Active:     diagnose.Span{From: g.first, To: c.Outage.To},
		Claim:      diagnose.Say("php-fatal", "file", g.file),
		Confidence: 0.75,
		Proof:      []diagnose.Sentence{diagnose.Say("proof-fails-in", "count", diagnose.Count(g.count), "file", g.file, "message", g.message)},
		Remedies:   []string{"switch-off-code"},
	}
	if f.Active.From.After(c.Outage.From) {
		f.Active.From = c.Outage.From // lines are read some seconds after they are written
	}
	f.Share.WorkerTime = failing
	if failed > 0 {
		f.Proof = append(f.Proof, diagnose.Say("proof-fatal-covers", "count", diagnose.Count(g.count), "failed", diagnose.Count(failed)))
	}
	if status > 0 {
		f.Proof = append(f.Proof, diagnose.Say("proof-answers", "status", diagnose.Count(status), "share", diagnose.Share01(failing)))
	}
	if failed > 0 && status > 0 && covers >= fatalProven {
		f.Confidence += 0.1
	}
	if g.memory {
		return atItsLimit(f, g)
	}
	switch {
	case needy.MatchString(g.message):
		f.Missing = append(f.Missing, diagnose.Say("missing-fatal-need", "file", g.file))
	case pluginOf(g.file) == "":
		f.Missing = append(f.Missing, diagnose.Say("missing-fatal-caller", "file", g.file))
	case f.Confidence > 0.8 && failing >= 0.5 && !c.Quiet.Zero():
		f.Confidence += 0.07
	}
	return f
}

// atItsLimit adds what is to be said of PHP's limit: the line names who asked last,
// not who held the most.
func atItsLimit(f diagnose.Finding, g given) diagnose.Finding {
	f.Claim = diagnose.Say("php-fatal", "file", g.file, "mb", g.limitMB())
	f.Missing = append(f.Missing, diagnose.Say("missing-memory-holder", "file", g.file))
	f.Remedies = []string{"raise-php-memory", "switch-off-code"}
	return f
}

// needy tells the error of code that something outside of it failed: a server that
// does not answer, a file that is missing or not to be read.
var needy = regexp.MustCompile(`(?i)refused|timed? ?out|gone away|permission denied|no such file|opening required|read-only|denied|SQLSTATE|mysqli|PDO|Redis|Memcached|cURL|getaddrinfo|no space|has been disabled`)

// given is where PHP gave up, and how often.
type given struct {
	owner         string // plugin, theme or file
	file, message string // of the first line
	memory        bool
	count         int64
	first         time.Time
}

// plugin is whose file it is; empty for a theme and for WordPress itself.
func (g given) plugin() string {
	if strings.HasPrefix(g.file, "themes/") {
		return ""
	}
	return pluginOf(g.file)
}

var memorySize = regexp.MustCompile(`Allowed memory size of (\d{1,15}) bytes`)

// limitMB is the memory that one request may use, in MB.
func (g given) limitMB() any {
	if m := memorySize.FindStringSubmatch(g.message); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			return diagnose.Count(n >> 20)
		}
	}
	return nil
}

// givenUp returns the lines in which PHP ended a request, in a span.
func givenUp(c *diagnose.Case, s diagnose.Span) []fatal {
	var out []fatal
	if s.Zero() {
		return nil
	}
	for at, l := range recording.All[evidence.ErrorLine](c.In(s)) {
		if slices.Contains(fatalLines, l.ID) && l.File != "" {
			l.Count = max(l.Count, 1)
			out = append(out, fatal{l, at})
		}
	}
	return out
}

// mostFatal is the plugin, theme or file in which most of the lines lie; none if
// they are spread.
func mostFatal(lines []fatal) (given, bool) {
	var all []given
	total := int64(0)
	for _, l := range lines {
		owner := cmp.Or(pluginOf(l.File), l.File)
		total += l.Count
		i := slices.IndexFunc(all, func(g given) bool { return g.owner == owner })
		if i < 0 {
			i, all = len(all), append(all, given{owner: owner, file: l.File, message: l.Message, memory: l.ID == "php-memory", first: l.at})
		}
		all[i].count += l.Count
		if l.at.Equal(all[i].first) && l.Message < all[i].message {
			all[i].file, all[i].message, all[i].memory = l.File, l.Message, l.ID == "php-memory" // the order of the facts does not show
		}
	}
	for _, g := range all {
		if float64(g.count) >= fatalProven*float64(total) {
			return g, true
		}
	}
	return given{}, false
}

// changedFails reports whether something that was changed just before accounts for it.
func changedFails(c *diagnose.Case) bool {
	return slices.ContainsFunc(c.Changes(), func(ch diagnose.Changed) bool {
		_, ok := failsSince(c, ch)
		return ok
	})
}
