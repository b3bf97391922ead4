package block

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go4.org/netipx"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func one(s string) netip.Prefix { return Unit(netip.MustParseAddr(s)) }

func guard(s, why string) Protected { return Protected{Prefix: pfx(s), Why: why} }

func prefixesOf(bans []Ban) []string {
	out := []string{}
	for _, b := range bans {
		out = append(out, b.Prefix.String())
	}
	return out
}

func TestDecide(t *testing.T) {
	ban := func(s string, since, length time.Duration, level int) Ban {
		b := Ban{Prefix: pfx(s), Layer: LayerFirewall, Since: now.Add(-since), Level: level}
		if length > 0 {
			b.Until = b.Since.Add(length)
		}
		return b
	}
	for _, c := range []struct {
		name    string
		c       Candidate
		s       State
		bans    []string
		length  time.Duration // of the first; 0: for ever
		level   int
		refused string
		broad   bool
	}{
		{"an address for the first time", Candidate{Prefix: one("203.0.113.7")}, State{}, []string{"203.0.113.7/32"}, 10 * time.Minute, 0, "", false},
		{"IPv4 in IPv6", Candidate{Prefix: pfx("::ffff:203.0.113.7/128")}, State{}, []string{"203.0.113.7/32"}, 10 * time.Minute, 0, "", false},
		{"an IPv6 address is its /64", Candidate{Prefix: pfx("2001:db8::7/128")}, State{}, []string{"2001:db8::/64"}, 10 * time.Minute, 0, "", false},
		{"host bits", Candidate{Prefix: pfx("203.0.113.7/24")}, State{}, []string{"203.0.113.0/24"}, 10 * time.Minute, 0, "", false},
		{"the second time", Candidate{Prefix: one("203.0.113.7")}, State{Past: []Ban{ban("203.0.113.7/32", 2*time.Hour, 10*time.Minute, 0)}}, []string{"203.0.113.7/32"}, time.Hour, 1, "", false},
		{"the fifth and later", Candidate{Prefix: one("203.0.113.7")}, State{Past: []Ban{ban("203.0.113.7/32", 48*time.Hour, 24*time.Hour, 7)}}, []string{"203.0.113.7/32"}, 7 * 24 * time.Hour, 8, "", false},
		{"decay", Candidate{Prefix: one("203.0.113.7")}, State{Past: []Ban{ban("203.0.113.7/32", 31*24*time.Hour, time.Hour, 3)}}, []string{"203.0.113.7/32"}, 10 * time.Minute, 0, "", false},
		{"no decay yet", Candidate{Prefix: one("203.0.113.7")}, State{Past: []Ban{ban("203.0.113.0/24", 29*24*time.Hour, time.Hour, 2)}}, []string{"203.0.113.7/32"}, 24 * time.Hour, 3, "", false},
		{"the owner says how long", Candidate{Prefix: one("203.0.113.7"), For: 3 * time.Hour}, State{}, []string{"203.0.113.7/32"}, 3 * time.Hour, 0, "", false},
		{"for ever by hand", Candidate{Prefix: one("203.0.113.7"), Forever: true}, State{}, []string{"203.0.113.7/32"}, 0, 0, "", false},
		{"never for ever by itself", Candidate{Prefix: one("203.0.113.7"), Forever: true}, State{By: ByRecorder}, []string{"203.0.113.7/32"}, 10 * time.Minute, 0, "", false},
		{"banned already", Candidate{Prefix: one("203.0.113.7")}, State{Bans: []Ban{ban("203.0.113.0/24", time.Minute, time.Hour, 0)}}, nil, 0, 0, BannedThere, false},
		{"longer by hand", Candidate{Prefix: one("203.0.113.7"), For: 2 * time.Hour}, State{Bans: []Ban{ban("203.0.113.7/32", time.Minute, time.Hour, 0)}}, []string{"203.0.113.7/32"}, 2 * time.Hour, 0, "", false},
		{"shorter by hand", Candidate{Prefix: one("203.0.113.7"), For: time.Minute}, State{Bans: []Ban{ban("203.0.113.7/32", time.Minute, 0, 0)}}, nil, 0, 0, BannedThere, false},
		{"a ban on trial is none", Candidate{Prefix: one("203.0.113.7")}, State{Bans: []Ban{func() Ban { b := ban("203.0.113.7/32", time.Second, time.Minute, 0); b.Trial = true; return b }()}}, []string{"203.0.113.7/32"}, 10 * time.Minute, 0, "", false},
		{"an ssh peer", Candidate{Prefix: one("203.0.113.7")}, State{Protected: []Protected{guard("203.0.113.7/32", SSHPeer)}}, nil, 0, 0, IsProtected, false},
		{"the browser of an ssh peer", Candidate{Prefix: one("2001:db8::7")}, State{Protected: []Protected{guard("2001:db8::99/128", SSHPeer)}}, nil, 0, 0, IsProtected, false},
		{"an ssh peer as IPv4 in IPv6", Candidate{Prefix: one("203.0.113.7")}, State{Protected: []Protected{guard("::ffff:203.0.113.7/128", SSHPeer)}}, nil, 0, 0, IsProtected, false},
		{"cut around", Candidate{Prefix: pfx("203.0.113.0/30")}, State{Protected: []Protected{guard("203.0.113.1/32", SSHPeer)}}, []string{"203.0.113.0/32", "203.0.113.2/31"}, 10 * time.Minute, 0, "", true},
		{"all of it protected in parts", Candidate{Prefix: pfx("203.0.113.0/31")}, State{Protected: []Protected{guard("203.0.113.0/32", Own), guard("203.0.113.1/32", Gateway)}}, nil, 0, 0, IsProtected, false},
		{"private", Candidate{Prefix: one("192.168.3.4")}, State{}, nil, 0, 0, IsPrivate, false},
		{"loopback", Candidate{Prefix: one("::1")}, State{}, nil, 0, 0, IsPrivate, false},
		{"everybody", Candidate{Prefix: pfx("0.0.0.0/0")}, State{Broad: true}, nil, 0, 0, TooWide, false},
		{"everybody in IPv6", Candidate{Prefix: pfx("::/0")}, State{Broad: true}, nil, 0, 0, TooWide, false},
		{"half a country", Candidate{Prefix: pfx("203.0.0.0/15")}, State{Broad: true}, nil, 0, 0, TooWide, false},
		{"a provider in IPv6", Candidate{Prefix: pfx("2001:db8::/31")}, State{Broad: true}, nil, 0, 0, TooWide, false},
		{"as wide as can be", Candidate{Prefix: pfx("203.0.0.0/16")}, State{}, []string{"203.0.0.0/16"}, 10 * time.Minute, 0, "", true},
		{"no room left", Candidate{Prefix: one("198.51.100.1")}, State{Bans: []Ban{ban("203.0.0.0/16", time.Minute, time.Hour, 0)}}, nil, 0, 0, CapSpace, false},
		{"no room left, but agreed", Candidate{Prefix: one("198.51.100.1")}, State{Broad: true, Bans: []Ban{ban("203.0.0.0/16", time.Minute, time.Hour, 0)}}, []string{"198.51.100.1/32"}, 10 * time.Minute, 0, "", false},
		{"behind a proxy", Candidate{Prefix: one("198.51.100.1")}, State{Proxied: true}, nil, 0, 0, IsProxied, false},
		{"behind a proxy, at the web server", Candidate{Prefix: one("198.51.100.1")}, State{Proxied: true, Web: true}, []string{"198.51.100.1/32"}, 10 * time.Minute, 0, "", false},
		{"only our own refusals", Candidate{Prefix: one("203.0.113.7"), Last: now.Add(-time.Hour)}, State{Past: []Ban{ban("203.0.113.7/32", 65*time.Minute, 10*time.Minute, 0)}}, nil, 0, 0, NothingSince, false},
		{"it went on", Candidate{Prefix: one("203.0.113.7"), Last: now.Add(-time.Minute)}, State{Past: []Ban{ban("203.0.113.7/32", 65*time.Minute, 10*time.Minute, 0)}}, []string{"203.0.113.7/32"}, time.Hour, 1, "", false},
		{"no address", Candidate{}, State{}, nil, 0, 0, NoAddress, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Now = now
			d := Decide([]Candidate{c.c}, c.s)
			if got := prefixesOf(d.Bans); !slices.Equal(got, append([]string{}, c.bans...)) {
				t.Fatalf("banned %v, want %v (refused %v)", got, c.bans, d.Refused)
			}
			if c.refused != "" && (len(d.Refused) != 1 || d.Refused[0].Why != c.refused) || c.refused == "" && len(d.Refused) > 0 {
				t.Fatalf("refused %+v, want %q", d.Refused, c.refused)
			}
			if d.Broad != c.broad {
				t.Errorf("broad %t, want %t", d.Broad, c.broad)
			}
			for _, b := range d.Bans {
				if c.length == 0 != b.Until.IsZero() || c.length > 0 && b.Until.Sub(now) != c.length || b.Level != c.level || b.By == "" || b.Attack == "" {
					t.Errorf("got %+v, want %v at level %d", b, c.length, c.level)
				}
			}
		})
	}
}

