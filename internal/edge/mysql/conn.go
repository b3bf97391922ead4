// Package mysql reads MariaDB (10.3 and later) and MySQL (5.7 and later).
//
// It is the only package that opens a database. A Conn is one connection that
// is opened early and held: when the server has none left, a recorder that
// already has one still sees why. Its session is read-only, holds no
// transaction, waits for no lock longer than a second, and bounds each of its
// statements; each begins with a comment that names hirune.
package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	gosql "github.com/go-sql-driver/mysql"

	"hirune/internal/core/hint"
)

// Flavours of server.
const (
	MariaDB = "mariadb"
	MySQL   = "mysql"
)

// Target is one server: where it listens.
type Target struct {
	Instance  string // short name that tells servers apart; goes into the facts
	Flavour   string // MariaDB, MySQL or "" if it is not known before the log-in
	Socket    string // UNIX socket; may be empty
	Address   string // host:port; may be empty
	ExtraPort string // host:port of the spare port; may be empty
}

// String names the server for error messages.
func (t Target) String() string {
	for _, s := range []string{t.Socket, t.Address, t.Instance} {
		if s != "" {
			return s
		}
	}
	return "the database"
}

// Credential is one account to try.
type Credential struct {
	User     string
	Password string
	Schema   string // the site's database; empty for an account of no site
	From     string // where it was found, e.g. "/root/.my.cnf"
}

// String leaves the password out.
func (c Credential) String() string { return c.User + " (" + c.From + ")" }

// GoString leaves the password out.
func (c Credential) GoString() string { return c.String() }

// times that bound the waiting for a server, in the order of the layers: the
// server ends a statement first, then the socket.
const (
	dialTimeout = 2 * time.Second
	readTimeout = 20 * time.Second
	statementMs = 2000
)

// Conn is one connection, held for good. It is not safe for concurrent use.
type Conn struct {
	target     Target
	creds      []Credential
	db         *sql.DB
	conn       *sql.Conn
	used       Credential
	flavour    string
	version    string
	major      int // 10, 11, 5, 8, 9
	minor      int
	patch      int
	account    string // CURRENT_USER()
	id         uint64 // of the connection at the server
	perfSchema bool
	mdlInfo    bool // MariaDB's plugin METADATA_LOCK_INFO is there
	purgeCount bool // the counter of purged rows is on
	utcOffsetS int64
	can        rights
	asked      int64 // statements of our own since the last Status
	selects    int64
	status     statusMemory
	digests    map[string]digestCount
	digestsAt  time.Time
	lockers    map[uint64]string // sessions seen to ask for a lock that lasts, with the verb
}

// Open logs in to the server. It tries the accounts in their order and keeps
// the first that sees other sessions, else the one that sees most. When all
// connections are taken it tries the spare port. It returns ErrDown, ErrSlow,
// ErrDenied or ErrFull with a hint.
func Open(ctx context.Context, t Target, creds []Credential) (*Conn, error) {
	c := &Conn{target: t, creds: creds, flavour: t.Flavour}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Conn) open(ctx context.Context) error {
	if len(c.creds) == 0 {
		return hint.Wrap(fmt.Errorf("log in to %s: no account is known: %w", c.target, ErrDenied), CodeDenied, adviceDenied(c.target.Flavour))
	}
	var best *session
	var first error
	for _, cred := range c.creds {
		s, err := login(ctx, c.target, cred)
		if err != nil {
			first = worst(first, err)
			if errors.Is(err, ErrDown) && c.target.Address == "" {
				break // an account with a password may still get in by TCP
			}
			continue
		}
		best = better(best, s)
		if best.can.process {
			break
		}
	}
	if best == nil {
		return first
	}
	c.take(best)
	return nil
}

// worst keeps of two log-in errors the one that says more: a full server says
// more than a wrong password.
func worst(a, b error) error {
	if a == nil || errors.Is(b, ErrFull) && !errors.Is(a, ErrFull) {
		return b
	}
	return a
}

