package attack

import "bytes"

// groupOf tells what a hit is an attempt of. A hit belongs to one group.
func (t *Tally) groupOf(x *hit) (group, bool) {
	if x.Method == Post {
		if g, found := postGroup(x); found {
			return g, true
		}
	}
	if x.says.kind == kindPingback {
		return groupVerify, true
	}
	if s := x.seen.signs; s != 0 {
		if g, found := signGroup(x, s); found {
			return g, true
		}
	}
	switch x.Class {
	case ClassBroken:
		return groupProxy, forProxy(x.Target)
	case ClassSearch:
		return groupSearch, x.Method != Post && !x.declared()
	case ClassQuery:
		return groupBust, x.Method != Post && x.seen.signs&signUnknownQuery != 0 && !x.declared() && x.client.admin == 0
	case ClassPage:
		if len(x.Target) > 0 && x.Target[0] != '/' && forProxy(x.Target) {
			return groupProxy, true
		}
		return groupBust, x.Status == 404 && x.seen.signs&signRandom != 0 && !referred(x.Referer) && !x.declared()
	default:
		return 0, false
	}
}

// declared reports whether the agent says that it is a robot of a known kind:
// what it costs is judged by its agent.
func (x *hit) declared() bool {
	switch x.says.kind {
	case kindSearch, kindCrawler, kindFeed, kindMonitor, kindPreload, kindLinks, kindJetpack:
		return true
	default:
		return false
	}
}

// postGroup tells what a POST is an attempt of.
func postGroup(x *hit) (group, bool) {
	switch x.Class {
	case ClassLogin:
		return groupLogin, x.seen.signs&signNoGuess == 0
	case ClassXMLRPC:
		return groupXMLRPC, true
	case ClassComment:
		return groupComment, true
	case ClassPage, ClassQuery, ClassPHP:
		if x.seen.signs&(signSQL|signScript|signTraverse|signFile|signShell|signUploads) != 0 || x.Class == ClassPHP && missing(x.Status) {
			return 0, false
		}
		return groupForm, true
	default:
		return 0, false
	}
}

// missing reports whether an answer says that there is nothing, or nothing for you.
func missing(status int) bool { return status == 404 || status == 403 || status == 410 }

// signGroup tells what a hit is an attempt of by its path and query. Who reads
// pages of wp-admin is logged in: there, parameters hold markup by right.
func signGroup(x *hit, s signs) (group, bool) {
	user := x.client.admin > 0
	switch {
	case s&signSQL != 0 && !user:
		return groupSQL, true
	case s&signTraverse != 0 && !user:
		return groupTraverse, true
	case s&signScript != 0 && !user:
		return groupScript, true
	case s&signUploads != 0:
		return uploadsGroup(x, s)
	case s&signFile != 0 && !user:
		return groupFiles, true
	case s&signShell != 0:
		return groupShell, true
	case s&signPlugin != 0 && !user && !referred(x.Referer) && (missing(x.Status) || s&signReadme != 0):
		return groupPlugin, true
	case s&signPHP != 0 && !user && missing(x.Status) && !referred(x.Referer) && s&(signPlugin|signIndex) == 0 && !ownScript(x.Class):
		return groupShell, true
	case s&(signAuthor|signUsers|signUserMap) != 0 && !user && !inAdmin(x.Referer):
		return groupUsers, x.Method != Post
	}
	return 0, false
}

// ownScript reports whether a class is that of WordPress' own entry points, which
// a plugin may shut.
func ownScript(c Class) bool {
	return c == ClassXMLRPC || c == ClassLogin || c == ClassCron || c == ClassAjax || c == ClassComment
}

// uploadsGroup sets what answers apart from what is only looked for, and both
// from the empty index.php that many plugins put into their directories.
func uploadsGroup(x *hit, s signs) (group, bool) {
	switch {
	case s&signIndex != 0 && x.Method != Post:
		return 0, false
	case x.Status >= 200 && x.Status < 300:
		return groupUploads, true
	}
	return groupShell, missing(x.Status)
}

// forProxy reports whether a request was meant for a proxy.
func forProxy(target []byte) bool {
	target = target[:min(len(target), 200)]
	return bytes.Contains(target, []byte("://")) || bytes.HasPrefix(target, []byte("CONNECT ")) || hostPort(target)
}

