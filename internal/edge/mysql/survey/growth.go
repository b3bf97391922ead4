package survey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// readGrowth finds how the rows spread over time, by the column that dates them
// where it is known, and whether that column counts milliseconds.
func readGrowth(ctx context.Context, h *mysql.Hand, c *mysql.Conn, t *remedy.Table, want Want) error {
	col := want.Column
	if want.Doomed != nil {
		col = want.Doomed.Column
	}
	var prefer []string
	if col != "" {
		prefer = []string{col}
	}
	g, err := c.Growth(ctx, t.Schema, t.Name, prefer)
	if errors.Is(err, mysql.ErrNoGrowth) {
		return nil
	}
	if err != nil {
		return err
	}
	g.DB = want.Instance
	t.Growth = g
	t.Millis, err = readMillis(ctx, h, t)
	return err
}

// leastMillis is 2000-01-01 in milliseconds; as seconds it is beyond any date.
const leastMillis = 946684800 * 1000

// readMillis looks at the youngest row that a probe has found.
func readMillis(ctx context.Context, h *mysql.Hand, t *remedy.Table) (bool, error) {
	c, ok := t.ColumnOf(t.Growth.Column)
	n := len(t.Growth.Probes)
	if !ok || n == 0 || t.Key == "" || !slices.Contains([]string{"int", "bigint", "decimal", "double", "float"}, c.Type) {
		return false, nil
	}
	values, err := column(ctx, h, fmt.Sprintf("SELECT COALESCE(%s, 0) FROM %s WHERE %s = %d", remedy.Ident(c.Name), name(t), remedy.Ident(t.Key), t.Growth.Probes[n-1].Key))
	if err != nil || len(values) == 0 {
		return false, err
	}
	v, err := strconv.ParseFloat(values[0], 64)
	return err == nil && v >= leastMillis, nil
}

// ordered reports whether the probes found that the key follows the column.
func ordered(t *remedy.Table, column string) bool {
	const fewest = 3
	return t.Growth.Ordered && len(t.Growth.Probes) >= fewest && strings.EqualFold(t.Growth.Column, column)
}

func integer(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// readPlan asks how the server would find the rows of the accused statement.
func readPlan(ctx context.Context, h *mysql.Hand, t *remedy.Table, want Want) error {
	text := want.Statement
	if text == "" && want.Doomed != nil {
		text = want.Doomed.Statement(remedy.On{Schema: t.Schema, Table: t.Name})
	}
	if text == "" {
		return nil
	}
	plans, err := h.Explained(ctx, t.Schema, text)
	if err != nil {
		return err
	}
	for _, p := range plans {
		if strings.EqualFold(p.Table, t.Name) {
			t.Plan = p.Access
			return nil
		}
	}
	return mysql.ErrNoPlan
}