func TestDecideKeepsToTheHour(t *testing.T) {
	var cs []Candidate
	for i := range HourMost + 20 {
		cs = append(cs, Candidate{Prefix: one(fmt.Sprintf("203.0.%d.%d", i/200, i%200)), Attempts: int64(i)})
	}
	d := Decide(cs, State{Now: now})
	if len(d.Bans) != HourMost || len(d.Refused) != 20 || d.Refused[0].Why != CapHour || !d.Broad {
		t.Fatalf("%d banned, %d refused, broad %t", len(d.Bans), len(d.Refused), d.Broad)
	}
	if d.Bans[0].Prefix != cs[len(cs)-1].Prefix {
		t.Errorf("first banned is %v, want who tried most", d.Bans[0].Prefix)
	}
	again := Decide(cs[:3], State{Now: now.Add(59 * time.Minute), Bans: d.Bans})
	if len(again.Bans) != 0 {
		t.Errorf("the hour was over: %v", again.Bans)
	}
	if later := Decide(cs[:3], State{Now: now.Add(61 * time.Minute), Past: d.Bans}); len(later.Bans) != 3 {
		t.Errorf("an hour later: %+v", later.Refused)
	}
	if agreed := Decide(cs, State{Now: now, Broad: true}); len(agreed.Bans) != len(cs) {
		t.Errorf("%d of %d banned although agreed", len(agreed.Bans), len(cs))
	}
}

