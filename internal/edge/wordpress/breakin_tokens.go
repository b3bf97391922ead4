package wordpress

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"hirune/internal/core/attack"
)

// Keys of usermeta.
const (
	sessionMeta = "session_tokens"
	keyMeta     = "_application_passwords"
)

// metas reads the values of a key of usermeta, those of administrators first:
// there are as many as users that ever logged in.
func (p *people) metas(ctx context.Context, key string) {
	rows, err := p.metaSizes(ctx, key)
	if err != nil {
		p.unseenMeta(key, err)
		return
	}
	slices.SortStableFunc(rows, func(a, b meta) int { return cmp.Compare(p.rank(a), p.rank(b)) })
	var left, skipped, odd int64 = metaAll, 0, 0
	for len(rows) > 0 {
		var some []meta
		var bytes int64
		for len(rows) > 0 && len(some) < batchRows && bytes < batchBytes {
			m := rows[0]
			rows = rows[1:]
			if m.bytes > metaOne || m.bytes > left {
				skipped++
				continue
			}
			some, bytes, left = append(some, m), bytes+m.bytes, left-m.bytes
		}
		bad, err := p.metaValues(ctx, some)
		if odd += bad; err != nil {
			p.unseenMeta(key, err)
			return
		}
	}
	if skipped > 0 {
		p.unseenMeta(key, fmt.Errorf("%w: %d users", errCrowd, skipped))
	}
	if odd > 0 {
		p.unseenMeta(key, fmt.Errorf("those of %d users: %w", odd, ErrSerialized))
	}
}

// meta is a row of usermeta that is not read yet.
type meta struct {
	id, user, bytes int64
}

func (p *people) rank(m meta) int {
	if p.mighty[m.user] {
		return 0
	}
	return 1
}

