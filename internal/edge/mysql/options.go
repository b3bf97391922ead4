package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

const (
	optionsRows    = 20_000  // autoloaded options that are measured; more are counted as so many
	optionsLargest = 10      // told by name
	optionsGB      = 1 << 30 // from that size on the table is read by its index only
	optionNameMost = 191     // bytes, WordPress' own bound
)

// autoloaded are the values by which WordPress loads an option on every request:
// 'yes' of old, the others since 6.6.
const autoloaded = "('yes','on','auto','auto-on')"

// CodeOptionsLarge says that a site's options are too large to be measured.
const CodeOptionsLarge = "options-large"

// Options measures what a site keeps in its options: the autoloaded ones and the
// schedule. It looks at the table's size first, reads a very large one by its index
// only, and never more than optionsRows values; the server ends what takes longer
// than two seconds (ErrSlow). Site and CronEvents are left empty: the server would take
// seconds to count in a text of megabytes.
// Source: the table <prefix>options of the schema.
func (c *Conn) Options(ctx context.Context, schema, prefix string) (evidence.OptionUse, error) {
	u := evidence.OptionUse{Table: prefix + "options"}
	t, ok, err := c.Table(ctx, schema, u.Table)
	switch {
	case err != nil:
		return u, err
	case !ok:
		return u, fmt.Errorf("measure the options of the site in %s: no such table: %w", schema, evidence.ErrAbsent)
	}
	force := ""
	if sizeOf(t) >= optionsGB {
		if i := slices.IndexFunc(t.Indexes, func(i evidence.Index) bool { return i.Columns[0] == "autoload" }); i >= 0 {
			force = " FORCE INDEX (" + ident(t.Indexes[i].Name) + ")"
		} else {
			return u, optionsLarge(schema, t)
		}
	}
	if err := c.autoloads(ctx, schema, force, &u); err != nil {
		if errors.Is(err, ErrSlow) && sizeOf(t) >= optionsGB {
			return u, optionsLarge(schema, t)
		}
		return u, fmt.Errorf("measure the options of the site in %s: %w", schema, err)
	}
	var size sql.NullInt64
	err = c.one(ctx, &size, fmt.Sprintf("SELECT LENGTH(option_value) FROM %s.%s WHERE option_name = 'cron' LIMIT 1", ident(schema), ident(u.Table)))
	if err != nil {
		return u, fmt.Errorf("measure the schedule of the site in %s: %w", schema, err)
	}
	u.CronBytes = size.Int64
	return u, nil
}

func optionsLarge(schema string, t evidence.Table) error {
	return hint.Wrap(fmt.Errorf("measure the options of the site in %s: %s takes %d MB: %w", schema, t.Name, sizeOf(t)>>20, evidence.ErrAbsent), CodeOptionsLarge,
		"a table of settings of this size is a fault by itself: see which option it is, at a quiet hour: SELECT option_name, LENGTH(option_value) AS bytes FROM "+ident(schema)+"."+ident(t.Name)+" ORDER BY bytes DESC LIMIT 20;")
}

// autoloads sums up the autoloaded options row by row, and keeps the largest.
func (c *Conn) autoloads(ctx context.Context, schema, force string, u *evidence.OptionUse) error {
	return c.query(ctx, func(scan func(...any) error) error {
		var o evidence.OptionBytes
		if err := scan(&o.Name, &o.Bytes); err != nil {
			return err
		}
		u.AutoloadCount++
		u.AutoloadBytes += o.Bytes
		if n := len(u.Largest); n == optionsLargest && o.Bytes <= u.Largest[n-1].Bytes {
			return nil
		}
		u.Largest = append(u.Largest, o)
		slices.SortFunc(u.Largest, func(a, b evidence.OptionBytes) int {
			return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
		})
		u.Largest = u.Largest[:min(len(u.Largest), optionsLargest)]
		return nil
	}, fmt.Sprintf("SELECT LEFT(option_name, %d), LENGTH(option_value) FROM %s.%s%s WHERE autoload IN %s LIMIT %d",
		optionNameMost, ident(schema), ident(u.Table), force, autoloaded, optionsRows))
}