// better keeps the session with more rights and ends the other.
func better(a, b *session) *session {
	if a == nil {
		return b
	}
	if b.can.score() > a.can.score() {
		a, b = b, a
	}
	b.close()
	return a
}

// Close ends the connection.
func (c *Conn) Close() error {
	if c == nil || c.db == nil {
		return nil
	}
	err := errors.Join(c.conn.Close(), c.db.Close())
	c.db, c.conn = nil, nil
	return err
}

// Reopen logs in anew if the connection is lost; otherwise it does nothing.
// The caller bounds how often.
func (c *Conn) Reopen(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	return c.open(ctx)
}

// Lost reports whether the connection is gone.
func (c *Conn) Lost() bool { return c.conn == nil }

// Flavour is MariaDB or MySQL.
func (c *Conn) Flavour() string { return c.flavour }

// Account says which account is in use and where it was found.
func (c *Conn) Account() string { return c.used.String() }

// Missing lists the rights that the account in use lacks, with the statement
// that grants each.
func (c *Conn) Missing() []Missing { return c.missing() }

// atLeast compares the server's version.
func (c *Conn) atLeast(major, minor, patch int) bool {
	if c.major != major {
		return c.major > major
	}
	if c.minor != minor {
		return c.minor > minor
	}
	return c.patch >= patch
}

// query runs one SELECT or SHOW and calls row for each row with its scanner.
// It notes a lost connection.
func (c *Conn) query(ctx context.Context, row func(scan func(...any) error) error, text string, args ...any) error {
	if c.conn == nil {
		return ErrDown
	}
	c.asked++
	if strings.HasPrefix(text, "SELECT") {
		c.selects++
	}
	rows, err := c.conn.QueryContext(ctx, marker+text, args...)
	if err != nil {
		return outOfTime(c.failed(err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return outOfTime(c.failed(rows.Err()))
}

// names runs one SELECT of a single column of texts.
func (c *Conn) names(ctx context.Context, text string, args ...any) ([]string, error) {
	var out []string
	err := c.query(ctx, func(scan func(...any) error) error {
		var s string
		if err := scan(&s); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	}, text, args...)
	return out, err
}

func (c *Conn) exec(ctx context.Context, text string) error {
	if c.conn == nil {
		return ErrDown
	}
	c.asked++
	_, err := c.conn.ExecContext(ctx, marker+text)
	return c.failed(err)
}

// failed lets go of a lost connection.
func (c *Conn) failed(err error) error {
	if err == nil || !lost(err) {
		return err
	}
	c.Close()
	if tooLate(err) {
		return hint.Wrap(fmt.Errorf("connection to %s given up: %w: %w", c.target, ErrSlow, err), CodeSlow, adviceSlow)
	}
	return hint.Wrap(fmt.Errorf("connection to %s lost: %w: %w", c.target, ErrDown, err), CodeDown, adviceDown)
}

// marker begins every statement of hirune, so that an owner who sees it in a
// slow log or a process list knows whose it is.
const marker = "/* hirune */ "

func dial(t Target, cred Credential, network, addr string, timeout time.Duration) (*sql.DB, error) {
	cfg := gosql.NewConfig()
	cfg.User, cfg.Passwd = cred.User, cred.Password
	cfg.Net, cfg.Addr = network, addr
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = dialTimeout, timeout, timeout
	cfg.InterpolateParams = true
	cfg.Logger = &gosql.NopLogger{}
	cfg.ConnectionAttributes = "program_name:hirune"
	connector, err := gosql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("prepare the log-in to %s: %w", t, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db, nil
}

// endpoints lists where to try, the UNIX socket first.
func endpoints(t Target, cred Credential) [][2]string {
	var out [][2]string
	if t.Socket != "" {
		out = append(out, [2]string{"unix", t.Socket})
	}
	if t.Address != "" && (cred.Password != "" || t.Socket == "") {
		out = append(out, [2]string{"tcp", loopback(t.Address)})
	}
	return out
}

// loopback turns an address that listens everywhere into one to connect to.
func loopback(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	switch host {
	case "", "*", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
