package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/wordpress"
)

// Bounds of looking for traces of a break-in, for each site.
const (
	insideFor   = 20 * time.Second    // for all that its database is asked
	filesFor    = 30 * time.Second    // for walking over its files
	changedBack = 14 * 24 * time.Hour // how far back a changed file counts
)

// sitesForBreakIn reads from each WordPress of this host who has come in: what
// attack.Judge joins with the picture of the logs. p says which files the logs
// want looked at. named are the database accounts of the configuration; see
// accounts. It changes nothing; what cannot be read is in the site's Unseen.
func (a *app) sitesForBreakIn(ctx context.Context, e *eyes, named []mysql.Credential, p attack.Picture) []attack.Site {
	var out []attack.Site
	for _, r := range e.found().Roots {
		if r.WPConfig != "" && ctx.Err() == nil {
			out = append(out, a.siteForBreakIn(ctx, e.found(), r, named, p))
		}
	}
	return out
}

func (a *app) siteForBreakIn(ctx context.Context, found *discover.Found, r discover.Root, named []mysql.Credential, p attack.Picture) attack.Site {
	s, err := wordpress.ReadSite(r.Dir, r.WPConfig, r.Host)
	out := attack.Site{Name: s.Name, Version: s.Version}
	if err == nil {
		var in attack.Site
		if in, err = a.inside(ctx, s, found, named, wordpress.Inside.Read); err == nil {
			out = in
		}
	}
	if err != nil {
		for _, source := range []string{"sessions", "application-passwords", "admins", "audit-log"} {
			out.Unseen = append(out.Unseen, attack.Unseen{Source: source, Why: err.Error()})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, filesFor)
	defer cancel()
	files, unseen := wordpress.Files(ctx, s, wordpress.Look{Since: a.now().Add(-changedBack), Paths: cluePaths(p)})
	out.Files, out.Unseen = files, append(out.Unseen, unseen...)
	return out
}

// cluePaths are the files that the logs speak of, each once.
func cluePaths(p attack.Picture) []string {
	var out []string
	for _, c := range p.Clues {
		if !slices.Contains(out, c.Path) {
			out = append(out, c.Path)
		}
	}
	return out
}

// inside asks a site's database, over a connection that can only read.
func (a *app) inside(ctx context.Context, s wordpress.Site, found *discover.Found, named []mysql.Credential, read func(wordpress.Inside, context.Context) attack.Site) (attack.Site, error) {
	ctx, cancel := context.WithTimeout(ctx, insideFor)
	defer cancel()
	hand, err := mysql.OpenHand(ctx, databaseOf(s, found), append(siteAccount(s), a.tryAccounts(found, named)...), insideFor, onlyRead...)
	if err != nil {
		return attack.Site{}, err
	}
	out := read(wordpress.Inside{Site: s, DB: hand, Now: a.now()}, ctx)
	return out, errors.Join(hand.Close())
}

// onlyRead bounds a session: it changes nothing, waits for no lock, and gives a
// statement up after 2 s.
var onlyRead = []string{
	"SET SESSION TRANSACTION READ ONLY",
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	"SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1, autocommit=1, long_query_time=60 /*!50708 , max_execution_time=2000 */ /*M!100101 , max_statement_time=2 */",
}

// siteCallers adds those who use a site's xmlrpc.php rightly as the site knows
// them: application passwords and pingbacks.
func (h *hands) siteCallers(ctx context.Context, r discover.Root, c *remedy.Callers) error {
	s, err := wordpress.ReadSite(r.Dir, r.WPConfig, r.Host)
	if err != nil {
		return err
	}
	got, err := h.a.inside(ctx, s, h.eyes.found(), h.accounts, wordpress.Inside.Callers)
	if err != nil {
		return err
	}
	*c = remedies.WithSite(*c, got, h.a.now())
	var why []error
	for _, u := range got.Unseen {
		why = append(why, errors.New(u.Why))
	}
	return errors.Join(why...)
}