func TestDecideTakesTheWiderOnce(t *testing.T) {
	d := Decide([]Candidate{{Prefix: one("203.0.113.7"), Attempts: 1}, {Prefix: pfx("203.0.113.0/24"), Attempts: 9}}, State{Now: now})
	if got := prefixesOf(d.Bans); len(got) != 1 || got[0] != "203.0.113.0/24" || len(d.Refused) != 1 || d.Refused[0].Why != BannedThere {
		t.Errorf("got %v, refused %+v", got, d.Refused)
	}
}

// world is a random scene in a small corner of the address space, so that
// everything overlaps.
type world struct {
	rng *rand.Rand
}

func (w world) prefix() netip.Prefix {
	n := w.rng.IntN(256)
	switch w.rng.IntN(4) {
	case 0:
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0, byte(n), byte(w.rng.IntN(4)), 15: byte(n)}), 40+w.rng.IntN(89))
	case 1:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(w.rng.IntN(2)), byte(n)}), 20+w.rng.IntN(13))
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, byte(w.rng.IntN(4)), byte(n)}), 17+w.rng.IntN(16))
}

func (w world) protected() []Protected {
	var out []Protected
	for range w.rng.IntN(6) {
		out = append(out, Protected{Prefix: w.prefix(), Why: []string{SSHPeer, Own, Proxy, Allowed}[w.rng.IntN(4)]})
	}
	return out
}

func (w world) bans() []Ban {
	var out []Ban
	for range w.rng.IntN(30) {
		b := Ban{Prefix: w.prefix().Masked(), Layer: LayerFirewall, Since: now.Add(-time.Hour), Until: now.Add(time.Duration(w.rng.IntN(7)-1) * time.Minute)}
		if w.rng.IntN(8) == 0 {
			b.Until = time.Time{}
		}
		if w.rng.IntN(10) == 0 {
			b.Layer = LayerWeb
		}
		out = append(out, b)
	}
	return out
}

