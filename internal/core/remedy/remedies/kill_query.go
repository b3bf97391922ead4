package remedies

import (
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// KillQuery ends the statement that holds the others up, if taking its work back
// costs less than letting it finish.
func KillQuery() remedy.Remedy {
	return ending("kill-query", "end the statement that holds the others up")
}

// EndSession is the same for a session that sleeps on its locks: findings name it
// so, because it is the session that ends, not a statement.
func EndSession() remedy.Remedy {
	return ending("end-session", "end the session that sleeps on its locks")
}

func ending(id, title string) remedy.Remedy {
	return remedy.Remedy{
		ID:     id,
		Title:  title,
		Source: "measured: a kill rolls back, at 18,000 to 70,000 rows a second; killing a waiter or PHP helps nobody",
		Needs:  remedy.Needs{Database: true},
		Plan: func(f diagnose.Finding, w remedy.World, wish remedy.Wishes) remedy.Plan {
			return planKill(id, f, w, wish)
		},
	}
}

func planKill(id string, f diagnose.Finding, w remedy.World, wish remedy.Wishes) remedy.Plan {
	p := begin(id, f, w)
	if p.Refused = unread(f, w, false); len(p.Refused) > 0 {
		return p
	}
	v, no := victim(f, w)
	if len(no) > 0 {
		p.Refused = no
		return p
	}
	if v == nil {
		p.Says = sentences{say("kill-nothing")}
		return p
	}
	k := cost(*v, f, w)
	p.Refused = slices.Concat(mayEnd(*v, w.Server), k.refused(f, wish))
	if len(p.Refused) > 0 {
		return p
	}
	k.step(&p, w)
	p.Says = append(p.Says, comesAgain("kill-comes-again", p, f)...)
	return p
}

// victim is the root of the waiting that the finding is about; nil: it is over.
func victim(f diagnose.Finding, w remedy.World) (*remedy.Session, sentences) {
	start := accusedSession(f, w.Server)
	if start == nil {
		return nil, nil
	}
	seen := map[uint64]bool{}
	for s := start; ; {
		if s.Waits == 0 {
			return s, nil
		}
		next := session(w.Server, s.Waits)
		if seen[s.ID] || next == nil {
			return nil, sentences{say("refused-kill-root", "session", diagnose.Count(s.ID)), say("instead-wait")}
		}
		seen[s.ID] = true
		s = next
	}
}

// accusedSession is the session that the finding names, if it is still what it
// was; else one that runs the accused statement; else one on its table that
// others wait for.
func accusedSession(f diagnose.Finding, server *remedy.Server) *remedy.Session {
	digest := ""
	if f.Statement != nil {
		digest = f.Statement.Digest
	}
	if s := session(server, f.About.Session); s != nil && still(*s, f, digest) {
		return s
	}
	for i := range server.Sessions {
		if s := &server.Sessions[i]; digest != "" && s.Digest == digest && running(*s) {
			return s
		}
	}
	for i := range server.Sessions {
		s := &server.Sessions[i]
		if f.About.Table != "" && strings.EqualFold(s.Table, f.About.Table) && s.Waits != 0 {
			return s // its root is found from here
		}
	}
	return nil
}

// still reports whether a session with the finding's id does what it was accused
// of: ids come again after a restart of the server.
func still(s remedy.Session, f diagnose.Finding, digest string) bool {
	if f.Origin.User != "" && s.User != "" && !strings.EqualFold(f.Origin.User, s.User) {
		return false
	}
	if digest != "" {
		return s.Digest == digest && running(s)
	}
	return s.TrxID != "" || s.TrxAgeMs >= 0
}

func running(s remedy.Session) bool {
	return !sleeping(s) && !strings.EqualFold(s.Command, "Daemon")
}

func sleeping(s remedy.Session) bool { return strings.EqualFold(s.Command, "Sleep") }

func session(server *remedy.Server, id uint64) *remedy.Session {
	for i := range server.Sessions {
		if id != 0 && server.Sessions[i].ID == id {
			return &server.Sessions[i]
		}
	}
	return nil
}

// nearEnd is the progress from which DDL is left to finish: taking it back costs
// about what it has cost.
const nearEnd = 0.8

// idleLeast is how long a session must have slept before it is taken for
// forgotten: a program pauses between two statements.
const idleLeast = 3 * time.Second

// mayEnd says why a session is not ours to end.
func mayEnd(s remedy.Session, server *remedy.Server) sentences {
	n := diagnose.Count(s.ID)
	wait := say("instead-wait")
	switch {
	case s.Own:
		return sentences{say("refused-kill-own", "session", n), say("instead-stop")}
	case s.Replication || systemUser(s):
		return sentences{say("refused-kill-system", "session", n, "user", s.User), say("instead-dba")}
	case s.Dump:
		return sentences{say("refused-kill-dump", "session", n, "user", s.User), wait}
	case rollingBack(s):
		return sentences{say("refused-kill-rolling", "session", n, "rows", diagnose.Count(s.RowsModified)), say("instead-no-restart")}
	case ddl(s.Verb) && (s.Progress <= 0 || s.Progress >= nearEnd):
		return sentences{say("refused-kill-ddl", "session", n, "progress", progress(s)), wait}
	case !sleeping(s) && !strings.EqualFold(s.Command, "Query") && !strings.EqualFold(s.Command, "Execute"):
		return sentences{say("refused-kill-command", "session", n, "command", s.Command), say("instead-dba")}
	case sleeping(s) && s.TrxID == "" && s.TrxAgeMs < 0:
		return sentences{say("refused-kill-holds-nothing", "session", n), wait}
	case sleeping(s) && ms(s.RunningMs) < idleLeast:
		return sentences{say("refused-kill-awake", "session", n, "idle", ms(s.RunningMs)), wait}
	}
	return killRight(s, server)
}

// systemUser reports whether the server itself is the user.
func systemUser(s remedy.Session) bool {
	switch strings.ToLower(s.User) {
	case "", "system user", "event_scheduler", "unauthenticated user":
		return true
	}
	return false
}

func rollingBack(s remedy.Session) bool {
	return strings.Contains(strings.ToUpper(s.TrxState), "ROLLING BACK") || strings.Contains(strings.ToLower(s.State), "rollback") || strings.EqualFold(s.Command, "Killed")
}

// progress of DDL; MariaDB says 0 all the time.
func progress(s remedy.Session) diagnose.Share01 {
	if s.Progress <= 0 {
		return -1
	}
	return diagnose.Share01(s.Progress)
}

// killRight says that the account may end only its own user's statements.
func killRight(s remedy.Session, server *remedy.Server) sentences {
	user := server.Account
	if i := strings.LastIndex(user, "@"); i >= 0 {
		user = user[:i]
	}
	if strings.EqualFold(strings.Trim(user, "`'"), s.User) {
		return nil
	}
	right := "CONNECTION ADMIN"
	if !server.MariaDB() {
		right = "CONNECTION_ADMIN"
	}
	for _, r := range server.Rights {
		switch strings.ToUpper(r) {
		case "SUPER", "ALL", "ALL PRIVILEGES", "CONNECTION ADMIN", "CONNECTION_ADMIN":
			return nil
		}
	}
	return sentences{say("refused-rights", "account", server.Account, "rights", right), say("instead-grant", "hint", "GRANT "+right+" ON *.* TO "+grantee(server.Account))}
}
