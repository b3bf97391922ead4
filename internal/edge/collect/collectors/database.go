package collectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
)

// DatabaseSource tells which servers run here and which accounts to try. It is
// asked at the start, and again while a server cannot be read.
type DatabaseSource func() (targets []discover.Database, creds []mysql.Credential)

// Database reads all MariaDB and MySQL servers of the host, each over one
// connection that it holds.
//
// Its Timeout should be 15 s and not the beat's: a server that is starved
// answers late, and a query that is cut off costs the connection, which a full
// server does not give back.
type Database struct {
	source  DatabaseSource
	servers []*databaseServer
	asked   time.Time // when source was asked last
	faults  logFaults // by server, where there are several
}

var _ collect.Collector = (*Database)(nil)

// NewDatabase returns a collector that has asked and opened nothing yet.
func NewDatabase(source DatabaseSource) *Database {
	return &Database{source: source, faults: logFaults{}}
}

// Name implements collect.Collector.
func (d *Database) Name() string { return "database" }

// Settled reports whether nothing is left that a server has not answered, or will
// not: between two looks.
func (d *Database) Settled() bool {
	return !slices.ContainsFunc(d.servers, func(s *databaseServer) bool { return len(s.jobs) > 0 && s.conn != nil })
}

// Blinds implements collect.Blinder.
func (*Database) Blinds() string {
	return "running statements, locks, transactions, table sizes"
}

const (
	databaseRefresh = time.Minute      // how often source is asked again
	databaseSoon    = 5 * time.Second  // while none is known
	databaseBudget  = 12 * time.Second // for one look, however late it is
)

// Collect looks once at each server. Where none can be read it returns an error
// that wraps evidence.ErrAbsent, with a hint; one of several that cannot be read
// is told as evidence.Unseen, and so is a right that is missing.
func (d *Database) Collect(ctx context.Context, b *collect.Beat) error {
	d.refresh(b.Now)
	if len(d.servers) == 0 {
		return hint.Wrap(fmt.Errorf("look for a database: none runs here: %w", evidence.ErrAbsent), mysql.CodeDown,
			"start the database, or name it in hirune's configuration if it runs on another host")
	}
	ctx, cancel := context.WithTimeout(ctx, databaseBudget)
	defer cancel()
	looks := make([]look, len(d.servers))
	var wg sync.WaitGroup
	for i, s := range d.servers {
		looks[i].at = b.Now
		wg.Go(func() { looks[i].err = s.look(ctx, &looks[i]) })
	}
	wg.Wait() // each look ends with the context
	var errs []error
	for _, l := range looks {
		for _, f := range l.facts {
			b.Emit(f)
		}
		if l.err != nil {
			errs = append(errs, l.err)
		}
	}
	if len(errs) == len(looks) {
		return errors.Join(errs...)
	}
	for i, s := range d.servers {
		d.faults.change(b, d.Name(), s.target.String(), d.Blinds()+" of "+s.target.String(), looks[i].err)
	}
	return nil
}

// Close ends the connections. No Collect may be under way.
func (d *Database) Close() error {
	var errs []error
	for _, s := range d.servers {
		errs = append(errs, s.conn.Close())
	}
	d.servers = nil
	return errors.Join(errs...)
}

// refresh asks which servers there are. A server that is known stays, also
// while it is down: its absence is what is to be recorded.
func (d *Database) refresh(now time.Time) {
	every := databaseRefresh
	if len(d.servers) == 0 {
		every = databaseSoon
	}
	if !d.asked.IsZero() && now.Sub(d.asked) < every && !now.Before(d.asked) {
		return
	}
	d.asked = now
	targets, creds := d.source()
	known := map[string]*databaseServer{}
	for _, s := range d.servers {
		known[s.target.Instance] = s
	}
	for _, t := range targets {
		tg := mysql.Target{Instance: t.Instance, Flavour: t.Flavour, Socket: t.Socket, Address: t.Address, ExtraPort: t.ExtraPort}
		s := known[t.Instance]
		if s == nil {
			s = &databaseServer{suspects: map[string]time.Time{}}
			d.servers = append(d.servers, s)
		}
		s.target, s.creds = tg, creds
	}
}
