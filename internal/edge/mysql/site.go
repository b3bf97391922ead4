package mysql

import (
	"context"
	"fmt"
)

// OptionMost is how many bytes of one option are read; a larger one is cut and will
// not decode.
const OptionMost = 4 << 20

const namesMost = 2000 // tables of one site

// Option returns the value of an option of WordPress, "" where there is none.
// Source: the table <prefix>options of the schema.
func (c *Conn) Option(ctx context.Context, schema, prefix, name string) (string, error) {
	var value string
	err := c.one(ctx, &value, fmt.Sprintf("SELECT LEFT(option_value, %d) FROM %s.%s WHERE option_name = ? LIMIT 1",
		OptionMost, ident(schema), ident(prefix+"options")), name)
	if err != nil {
		return "", fmt.Errorf("read the option %s of the site in %s: %w", name, schema, err)
	}
	return value, nil
}

// TableNames returns the names of the tables of a schema that begin with the
// prefix, in their order, at most 2,000.
func (c *Conn) TableNames(ctx context.Context, schema, prefix string) ([]string, error) {
	out, err := c.names(ctx, fmt.Sprintf("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND LEFT(TABLE_NAME, CHAR_LENGTH(?)) = ? ORDER BY TABLE_NAME LIMIT %d", namesMost),
		schema, prefix, prefix)
	if err != nil {
		return nil, fmt.Errorf("list the tables of the site in %s: %w", schema, err)
	}
	return out, nil
}
