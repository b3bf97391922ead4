package remedies

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// TestShapes: the filter is the same for all, as a parser gives it that leaves out
// what no index helps with; only the shape tells these statements apart.
func TestShapes(t *testing.T) {
	for digest, want := range map[string]string{
		"DELETE FROM wp_x WHERE created < ?":                                                "fixed",
		"DELETE FROM wp_x WHERE created <= ?":                                               "fixed",
		"DELETE FROM wp_x WHERE created < ? LIMIT ?":                                        "fixed",
		"DELETE LOW_PRIORITY QUICK IGNORE FROM s.wp_x WHERE s.wp_x.created < ? ORDER BY id": "fixed",
		"DELETE FROM `wp_x` WHERE (`created` < ?);":                                         "fixed",
		"DELETE FROM wp_x WHERE ? >= created":                                               "fixed",
		"DELETE FROM wp_x WHERE created < DATE_SUB(NOW(), INTERVAL ? DAY)":                  "plain",
		"DELETE FROM wp_x WHERE created < (NOW() - INTERVAL ? MONTH)":                       "plain",
		"DELETE FROM wp_x WHERE created < UNIX_TIMESTAMP() - ? * ?":                         "plain",
		"DELETE FROM wp_x WHERE created < ? AND level <> ?":                                 "",
		"DELETE FROM wp_x WHERE created < ? IS FALSE":                                       "",
		"DELETE FROM wp_x WHERE created < ? = ?":                                            "",
		"DELETE FROM wp_x WHERE created < ? | ?":                                            "",
		"DELETE FROM wp_x WHERE created < ? || ?":                                           "",
		"DELETE FROM wp_x WHERE created < NOW() OR NOW()":                                   "",
		"DELETE FROM wp_x WHERE (created < ?":                                               "",
		"DELETE FROM wp_x WHERE created < (?":                                               "",
		"DELETE FROM wp_x WHERE created < other":                                            "",
		"DELETE FROM wp_x WHERE created < DATE_SUB(NOW(), INTERVAL days DAY)":               "",
		"DELETE FROM wp_x WHERE created < (SELECT MAX(a) FROM y)":                           "",
		"DELETE FROM wp_x WHERE NOT (created < ?)":                                          "",
		"DELETE FROM wp_x WHERE ! (created < ?)":                                            "",
		"DELETE FROM wp_x WHERE - created < ?":                                              "",
		"DELETE FROM wp_x WHERE created < ? RETURNING id":                                   "",
		"DELETE FROM wp_x USING wp_x JOIN y WHERE created < ?":                              "",
		"DELETE a FROM wp_x a WHERE a.created < ?":                                          "",
		"DELETE FROM wp_x": "",
		"":                 "",
	} {
		f := diagnose.Finding{Statement: &diagnose.Statement{Digest: digest, Verb: "DELETE", Filter: evidence.Filter{Table: "wp_x", Range: []string{"created"}, CutoffUnixS: 1700000000}}}
		got := ""
		switch s := shapeOf(f); {
		case s.fixed:
			got = "fixed"
		case s.plain:
			got = "plain"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", digest, got, want)
		}
	}
}