// metaSizes finds the rows by the index on meta_key, and of the administrators by
// that on user_id: where there are more rows than are read, theirs are among them.
func (p *people) metaSizes(ctx context.Context, key string) ([]meta, error) {
	text := "SELECT umeta_id AS id, user_id AS u, LENGTH(meta_value) AS n FROM " + p.table("usermeta") + " WHERE meta_key = ?"
	rows, err := p.db.Named(ctx, text+" LIMIT "+strconv.Itoa(metaMost+1), key)
	if err != nil {
		return nil, err
	}
	if len(rows) > metaMost {
		p.unseenMeta(key, fmt.Errorf("%w: the administrators' and %d more", errCrowd, metaMost))
		for some := range slices.Chunk(slices.Sorted(maps.Keys(p.mighty)), batchRows) {
			more, err := p.db.Named(ctx, text+" AND user_id IN ("+marks(len(some))+")", append([]any{key}, anys(some)...)...)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	seen, out := map[int64]bool{}, make([]meta, 0, len(rows))
	for _, row := range rows {
		m := meta{number(row["id"]), number(row["u"]), number(row["n"])}
		if !seen[m.id] {
			out = append(out, m)
		}
		seen[m.id] = true
	}
	return out, nil
}

func (p *people) unseenMeta(key string, err error) {
	source, what := srcSessions, "read the sessions of the site's users"
	if key == keyMeta {
		source, what = srcKeys, "read the application passwords of the site's users"
	}
	p.unseen(source, wrap(what, err))
}

// metaValues reads and takes in some rows; odd are those that are not what
// WordPress writes.
func (p *people) metaValues(ctx context.Context, some []meta) (odd int64, err error) {
	if len(some) == 0 {
		return 0, nil
	}
	ids := make([]any, len(some))
	for i, m := range some {
		ids[i] = m.id
	}
	rows, err := p.db.Named(ctx, fmt.Sprintf("SELECT user_id AS u, meta_key AS k, LEFT(meta_value, %d) AS v FROM %s WHERE umeta_id IN (%s)", metaOne, p.table("usermeta"), marks(len(ids))), ids...)
	for _, row := range rows {
		if !p.take(number(row["u"]), row["k"], row["v"]) {
			odd++
		}
	}
	return odd, err
}

func (p *people) take(id int64, key, value string) bool {
	if value == "" {
		return true // all sessions were ended
	}
	var err error
	if key == sessionMeta {
		var got []attack.Session
		got, err = sessionsOf(value)
		for _, s := range got {
			p.sessions = append(p.sessions, theirs[attack.Session]{id, s})
		}
	} else {
		var got []attack.Key
		got, err = keysOf(value)
		for _, k := range got {
			p.keys = append(p.keys, theirs[attack.Key]{id, k})
		}
	}
	if _, known := p.known[id]; err == nil && !known {
		p.known[id] = user{} // his name is asked for later
	}
	return err == nil
}

// sessionsMost bounds what is kept of one user: who logs in by a program a
// thousand times a day has that many.
const sessionsMost = 500

// sessionsOf reads a user's session_tokens, without the tokens: the newest, and
// no more than sessionsMost.
// Source: WP_User_Meta_Session_Tokens, a map of the token's hash to expiration,
// ip, ua and login; before 4.0 to the expiration alone.
func sessionsOf(value string) ([]attack.Session, error) {
	all, err := wholeArray(value)
	if err != nil {
		return nil, err
	}
	var out []attack.Session
	for _, t := range all {
		a, _ := t.Value.(Array)
		since, until := unix(a.Get("login")), unix(a.Get("expiration"))
		if since.IsZero() {
			continue
		}
		ip, _ := a.Get("ip").(string)
		agent, _ := a.Get("ua").(string)
		out = append(out, attack.Session{Client: address(ip), Agent: cut(agent, agentRunes), Since: since, Until: until})
	}
	slices.SortStableFunc(out, func(a, b attack.Session) int { return b.Since.Compare(a.Since) })
	return out[:min(len(out), sessionsMost)], nil
}

// keysOf reads a user's _application_passwords, without the hashes.
// Source: WP_Application_Passwords, a list of uuid, app_id, name, password,
// created, last_used and last_ip.
func keysOf(value string) ([]attack.Key, error) {
	all, err := wholeArray(value)
	if err != nil {
		return nil, err
	}
	var out []attack.Key
	for _, k := range all[:min(len(all), sessionsMost)] {
		a, _ := k.Value.(Array)
		name, _ := a.Get("name").(string)
		ip, _ := a.Get("last_ip").(string)
		out = append(out, attack.Key{Name: cut(name, nameRunes), Created: unix(a.Get("created")), LastUsed: unix(a.Get("last_used")), LastIP: address(ip)})
	}
	return out, nil
}

// wholeArray reads a value that is one array and nothing behind it.
func wholeArray(value string) (Array, error) {
	p := phpReader{s: value, items: metaOne / 16}
	v, err := p.value(0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSerialized, err)
	}
	a, ok := v.(Array)
	if !ok || p.s != "" {
		return nil, fmt.Errorf("%w: it is no array, or more than one", ErrSerialized)
	}
	return a, nil
}

// name looks the users up that were seen, and gives each what is his.
func (p *people) name(ctx context.Context) {
	var err error
	for some := range slices.Chunk(slices.Sorted(maps.Keys(p.known)), batchRows) {
		var rows []map[string]string
		rows, err = p.db.Named(ctx, "SELECT ID AS id, user_login AS login, user_registered AS since FROM "+p.table("users")+" WHERE ID IN ("+marks(len(some))+")", anys(some)...)
		if err != nil {
			break
		}
		for _, row := range rows {
			p.known[number(row["id"])] = user{cut(row["login"], nameRunes), utc(row["since"])}
		}
	}
	p.unseen(srcAdmins, wrap("read the names of the site's users", err))
	for _, s := range p.sessions {
		s.it.User, s.it.IsAdmin = p.login(s.user), p.mighty[s.user]
		p.out.Sessions = append(p.out.Sessions, s.it)
	}
	for _, k := range p.keys {
		k.it.User, k.it.IsAdmin = p.login(k.user), p.mighty[k.user]
		p.out.Keys = append(p.out.Keys, k.it)
	}
	for _, id := range slices.Sorted(maps.Keys(p.mighty)) {
		if err == nil && p.known[id].login == "" {
			continue // the user was deleted, his rights were not
		}
		p.out.Admins = append(p.out.Admins, attack.Admin{User: p.login(id), Registered: p.known[id].registered})
	}
}

// login is a user's name, or his number where the name is not known.
func (p *people) login(id int64) string {
	if l := p.known[id].login; l != "" {
		return l
	}
	return "#" + strconv.FormatInt(id, 10)
}
