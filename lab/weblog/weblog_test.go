package weblog

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
)

func written(t *testing.T, o Options) ([]string, Truth) {
	t.Helper()
	var b bytes.Buffer
	truth, err := Write(context.Background(), &b, o)
	if err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != truth.Bytes {
		t.Errorf("got %d bytes, the truth says %d", b.Len(), truth.Bytes)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n"), truth
}

func TestTheSameOptionsGiveTheSameLog(t *testing.T) {
	o := Options{Lines: 20000, Seed: 7}
	one, truth := written(t, o)
	two, _ := written(t, o)
	if strings.Join(one, "\n") != strings.Join(two, "\n") {
		t.Error("two logs of the same options differ")
	}
	if int64(len(one)) != o.Lines || truth.Lines != o.Lines {
		t.Errorf("got %d lines, the truth says %d, want %d", len(one), truth.Lines, o.Lines)
	}
	o.Seed++
	if other, _ := written(t, o); other[100] == one[100] && other[5000] == one[5000] {
		t.Error("another seed gives the same log")
	}
	seen := map[string]int{}
	for _, l := range one {
		seen[l]++
	}
	if len(seen) < len(one)*9/10 {
		t.Errorf("%d of %d lines are different: something repeats", len(seen), len(one))
	}
}

// What the truth says of each part is what a reader counts.
func TestTruth(t *testing.T) {
	lines, truth := written(t, Options{Lines: 60000, Seed: 3})
	var sum, v6 int64
	visitors := map[string]bool{}
	byAddress := map[string]int64{}
	for _, l := range lines {
		addr, _, _ := strings.Cut(l, " ")
		byAddress[addr]++
		a := netip.MustParseAddr(addr)
		if a.Is6() {
			v6++
		}
		if a.Is4() && bytes.IndexByte(firstBytes, a.As4()[0]) >= 0 {
			visitors[addr] = true
		} else if strings.HasPrefix(addr, "2400:") {
			p, _ := a.Prefix(64)
			visitors[p.String()] = true
		}
	}
	for _, p := range append(append([]*Part{truth.Visits}, truth.Attacks...), truth.Benign...) {
		sum += p.Lines
		if p.First.Before(truth.From) || p.Last.After(truth.To) || p.Lines > 0 && p.Last.Before(p.First) {
			t.Errorf("%s lasts from %v to %v", p.ID, p.First, p.Last)
		}
		if p.ID == "xmlrpc-brute-force" {
			if got := byAddress[p.Some[0]]; got != p.Lines || p.Actors != 1 || p.Posts != p.Lines || p.Paths["/xmlrpc.php"] != p.Lines || p.Lines != 1200 {
				t.Errorf("%s sent %d lines, the truth says %+v", p.Some[0], got, p)
			}
		}
	}
	if sum != truth.Lines || int64(len(visitors)) != truth.Clients || v6 != truth.IPv6 || v6 == 0 {
		t.Errorf("got %d lines in parts, %d visitors, %d of IPv6; the truth says %d, %d, %d", sum, len(visitors), v6, truth.Lines, truth.Clients, truth.IPv6)
	}
	if b := truth.BreakIn; b == nil || b.Failures != guesses || !strings.Contains(strings.Join(lines, "\n"), b.Client+" - - ["+b.At.Format("02/Jan/2006:15:04:05 -0700")+`] "POST /wp-login.php HTTP/1.1" 302 `) {
		t.Errorf("got the break-in %+v", b)
	}
	if len(truth.Attacks) != len(assaults)+1 {
		t.Errorf("got %d kinds of attack, want %d", len(truth.Attacks), len(assaults)+1)
	}
}

// Lines come when requests end and say when they began, over the whole time.
func TestTimes(t *testing.T) {
	lines, truth := written(t, Options{Lines: 30000, Seed: 1, Span: 48 * time.Hour})
	var last time.Time
	back := 0
	for _, l := range lines {
		_, text, _ := strings.Cut(l, "[")
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", text[:26])
		if err != nil {
			t.Fatal(err)
		}
		if at.Before(last) {
			back++
		}
		if last.Sub(at) > time.Minute {
			t.Fatalf("%s comes %v late", l, last.Sub(at))
		}
		if at.After(last) {
			last = at
		}
	}
	if back == 0 || back > len(lines)/5 {
		t.Errorf("%d of %d lines are out of order", back, len(lines))
	}
	if long := truth.To.Sub(truth.From); long < 43*time.Hour || long > 53*time.Hour {
		t.Errorf("the log lasts %v, want about 48 h", long)
	}
}

func TestFormats(t *testing.T) {
	for format, like := range map[string]string{
		"combined":       `^[0-9a-f.:]+ - - \[[^]]+\] "[^"]*" \d{3} \d+ "[^"]*" "[^"]*"$`,
		"timed":          `^[0-9a-f.:]+ - - \[[^]]+\] "[^"]*" \d{3} \d+ "[^"]*" "[^"]*" \d+$`,
		"vhost_combined": `^shop.example:443 [0-9a-f.:]+ - - \[[^]]+\] "[^"]*" \d{3} \d+ "[^"]*" "[^"]*"$`,
		"nginx-timed":    `^[0-9a-f.:]+ - - \[[^]]+\] "[^"]*" \d{3} \d+ "[^"]*" "[^"]*" \d+\.\d{3}$`,
	} {
		re := regexp.MustCompile(like)
		lines, truth := written(t, Options{Lines: 3000, Seed: 1, Format: format})
		for _, l := range lines {
			if !re.MatchString(l) {
				t.Fatalf("%s: got %s", format, l)
			}
		}
		if truth.Format != Formats[format] {
			t.Errorf("%s: the truth says %s", format, truth.Format)
		}
	}
}

// With as many visitors as lines nearly all come once, each from its own address.
func TestManyClients(t *testing.T) {
	_, truth := written(t, Options{Lines: 100_000, Seed: 1, Clients: 62_500, Attacks: "none"})
	if truth.Clients < 45_000 || len(truth.Attacks) > 0 || truth.BreakIn != nil {
		t.Errorf("got %d visitors, %d attacks", truth.Clients, len(truth.Attacks))
	}
	p := newPool(Options{Clients: 1, Seed: 5})
	seen := map[string]bool{}
	for n := range uint32(200_000) {
		a, _ := p.address(n, 0)
		if seen[a] {
			t.Fatalf("visitor %d has the address %s of another", n, a)
		}
		seen[a] = true
	}
}

func TestOptionsThatSayNothing(t *testing.T) {
	for _, o := range []Options{{}, {Lines: 1, Format: "x"}, {Lines: 1, IPv6: 2}, {Lines: 1, Clients: -1}, {Lines: 1, Span: -1}} {
		if _, err := Write(context.Background(), &bytes.Buffer{}, o); !errors.Is(err, errOptions) {
			t.Errorf("%+v: got %v", o, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Write(ctx, &bytes.Buffer{}, Options{Lines: 1e6}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
