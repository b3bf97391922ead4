package wordpress

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// powers are capabilities with which a user can give himself all others.
var powers = []string{"manage_options", "install_plugins", "edit_plugins", "edit_themes", "promote_users", "administrator"}

// readers are the values of the capabilities that nearly all users of a large
// site have: they are left out where the rows are.
var readers = []string{`a:1:{s:10:"subscriber";b:1;}`, `a:1:{s:8:"customer";b:1;}`, `a:0:{}`, ``}

// admins finds the users that may do everything: by role, by a capability of
// their own, and as super admins of a network.
func (p *people) admins(ctx context.Context) {
	roles := p.roles(ctx)
	rows, err := p.capabilities(ctx)
	p.unseen(srcAdmins, wrap("read the users' roles", err))
	for _, row := range rows {
		if p.isCapabilities(row["k"]) && powerful(row["v"], roles) {
			p.mighty[number(row["u"])] = true
		}
	}
	if p.multisite {
		p.unseen(srcAdmins, wrap("read the network's administrators", p.supers(ctx)))
	}
	for u := range p.mighty {
		p.known[u] = user{}
	}
}

// roles are those that give one of the powers.
func (p *people) roles(ctx context.Context) []string {
	out := []string{"administrator"}
	rows, err := p.db.Named(ctx, "SELECT LEFT(option_value, 2097152) AS v FROM "+p.table("options")+" WHERE option_name = ? LIMIT 1", p.prefix+"user_roles")
	if err != nil || len(rows) == 0 {
		return out // the usual role is known without
	}
	v, _ := Unserialize(rows[0]["v"]) // a damaged option is nil
	all, _ := v.(Array)
	for _, role := range all {
		def, _ := role.Value.(Array)
		caps, _ := def.Get("capabilities").(Array)
		if hasPower(caps) {
			out = append(out, role.Key)
		}
	}
	return out
}

func hasPower(caps Array) bool {
	return slices.ContainsFunc(caps, func(c Pair) bool { return truthy(c.Value) && slices.Contains(powers, c.Key) })
}

// truthy reports whether PHP takes a value for true: who writes rights into the
// table by hand writes i:1 or s:1:"1" as well.
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != "" && v != "0"
	case Array:
		return len(v) > 0
	}
	return false
}

// powerful reports whether a user's capabilities hold a power or such a role. A
// role counts whatever its value. Source: WP_User::get_role_caps.
func powerful(value string, roles []string) bool {
	v, _ := Unserialize(value) // what WordPress cannot read gives no rights
	caps, _ := v.(Array)
	return hasPower(caps) || slices.ContainsFunc(caps, func(c Pair) bool { return slices.Contains(roles, c.Key) })
}

// isCapabilities reports whether a key of usermeta is that of a site's
// capabilities: wp_capabilities, and in a network wp_2_capabilities.
func (p *people) isCapabilities(key string) bool {
	rest, ok := strings.CutPrefix(key, p.prefix)
	if !ok {
		return false
	}
	blog, ok := strings.CutSuffix(rest, "capabilities")
	return ok && (blog == "" || p.multisite && strings.HasSuffix(blog, "_") && strings.Trim(blog[:len(blog)-1], "0123456789") == "")
}

// capabilities reads those of the users that are more than readers. Where that
// takes too long, the oldest and newest users are looked at, and it says so.
func (p *people) capabilities(ctx context.Context) ([]map[string]string, error) {
	cond, key := "meta_key = ?", p.prefix+"capabilities"
	if p.multisite {
		cond, key = "meta_key LIKE ?", strings.NewReplacer(`_`, `\_`, `%`, `\%`).Replace(p.prefix)+"%capabilities"
	}
	text := "SELECT user_id AS u, meta_key AS k, LEFT(meta_value, 4096) AS v FROM " + p.table("usermeta") + " WHERE " + cond
	rows, err := p.db.Named(ctx, text+" AND meta_value NOT IN ("+marks(len(readers))+") LIMIT "+strconv.Itoa(adminsMost+1), append([]any{key}, anys(readers)...)...)
	switch {
	case err == nil && len(rows) <= adminsMost:
		return rows, nil
	case err == nil:
		err = fmt.Errorf("more than %d have a role of their own", adminsMost)
	}
	ids, idErr := p.ends(ctx)
	if idErr != nil {
		return rows, err
	}
	for some := range slices.Chunk(ids, batchRows) {
		more, moreErr := p.db.Named(ctx, text+" AND user_id IN ("+marks(len(some))+")", append([]any{key}, anys(some)...)...)
		if moreErr != nil {
			return rows, err
		}
		rows = append(rows, more...)
	}
	return rows, fmt.Errorf("only the %d oldest and %d newest users were looked at: %w", oldestUsers, newestUsers, err)
}

// ends are the ids of the oldest and newest users.
func (p *people) ends(ctx context.Context) ([]string, error) {
	var out []string
	for _, end := range []string{"ID LIMIT " + strconv.Itoa(oldestUsers), "ID DESC LIMIT " + strconv.Itoa(newestUsers)} {
		rows, err := p.db.Named(ctx, "SELECT ID AS id FROM "+p.table("users")+" ORDER BY "+end)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			out = append(out, row["id"])
		}
	}
	return out, nil
}

// supers adds the super admins of a network, which the network names by login.
func (p *people) supers(ctx context.Context) error {
	rows, err := p.db.Named(ctx, "SELECT LEFT(meta_value, 65536) AS v FROM "+p.table("sitemeta")+" WHERE meta_key = 'site_admins' LIMIT 16")
	if err != nil {
		return err
	}
	var logins []string
	for _, row := range rows {
		v, err := Unserialize(row["v"])
		if err != nil {
			return err
		}
		all, _ := v.(Array)
		for _, a := range all {
			if login, ok := a.Value.(string); ok && len(logins) < batchRows {
				logins = append(logins, login)
			}
		}
	}
	if len(logins) == 0 {
		return nil
	}
	rows, err = p.db.Named(ctx, "SELECT ID AS id FROM "+p.table("users")+" WHERE user_login IN ("+marks(len(logins))+")", anys(logins)...)
	for _, row := range rows {
		p.mighty[number(row["id"])] = true
	}
	return err
}
