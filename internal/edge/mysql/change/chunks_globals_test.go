package change

import (
	"testing"

	"hirune/internal/edge/mysql/mysqltest"
)

// strange are settings that some owner has made for all sessions.
var strange = []string{
	"sql_select_limit=10", "completion_type=1", "autocommit=0", "sql_safe_updates=1", "time_zone='+09:00'",
	"sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_ZERO_DATE,PAD_CHAR_TO_FULL_LENGTH'",
}

// TestNoGlobalSettingReachesTheRows: such settings change neither which rows go
// nor which of them are kept.
func TestNoGlobalSettingReachesTheRows(t *testing.T) {
	mysqltest.Each(t, noGlobalSetting)
}

func noGlobalSetting(t *testing.T, srv *mysqltest.Server) {
	under := func(do func()) {
		usual := srv.DB(t, "")
		usual.SetMaxOpenConns(1) // this session keeps its own settings
		for _, set := range strange {
			if _, err := usual.Exec("SET GLOBAL " + set); err != nil {
				t.Fatal(err)
			}
		}
		defer func() {
			for _, name := range []string{"sql_select_limit", "completion_type", "autocommit", "sql_safe_updates", "time_zone", "sql_mode"} {
				if _, err := usual.Exec("SET GLOBAL " + name + "=DEFAULT"); err != nil {
					t.Error(err)
				}
			}
		}()
		do()
	}
	for _, engine := range []string{"InnoDB", "MyISAM"} {
		t.Run(engine, func(t *testing.T) {
			b := newChunkBench(t, srv, "globals", engine, 1500)
			srv.Exec(t, `UPDATE chunks.globals SET name = 'it''s \\ "x"' WHERE id MOD 3 = 0`)
			survivors, doomed, before := b.survivors(t), b.doomedRows(t), b.checksum(t)
			under(func() { b.mustDo(t) })
			b.wantPurged(t, survivors, doomed)
			if m := b.state(t).Mismatches; m != 0 {
				t.Errorf("%d rows were deleted that are not in the archive, or the other way round", m)
			}
			under(func() { b.mustUndo(t) })
			if got := b.checksum(t); got != before {
				t.Errorf("after undo: got checksum %d, want %d", got, before)
			}
		})
	}
}
