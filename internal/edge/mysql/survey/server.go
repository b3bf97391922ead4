package survey

import (
	"context"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// variables are those that a plan has to know of.
const variables = `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version','read_only','super_read_only','innodb_read_only','innodb_force_recovery',
'log_bin','log_bin_basename','binlog_format','innodb_buffer_pool_size','max_connections','innodb_lock_wait_timeout',
'wsrep_on','wsrep_provider','group_replication_group_name','datadir','tmpdir','innodb_tmpdir')`

// server reads what kind of server it is, its role and its limits.
func (r *Result) server(ctx context.Context, h *mysql.Hand, want Want) error {
	v, err := pairs(ctx, h, variables)
	if err != nil {
		return fmt.Errorf("read the server's variables: %w", err)
	}
	s := &remedy.Server{
		Instance: want.Instance, Flavour: mysql.MySQL, Version: v["version"], Account: h.Account(),
		BufferPool: number(v["innodb_buffer_pool_size"]), MaxConnections: number(v["max_connections"]),
		LockWaitS: number(v["innodb_lock_wait_timeout"]), ReadOnly: readOnly(v), BinlogDirFree: -1,
	}
	if h.MariaDB() {
		s.Flavour = mysql.MariaDB
	}
	s.Major, s.Minor = majorMinor(h.Version())
	s.Binlog, s.BinlogFormat = binlog(v)
	r.Dirs = dirs(v)
	if want.Free != nil && r.Dirs.Binlog != "" {
		s.BinlogDirFree = want.Free(r.Dirs.Binlog)
	}
	r.Server = s
	if s.Galera, err = cluster(ctx, h, v); err != nil {
		return err
	}
	if err := r.role(ctx, h); err != nil {
		return err
	}
	if s.Rights, err = Rights(ctx, h, want.Schema, want.Table); err != nil {
		r.Unread["rights"] = err.Error()
		return lostError(h, err)
	}
	return nil
}

// readOnly reports whether the server takes no changes, by any of the ways to
// say so. Later servers have more words for it than ON.
func readOnly(v map[string]string) bool {
	for _, name := range []string{"read_only", "super_read_only", "innodb_read_only", "innodb_force_recovery"} {
		switch strings.ToUpper(v[name]) {
		case "", "0", "OFF":
		default:
			return true
		}
	}
	return false
}

func binlog(v map[string]string) (on bool, format string) {
	if !isOn(v["log_bin"]) {
		return false, ""
	}
	format = strings.ToUpper(v["binlog_format"])
	if format == "" {
		format = "ROW" // the variable is to go from MySQL; what remains is ROW
	}
	return true, format
}

// dirs makes paths absolute: a server may word them from its data directory.
// tmpdir may be a list that is used in turn: the first stands for all.
func dirs(v map[string]string) Dirs {
	abs := func(p string) string {
		if p == "" || path.IsAbs(p) {
			return p
		}
		return path.Join(v["datadir"], p)
	}
	d := Dirs{Data: v["datadir"]}
	tmp := v["innodb_tmpdir"]
	if tmp == "" {
		tmp, _, _ = strings.Cut(v["tmpdir"], ":")
	}
	d.Tmp = abs(tmp)
	if isOn(v["log_bin"]) {
		d.Binlog = d.Data
		if base := v["log_bin_basename"]; base != "" {
			d.Binlog = path.Dir(abs(base))
		}
	}
	return d
}

// cluster reports whether several servers commit together.
func cluster(ctx context.Context, h *mysql.Hand, v map[string]string) (bool, error) {
	st, err := pairs(ctx, h, "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'")
	if err != nil {
		return false, fmt.Errorf("read whether the server is of a cluster: %w", err)
	}
	maps.Copy(v, st)
	return clustered(v), nil
}

// clustered: Galera, or MySQL's group replication, to which the same limits of a
// write-set apply.
func clustered(v map[string]string) bool {
	provider := strings.ToLower(v["wsrep_provider"])
	return isOn(v["wsrep_on"]) && provider != "" && provider != "none" || v["group_replication_group_name"] != "" || number(v["wsrep_cluster_size"]) > 0
}

// pairs reads names, in lower case, with their values.
func pairs(ctx context.Context, h *mysql.Hand, text string) (map[string]string, error) {
	rows, err := h.Named(ctx, text)
	out := make(map[string]string, len(rows))
	for _, row := range rows {
		out[strings.ToLower(row["variable_name"])] = row["value"]
	}
	return out, err
}

func isOn(s string) bool { return s == "1" || strings.EqualFold(s, "ON") }

// number is 0 where s is none: the server does not say.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// unsigned is 0 where s is none: the server does not say.
func unsigned(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// majorMinor reads "10.11.19-MariaDB" and "5.5.5-10.3.9-MariaDB".
func majorMinor(version string) (major, minor int) {
	parts := strings.SplitN(strings.TrimPrefix(version, "5.5.5-"), ".", 3)
	if len(parts) < 2 {
		return 0, 0
	}
	return int(number(parts[0])), int(number(strings.TrimRight(parts[1], "-abcdefghijklmnopqrstuvwxyz")))
}
