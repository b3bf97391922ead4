package change

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// tables says which of the three there are.
type tables struct{ visible, new, old bool }

func (t tables) words(s remedy.KeepAndSwap) string {
	var out []string
	for _, n := range []struct {
		there bool
		name  string
	}{{t.visible, s.Table}, {t.new, s.New}, {t.old, s.Old}} {
		if n.there {
			out = append(out, n.name)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func (x *swap) tables(ctx context.Context) (tables, error) { return lookTables(ctx, x.h.Hand, x.step) }

func lookTables(ctx context.Context, h *mysql.Hand, s remedy.KeepAndSwap) (tables, error) {
	var t tables
	for _, n := range []struct {
		name string
		dst  *bool
	}{{s.Table, &t.visible}, {s.New, &t.new}, {s.Old, &t.old}} {
		kind, err := kindOfTable(ctx, h, remedy.On{Schema: s.Schema, Table: n.name})
		if err != nil {
			return t, fmt.Errorf("look which tables there are: %w", err)
		}
		*n.dst = kind != ""
	}
	return t, nil
}

// marks is the name of the table of checksums, quoted.
func (x *swap) marks() string { return x.step.Sibling(marksName(x.step)) }

func marksName(s remedy.KeepAndSwap) string { return s.New + "_k" }

// maxName bounds a table's name, in characters.
const maxName = 64

// fits compares the table with the one that the step was planned for, and
// refuses what a swap would leave behind.
func (x *swap) fits(ctx context.Context) error {
	if len([]rune(marksName(x.step))) > maxName || x.step.New == "" || x.step.Old == "" {
		return tableChanged("the names of the new tables do not fit")
	}
	t, err := x.h.lookTable(ctx, x.step.On)
	if err != nil {
		return err
	}
	x.t = t
	switch {
	case t.readOnly:
		return hint.Wrap(fmt.Errorf("%w: the server is read-only", apply.ErrRefused), "read-only", "apply it on the server that is written to")
	case t.kind != "BASE TABLE":
		return tableChanged("it is a %s", strings.ToLower(t.kind))
	case len(t.key) != 1 || !strings.EqualFold(t.key[0], x.step.Key):
		return tableChanged("the primary key is (%s), not (%s)", strings.Join(t.key, ", "), x.step.Key)
	case len(x.step.Columns) == 0:
		return tableChanged("the plan names no columns")
	case t.triggers > 0:
		return tableChanged("the table has %d triggers, which a swap would leave with the old one", t.triggers)
	}
	if err := sameColumns(x.step.Columns, t.columns); err != nil {
		return err
	}
	if err := x.noKeys(ctx); err != nil {
		return err
	}
	if err := x.seesTriggers(ctx); err != nil {
		return err
	}
	return x.h.momentFits(ctx, t, x.step.Doomed)
}

// noKeys refuses foreign keys in either direction: LIKE does not copy them, and
// those of others go with the old table.
func (x *swap) noKeys(ctx context.Context) error {
	rows, err := x.h.Named(ctx, `SELECT CONSTRAINT_NAME AS name, TABLE_NAME AS child FROM information_schema.REFERENTIAL_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA=? AND TABLE_NAME=? OR UNIQUE_CONSTRAINT_SCHEMA=? AND REFERENCED_TABLE_NAME=?`, x.step.Schema, x.step.Table, x.step.Schema, x.step.Table)
	if err != nil {
		return fmt.Errorf("look for foreign keys: %w", err)
	}
	if len(rows) > 0 {
		return tableChanged("the foreign key %s of table %s would go with the old table", rows[0]["name"], rows[0]["child"])
	}
	return nil
}

// seesTriggers refuses where the account does not see triggers: none would be
// listed then, whatever there is.
func (x *swap) seesTriggers(ctx context.Context) error {
	rows, err := x.h.Named(ctx, "SHOW GRANTS")
	if err != nil {
		return fmt.Errorf("look for the right to see triggers: %w", err)
	}
	for _, r := range rows {
		for _, g := range r {
			head, _, _ := strings.Cut(g, " ON ")
			rights := strings.Split(strings.ReplaceAll(strings.TrimPrefix(head, "GRANT "), ", ", ","), ",")
			if slices.Contains(rights, "ALL PRIVILEGES") || slices.Contains(rights, "TRIGGER") {
				return nil
			}
		}
	}
	return hint.Wrap(fmt.Errorf("%w: the account does not see whether the table has triggers", apply.ErrRefused), "trigger-denied",
		"GRANT TRIGGER on the site's schema to hirune's account, or run it as root")
}

// keyLimit is the highest number that the key's type holds.
func (x *swap) keyLimit() (int64, error) {
	for _, c := range x.t.columns {
		if !strings.EqualFold(c.Name, x.step.Key) {
			continue
		}
		bits := map[string]uint{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}[c.Type]
		if bits == 0 {
			break
		}
		if bits < 64 && strings.Contains(strings.ToLower(c.FullType), "unsigned") {
			return 1<<bits - 1, nil
		}
		return 1<<(bits-1) - 1, nil
	}
	return 0, tableChanged("the key %s is no whole number", x.step.Key)
}
