package firewall

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go4.org/netipx"

	"hirune/internal/core/block"
	"hirune/internal/core/hint"
)

// kernel is a packet filter of our own in a network namespace of its own.
func kernel(t *testing.T) (Filter, func(args ...string) string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, p := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed (apt install iproute2 nftables)", p)
		}
	}
	name := fmt.Sprintf("hrfw%d-%d", os.Getpid(), time.Now().UnixNano()%1e6)
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("no network namespace can be made: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	f, err := os.Open("/var/run/netns/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("ip", append([]string{"netns", "exec", name}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return string(out)
	}
	return Filter{NetNS: int(f.Fd())}, run
}

func piece(s string, left time.Duration) block.Piece {
	p := block.Piece{Prefix: netip.MustParsePrefix(s)}
	if left > 0 {
		p.Until = time.Now().Add(left)
	}
	return p
}

func put(t *testing.T, f Filter, cover ...block.Piece) Healed {
	t.Helper()
	h, err := f.Apply(t.Context(), cover, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	gap, err := f.Check(t.Context(), cover, time.Now())
	if err != nil || gap.Any() {
		t.Fatalf("not as it was made: %v, %v", gap, err)
	}
	return h
}

func held(t *testing.T, f Filter) []string {
	t.Helper()
	all, broken, err := f.Read(t.Context())
	if err != nil || broken != "" {
		t.Fatalf("broken %q, err %v", broken, err)
	}
	out := []string{}
	for _, h := range all {
		p, ok := h.Range.Prefix()
		if !ok {
			t.Fatalf("%v is no prefix", h.Range)
		}
		out = append(out, p.String())
	}
	return out
}

func TestTheKernelHoldsTheCover(t *testing.T) {
	f, run := kernel(t)
	if h := put(t, f); h.Any() || strings.Contains(run("nft", "list", "tables"), "hirune") {
		t.Errorf("nothing to ban made a table: %v", h)
	}
	// Neighbours touch: where one ends the next one begins.
	cover := []block.Piece{piece("203.0.113.0/25", time.Hour), piece("203.0.113.128/25", 2*time.Hour), piece("203.0.114.0/32", 0), piece("203.0.114.1/32", time.Minute),
		piece("2001:db8::/64", time.Hour), piece("2001:db8:0:1::/64", 0)}
	if h := put(t, f, cover...); h.Added != 6 || h.Rebuilt != gone {
		t.Errorf("first: %v", h)
	}
	want := []string{"203.0.113.0/25", "203.0.113.128/25", "203.0.114.0/32", "203.0.114.1/32", "2001:db8::/64", "2001:db8:0:1::/64"}
	if got := held(t, f); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if h := put(t, f, cover...); h.Any() {
		t.Errorf("the same again: %v", h)
	}
	if h := put(t, f, cover[1:]...); h.Removed != 1 || h.Added+h.Retimed > 0 || h.Rebuilt != "" {
		t.Errorf("one less: %v", h)
	}
	// A wider one in the place of its parts, in the same transaction.
	if h := put(t, f, piece("203.0.112.0/20", time.Hour), cover[4]); h.Removed != 4 || h.Added != 1 {
		t.Errorf("a wider one: %v", h)
	}
	if h := put(t, f, cover...); h.Removed != 1 || h.Added != 5 {
		t.Errorf("its parts again: %v", h)
	}
	if h := put(t, f); h.Removed != 6 || strings.Contains(run("nft", "list", "tables"), "hirune") {
		t.Errorf("at the end: %v", h)
	}
}

func TestTheKernelIsHealed(t *testing.T) {
	f, run := kernel(t)
	cover := []block.Piece{piece("203.0.113.0/24", time.Hour), piece("2001:db8::/64", time.Hour)}
	run("nft", "add", "table", "inet", "others")
	for name, c := range map[string]struct {
		harm []string
		why  string
	}{
		"the ruleset is flushed": {[]string{"flush ruleset", "add table inet others"}, gone},
		"the table is deleted":   {[]string{"delete table inet hirune"}, gone},
		"the sets are emptied":   {[]string{"flush set inet hirune banned4", "flush set inet hirune banned6"}, ""},
		"a chain is emptied":     {[]string{"flush chain inet hirune input"}, "the rules of the chain input are not ours"},
		"a chain is gone":        {[]string{"flush chain inet hirune forward", "delete chain inet hirune forward"}, "the chain forward is gone"},
		"a rule is put before":   {[]string{"insert rule inet hirune input accept"}, "the rules of the chain input are not ours"},
		"a foreign element":      {[]string{"add element inet hirune banned4 { 198.51.100.1-198.51.100.77 }"}, ""},
		"another port":           {[]string{"add element inet hirune webports { 22 }"}, "it refuses the ports [22 80 443] instead of [80 443]"},
		"an end is put off":      {[]string{"delete element inet hirune banned4 { 203.0.113.0/24 }", "add element inet hirune banned4 { 203.0.113.0/24 timeout 9h }"}, ""},
		"an end is taken away":   {[]string{"delete element inet hirune banned6 { 2001:db8::/64 }", "add element inet hirune banned6 { 2001:db8::/64 }"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			put(t, f, cover...)
			for _, h := range c.harm {
				run(append([]string{"nft"}, strings.Fields(h)...)...)
			}
			h := put(t, f, cover...)
			if !h.Any() || h.Rebuilt != c.why {
				t.Errorf("healed %q, want it made anew because %q", h, c.why)
			}
			if got := held(t, f); !slices.Equal(got, []string{"203.0.113.0/24", "2001:db8::/64"}) {
				t.Errorf("held %v", got)
			}
			all, _, _ := f.Read(t.Context())
			for _, x := range all {
				if x.Left < 59*time.Minute || x.Left > time.Hour {
					t.Errorf("%v is held for %v", x.Range, x.Left)
				}
			}
			if !strings.Contains(run("nft", "list", "tables"), "inet others") {
				t.Error("another table was touched")
			}
		})
	}
}

func TestTheKernelEndsABan(t *testing.T) {
	f, _ := kernel(t)
	cover := []block.Piece{piece("203.0.113.7/32", 1500*time.Millisecond), piece("203.0.113.8/32", time.Hour)}
	put(t, f, cover...)
	for end := time.Now().Add(10 * time.Second); len(held(t, f)) > 1; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is still held")
		}
	}
	if h := put(t, f, cover[1]); h.Any() {
		t.Errorf("what ended by itself was mended: %v", h)
	}
}

