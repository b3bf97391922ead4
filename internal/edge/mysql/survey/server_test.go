package survey

import (
	"slices"
	"testing"
)

func TestReadOnlyByAnyWord(t *testing.T) {
	for name, v := range map[string]map[string]string{
		"read_only": {"read_only": "ON"}, "a later word": {"read_only": "NO_LOCK_NO_ADMIN"}, "super": {"read_only": "OFF", "super_read_only": "1"},
		"InnoDB": {"innodb_read_only": "ON"}, "recovery": {"innodb_force_recovery": "4"},
	} {
		if !readOnly(v) {
			t.Errorf("%s: %v was taken for writable", name, v)
		}
	}
	if readOnly(map[string]string{"read_only": "OFF", "super_read_only": "0", "innodb_force_recovery": "0"}) {
		t.Error("a writable server was taken for read-only")
	}
}

func TestClusterByItsVariables(t *testing.T) {
	for _, c := range []struct {
		v    map[string]string
		want bool
	}{
		{map[string]string{"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}, true},
		{map[string]string{"wsrep_on": "ON", "wsrep_provider": "none"}, false},
		{map[string]string{"wsrep_on": "OFF"}, false},
		{map[string]string{"wsrep_on": "OFF", "wsrep_cluster_size": "3"}, true}, // off for one session, yet the node is of a cluster
		{map[string]string{"group_replication_group_name": "aaaa"}, true},
		{map[string]string{"wsrep_cluster_size": "0"}, false},
	} {
		if got := clustered(c.v); got != c.want {
			t.Errorf("%v: got %v", c.v, got)
		}
	}
}

func TestDirsAreAbsolute(t *testing.T) {
	v := map[string]string{"datadir": "/var/lib/mysql/", "tmpdir": "/tmp:/var/tmp", "log_bin": "ON", "log_bin_basename": "binlog"}
	if got, want := dirs(v), (Dirs{"/var/lib/mysql/", "/tmp", "/var/lib/mysql"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	v["innodb_tmpdir"], v["log_bin_basename"] = "/fast", "/logs/bin"
	if got, want := dirs(v), (Dirs{"/var/lib/mysql/", "/fast", "/logs"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	v["log_bin"] = "OFF"
	if got := dirs(v); got.Binlog != "" {
		t.Errorf("got %+v without a binary log", got)
	}
}

func TestBinlogFormat(t *testing.T) {
	if on, format := binlog(map[string]string{"log_bin": "1"}); !on || format != "ROW" {
		t.Errorf("got %v %q of a server that has no such variable", on, format)
	}
	if on, format := binlog(map[string]string{"log_bin": "OFF", "binlog_format": "MIXED"}); on || format != "" {
		t.Errorf("got %v %q without a binary log", on, format)
	}
}

func TestVersions(t *testing.T) {
	for v, want := range map[string][2]int{"10.11.19-MariaDB-0+deb12u1": {10, 11}, "5.5.5-10.3.9-MariaDB": {10, 3}, "8.0.44": {8, 0}, "9.7.4": {9, 7}, "x": {}, "": {}} {
		if a, b := majorMinor(v); a != want[0] || b != want[1] {
			t.Errorf("%q: got %d.%d", v, a, b)
		}
	}
}

func TestNamesOfChildren(t *testing.T) {
	for table, want := range map[string]string{"wp_simple_history": "history", "actionscheduler_actions": "action", "wp_entries": "entry", "wsal_occurrences": "occurrence", "wp_batches": "batch"} {
		if got := singulars(table); !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want %q among them", table, got, want)
		}
	}
	for column, want := range map[string]string{"history_id": "history", "actionID": "action", "id": "", "_id": "", "LOG_ID": "log"} {
		if got := beforeID(column); got != want {
			t.Errorf("%s: got %q", column, got)
		}
	}
	for _, c := range []struct {
		parent, table string
		want          bool
	}{
		{"wp_stream", "wp_stream_meta", true}, {"wp_comments", "wp_commentmeta", true}, {"wp_wsal_occurrences", "wp_wsal_metadata", true},
		{"wp_simple_history", "wp_simple_history_contexts", true}, {"wp_stream", "wp_streams", false}, {"wp_log", "wp_posts", false},
	} {
		if got := beside(c.parent, c.table); got != c.want {
			t.Errorf("%s beside %s: got %v", c.table, c.parent, got)
		}
	}
}

func TestProgressOfStages(t *testing.T) {
	if got := staged(map[string]string{"stage": "2", "max_stage": "2", "progress": "50.000"}); got != 0.75 {
		t.Errorf("got %v, want 0.75", got)
	}
	if got := staged(map[string]string{"stage": "0", "max_stage": "0", "progress": "0.000"}); got != -1 {
		t.Errorf("got %v of a statement without stages", got)
	}
}
