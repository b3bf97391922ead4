package change

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

// TestSwapScript runs the script of a swap as a client would, with a visitor who
// writes before and after the swap: no row that stays may be missing.
func TestSwapScript(t *testing.T) {
	s := mysqltest.Start(t)
	for _, empty := range []bool{false, true} {
		t.Run(fmt.Sprintf("empty %t", empty), func(t *testing.T) {
			makeLog(t, s, "s", 300)
			step := swapStep(t, Swap{Server: privately(s)}, "s")
			step.Empty = empty
			want := rowsOf(t, s, "s", surviving)
			conn := s.Session(t, "")
			defer conn.Close()
			visit := func(level string) {
				s.Exec(t, fmt.Sprintf("INSERT INTO site.s (level, note, created) VALUES ('%s', 'x', %d)", level, swapCutoff+9))
			}
			for _, l := range step.Script() {
				if l.Lang != remedy.LangSQL {
					continue
				}
				renames := strings.HasPrefix(l.Text, "RENAME")
				if renames {
					visit("before")
				}
				if _, err := conn.ExecContext(t.Context(), strings.TrimSuffix(l.Text, ";")); err != nil {
					t.Fatalf("%s: %v", l.Text, err)
				}
				if renames {
					visit("after")
				}
			}
			maps.Copy(want, rowsOf(t, s, "s", " WHERE level IN ('before', 'after')"))
			if got := rowsOf(t, s, "s", ""); len(got) != len(want) {
				t.Errorf("%d rows, want %d", len(got), len(want))
			} else {
				sameRows(t, "after the script", got, want)
			}
			if n := len(rowsOf(t, s, "s", " WHERE level IN ('before', 'after')")); n != 2 {
				t.Errorf("%d of the 2 rows that came meanwhile are there", n)
			}
			s.Exec(t, "DROP TABLE site."+step.Old)
		})
	}
}
