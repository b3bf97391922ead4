package attack

import (
	"cmp"
	"maps"
	"slices"
)

// A form is a renamed log-in if somebody posted to it, was redirected, and then
// read a page of wp-admin. Shops and forums redirect after a post, too; the
// page of wp-admin tells.
const (
	// Where nobody got in yet: a form that answers so many posts with itself,
	// and some with a redirect, as log-ins go.
	formPosts    = 50
	formFailures = 0.9
)

// learnLogins finds the paths of renamed log-ins.
func (c *court) learnLogins() {
	c.logins = map[uint64]bool{}
	type form struct{ posts, again, redirected uint64 }
	forms := map[uint64]*form{}
	for _, s := range c.of[groupForm] {
		if s.login.best.adminAt != 0 || s.login.first.adminAt != 0 {
			c.logins[s.sub] = true
		}
		f := forms[s.sub]
		if f == nil {
			f = &form{}
			forms[s.sub] = f
		}
		f.posts += uint64(s.attempts)
		f.again += uint64(s.answers.s2)
		if s.bare() || s.login.best.failures > 0 {
			f.redirected += uint64(s.answers.s3)
		}
	}
	for sub, f := range forms {
		if c.namedLogin(sub) && f.posts >= formPosts && float64(f.again) >= formFailures*float64(f.posts) && f.redirected > 0 {
			c.logins[sub] = true
		}
	}
}

// namedLogin reports whether a path that forms are posted to is named as
// log-ins are: without that, a contact form looks the same.
func (c *court) namedLogin(sub uint64) bool {
	i := c.t.paths.top.find(sub)
	if i < 0 {
		return false
	}
	p := &c.t.paths.of[i].path
	for _, w := range []string{"login", "log-in", "signin", "sign-in", "admin", "account", "auth", "anmelden", "connexion"} {
		if hasFold(p.b[:p.n], w) {
			return true
		}
	}
	return false
}

// renamedLogin is a log-in under another name, with those who posted to it.
type renamedLogin struct {
	path     string
	suspects []*suspect
}

func (c *court) renamed() []renamedLogin {
	by := map[uint64][]*suspect{}
	for _, s := range c.of[groupForm] {
		if c.logins[s.sub] {
			by[s.sub] = append(by[s.sub], s)
		}
	}
	var out []renamedLogin
	for _, sub := range slices.Sorted(maps.Keys(by)) {
		out = append(out, renamedLogin{c.formPath(sub), by[sub]})
	}
	slices.SortStableFunc(out, func(a, b renamedLogin) int { return cmp.Compare(a.path, b.path) })
	return out
}

func (c *court) formPath(sub uint64) string {
	if i := c.t.paths.top.find(sub); i >= 0 {
		return c.t.paths.of[i].path.String()
	}
	return ""
}
