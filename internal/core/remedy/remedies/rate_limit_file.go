package remedies

import (
	"fmt"
	"strings"
)

// nginx counts what matches twice: by address, and in all for each name of the
// server. What does not match has an empty key and is not counted. A refusal is
// in the access log; the error log would have it once more.
func (l limit) nginx() string {
	name := "hirune_limit_" + l.id
	var b strings.Builder
	fmt.Fprintf(&b, "# %s may be asked for so often only; hirune undo takes it back.\n", strings.TrimSuffix(l.shown, "hirune"))
	fmt.Fprintf(&b, "map \"%s\" $%s {\n\tdefault \"\";\n\t\"~%s\" 1;\n}\n", l.key, name, l.match)
	fmt.Fprintf(&b, "map $%[1]s $%[1]s_each {\n\tdefault \"\";\n\t1 $binary_remote_addr;\n}\n", name)
	fmt.Fprintf(&b, "map $%[1]s $%[1]s_all {\n\tdefault \"\";\n\t1 all-$server_name;\n}\n", name)
	fmt.Fprintf(&b, "limit_req_zone $%[1]s_each zone=%[1]s_each:1m rate=%[2]dr/m;\n", name, l.each)
	fmt.Fprintf(&b, "limit_req_zone $%[1]s_all zone=%[1]s_all:1m rate=%[2]dr/m;\n", name, l.all)
	fmt.Fprintf(&b, "limit_req zone=%s_each burst=%d nodelay;\n", name, l.each/burstParts)
	fmt.Fprintf(&b, "limit_req zone=%s_all burst=%d nodelay;\n", name, l.all/burstParts)
	b.WriteString("limit_req_status 429;\nlimit_req_log_level info;\n")
	return b.String()
}
