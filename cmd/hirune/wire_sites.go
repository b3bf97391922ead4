package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/wordpress"
)

// sites adds what reads WordPress, and what asks each site for a page.
func (e *eyes) sites(a *app, named []mysql.Credential) {
	found := func() discover.Found { return *e.found() }
	open := map[string]*siteDB{}
	wp := collectors.NewWordPress(found, func(s wordpress.Site) wordpress.Querier {
		db := open[s.Dir]
		if db == nil {
			db = &siteDB{}
			open[s.Dir] = db
			e.closers = append(e.closers, db.close)
		}
		db.target, db.accounts = databaseOf(s, e.found()), append(siteAccount(s), a.tryAccounts(e.found(), named)...)
		return db
	})
	probes := collectors.NewProbes(found)
	// A starved database answers late, and then most of all the schedule is to be
	// known: it is waited for as long as for the database's own collector, and asked
	// again at the full pace.
	e.add(wp, collect.Timed{Every: fastChange, Steady: true, Timeout: 15 * time.Second})
	e.add(probes, collect.Timed{Every: everyBeat, Steady: true, Timeout: time.Second})
	changes := collectors.NewChanges(found)
	e.add(changes, collect.Timed{Every: slowChange, Timeout: 4 * time.Second})
	e.closers = append(e.closers, probes.Close, changes.Close)
}

// siteDB is the way to a site's database. Its connection is opened when it is
// needed first, and held; it is not the one that watches the server, which must
// not wait for it.
type siteDB struct {
	target   mysql.Target
	accounts []mysql.Credential
	conn     *mysql.Conn
}

var _ wordpress.Querier = (*siteDB)(nil)

// Option implements wordpress.Querier.
func (d *siteDB) Option(ctx context.Context, schema, prefix, name string) (string, error) {
	if err := d.connect(ctx); err != nil {
		return "", err
	}
	return d.conn.Option(ctx, schema, prefix, name)
}

// TableNames implements wordpress.Querier.
func (d *siteDB) TableNames(ctx context.Context, schema, prefix string) ([]string, error) {
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	return d.conn.TableNames(ctx, schema, prefix)
}

// Options measures the site's options.
func (d *siteDB) Options(ctx context.Context, schema, prefix string) (evidence.OptionUse, error) {
	if err := d.connect(ctx); err != nil {
		return evidence.OptionUse{}, err
	}
	return d.conn.Options(ctx, schema, prefix)
}

// connect logs in with the first account that gets in. It sees the site's own
// tables; to look for one that sees more costs a starved server a second each.
func (d *siteDB) connect(ctx context.Context) error {
	if d.conn != nil && !d.conn.Lost() {
		return nil
	}
	if len(d.accounts) == 0 {
		_, err := mysql.Open(ctx, d.target, nil) // it says so, with advice
		return err
	}
	var first error
	for _, account := range d.accounts {
		conn, err := mysql.Open(ctx, d.target, []mysql.Credential{account})
		if err == nil {
			d.conn = conn
			return nil
		}
		if first == nil || errors.Is(err, mysql.ErrFull) {
			first = err // a full server says more than a wrong password
		}
		if ctx.Err() != nil {
			break
		}
	}
	return first
}

func (d *siteDB) close() error {
	if d.conn == nil {
		return nil
	}
	return errors.Join(d.conn.Close())
}

// databaseOf is the server that a site's configuration names: one that runs
// here, or the address itself where it is on another host.
func databaseOf(s wordpress.Site, found *discover.Found) mysql.Target {
	c := s.Config
	for _, d := range found.Databases {
		if c.Socket != "" && c.Socket == d.Socket || c.Socket == "" && c.Host == "" && len(found.Databases) == 1 || c.Host != "" && samePort(c, d.Address) {
			return mysql.Target{Instance: d.Instance, Flavour: d.Flavour, Socket: d.Socket, Address: d.Address, ExtraPort: d.ExtraPort}
		}
	}
	t := mysql.Target{Instance: s.Name, Socket: c.Socket}
	if c.Host != "" {
		t.Address = net.JoinHostPort(c.Host, portOf(c))
	}
	if t.Socket == "" && t.Address == "" {
		t.Socket = defaultSocket
	}
	return t
}

// defaultSocket is where Debian's client and PHP look when nothing is named.
const defaultSocket = "/run/mysqld/mysqld.sock"

// samePort reports whether a site's configuration names a server that listens
// on this host at address.
func samePort(c wordpress.Config, address string) bool {
	_, port, err := net.SplitHostPort(address)
	return isHere(c.Host) && err == nil && port == portOf(c)
}

func portOf(c wordpress.Config) string {
	if c.Port == 0 {
		return "3306"
	}
	return strconv.Itoa(c.Port)
}

// siteAccount is the site's own account: it sees its tables, and no more.
func siteAccount(s wordpress.Site) []mysql.Credential {
	if s.Config.User == "" {
		return nil
	}
	return []mysql.Credential{{User: s.Config.User, Password: s.Config.Password, Schema: s.Config.DBName, From: s.Config.Path}}
}
