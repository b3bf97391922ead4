package survey

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"hirune/internal/edge/mysql"
)

// Source is one server that this one replicates from.
type Source struct {
	Host     string
	Port     int
	ServerID int64 // of the source; 0 unknown
	Running  bool  // what was fetched is being applied
	Behind   time.Duration
}

// On reports whether the source is the server that listens at address, which is
// host:port. Every name of this host's loopback is the same host, and so is any
// host for an address that listens everywhere.
func (s Source) On(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != strconv.Itoa(s.Port) {
		return false
	}
	if host == "" || host == "*" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified() || strings.EqualFold(host, s.Host) || loopback(host) && loopback(s.Host)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// unknownBehind stands for a delay that the server does not know.
const unknownBehind = time.Duration(-1)

// Sources lists the servers that h's server replicates from, one for each
// channel, also where replication has stopped. Behind is in whole seconds, -1
// where it is not known. The error wraps evidence.ErrAbsent where the account may
// not see it. Source: SHOW ALL REPLICAS STATUS, SHOW ALL SLAVES STATUS, SHOW
// REPLICA STATUS, SHOW SLAVE STATUS, the first that the server has.
func Sources(ctx context.Context, h *mysql.Hand) ([]Source, error) {
	var rows []map[string]string
	var err error
	for _, text := range statusForms(h) {
		if rows, err = h.Named(ctx, text); mysql.Number(err) != errSyntax {
			break
		}
	}
	if mysql.Refused(err) {
		return nil, fmt.Errorf("read the state of replication: %w: %w", mysql.ErrDenied, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of replication: %w", err)
	}
	var out []Source
	for _, row := range rows {
		out = append(out, sourceOf(row))
	}
	return out, nil
}

// errSyntax: the server does not have the statement.
const errSyntax = 1064

func statusForms(h *mysql.Hand) []string {
	if h.MariaDB() {
		return []string{"SHOW ALL REPLICAS STATUS", "SHOW ALL SLAVES STATUS"}
	}
	return []string{"SHOW REPLICA STATUS", "SHOW SLAVE STATUS"}
}

// sourceOf reads a row of either wording.
func sourceOf(row map[string]string) Source {
	first := func(names ...string) string {
		for _, n := range names {
			if v := row[n]; v != "" {
				return v
			}
		}
		return ""
	}
	s := Source{Host: first("source_host", "master_host"), Port: int(number(first("source_port", "master_port"))),
		ServerID: number(first("source_server_id", "master_server_id")), Behind: unknownBehind}
	s.Running = strings.EqualFold(first("replica_sql_running", "slave_sql_running"), "Yes")
	if n, err := strconv.ParseInt(first("seconds_behind_source", "seconds_behind_master"), 10, 64); err == nil && n >= 0 {
		s.Behind = time.Duration(n) * time.Second
	}
	return s
}

// Lag is how far the server of h is behind what it replicates from, in whole
// seconds: of the channel that is furthest behind, -1 where that is not known, as
// where replication has stopped. replicates is false where it is no replica.
func Lag(ctx context.Context, h *mysql.Hand) (behind time.Duration, replicates bool, err error) {
	sources, err := Sources(ctx, h)
	if err != nil || len(sources) == 0 {
		return unknownBehind, false, err
	}
	for _, s := range sources {
		if s.Behind < 0 {
			return unknownBehind, true, nil
		}
		behind = max(behind, s.Behind)
	}
	return behind, true, nil
}

// role reads whether the server is a replica, and how many replicas hang on it.
func (r *Result) role(ctx context.Context, h *mysql.Hand) error {
	sources, err := Sources(ctx, h)
	r.Server.Replica = len(sources) > 0
	if errors.Is(err, mysql.ErrDenied) {
		err = r.guessRole(ctx, h, err)
	}
	if err != nil {
		return err
	}
	rows, err := h.Named(ctx, replicasForm(h))
	if mysql.Number(err) == errSyntax {
		rows, err = h.Named(ctx, "SHOW SLAVE HOSTS")
	}
	if err != nil && !mysql.Refused(err) {
		return fmt.Errorf("list the replicas: %w", err)
	}
	r.Server.Replicas = max(r.Server.Replicas, len(rows))
	return nil
}

func replicasForm(h *mysql.Hand) string {
	if h.MariaDB() {
		return "SHOW REPLICA HOSTS"
	}
	return "SHOW REPLICAS"
}

// guessRole finds by what everybody may see whether it is a replica, where the
// account may not ask. MariaDB counts running replication in its status, and
// keeps in gtid_slave_pos what it has replicated; in MySQL only the session list
// may show it, which is read later.
func (r *Result) guessRole(ctx context.Context, h *mysql.Hand, denied error) error {
	r.Unread["replication"] = denied.Error()
	st, err := pairs(ctx, h, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slaves_connected','Slaves_running','Slave_running')")
	if err != nil {
		return fmt.Errorf("read the state of replication: %w", err)
	}
	r.Server.Replicas = int(number(st["slaves_connected"]))
	r.Server.Replica = number(st["slaves_running"]) > 0 || isOn(st["slave_running"])
	return nil
}
