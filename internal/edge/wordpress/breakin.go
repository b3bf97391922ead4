package wordpress

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hirune/internal/core/attack"
)

// Rows reads a site's database. A row is a map from the column's name in lower
// case to its text; NULL is "". Errors are passed on as they are. Who gives one
// bounds each statement by a time: a table of a large site is then given up.
type Rows interface {
	Named(ctx context.Context, text string, args ...any) ([]map[string]string, error)
}

// Inside reads from a site's database who came in. It only reads, by indexes,
// and so many rows at most; hashes and tokens are in what it reads and in
// nothing that it returns.
type Inside struct {
	Site Site
	DB   Rows
	Now  time.Time
}

// Bounds of what is read of one site.
const (
	metaMost    = 5000     // users with sessions or application passwords
	metaOne     = 1 << 20  // bytes of one user's
	metaAll     = 16 << 20 // bytes of all users'
	batchRows   = 250
	batchBytes  = 2 << 20
	adminsMost  = 2000 // users with another role than that of a reader
	oldestUsers = 500  // looked at where the table is too large
	newestUsers = 1500
	pingsBack   = 30 * 24 * time.Hour
	pingsMost   = 200
	nameRunes   = 60  // of a name of WordPress
	agentRunes  = 160 // of what a browser says it is
)

// Read reads all of it. What could not be read is in Unseen.
func (r Inside) Read(ctx context.Context) attack.Site {
	p := r.people(ctx)
	p.admins(ctx)
	p.metas(ctx, keyMeta)
	p.metas(ctx, sessionMeta)
	p.name(ctx)
	p.audits(ctx)
	p.pings(ctx)
	return p.out
}

// Callers reads only who may use xmlrpc.php rightly: application passwords and
// pingbacks.
func (r Inside) Callers(ctx context.Context) attack.Site {
	p := r.people(ctx)
	p.metas(ctx, keyMeta)
	p.name(ctx)
	p.pings(ctx)
	return p.out
}

func (r Inside) people(context.Context) *people {
	return &people{
		db: r.DB, schema: r.Site.Config.DBName, prefix: r.Site.Config.Prefix, multisite: r.Site.Config.Multisite, now: r.Now,
		out:    attack.Site{Name: r.Site.Name, Version: r.Site.Version},
		mighty: map[int64]bool{}, known: map[int64]user{},
	}
}

// people is what is known of a site's users while they are read.
type people struct {
	db             Rows
	schema, prefix string
	multisite      bool
	now            time.Time
	out            attack.Site
	mighty         map[int64]bool // users that may do everything
	known          map[int64]user
	sessions       []theirs[attack.Session]
	keys           []theirs[attack.Key]
}

// user is a row of the table users.
type user struct {
	login      string
	registered time.Time
}

// theirs is something of a user whose name is not known yet.
type theirs[T any] struct {
	user int64
	it   T
}

// Sources of attack.Unseen.
const (
	srcSessions = "sessions"
	srcKeys     = "application-passwords"
	srcAdmins   = "admins"
	srcAudit    = "audit-log"
	srcFiles    = "files"
	srcPings    = "pingbacks"
)

func (p *people) unseen(source string, err error) {
	if err == nil {
		return
	}
	why, _, _ := strings.Cut(err.Error(), "\n")
	p.out.Unseen = append(p.out.Unseen, attack.Unseen{Source: source, Why: cut(why, 300)})
}

// table is a table of the site as it stands in a statement.
func (p *people) table(name string) string { return ident(p.schema) + "." + ident(p.prefix+name) }

func ident(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// marks are so many places for arguments.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// cut makes valid text of at most so many runes.
func cut(s string, runes int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes]) + "…"
}

// address reads what PHP had in REMOTE_ADDR; invalid where it is no address.
func address(s string) netip.Addr {
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// utc reads a moment of the database that is kept in UTC; the zero time where it
// is none.
func utc(s string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, strings.TrimSpace(s), time.UTC)
	if err != nil || t.Year() < 2000 {
		return time.Time{}
	}
	return t
}

// unix reads seconds since 1970; the zero time where they are none.
func unix(v any) time.Time {
	if n, ok := v.(int64); ok && n > 0 && n < 1<<40 {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}

// pings reads when other blogs' pingbacks were taken in, spam left out.
func (p *people) pings(ctx context.Context) {
	rows, err := p.db.Named(ctx, "SELECT comment_date_gmt AS at FROM "+p.table("comments")+
		" WHERE comment_date_gmt > ? AND comment_type = 'pingback' AND comment_approved IN ('0','1') ORDER BY comment_date_gmt DESC LIMIT "+strconv.Itoa(pingsMost),
		p.now.Add(-pingsBack).UTC().Format(time.DateTime))
	p.unseen(srcPings, wrap("read the site's pingbacks", err))
	for _, row := range rows {
		if at := utc(row["at"]); !at.IsZero() {
			p.out.Pings = append(p.out.Pings, at)
		}
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

var errCrowd = errors.New("the site has more of them than are read")
