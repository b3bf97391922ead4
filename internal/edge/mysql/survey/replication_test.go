package survey

import (
	"fmt"
	"testing"
	"time"

	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// TestReplica has a replica on loopback, and lets it fall behind.
func TestReplica(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, source *mysqltest.Server) {
		source.Exec(t, "CREATE USER repl@'%' IDENTIFIED BY 'pw'", "GRANT REPLICATION SLAVE ON *.* TO repl@'%'", "CREATE DATABASE site", "CREATE TABLE site.log (id INT PRIMARY KEY)")
		replica := mysqltest.StartFlavour(t, source.Flavour, "--server-id=8")
		h := hand(t, replica, root)
		if behind, replicates, err := Lag(t.Context(), h); err != nil || replicates || behind != unknownBehind {
			t.Fatalf("got %s, %v, %v before it replicates", behind, replicates, err)
		}
		follow(t, replica, source)
		mysqltest.Eventually(t, 30*time.Second, "the replica has all of it", func() bool {
			behind, replicates, err := Lag(t.Context(), h)
			return err == nil && replicates && behind == 0 && count(t, replica, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='site'") == 1
		})
		sources, err := Sources(t.Context(), h)
		if err != nil || len(sources) != 1 || !sources[0].On(source.Address()) || sources[0].On(replica.Address()) || !sources[0].Running || sources[0].ServerID != 7 {
			t.Errorf("got %+v %v, want the source at %s", sources, err, source.Address())
		}
		if r := read(t, h, Want{}); !r.Server.Replica || r.Server.Replicas != 0 || len(r.Unread) != 0 {
			t.Errorf("got %+v of the replica, unread %v", r.Server, r.Unread)
		}
		r := read(t, hand(t, source, root), Want{})
		senders := 0
		for _, s := range r.Server.Sessions {
			if s.User == "repl" && s.Replication {
				senders++
			}
		}
		if r.Server.Replica || r.Server.Replicas != 1 || senders != 1 {
			t.Errorf("got %+v of the source", r.Server)
		}
		guessed(t, source, replica)
		late(t, source, replica, h)
	}, "--server-id=7", "--log-bin=logs")
}

func follow(t *testing.T, replica, source *mysqltest.Server) {
	t.Helper()
	if source.Flavour.MySQL {
		replica.Exec(t, fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%d, SOURCE_USER='repl', SOURCE_PASSWORD='pw', GET_SOURCE_PUBLIC_KEY=1", source.Port), "START REPLICA")
		return
	}
	replica.Exec(t, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='repl', MASTER_PASSWORD='pw'", source.Port), "START SLAVE")
}

// guessed: an account that may not ask for the state of replication still learns
// of it, from the status or the session list.
func guessed(t *testing.T, source, replica *mysqltest.Server) {
	t.Helper()
	source.Exec(t, "CREATE USER mon@localhost IDENTIFIED BY 'pw'", "GRANT PROCESS ON *.* TO mon@localhost")
	mon := mysql.Credential{User: "mon", Password: "pw", From: "test"}
	mysqltest.Eventually(t, 15*time.Second, "the account and its right are replicated", func() bool {
		return count(t, replica, "SELECT COUNT(*) FROM mysql.user WHERE User='mon' AND Process_priv='Y'") == 1
	})
	if r := read(t, hand(t, replica, mon), Want{}); !r.Server.Replica || r.Unread["replication"] == "" {
		t.Errorf("got %+v of the replica, unread %v", r.Server, r.Unread)
	}
	if r := read(t, hand(t, source, mon), Want{}); r.Server.Replica || r.Server.Replicas != 1 {
		t.Errorf("got %+v of the source, unread %v", r.Server, r.Unread)
	}
}

func late(t *testing.T, source, replica *mysqltest.Server, h *mysql.Hand) {
	t.Helper()
	blocker := replica.Session(t, "site")
	must(t, blocker, "LOCK TABLES log READ")
	source.Exec(t, "INSERT INTO site.log VALUES (1)")
	mysqltest.Eventually(t, 30*time.Second, "the replica is behind", func() bool {
		behind, replicates, err := Lag(t.Context(), h)
		return err == nil && replicates && behind >= time.Second
	})
	must(t, blocker, "UNLOCK TABLES")
	mysqltest.Eventually(t, 30*time.Second, "the replica has caught up", func() bool {
		behind, _, err := Lag(t.Context(), h)
		return err == nil && behind == 0 && count(t, replica, "SELECT COUNT(*) FROM site.log") == 1
	})
	stop := "STOP SLAVE SQL_THREAD"
	if source.Flavour.MySQL {
		stop = "STOP REPLICA SQL_THREAD"
	}
	replica.Exec(t, stop)
	if behind, replicates, err := Lag(t.Context(), h); err != nil || !replicates || behind != unknownBehind {
		t.Errorf("got %s, %v, %v of a stopped replica", behind, replicates, err)
	}
}

func TestSourceOn(t *testing.T) {
	for _, c := range []struct {
		host, address string
		want          bool
	}{
		{"127.0.0.1", "127.0.0.1:3306", true},
		{"localhost", "[::1]:3306", true},
		{"127.0.0.1", "0.0.0.0:3306", true},
		{"db.example", ":3306", true},
		{"db.example", "DB.example:3306", true},
		{"db.example", "127.0.0.1:3306", false},
		{"127.0.0.1", "127.0.0.1:3307", false},
		{"127.0.0.1", "/run/mysqld/mysqld.sock", false},
		{"", "", false},
	} {
		if got := (Source{Host: c.host, Port: 3306}).On(c.address); got != c.want {
			t.Errorf("%s on %s: got %v", c.host, c.address, got)
		}
	}
}

func TestSourceOfEitherWording(t *testing.T) {
	for _, row := range []map[string]string{
		{"master_host": "a", "master_port": "3307", "master_server_id": "4", "slave_sql_running": "Yes", "seconds_behind_master": "12"},
		{"source_host": "a", "source_port": "3307", "source_server_id": "4", "replica_sql_running": "Yes", "seconds_behind_source": "12"},
	} {
		if got, want := sourceOf(row), (Source{"a", 3307, 4, true, 12 * time.Second}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if got := sourceOf(map[string]string{"master_host": "a", "slave_sql_running": "No"}); got.Running || got.Behind != unknownBehind {
		t.Errorf("got %+v of a stopped one", got)
	}
}
