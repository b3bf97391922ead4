package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	gosql "github.com/go-sql-driver/mysql"

	"hirune/lab/credit"
	"hirune/lab/load"
	"hirune/lab/run"
	"hirune/lab/scenario"
	"hirune/lab/stack"
)

// bed is the site on which all methods are tried.
type bed struct {
	options
	*run.Patient
	stay     stack.Sum // the rows that no method may touch
	seeded   time.Time
	progress io.Writer
}

// open brings the site up; with hirune among the methods it has had its outage, and the verdict is on the tape.
func open(ctx context.Context, o options, progress io.Writer) (*bed, error) {
	hirune := ""
	for _, m := range o.methods {
		if strings.HasPrefix(m, "hirune") {
			hirune = o.hirune
		}
	}
	if err := room(o); err != nil {
		return nil, err
	}
	c := run.Case{Options: run.Options{Hirune: hirune, Out: o.out}, Scenario: patientOf(o), Quiet: 22 * time.Second}
	p, err := run.Admit(ctx, c, progress)
	b := &bed{options: o, Patient: p, progress: progress}
	if err != nil {
		return b, err
	}
	if len(p.Wrong) > 0 {
		return b, fmt.Errorf("the verdict that hirune is to act on: %s", strings.Join(p.Wrong, "; "))
	}
	if _, err := p.StopVisits(); err != nil {
		return b, err
	}
	return b, errors.Join(p.StopRecorder(), p.Lift())
}

// room refuses to fill the disk: the data is there twice, and a swap makes it half as big again.
func room(o options) error {
	var fs syscall.Statfs_t
	base := os.Getenv("TMPDIR")
	if base == "" {
		base = "/var/tmp"
	}
	if err := syscall.Statfs(base, &fs); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", base, err)
	}
	const perRow = 3500
	need, free := int64(o.rows)*perRow*3, int64(fs.Bavail)*fs.Bsize
	if free < need {
		return fmt.Errorf("%d rows take %d GB on %s for two copies and what is made of them, %d GB are free", o.rows, need>>30, base, free>>30)
	}
	return nil
}

func patientOf(o options) scenario.Scenario {
	return scenario.Scenario{
		Name: "audit-log-purge", Title: "a table to purge", Seconds: 60,
		Stack:   stack.Config{BufferPool: o.pool, Seed: stack.Seed{Rows: o.rows, OldShare: o.old}},
		Plan:    credit.Plan{VCPUs: 2, Baseline: 0.1},
		Load:    []load.Stream{{Kind: load.Page, Rate: 6.5, Clients: 400, Net: 20}, {Kind: load.XMLRPC, Rate: 1.5, Clients: 9, Net: 66}},
		Verdict: scenario.Verdict{Exit: 1, Status: []string{"proven", "likely"}, Cause: "purge-without-index"},
	}
}

// fresh lays the data anew, forgets what hirune did, and warms up.
func (b *bed) fresh(ctx context.Context) error {
	if err := errors.Join(b.Lift(), b.Site.ResetData(ctx), os.RemoveAll(b.Program.State)); err != nil {
		return err
	}
	b.seeded = b.Site.SeededAt
	if b.stay.Rows == 0 {
		var err error
		if b.stay, err = b.staying(ctx); err != nil {
			return err
		}
	}
	shots := load.Schedule([]load.Stream{{Kind: load.Page, Rate: 15, Clients: 50, Net: 20}}, 4*time.Second, 7)
	_, err := load.Run(ctx, b.target(), shots, time.Now())
	return err
}

// staying sums the seeded rows that have to stay.
func (b *bed) staying(ctx context.Context) (stack.Sum, error) {
	return b.Site.Sum(ctx, fmt.Sprintf("id <= %d AND NOT %s", b.rows, b.Site.Old(b.seeded)))
}

func (b *bed) left(ctx context.Context) (int64, error) {
	return b.Site.Number(ctx, fmt.Sprintf("SELECT COUNT(*) FROM %s.%s WHERE %s", b.Site.DBName, b.Site.Table(), b.Site.Old(b.seeded)))
}

func (b *bed) target() load.Site {
	return load.Site{URL: b.Site.URL, Posts: b.Site.Posts(), PostSlug: stack.PostSlug, Words: stack.Words, FailedLogin: stack.FailedLogin,
		BrowserAgents: stack.BrowserAgents, AttackerAgent: stack.AttackerAgent}
}

// database opens a pool of the site's own account, as WordPress would come in.
func (b *bed) database(most int) (*sql.DB, error) {
	cfg := gosql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = b.Site.DBUser, b.Site.DBPassword, "unix", b.Site.DBSocket, b.Site.DBName
	cfg.InterpolateParams = true
	connector, err := gosql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("reach the database: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// hold keeps an old view of the table open until the returned function is called.
func (b *bed) hold(ctx context.Context) (func() error, error) {
	s, err := b.Site.OpenSession(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT COUNT(*) FROM wp_options")
	if err != nil {
		return nil, err
	}
	return s.Close, nil
}

func (b *bed) path(name string) string { return filepath.Join(b.out, name) }