func TestSSHIsNeverRefused(t *testing.T) {
	f, run := kernel(t)
	f.Ports = []int{22, 8080}
	put(t, f, piece("203.0.113.7/32", 0))
	text := run("nft", "list", "set", "inet", "hirune", "webports")
	if !strings.Contains(text, "8080") || strings.Contains(text, " 22") {
		t.Errorf("got %s", text)
	}
	if got := (Filter{Ports: []int{22}}).ports(); len(got) != 0 {
		t.Errorf("ports %v", got)
	}
}

// TestManyAtOnce loads what a month of attacks may leave, in one transaction.
func TestManyAtOnce(t *testing.T) {
	f, _ := kernel(t)
	var cover []block.Piece
	for i := range 20000 {
		a := netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)})
		cover = append(cover, block.Piece{Prefix: netip.PrefixFrom(a, 32), Until: time.Now().Add(time.Hour)})
	}
	put(t, f, cover...)
	if h := put(t, f, cover[:10000]...); h.Removed != 10000 || h.Added > 0 {
		t.Errorf("half of them: %v", h)
	}
}

const noRightsEnv = "HIRUNE_TEST_NO_RIGHTS"

// TestWithoutRightsTheHintSaysHow asks the kernel as nobody, in a child.
func TestWithoutRightsTheHintSaysHow(t *testing.T) {
	if os.Getenv(noRightsEnv) != "" {
		_, _, err := Filter{}.Read(t.Context())
		_, applied := Filter{}.Apply(t.Context(), []block.Piece{piece("203.0.113.7/32", time.Hour)}, time.Now())
		for _, err := range []error{err, applied} {
			if !errors.Is(err, ErrDenied) || !strings.Contains(hint.Of(err), "CAP_NET_ADMIN") {
				t.Errorf("got %v (%s)", err, hint.Of(err))
			}
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("becoming nobody needs root")
	}
	exe, err := os.ReadFile("/proc/self/exe") // where nobody may read it
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "hrfw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(dir+"/test", exe, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dir+"/test", "-test.run", "^TestWithoutRightsTheHintSaysHow$", "-test.v")
	cmd.Dir, cmd.Env = dir, []string{noRightsEnv + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestWithoutRights") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestGapSaysWhatDiffers(t *testing.T) {
	f, run := kernel(t)
	a, b := piece("203.0.113.7/32", time.Hour), piece("203.0.113.8/32", time.Hour)
	put(t, f, a)
	gap, err := f.Check(t.Context(), []block.Piece{b}, time.Now())
	if err != nil || len(gap.Missing) != 1 || gap.Missing[0] != b || gap.Extra != 1 || gap.String() != "203.0.113.8/32 is not refused; 1 refused that should not be" {
		t.Errorf("got %+v, %v", gap, err)
	}
	run("nft", "flush", "chain", "inet", "hirune", "input")
	if gap, err := f.Check(t.Context(), []block.Piece{a}, time.Now()); err != nil || !gap.Any() || gap.Broken == "" {
		t.Errorf("got %+v, %v", gap, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Apply(ctx, nil, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

func TestRangesArePutTogether(t *testing.T) {
	r := netipx.RangeOfPrefix(netip.MustParsePrefix("203.0.113.0/25"))
	next := netipx.RangeOfPrefix(netip.MustParsePrefix("203.0.113.128/25"))
	last := netipx.MustParseIPRange("255.255.255.0-255.255.255.255")
	all := slices.Concat(ends(last, 0), ends(next, 0), ends(r, time.Minute))
	got := ranges(all, 32)
	if len(got) != 3 || got[0].Range != r || got[1].Range != next || got[2].Range != last {
		t.Errorf("got %+v", got)
	}
}

// TestFromAnyCoverToAnyOther goes through random covers that hold, touch and
// split each other: the kernel refuses a whole transaction for one overlap.
func TestFromAnyCoverToAnyOther(t *testing.T) {
	f, _ := kernel(t)
	rng := rand.New(rand.NewPCG(7, 7))
	for round := range 150 {
		cover := randomCover(rng)
		h, err := f.Apply(t.Context(), cover, time.Now())
		if err != nil || h.Rebuilt != "" && h.Rebuilt != gone {
			t.Fatalf("round %d: %v, %v", round, h, err)
		}
		if gap, err := f.Check(t.Context(), cover, time.Now()); err != nil || gap.Any() {
			t.Fatalf("round %d: %v, %v, want %v", round, gap, err, cover)
		}
	}
}

func randomCover(rng *rand.Rand) []block.Piece {
	now := time.Now()
	var bans []block.Ban
	var protected []block.Protected
	for range rng.IntN(25) {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(rng.IntN(256))}), 24+rng.IntN(9)).Masked()
		if rng.IntN(4) == 0 {
			p = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 7: byte(rng.IntN(8))}), 48+rng.IntN(17)).Masked()
		}
		if rng.IntN(8) == 0 {
			protected = append(protected, block.Protected{Prefix: p, Why: block.Own})
			continue
		}
		b := block.Ban{Prefix: p, Layer: block.LayerFirewall, Since: now, Until: now.Add(time.Duration(1+rng.IntN(3)) * time.Hour)}
		if rng.IntN(5) == 0 {
			b.Until = time.Time{}
		}
		bans = append(bans, b)
	}
	return block.Cover(bans, protected, block.LayerFirewall, now)
}

// TestTwoMayChangeItAtOnce has the recorder and a verb at work at the same time,
// while somebody flushes the ruleset.
func TestTwoMayChangeItAtOnce(t *testing.T) {
	f, run := kernel(t)
	var all sync.WaitGroup
	for worker := range 3 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 9))
			for range 40 {
				if _, err := f.Apply(t.Context(), randomCover(rng), time.Now()); err != nil {
					t.Errorf("%v", err)
				}
			}
		})
	}
	for range 10 {
		run("nft", "flush", "ruleset")
	}
	all.Wait()
	put(t, f, piece("203.0.113.7/32", time.Hour))
	if got := held(t, f); !slices.Equal(got, []string{"203.0.113.7/32"}) {
		t.Errorf("held %v", got)
	}
}
