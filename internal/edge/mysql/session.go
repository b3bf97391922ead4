package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// session is a connection that has just been made, with what it may do.
type session struct {
	Conn
}

// rights are what an account may do, found by trying.
type rights struct {
	process    bool
	perfSchema bool // may read performance_schema
	admin      bool // may log in when all connections are taken
}

func (r rights) score() int {
	n := 0
	if r.process {
		n += 4
	}
	if r.perfSchema {
		n += 2
	}
	if r.admin {
		n++
	}
	return n
}

// login makes one session: over the socket, then over TCP where an account has
// a password, then over the spare port where the server is full.
func login(ctx context.Context, t Target, cred Credential) (*session, error) {
	var first error
	tries := endpoints(t, cred)
	for len(tries) > 0 {
		network, addr := tries[0][0], tries[0][1]
		tries = tries[1:]
		s, err := try(ctx, t, cred, network, addr)
		if err == nil {
			return s, nil
		}
		first = worst(first, classify(err, t, cred))
		if errors.Is(first, ErrFull) {
			tries = nil
			if t.ExtraPort != "" {
				tries = [][2]string{{"tcp", loopback(t.ExtraPort)}}
				t.ExtraPort = ""
			}
		}
	}
	if first == nil {
		first = classify(errors.New("it listens nowhere that is known"), t, cred)
	}
	return nil, first
}

func try(ctx context.Context, t Target, cred Credential, network, addr string) (*session, error) {
	db, err := dial(t, cred, network, addr, readTimeout)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return nil, err
	}
	s := &session{Conn{target: t, db: db, conn: conn, used: cred}}
	if err := s.setUp(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) close() { s.Conn.Close() }

// take makes the session the connection's own; what was learnt of the server
// before (counters) stays.
func (c *Conn) take(s *session) {
	status, digests, at := c.status, c.digests, c.digestsAt
	creds, target := c.creds, c.target
	*c = s.Conn
	c.status, c.digests, c.digestsAt, c.creds, c.target = status, digests, at, creds, target
}

// know learns what server it is.
func (s *session) know(ctx context.Context) error {
	var perf, version string
	err := s.query(ctx, func(scan func(...any) error) error {
		return scan(&version, &s.id, &s.account, &perf)
	}, "SELECT VERSION(), CONNECTION_ID(), CURRENT_USER(), @@performance_schema")
	if err != nil {
		return fmt.Errorf("read the server's version: %w", err)
	}
	s.setVersion(version)
	s.perfSchema = perf == "1"
	return nil
}

// setUp learns what server it is and bounds what the session may do to it.
func (s *session) setUp(ctx context.Context) error {
	if err := s.know(ctx); err != nil {
		return err
	}
	for _, text := range s.settings() {
		if err := s.exec(ctx, text); err != nil {
			return fmt.Errorf("bound the session: %w", err)
		}
	}
	return s.learn(ctx)
}

// settings are READ COMMITTED, because a probe beside a running purge then
// finds the old rows at once instead of passing over all that it has marked.
func (s *session) settings() []string {
	common := "lock_wait_timeout=1, innodb_lock_wait_timeout=1, autocommit=1, long_query_time=60"
	iso := "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
	ro := "SET SESSION TRANSACTION READ ONLY"
	if s.flavour == MariaDB {
		return []string{"SET SESSION " + common + ", max_statement_time=" + strconv.Itoa(statementMs/1000), iso, ro}
	}
	if s.atLeast(8, 0, 0) {
		common += ", information_schema_stats_expiry=0" // otherwise reading TABLES writes its cache
	}
	return []string{"SET SESSION " + common + ", max_execution_time=" + strconv.Itoa(statementMs), iso, ro}
}

// setVersion reads "10.11.19-MariaDB-0+deb12u1" or "8.0.44".
func (s *session) setVersion(v string) {
	s.version, s.flavour = v, MySQL
	if strings.Contains(strings.ToLower(v), "mariadb") {
		s.flavour = MariaDB
		v = strings.TrimPrefix(v, "5.5.5-")
	}
	parts := strings.SplitN(v, ".", 3)
	for i, dst := range []*int{&s.major, &s.minor, &s.patch} {
		if i < len(parts) {
			*dst = leadingInt(parts[i])
		}
	}
}

func leadingInt(s string) int {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return 0
	}
	return n
}

// learn finds the rights of the account and what the server offers. The offset
// is that of the server's own zone; then the session goes to the system's,
// because the moments of INNODB_TRX are in that.
func (s *session) learn(ctx context.Context) error {
	err := s.one(ctx, &s.utcOffsetS, "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())")
	if err != nil {
		return fmt.Errorf("read the server's time zone: %w", err)
	}
	if err := s.exec(ctx, "SET SESSION time_zone='SYSTEM'"); err != nil {
		return fmt.Errorf("set the session's time zone: %w", err)
	}
	var n sql.NullString
	s.can.process = s.one(ctx, &n, "SELECT trx_id FROM information_schema.INNODB_TRX LIMIT 1") == nil
	s.can.admin = s.hasAdmin(ctx)
	if s.perfSchema {
		s.can.perfSchema = s.one(ctx, &n, "SELECT THREAD_ID FROM performance_schema.events_statements_current LIMIT 1") == nil
	}
	if s.flavour == MariaDB {
		s.mdlInfo = s.one(ctx, &n, "SELECT PLUGIN_STATUS FROM information_schema.PLUGINS WHERE PLUGIN_NAME='METADATA_LOCK_INFO'") == nil && n.String == "ACTIVE"
	}
	if s.can.process {
		s.purgeCount = s.one(ctx, &n, "SELECT NAME FROM information_schema.INNODB_METRICS WHERE NAME='purge_del_mark_records' AND "+s.metricOn()) == nil && n.Valid
	}
	if s.conn == nil {
		return ErrDown
	}
	return nil
}

// metricOn is the condition that a counter of INNODB_METRICS counts.
func (c *Conn) metricOn() string {
	if c.flavour == MariaDB && c.atLeast(10, 5, 0) {
		return "ENABLED=1"
	}
	return "STATUS='enabled'"
}

func (s *session) hasAdmin(ctx context.Context) bool {
	found := false
	err := s.query(ctx, func(scan func(...any) error) error {
		var g string
		if err := scan(&g); err != nil {
			return err
		}
		head, _, global := strings.Cut(g, " ON *.*")
		for _, right := range []string{"ALL PRIVILEGES", "SUPER", "CONNECTION ADMIN", "CONNECTION_ADMIN"} {
			found = found || global && slices.Contains(strings.Split(strings.ReplaceAll(strings.TrimPrefix(head, "GRANT "), ", ", ","), ","), right)
		}
		return nil
	}, "SHOW GRANTS")
	return err == nil && found
}

// one reads a single value; sql.ErrNoRows where there is no row is no error:
// dst then stays as it was.
func (c *Conn) one(ctx context.Context, dst any, text string, args ...any) error {
	return c.query(ctx, func(scan func(...any) error) error { return scan(dst) }, text, args...)
}
