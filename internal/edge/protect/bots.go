package protect

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"hirune/internal/core/block"
)

// Resolver asks the name system. *net.Resolver is one.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// engines are the search engines that say how their crawlers can be told: the
// address has a name below one of the domains, and the name has the address.
// Source: their own pages for webmasters.
var engines = map[string][]string{
	"google": {"googlebot.com", "google.com"}, // not googleusercontent.com: that is whoever rents a machine there
	"bing":   {"search.msn.com"},
	"apple":  {"applebot.apple.com"},
	"yandex": {"yandex.com", "yandex.ru", "yandex.net"},
	"baidu":  {"crawl.baidu.com", "crawl.baidu.jp"},
	"yahoo":  {"crawl.yahoo.net"},
	"seznam": {"seznam.cz"},
	"naver":  {"naver.com"},
}

// Bounds of asking: an offline server must not wait, and must not ask for ever.
const (
	askFor     = 2 * time.Second
	findFor    = 5 * time.Second // for all of Find
	asksMost   = 200             // in one sitting
	asksAtOnce = 8
	keptMost   = 4096
	keepFor    = 24 * time.Hour
	keepShort  = 10 * time.Minute // of what is not known
)

// Bots tells verified crawlers of search engines by forward-confirmed reverse
// DNS. Its methods are for several goroutines.
type Bots struct {
	Resolver Resolver // nil: net.DefaultResolver
	Now      func() time.Time

	mu   sync.Mutex
	kept map[netip.Addr]verdict
}

// verdict is what the name system said.
type verdict struct {
	bot   string // "" none of the engines
	known bool
	at    time.Time
}

// Verified says whether an address is a crawler of that engine: 1 yes, -1 no, 0
// unknown, also where the name system does not answer: nobody is guilty of that.
// bot is a word for the engine in any form, such as "Googlebot".
func (b *Bots) Verified(ctx context.Context, bot string, a netip.Addr) int {
	v := b.ask(ctx, a)
	switch {
	case !v.known:
		return 0
	case v.bot != "" && (bot == "" || strings.Contains(strings.ToLower(bot), v.bot)):
		return 1
	}
	return -1
}

// Find returns those of the addresses that are verified crawlers. No more than
// asksMost are asked for.
func (b *Bots) Find(ctx context.Context, all []netip.Addr) []block.Protected {
	ctx, cancel := context.WithTimeout(ctx, findFor)
	defer cancel()
	found := make([]block.Protected, min(len(all), asksMost))
	var wait sync.WaitGroup
	slot := make(chan struct{}, asksAtOnce)
	for i := range found {
		slot <- struct{}{}
		wait.Go(func() {
			defer func() { <-slot }()
			if v := b.ask(ctx, all[i]); v.known && v.bot != "" {
				found[i] = single(all[i], block.VerifiedBot, v.bot)
			}
		})
	}
	wait.Wait()
	return once(found)
}

func (b *Bots) ask(ctx context.Context, a netip.Addr) verdict {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || block.IsReserved(a) {
		return verdict{known: true}
	}
	if a.Is6() && netip.PrefixFrom(a, 64).Masked().Addr() == a {
		return verdict{} // the name of a /64, which is nobody's address: that it has no name says nothing
	}
	now := time.Now
	if b.Now != nil {
		now = b.Now
	}
	b.mu.Lock()
	v, ok := b.kept[a]
	b.mu.Unlock()
	if age := now().Sub(v.at); ok && age < keepFor && (v.known || age < keepShort) {
		return v
	}
	v = b.lookUp(ctx, a)
	v.at = now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil || len(b.kept) >= keptMost {
		b.kept = map[netip.Addr]verdict{}
	}
	b.kept[a] = v
	return v
}

// lookUp asks for the names of an address, and then for the addresses of those
// names that an engine uses: the first alone anybody can set.
func (b *Bots) lookUp(ctx context.Context, a netip.Addr) verdict {
	var r Resolver = net.DefaultResolver
	if b.Resolver != nil {
		r = b.Resolver
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	names, err := r.LookupAddr(ctx, a.String())
	if err != nil {
		return verdict{known: notThere(err)}
	}
	for _, n := range names {
		bot := engineOf(n)
		if bot == "" {
			continue
		}
		back, err := r.LookupNetIP(ctx, "ip", strings.TrimSuffix(n, "."))
		if err != nil && !notThere(err) {
			return verdict{}
		}
		for _, x := range back {
			if x.Unmap() == a {
				return verdict{bot: bot, known: true}
			}
		}
	}
	return verdict{known: true}
}

// notThere reports whether the name system knows that there is no such name.
func notThere(err error) bool {
	d, ok := errors.AsType[*net.DNSError](err)
	return ok && d.IsNotFound
}

// engineOf is the engine whose name it is; "" none.
func engineOf(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for bot, domains := range engines {
		for _, d := range domains {
			if strings.HasSuffix(name, "."+d) {
				return bot
			}
		}
	}
	return ""
}
