package remedies

import (
	"strings"
	"time"

	"hirune/internal/core/remedy"
)

const day = 24 * time.Hour

// known is what the catalogue says of a plugin's table. Structure decides what
// is safe; the catalogue adds names, the plugin's own retention, and conditions
// that are proven. Source: the plugins' public code, as restated in the facts on
// databases, part 4.
type known struct {
	table     string // without the site's prefix
	plugin    string // as its directory is named
	column    string // that dates the rows; "" : rows of this table are never to be deleted by age
	utc       bool   // a date column that holds UTC
	expires   bool   // the column says until when a row is needed: the past is doomed
	retention time.Duration
	constant  string // of PHP that changes the retention, invisible from here
	also      []remedy.OneOf
	children  []string // tables with rows of these rows, without the prefix
}

// catalogue has one line for each table. Retention 0: the plugin keeps rows for
// ever unless its owner says otherwise, so nothing is doomed by default.
var catalogue = []known{
	{table: "aiowps_audit_log", plugin: "all-in-one-wp-security-and-firewall", column: "created", retention: 90 * day, constant: "AIOWPSEC_PURGE_AUDIT_LOGS_AFTER_DAYS"},
	{table: "actionscheduler_actions", plugin: "woocommerce", column: "last_attempt_gmt", utc: true, retention: 31 * day,
		also: []remedy.OneOf{{Column: "status", Values: []string{"complete", "canceled"}}}, children: []string{"actionscheduler_logs"}},
	{table: "actionscheduler_logs", plugin: "woocommerce"},   // of pending jobs as well
	{table: "actionscheduler_claims", plugin: "woocommerce"}, // a claim may still be held
	{table: "actionscheduler_groups", plugin: "woocommerce"},
	{table: "woocommerce_sessions", plugin: "woocommerce", column: "session_expiry", expires: true},
	{table: "wfhits", plugin: "wordfence", column: "ctime", retention: 30 * day},
	{table: "wffilemods", plugin: "wordfence"}, // the state of the scanner
	{table: "wfknownfilelist", plugin: "wordfence"},
	{table: "wflogins", plugin: "wordfence"},
	{table: "simple_history", plugin: "simple-history", column: "date", utc: true, retention: 60 * day, children: []string{"simple_history_contexts"}},
	{table: "simple_history_contexts", plugin: "simple-history"},
	{table: "wsal_occurrences", plugin: "wp-security-audit-log", column: "created_on", children: []string{"wsal_metadata"}},
	{table: "wsal_metadata", plugin: "wp-security-audit-log"},
	{table: "aryo_activity_log", plugin: "aryo-activity-log", column: "hist_time"},
	{table: "stream", plugin: "stream", column: "created", utc: true, children: []string{"stream_meta"}},
	{table: "stream_meta", plugin: "stream"},
	{table: "redirection_404", plugin: "redirection", column: "created"},
	{table: "redirection_logs", plugin: "redirection", column: "created"},
	{table: "itsec_logs", plugin: "better-wp-security", column: "timestamp"},
	{table: "wpml_mails", plugin: "wp-mail-logging", column: "timestamp"},
	{table: "wpmailsmtp_debug_events", plugin: "wp-mail-smtp", column: "created_at"},
	{table: "statistics_visitor", plugin: "wp-statistics"}, // the site's own statistics: for its owner to decide
	{table: "statistics_pages", plugin: "wp-statistics"},
	{table: "statistics_visit", plugin: "wp-statistics"},
	{table: "statistics_visitor_relationships", plugin: "wp-statistics"},
	{table: "yoast_indexable", plugin: "wordpress-seo"}, // rebuilt by the plugin's own tool
	{table: "yoast_seo_links", plugin: "wordpress-seo"},
}

// lookUp returns what the catalogue knows of a table, by its bare name.
func lookUp(bare string) (known, bool) {
	for _, k := range catalogue {
		if strings.EqualFold(k.table, bare) {
			return k, true
		}
	}
	return known{}, false
}

// coreTables are WordPress' own, which no purge of ours touches.
var coreTables = wordSet("posts postmeta comments commentmeta terms termmeta term_taxonomy term_relationships options links users usermeta " +
	"blogs blogmeta blog_versions site sitemeta signups registration_log")

// precious are words in the names of tables that are more than a log. Those of
// the first set count wherever they stand, those of the second at the beginning
// of a word, those of the third as a word of their own: "recorder" is no order.
var (
	precious      = []string{"gdpr", "consent", "privacy", "payment", "invoice", "subscription", "booking", "donation", "customer", "queue", "scheduler", "licen"}
	preciousHeads = []string{"order", "user", "member", "coupon", "submission"}
	preciousWords = []string{"job", "task", "product", "cart", "ticket", "entry", "entrie", "lead", "vote", "post", "page", "comment", "term", "option", "setting"}
)

// logWords make a table look like a log where nothing else says so.
var logWords = []string{"log", "audit", "event", "hit", "visit", "session", "404", "history", "stat"}

// preciousWord returns the word that makes a table more than a log; "" : none.
func preciousWord(bare string) string {
	low := strings.ToLower(bare)
	for _, w := range precious {
		if strings.Contains(low, w) {
			return w
		}
	}
	for _, part := range strings.FieldsFunc(low, func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' }) {
		for _, w := range preciousHeads {
			if strings.HasPrefix(part, w) {
				return w
			}
		}
		for _, w := range preciousWords {
			if part == w || part == w+"s" || part == w+"meta" {
				return part
			}
		}
	}
	return ""
}

// named reports whether a table's name looks like that of a log.
func named(bare string) bool {
	for _, w := range logWords {
		if strings.Contains(strings.ToLower(bare), w) {
			return true
		}
	}
	return false
}

// bareName is a table's name without the prefix of the site and the number of a
// blog. Without a known prefix, what follows the first underscore counts.
func bareName(table, prefix string) string {
	low := strings.ToLower(table)
	if p := strings.ToLower(prefix); p != "" && strings.HasPrefix(low, p) {
		low = low[len(p):]
	} else if _, rest, ok := strings.Cut(low, "_"); ok && prefix == "" {
		low = rest
	}
	if number, rest, ok := strings.Cut(low, "_"); ok && number != "" && strings.Trim(number, "0123456789") == "" {
		return rest
	}
	return low
}

// isCore reports whether the table is WordPress' own, of this or of another site
// in the same schema.
func isCore(table, bare string) bool {
	low := strings.ToLower(table)
	if coreTables[bare] {
		return true
	}
	for name := range coreTables {
		if low == name || strings.HasPrefix(low, "wp_") && strings.HasSuffix(low, "_"+name) && digitsOnly(low[len("wp_"):len(low)-len(name)]) {
			return true
		}
	}
	return false
}

// digitsOnly reports whether s is a blog's number with its underscore, or empty.
func digitsOnly(s string) bool { return strings.Trim(s, "0123456789_") == "" }

func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}
