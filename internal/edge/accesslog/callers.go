package accesslog

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/attack"
)

// Who calls xmlrpc.php, as callers say of themselves. Anybody can say so.
const (
	SaysJetpack  = "jetpack"  // of WordPress.com
	SaysApp      = "app"      // the WordPress app, MarsEdit, IFTTT
	SaysPingback = "pingback" // another blog
	SaysNothing  = "success"  // known by its answers alone
)

// CallersIn says which logs are read, and how far.
type CallersIn struct {
	Logs     []CallersLog
	Since    time.Time
	Now      time.Time
	Loc      *time.Location // of times without a zone
	Own      func(netip.Addr) bool
	MaxBytes int64 // of text in all, unpacked; 0: 1 GiB
}

// CallersLog is one access log with the format that it is written in.
type CallersLog struct{ Path, Format string }

// Callers is who uses xmlrpc.php rightly, as far as logs can tell.
type Callers struct {
	Days     float64 // from the oldest line to the newest; 0: no line was read
	Requests int64   // calls by POST
	Local    float64 // share of all lines that come from this host or a private network, the site's own calls left out; -1 unknown
	Cut      bool    // the bound of bytes or of time was met before Since
	Found    []Caller
	Failed   []error // logs that could not be read
}

// Caller is somebody who got answers that are not refusals.
type Caller struct {
	Says     string // one of SaysJetpack, …
	Address  string // an IPv6 network as its /64; "" for all beyond the most frequent ones
	Requests int64  // that went well
	Last     time.Time
}

const (
	callersBytes   = 1 << 30
	callersStep    = 4 << 20 // of text between two looks at the clock
	callersAddress = 20_000  // addresses that are remembered
	callersSizes   = 4       // sizes of answers for each
	callersTold    = 20      // for each of Says
	sizesMost      = 4096
	// An address that comes back: its good answers lie so far apart, and are so many.
	backAfter = 12 * time.Hour
	backTimes = 3
	// The usual answer to so few addresses, that come so seldom, is no refusal: it
	// may be the one program that uses the endpoint rightly.
	fewAddresses = 3
	seldom       = time.Minute
)

// ReadCallers reads the logs with their rotated files, the youngest first.
// Whether an answer is a refusal is told by its size: refusals are one fixed
// text, so under an attack nearly all answers have one size.
func ReadCallers(ctx context.Context, in CallersIn) Callers {
	t := callTally{in: in, out: Callers{Local: -1}, left: cmp.Or(in.MaxBytes, callersBytes), who: map[callerKey]*callUse{}, counts: map[int64]int64{}}
	for _, l := range in.Logs {
		t.log(ctx, l)
	}
	return t.result()
}

// callerKey is an address with what it says of itself.
type callerKey struct{ says, who string }

// callUse is what one caller did.
type callUse struct {
	sizes [callersSizes]sizeUse
	other int64 // answers of further sizes
	last  int64
}

type sizeUse struct {
	size, count, first, last int64
}

type callTally struct {
	in          CallersIn
	out         Callers
	left        int64
	first, last int64 // unix seconds of the oldest and newest line
	all, local  int64
	counts      map[int64]int64 // good answers of xmlrpc.php by their size
	who         map[callerKey]*callUse
	reader      *Reader
	before      int64 // lines of the piece that are older than asked for
}

func (t *callTally) log(ctx context.Context, l CallersLog) {
	t.reader = NewReader(l.Format, t.in.Loc, t.in.Own)
	parts := []part{&plainPart{path: l.Path, to: -1}}
	rotated, err := Rotated(l.Path, t.in.Since)
	if err != nil {
		t.out.Failed = append(t.out.Failed, err)
	}
	for _, p := range rotated {
		parts = append(parts, partOf(p))
	}
	for _, p := range parts {
		t.part(ctx, p)
		p.close()
	}
}

// part reads a file up to the bounds. A plain one is read from its end, so it
// ends where its lines are too old.
func (t *callTally) part(ctx context.Context, p part) {
	for {
		if t.left <= 0 || ctx.Err() != nil {
			t.out.Cut = true
			return
		}
		t.before = 0
		n, _, done, err := p.next(min(callersStep, t.left), t.line)
		t.left -= max(n, 1)
		if err != nil {
			t.out.Failed = append(t.out.Failed, err)
		}
		_, gz := p.(*gzipPart)
		if done || err != nil || !gz && t.before > 0 {
			return
		}
	}
}

func (t *callTally) line(line []byte) {
	var q Request
	if !t.reader.Read(line, &q) || q.OwnProbe {
		return
	}
	at, ok := t.reader.Parser.Unix(&q.Entry)
	if !ok || at > t.in.Now.Unix()+hourS {
		return
	}
	if at < t.in.Since.Unix() {
		t.before++
		return
	}
	if t.first == 0 || at < t.first {
		t.first = at
	}
	t.last = max(t.last, at)
	if !q.Self && q.Class != attack.ClassBroken && len(q.Client) > 0 {
		t.all++
		if nearby(q.Addr) {
			t.local++
		}
	}
	if q.Class == attack.ClassXMLRPC && string(q.Method) == "POST" {
		t.call(&q, at)
	}
}