func setOf(t *testing.T, add, remove []netip.Prefix) *netipx.IPSet {
	t.Helper()
	var b netipx.IPSetBuilder
	for _, p := range add {
		b.AddPrefix(p)
	}
	for _, p := range remove {
		b.RemovePrefix(p)
	}
	s, err := b.IPSet()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func guarded(ps []Protected) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range slices.Concat(ps, reserved) {
		out = append(out, p.Range())
	}
	return out
}

func disjoint(t *testing.T, ps []netip.Prefix) {
	t.Helper()
	for i, p := range ps {
		for _, q := range ps[:i] {
			if p.Overlaps(q) {
				t.Fatalf("%v and %v overlap", q, p)
			}
		}
	}
}

// TestCoverIsWhatIsWantedAndNoMore compares a cover with the same by set algebra:
// disjoint, all that is banned but what is protected, and each address until the
// last of its bans ends.
func TestCoverIsWhatIsWantedAndNoMore(t *testing.T) {
	for seed := range uint64(3000) {
		w := world{rand.New(rand.NewPCG(seed, 1))}
		bans, protected := w.bans(), w.protected()
		var want, got []netip.Prefix
		for _, b := range bans {
			if b.Layer == LayerFirewall && b.InForce(now) {
				want = append(want, b.Prefix)
			}
		}
		pieces := Cover(bans, protected, LayerFirewall, now)
		for _, p := range pieces {
			got = append(got, p.Prefix)
			for _, a := range []netip.Addr{p.Prefix.Addr(), netipx.PrefixLastIP(p.Prefix)} {
				if last := lastOf(bans, a); !last.Equal(p.Until) {
					t.Fatalf("seed %d: %v until %v, want %v", seed, p.Prefix, p.Until, last)
				}
			}
		}
		disjoint(t, got)
		if g, w := setOf(t, got, nil), setOf(t, want, guarded(protected)); !g.Equal(w) {
			t.Fatalf("seed %d: got %v, want %v", seed, g.Prefixes(), w.Prefixes())
		}
	}
}

// lastOf is when the last ban of an address ends; zero: never.
func lastOf(bans []Ban, a netip.Addr) time.Time {
	var last time.Time
	for _, b := range bans {
		switch {
		case b.Layer != LayerFirewall || !b.Prefix.Contains(a) || !b.InForce(now):
		case b.Until.IsZero():
			return time.Time{}
		case b.Until.After(last):
			last = b.Until
		}
	}
	return last
}

// TestNobodyProtectedIsEverBanned decides on random candidates and looks at the
// pieces.
func TestNobodyProtectedIsEverBanned(t *testing.T) {
	banned := 0
	for seed := range uint64(3000) {
		w := world{rand.New(rand.NewPCG(seed, 2))}
		s := State{Now: now, Protected: w.protected(), Bans: w.bans(), Broad: w.rng.IntN(2) == 0}
		var cs []Candidate
		for range w.rng.IntN(12) {
			cs = append(cs, Candidate{Prefix: w.prefix(), Attempts: int64(w.rng.IntN(9))})
		}
		d := Decide(cs, s)
		refused := map[netip.Prefix]int{}
		for _, r := range d.Refused {
			refused[r.Prefix]++
		}
		var got, want []netip.Prefix
		for _, b := range d.Bans {
			got = append(got, b.Prefix)
		}
		for _, c := range cs {
			p := widened(plain(c.Prefix))
			if refused[p]--; refused[p] < 0 {
				want = append(want, p)
			}
		}
		guards := guarded(s.Protected)
		for _, g := range got {
			for _, p := range guards {
				if g.Overlaps(p) {
					t.Fatalf("seed %d: %v is banned, %v is protected", seed, g, p)
				}
			}
		}
		if g, w := setOf(t, got, nil), setOf(t, want, guards); !g.Equal(w) {
			t.Fatalf("seed %d: banned %v, want %v; refused %+v", seed, g.Prefixes(), w.Prefixes(), d.Refused)
		}
		banned += len(got)
	}
	if banned < 1000 {
		t.Errorf("only %d bans in all: the scenes try nothing", banned)
	}
}
