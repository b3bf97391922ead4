package survey

import (
	"slices"
	"strings"
	"testing"

	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

func TestRightsOfGrants(t *testing.T) {
	for _, c := range []struct {
		name, lines, want string
	}{
		{"global", "GRANT PROCESS, CONNECTION ADMIN ON *.* TO `u`@`localhost` WITH GRANT OPTION", "CONNECTION ADMIN,PROCESS"},
		{"on the schema", "GRANT DELETE, INDEX ON `my_db`.* TO `u`@`%`", "DELETE,INDEX"},
		{"escaped", "GRANT DELETE ON `my\\_db`.* TO `u`@`%`", "DELETE"},
		{"escaped, another name", "GRANT DELETE ON `my\\_dc`.* TO `u`@`%`", ""},
		{"wildcards", "GRANT DELETE ON `m%`.* TO `u`@`%`\nGRANT DROP ON `%\\_db`.* TO `u`@`%`\nGRANT ALTER ON `____b`.* TO `u`@`%`", "ALTER,DELETE,DROP"},
		{"a wildcard is none when escaped", "GRANT DELETE ON `my\\%`.* TO `u`@`%`", ""},
		{"one table, not its siblings", "GRANT SELECT, DELETE, CREATE, DROP ON `my_db`.`log` TO `u`@`%`", "DELETE,SELECT"},
		{"another table", "GRANT DELETE ON `my_db`.`orders` TO `u`@`%`", ""},
		{"a table's schema is no pattern", "GRANT DELETE ON `my%`.`log` TO `u`@`%`", ""},
		{"single columns", "GRANT SELECT (`a)b`, c), UPDATE ON `my_db`.`log` TO `u`@`%`", "UPDATE"},
		{"a routine", "GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE `my_db`.`log` TO `u`@`%`", ""},
		{"roles and proxies", "GRANT `boss`@`%` TO `u`@`%`\nGRANT boss TO u\nGRANT PROXY ON ''@'%' TO 'root'@'localhost'", ""},
		{"taken back in part", "GRANT SELECT, DELETE ON *.* TO `u`@`%`\nREVOKE DELETE ON `my_db`.* FROM `u`@`%`", "SELECT"},
		{"quotes of ANSI", `GRANT DELETE ON "my_db".* TO "u"@"%"`, "DELETE"},
		{"a name with a backtick and spaces", "GRANT DELETE ON `a``b ON x`.* TO `u`@`%`", ""},
		{"with a password", "GRANT DELETE ON `my_db`.* TO `u`@`%` IDENTIFIED BY PASSWORD '*X'", "DELETE"},
		{"two words", "GRANT DELETE HISTORY, CREATE TEMPORARY TABLES ON `my_db`.* TO `u`@`%`", "CREATE TEMPORARY TABLES,DELETE HISTORY"},
		{"nonsense", "GRANT\nGRANT DELETE\nGRANT DELETE ON\nGRANT DELETE ON `my_db\nGRANT DELETE ON `my_db`.* FOR x\n\nGRANT ,DELETE ON *.* TO u", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(rightsOf(strings.Split(c.lines, "\n"), "my_db", "log"), ","); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAllPrivilegesOfASchemaAreNotThoseOfTheServer(t *testing.T) {
	onSchema := rightsOf([]string{"GRANT ALL PRIVILEGES ON `my\\_db`.* TO `u`@`%`"}, "my_db", "log")
	for _, r := range []string{"DELETE", "CREATE", "DROP", "INDEX", "ALTER", "INSERT", "TRIGGER"} {
		if !slices.Contains(onSchema, r) {
			t.Errorf("%s is missing in %q", r, onSchema)
		}
	}
	for _, r := range []string{all, "PROCESS", "SUPER", "CONNECTION ADMIN"} {
		if slices.Contains(onSchema, r) {
			t.Errorf("%s is in %q", r, onSchema)
		}
	}
	everywhere := rightsOf([]string{"GRANT ALL PRIVILEGES ON *.* TO `u`@`%`", "REVOKE DELETE ON `my_db`.* FROM `u`@`%`"}, "my_db", "log")
	if slices.Contains(everywhere, all) || slices.Contains(everywhere, "DELETE") || !slices.Contains(everywhere, "PROCESS") {
		t.Errorf("got %q, want all but DELETE", everywhere)
	}
	if one := rightsOf([]string{"GRANT ALL PRIVILEGES ON `my_db`.`log` TO `u`@`%`"}, "my_db", "log"); !slices.Contains(one, "DELETE") || slices.Contains(one, "CREATE") {
		t.Errorf("got %q of all rights on one table", one)
	}
}

func FuzzParseGrant(f *testing.F) {
	for _, line := range []string{"GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost`", "GRANT SELECT (a, `b`), DELETE ON `my\\_db`.`t` TO `u`@`%` WITH GRANT OPTION", "REVOKE x ON \"a\".* FROM b", "GRANT a(", "GRANT `", "GRANT A ON ``.* TO b"} {
		f.Add(line, "my_db", "t")
	}
	f.Fuzz(func(t *testing.T, line, schema, table string) {
		for _, r := range rightsOf([]string{line}, schema, table) {
			if r == "" || r != strings.ToUpper(r) {
				t.Errorf("right %q of %q", r, line)
			}
		}
		if !like(strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(schema), schema) && strings.ToValidUTF8(schema, "") == schema {
			t.Errorf("escaped, %q is not like itself", schema)
		}
	})
}

func theAccounts(t *testing.T, s *mysqltest.Server) {
	for _, user := range []string{"wild", "other", "single", "roled", "poor"} {
		s.Exec(t, "CREATE USER "+user+"@localhost IDENTIFIED BY 'pw'")
	}
	s.Exec(t, "GRANT DELETE, ALTER ON `s_te`.* TO wild@localhost", "GRANT DELETE ON `s\\_te`.* TO other@localhost", "GRANT PROCESS ON *.* TO other@localhost",
		"GRANT SELECT, DELETE, CREATE ON site.wp_audit_log TO single@localhost", "CREATE ROLE cleaner", "GRANT SELECT, DELETE ON site.* TO cleaner")
	s.Exec(t, "GRANT cleaner TO roled@localhost")
	if s.Flavour.MySQL {
		s.Exec(t, "SET DEFAULT ROLE cleaner TO roled@localhost")
	} else {
		s.Exec(t, "SET DEFAULT ROLE cleaner FOR roled@localhost")
	}
	for user, want := range map[string][]string{"wild": {"ALTER", "DELETE"}, "other": {"PROCESS"}, "single": {"DELETE", "SELECT"}, "roled": {"DELETE", "SELECT"}, "poor": nil} {
		got, err := Rights(t.Context(), hand(t, s, mysql.Credential{User: user, Password: "pw", From: "test"}), "site", "wp_audit_log")
		got = slices.DeleteFunc(got, func(r string) bool { return r == "USAGE" })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q %v, want %q", user, got, err, want)
		}
	}
	theSite(t, s)
}

// theSite surveys as the site's own user, who may do all to its schema and see
// nothing of others.
func theSite(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE USER wp@localhost IDENTIFIED BY 'pw'", "GRANT ALL PRIVILEGES ON `site`.* TO wp@localhost")
	wp := mysql.Credential{User: "wp", Password: "pw", From: "wp-config.php", Schema: "site"}
	r := read(t, hand(t, s, wp), Want{Schema: "site", Table: "forms", Doomed: &remedyAt})
	if r.Table == nil || len(r.Table.ReferencedBy) == 0 || !slices.Equal(r.Table.Triggers, []string{"forms_ad"}) || r.Table.Plan != "ALL" {
		t.Errorf("got %+v, unread %v", r.Table, r.Unread)
	}
	if r.Server.Replica || r.Unread["replication"] == "" || r.Unread["sessions"] == "" || r.Server.Account != "wp@localhost" {
		t.Errorf("got %+v, unread %v", r.Server, r.Unread)
	}
	single := read(t, hand(t, s, mysql.Credential{User: "single", Password: "pw", From: "test"}), Want{Schema: "site", Table: "wp_audit_log"})
	if single.Table == nil || !slices.Equal(single.Table.Triggers, []string{HiddenTriggers}) {
		t.Errorf("got %+v, unread %v, want its triggers told as hidden", single.Table, single.Unread)
	}
	if poor := read(t, hand(t, s, mysql.Credential{User: "poor", Password: "pw", From: "test"}), Want{Schema: "site", Table: "wp_audit_log"}); poor.Table != nil || poor.Unread["table"] == "" {
		t.Errorf("got %+v of a table that may not be read", poor.Table)
	}
}