// isTLS reports whether a client spoke TLS to the plain port: a browser with
// the wrong address, or a check that somebody set up wrongly.
func isTLS(target []byte) bool {
	return bytes.HasPrefix(target, []byte(`\x16\x03`)) || bytes.HasPrefix(target, []byte{0x16, 3})
}

// hostPort reports whether a target is that of CONNECT, host:port.
func hostPort(t []byte) bool {
	i := bytes.LastIndexByte(t, ':')
	return i > 0 && i+1 < len(t) && len(t)-i <= 6 && digits(t[i+1:]) && bytes.IndexByte(t, '/') < 0
}

// soft are groups whose attempts are what visitors do, too: they count as
// visits as well.
func (g group) soft() bool { return g == groupSearch || g == groupBust || g == groupForm }

// attempt counts a hit as an attempt of its client.
func (t *Tally) attempt(x *hit, g group) {
	t.sum(x, g)
	x.path = t.hash.bytes(uint64(g)+16, x.Path)
	t.paths.add(x.path, g, x.Path)
	t.names.add(x.agent, x.Agent)
	sub := uint64(0)
	if g == groupForm {
		sub = x.path
	}
	key := t.actorKey(x.hash, g, sub)
	i, fresh := t.actors.top.touch(key)
	a := &t.actors.of[i]
	if fresh {
		*a = actor{unit: x.unit, sub: sub, group: g, from: x.now, agent: x.agent, referer: t.hash.bytes(5, x.Referer)}
	}
	a.add(x)
	x.client.tried |= g.bit()
	if g == groupLogin || g == groupForm {
		a.guessed(x, key)
	}
	if g.soft() {
		t.visit(x)
	}
}

func (t *Tally) actorKey(unit uint64, g group, sub uint64) uint64 {
	return t.hash.pair(unit, sub^uint64(g+1)<<56)
}

// sum counts a hit for its group.
func (t *Tally) sum(x *hit, g group) {
	s := &t.groups[g]
	if s.attempts == 0 {
		s.units = newDistinct()
	}
	s.attempts++
	s.tookUs += x.us
	s.units.add(x.hash)
	s.answers.add(x.Status)
	s.from, s.to = earlier(s.from, x.now), max(s.to, x.now)
	s.minutes.add(x.now/minuteLen, 1)
	s.ms.add(x.now/minuteLen, x.ms)
	if l := t.line.at(x.now); l != nil {
		l.groups |= g.bit()
	}
}

// strongSigns leave no doubt what somebody is after.
const strongSigns = signShell | signUploads | signFile | signReadme

// add counts an attempt.
func (a *actor) add(x *hit) {
	if (a.group == groupXMLRPC || a.group == groupLogin) && x.Status == 200 && x.Bytes >= 0 {
		a.size(x.Bytes, x.now)
	}
	a.attempts = satAdd(a.attempts, 1)
	a.from, a.to = earlier(a.from, x.now), max(a.to, x.now)
	a.answers.add(x.Status)
	a.tookUs += uint64(x.us)
	a.mixedAgent = a.mixedAgent || a.agent != x.agent
	if referred(x.Referer) {
		a.referred = satAdd(a.referred, 1)
	}
	if refused(x.Status) {
		a.refused = satAdd(a.refused, 1)
	}
	if !a.group.endpoint() || !refused(x.Status) {
		a.burst.add(x.now/burstLen, 1)
	}
	a.seen.add(x.seen.url)
	if x.seen.signs&strongSigns != 0 {
		a.strong.add(x.seen.url)
	}
	c := x.client
	a.views, a.assets, a.admin = max(a.views, c.views), max(a.assets, c.assets), max(a.admin, c.admin)
	a.requests, a.visits = max(a.requests, c.requests), max(a.visits, c.visits())
}

// refused reports whether an answer says no before a password was looked at.
// 408 and 499 are clients that went away.
func refused(status int) bool { return status >= 400 && status < 500 && status != 408 && status != 499 }

// guessed learns from the answer how a guess went: the form again, or a
// redirect, as one gets who is let in.
func (a *actor) guessed(x *hit, key uint64) {
	switch x.Status {
	case 200:
		a.login.failed()
	case 302, 303:
		a.login.passed(x.now)
		if a.group == groupLogin || x.client.admin == 0 { // who is logged in already sends other forms
			x.client.posted, x.client.lastPost = x.now, key
		}
	}
}
