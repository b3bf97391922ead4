package remedy

// killSayings are the sentences of ending a statement or a session. See Sayings.
var killSayings = map[string][]string{
	"step-kill-query":            {"session", "user"},
	"step-kill-session":          {"session", "user"},
	"undo-kill":                  {},
	"kill-running":               {"session", "user", "running", "waiters"},
	"kill-sleeping":              {"session", "user", "idle", "waiters"},
	"kill-cost":                  {"rollback", "rows", "finish"},
	"kill-lost":                  {"rows"}, // changed and not committed
	"kill-no-restart":            {},
	"kill-comes-again":           {"hook", "next", "schedule"},
	"kill-find-program":          {"user"},
	"kill-nothing":               {},
	"refused-kill-root":          {"session"},
	"refused-kill-own":           {"session"},
	"refused-kill-system":        {"session", "user"},
	"refused-kill-dump":          {"session", "user"},
	"refused-kill-rolling":       {"session", "rows"},
	"refused-kill-ddl":           {"session", "progress"},
	"refused-kill-command":       {"session", "command"},
	"refused-kill-holds-nothing": {"session"},
	"refused-kill-awake":         {"session", "idle"},
	"refused-kill-finish":        {"session", "finish", "rollback"},
	"refused-kill-rollback":      {"session", "rollback", "rows"},
	"refused-kill-no-waiters":    {"session"},
	"instead-stop":               {},
	"instead-no-restart":         {},
}
