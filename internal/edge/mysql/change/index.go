package change

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Index adds an index by online DDL: the Doer of remedy.AddIndex.
type Index struct {
	Server
}

var _ apply.Doer = Index{}

// Do implements apply.Doer. It returns ErrRefused where the table is not as
// planned or the server would copy or lock it.
func (d Index) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.AddIndex)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.AddIndex{}.Kind())
	}
	found, err := asked(ctx, d.Server, step.On, lookIndexes)
	if err != nil {
		return fmt.Errorf("add index %s to %s: %w", step.Index, step.Name(), err)
	}
	if found.covered(step.Columns) {
		return nil
	}
	if err := found.fits(step); err != nil {
		return fmt.Errorf("add index %s to %s: %w", step.Index, step.Name(), err)
	}
	return d.online(step, step.Add(), func(ctx context.Context, eye *mysql.Hand) (bool, error) {
		t, err := lookIndexes(ctx, eye, step.On)
		return t.covered(step.Columns), err
	}).run(ctx, w)
}

func (d Index) online(s remedy.AddIndex, text string, there func(context.Context, *mysql.Hand) (bool, error)) online {
	return online{srv: d.Server, on: s.On, text: text, doing: DoingIndex, stall: s.Stall, budget: s.Budget, tries: s.Tries, there: there}
}

// Done implements apply.Doer: it is done where an index whose leading columns
// are ours is there, whoever made it.
func (d Index) Done(ctx context.Context, s remedy.Step, _ json.RawMessage) (apply.Answer, error) {
	step, ok := s.(remedy.AddIndex)
	if !ok {
		return apply.CannotTell, fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.AddIndex{}.Kind())
	}
	return d.afterOurs(ctx, step.Add(), func(eye *mysql.Hand) (bool, error) {
		t, err := lookIndexes(ctx, eye, step.On)
		return t.covered(step.Columns), err
	})
}

// Undo implements apply.Doer: it drops the index of our name, if it has our
// columns and no others.
func (d Index) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, ok := s.(remedy.AddIndex)
	if !ok {
		return fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.AddIndex{}.Kind())
	}
	t, err := asked(ctx, d.Server, step.On, lookIndexes)
	if err != nil {
		return fmt.Errorf("drop index %s of %s: %w", step.Index, step.Name(), err)
	}
	i, ok := t.named(step.Index)
	switch {
	case !ok:
		return nil
	case !i.exactly(step.Columns):
		return fmt.Errorf("drop index %s of %s: %w", step.Index, step.Name(), tableChanged("the index has other columns now: %s", strings.Join(i.columns, ", ")))
	}
	return d.online(step, step.Drop(), func(ctx context.Context, eye *mysql.Hand) (bool, error) {
		t, err := lookIndexes(ctx, eye, step.On)
		_, there := t.named(step.Index)
		return !there, err
	}).run(ctx, w)
}

// indexedTable is a table's columns and indexes; kind is "" where there is none.
type indexedTable struct {
	kind    string // TABLE_TYPE
	columns []string
	indexes []index
}

type index struct {
	name    string
	columns []string
	usable  bool // a tree over whole columns, which the server does use
}

// lookIndexes reads them. Source: information_schema.
func lookIndexes(ctx context.Context, eye *mysql.Hand, on remedy.On) (indexedTable, error) {
	var t indexedTable
	rows, err := eye.Named(ctx, "SELECT TABLE_TYPE AS kind FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_NAME=?", on.Schema, on.Table)
	if err != nil || len(rows) == 0 {
		return t, err
	}
	t.kind = rows[0]["kind"]
	cols, err := eye.Named(ctx, "SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? ORDER BY ORDINAL_POSITION", on.Schema, on.Table)
	if err != nil {
		return t, err
	}
	for _, c := range cols {
		t.columns = append(t.columns, c["name"])
	}
	rows, err = eye.Named(ctx, "SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? ORDER BY INDEX_NAME, SEQ_IN_INDEX", on.Schema, on.Table)
	for _, r := range rows {
		if len(t.indexes) == 0 || t.indexes[len(t.indexes)-1].name != r["index_name"] {
			t.indexes = append(t.indexes, index{name: r["index_name"], usable: true})
		}
		i := &t.indexes[len(t.indexes)-1]
		i.columns = append(i.columns, strings.ToLower(r["column_name"]))
		// IS_VISIBLE is MySQL's word, IGNORED MariaDB's; an expression has no column
		i.usable = i.usable && r["index_type"] == "BTREE" && r["sub_part"] == "" && r["column_name"] != "" && r["is_visible"] != "NO" && r["ignored"] != "YES"
	}
	return t, err
}

// covered reports whether an index leads with the columns.
func (t indexedTable) covered(columns []string) bool {
	return slices.ContainsFunc(t.indexes, func(i index) bool {
		return i.usable && len(columns) > 0 && len(i.columns) >= len(columns) && i.begins(columns)
	})
}

func (i index) begins(columns []string) bool {
	for n, c := range columns {
		if n >= len(i.columns) || !strings.EqualFold(i.columns[n], c) {
			return false
		}
	}
	return true
}

func (i index) exactly(columns []string) bool {
	return len(i.columns) == len(columns) && i.begins(columns)
}

func (t indexedTable) named(name string) (index, bool) {
	for _, i := range t.indexes {
		if strings.EqualFold(i.name, name) {
			return i, true
		}
	}
	return index{}, false
}

// fits compares the table with the one that the step was planned for.
func (t indexedTable) fits(s remedy.AddIndex) error {
	switch {
	case t.kind == "":
		return tableChanged("the table is gone")
	case t.kind != "BASE TABLE":
		return tableChanged("it is a %s", strings.ToLower(t.kind))
	case len(s.Columns) == 0:
		return tableChanged("the plan names no column")
	}
	for _, c := range s.Columns {
		if !slices.ContainsFunc(t.columns, func(have string) bool { return strings.EqualFold(have, c) }) {
			return tableChanged("the column %s is gone", c)
		}
	}
	if i, ok := t.named(s.Index); ok {
		return tableChanged("there is another index %s on (%s)", i.name, strings.Join(i.columns, ", "))
	}
	return nil
}
