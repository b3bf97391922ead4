package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hirune/internal/core/evidence"
)

// Server returns what kind of server it is and where its limits are.
// Source: SHOW GLOBAL VARIABLES.
func (c *Conn) Server(ctx context.Context) (evidence.DBServer, error) {
	v, err := c.pairs(ctx, `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_buffer_pool_size','max_connections','innodb_lock_wait_timeout',
'innodb_flush_method','log_bin','binlog_format','read_only','slow_query_log')`)
	if err != nil {
		return evidence.DBServer{}, fmt.Errorf("read the server's variables: %w", err)
	}
	s := evidence.DBServer{
		DB: c.target.Instance, Flavour: c.flavour, Version: c.version,
		BufferPoolBytes: v.num("innodb_buffer_pool_size"), MaxConnections: v.num("max_connections"),
		LockWaitS: v.num("innodb_lock_wait_timeout"), FlushMethod: v["innodb_flush_method"],
		ReadOnly: v.on("read_only"), PerfSchema: c.perfSchema, SlowLog: v.on("slow_query_log"), UTCOffsetS: c.utcOffsetS,
	}
	if v.on("log_bin") {
		s.BinlogFormat = v["binlog_format"]
		if s.BinlogFormat == "" {
			s.BinlogFormat = "ROW" // the variable is to go from MySQL; what remains is ROW
		}
	}
	return s, nil
}

// values are names with their values, as SHOW gives them; names in lower case.
type values map[string]string

// num returns the value as a number; 0 where it is none.
func (v values) num(name string) int64 {
	n, err := strconv.ParseInt(v[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (v values) on(name string) bool { return v[name] == "1" || strings.EqualFold(v[name], "ON") }

func (v values) has(name string) bool { _, ok := v[name]; return ok }

func (c *Conn) pairs(ctx context.Context, text string) (values, error) {
	out := make(values, 48)
	err := c.query(ctx, func(scan func(...any) error) error {
		var k, v string
		if err := scan(&k, &v); err != nil {
			return err
		}
		out[strings.ToLower(k)] = v
		return nil
	}, text)
	return out, err
}
