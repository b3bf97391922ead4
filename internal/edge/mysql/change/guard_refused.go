package change

import (
	"errors"
	"fmt"

	gosql "github.com/go-sql-driver/mysql"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
)

// onlineAdvices is what can be done about an error that ends a change of a
// table's form. The server's own words are kept only where they tell a reason
// and hold no row's values.
var onlineAdvices = map[uint16]advice{
	1800: {"this server has no such online change", "no-online-ddl", "it would lock or copy the table; do it by hand in a maintenance window", true},
	1845: {"the server would have to copy or lock the table", "no-online-ddl", "it would stop all writers for as long as it takes; do it by hand in a maintenance window, or change the engine to InnoDB first", true},
	1846: {"the server would have to copy or lock the table", "no-online-ddl", "it would stop all writers for as long as it takes; do it by hand in a maintenance window", true},
	1061: {"the table has another index of that name", "index-name", "plan again: hirune plan", true},
	1072: {"a column is gone", "table-changed", "plan again: hirune plan", true},
	1050: {"a table of that name is there already", "table-exists", "see what it is; rename or drop it, then: hirune apply", true},
	1051: {"the table is gone", "table-changed", "plan again: hirune plan", true},
	1347: {"it is no table but a view", "table-changed", "plan again: hirune plan", true},
	1071: {"the columns are too long for an index", "key-too-long", "an index on the beginning of the columns has to be made by hand", true},
	1069: {"the table has as many indexes as it can have", "too-many-indexes", "drop one that nothing uses", true},
	1553: {"a foreign key needs the index", "foreign-key", "it stays", true},
	1451: {"rows of another table refer to it", "foreign-key", "plan again: hirune plan", true},
	3730: {"a foreign key of another table refers to it", "foreign-key", "plan again: hirune plan", true},
	1091: {"the index is gone", "table-changed", "nothing is left to do", true},
	1799: {"too much was written to the table meanwhile", "online-log-full", "SET GLOBAL innodb_online_alter_log_max_size higher, or choose a quiet hour; then: hirune apply", false},
	1142: {"a right on the table is missing", "table-denied", "GRANT ALTER, INDEX, CREATE, DROP, INSERT on the site's schema to hirune's account", false},
	1317: {"somebody has killed it", "killed", "nothing was done; if it may be tried again: hirune apply", false},
	1034: {"the table's indexes are damaged", "table-crashed", "CHECK TABLE, then go on with: hirune apply", false},
	1878: {"the server has no room for its temporary file", "disk-full", "make room in tmpdir, then go on with: hirune apply", false},
}

// refusedOnline words an error of the server.
func refusedOnline(err error) error {
	e, ok := errors.AsType[*gosql.MySQLError](err)
	if !ok {
		return err
	}
	a, known := onlineAdvices[e.Number]
	if !known {
		return explained(err)
	}
	words := fmt.Sprintf("%s (error %d)", a.words, e.Number)
	if e.Number == 1845 || e.Number == 1846 {
		words = fmt.Sprintf("%s (error %d: %s)", a.words, e.Number, e.Message)
	}
	out := error(serverError{e, words})
	if a.refused {
		out = fmt.Errorf("%w: %w", apply.ErrRefused, out)
	}
	return hint.Wrap(out, a.code, a.hint)
}