// nearby reports whether an address is of this host or of a private network.
func nearby(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

func (t *callTally) call(q *Request, at int64) {
	t.out.Requests++
	if q.Status < 200 || q.Status > 299 {
		return
	}
	t.size(q.Bytes)
	k := callerKey{saysOf(q), string(q.Who)}
	u := t.who[k]
	if u == nil {
		if len(t.who) >= callersAddress {
			t.forget()
		}
		u = &callUse{}
		t.who[k] = u
	}
	u.add(q.Bytes, at)
}

// size counts an answer's size, of sizesMost sizes at most.
func (t *callTally) size(bytes int64) {
	if _, ok := t.counts[bytes]; ok || len(t.counts) < sizesMost {
		t.counts[bytes]++
	}
}

// forget makes room: those that only ever got the answer that most get go.
func (t *callTally) forget() {
	usual, ok := t.mode()
	maps.DeleteFunc(t.who, func(k callerKey, u *callUse) bool {
		return ok && u.other == 0 && u.sizes[0].size == usual && u.sizes[1].count == 0
	})
	for k := range t.who { // still too many: any half of those that say nothing
		if len(t.who) <= callersAddress/2 {
			return
		}
		if k.says == SaysNothing {
			delete(t.who, k)
		}
	}
	for k := range t.who {
		if len(t.who) <= callersAddress/2 {
			return
		}
		delete(t.who, k)
	}
}

// mode is the size that most answers have; false where there is none, or too
// few to say.
func (t *callTally) mode() (int64, bool) {
	var best, n, all int64
	for s, c := range t.counts {
		all += c
		if c > n || c == n && s < best {
			best, n = s, c
		}
	}
	return best, n >= faultLeast && 2*n > all
}

// refusal is the size of the usual answer where that is a refusal: guessing
// comes from many addresses, or fast.
func (t *callTally) refusal() (int64, bool) {
	usual, ok := t.mode()
	var addresses, n, from, to int64
	for _, u := range t.who {
		for _, s := range u.sizes {
			if s.count == 0 || s.size != usual {
				continue
			}
			if addresses++; addresses == 1 || s.first < from {
				from = s.first
			}
			n, to = n+s.count, max(to, s.last)
		}
	}
	fast := time.Duration(to-from)*time.Second < time.Duration(n)*seldom
	return usual, ok && (addresses >= fewAddresses || fast)
}

func (u *callUse) add(size, at int64) {
	u.last = max(u.last, at)
	for i := range u.sizes {
		s := &u.sizes[i]
		if s.count > 0 && s.size != size {
			continue
		}
		if s.count == 0 {
			*s = sizeUse{size: size, first: at, last: at}
		}
		s.count++
		s.first, s.last = min(s.first, at), max(s.last, at)
		return
	}
	u.other++
}

// saysOf is what a caller says that it is.
func saysOf(q *Request) string {
	a := q.Agent
	_, query, _ := bytes.Cut(q.Target, []byte{'?'})
	switch {
	case bytes.Contains(a, []byte("Jetpack by WordPress.com")), bytes.Contains(query, []byte("for=jetpack")):
		return SaysJetpack
	case bytes.Contains(a, []byte("Incutio XML-RPC")):
		return SaysPingback
	}
	for _, s := range []string{"wp-android/", "wp-iphone/", "WordPress for iOS", "WordPress for Android", "MarsEdit", "IFTTT"} {
		if bytes.Contains(a, []byte(s)) {
			return SaysApp
		}
	}
	return SaysNothing
}

func (t *callTally) result() Callers {
	out := t.out
	if t.first > 0 {
		out.Days = max(time.Duration(t.last-t.first)*time.Second, time.Minute).Hours() / 24
	}
	if t.all > 0 {
		out.Local = float64(t.local) / float64(t.all)
	}
	usual, known := t.refusal()
	for k, u := range t.who {
		n, last := u.good(k.says, usual, known)
		if n > 0 {
			out.Found = append(out.Found, Caller{Says: k.says, Address: shownClient(k.who), Requests: n, Last: time.Unix(last, 0)})
		}
	}
	slices.SortFunc(out.Found, func(a, b Caller) int {
		return cmp.Or(strings.Compare(a.Says, b.Says), cmp.Compare(b.Requests, a.Requests), strings.Compare(a.Address, b.Address))
	})
	out.Found = fold(out.Found)
	return out
}

// good counts the answers that are no refusals. Who says what it is is believed
// if one is; who says nothing has to come back for them, and get them mostly:
// somebody who guesses passwords gets other sizes now and then, too.
func (u *callUse) good(says string, usual int64, known bool) (n, last int64) {
	var all int64
	back := false
	for _, s := range u.sizes {
		all += s.count
		if s.count == 0 || known && s.size == usual {
			continue
		}
		n, last = n+s.count, max(last, s.last)
		back = back || s.count >= backTimes && time.Duration(s.last-s.first)*time.Second >= backAfter
	}
	if says != SaysNothing {
		return n + u.other, last
	}
	if !back || known && 2*n <= all+u.other {
		return 0, 0
	}
	return n, last
}

// fold keeps the most frequent callers of each kind and joins the rest.
func fold(all []Caller) []Caller {
	var out []Caller
	seen := map[string]int{}
	for _, c := range all {
		seen[c.Says]++
		switch n := seen[c.Says]; {
		case n <= callersTold:
			out = append(out, c)
		case n == callersTold+1:
			c.Address = ""
			out = append(out, c)
		default:
			rest := &out[len(out)-1]
			rest.Requests += c.Requests
			if c.Last.After(rest.Last) {
				rest.Last = c.Last
			}
		}
	}
	return out
}

// shownClient is an address as it can be let through; a name stays one, made
// fit to be shown.
func shownClient(who string) string {
	a, err := netip.ParseAddr(who)
	switch {
	case err != nil:
		return Printable([]byte(who), 100)
	case a.Is6():
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}
