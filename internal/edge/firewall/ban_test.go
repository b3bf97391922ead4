package firewall

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/banbook"
)

// post is a server of the test: a real kernel, a real book, and what the test says
// of who is protected.
type post struct {
	t         *testing.T
	hands     Hands
	filter    Filter
	run       func(args ...string) string
	protected []block.Protected
	state     json.RawMessage // of the last work
}

func newPost(t *testing.T) *post {
	t.Helper()
	f, run := kernel(t)
	p := &post{t: t, filter: f, run: run}
	p.hands = Hands{Book: banbook.Book{Dir: t.TempDir()}, Layer: f, Now: time.Now,
		Protected: func(context.Context) ([]block.Protected, error) { return p.protected, nil }}
	return p
}

func (p *post) work() *apply.Work {
	note := func(s any) error { p.state = s.(json.RawMessage); return nil }
	return apply.NewWork(p.state, note, nil, nil, time.Now)
}

// wants checks what the kernel refuses.
func (p *post) wants(want ...string) {
	p.t.Helper()
	if got := held(p.t, p.filter); !slices.Equal(got, append([]string{}, want...)) {
		p.t.Errorf("the kernel refuses %v, want %v", got, want)
	}
}

func (p *post) book() block.Book {
	p.t.Helper()
	b, err := p.hands.book()
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func bans(run int, length time.Duration, prefixes ...string) remedy.BanPrefixes {
	since := time.Now().Add(-time.Hour) // planned a while ago
	s := remedy.BanPrefixes{Layer: block.LayerFirewall, Ports: []int{80}}
	for _, x := range prefixes {
		b := block.Ban{Prefix: netip.MustParsePrefix(x), Layer: block.LayerFirewall, Since: since, Run: run, By: block.ByOwner, Attack: block.AttackByHand}
		if length > 0 {
			b.Until = since.Add(length)
		}
		s.Bans = append(s.Bans, b)
	}
	return s
}

func (p *post) answer(d apply.Doer, s remedy.Step, want apply.Answer) {
	p.t.Helper()
	if got, err := d.Done(p.t.Context(), s, p.state); err != nil || got != want {
		p.t.Errorf("Done says %s (%v), want %s", got, err, want)
	}
}

func (p *post) do(d apply.Doer, s remedy.Step) {
	p.t.Helper()
	p.state = nil
	if err := d.Do(p.t.Context(), s, p.work()); err != nil {
		p.t.Fatal(err)
	}
	p.answer(d, s, apply.IsDone)
}

func (p *post) undo(d apply.Doer, s remedy.Step) {
	p.t.Helper()
	for range 2 { // again after a crash
		if err := d.Undo(p.t.Context(), s, p.work()); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestBanAndUndo(t *testing.T) {
	p := newPost(t)
	d, s := Ban{Hands: p.hands}, bans(1, time.Hour, "203.0.113.7/32", "2001:db8::/64")
	p.answer(d, s, apply.NotDone)
	p.do(d, s)
	p.wants("203.0.113.7/32", "2001:db8::/64")
	for _, b := range p.book().Bans {
		if left := time.Until(b.Until); left < 59*time.Minute || left > time.Hour {
			t.Errorf("%v ends in %v: it was planned for an hour from when it is done", b.Prefix, left)
		}
	}
	p.run("nft", "flush", "set", "inet", "hirune", "banned4")
	p.answer(d, s, apply.Partly)
	if err := d.Do(t.Context(), s, p.work()); err != nil {
		t.Fatal(err)
	}
	p.answer(d, s, apply.IsDone)
	p.undo(d, s)
	p.wants()
	p.answer(d, s, apply.NotDone)
}

func TestUndoBringsBackWhatWasReplaced(t *testing.T) {
	p := newPost(t)
	d := Ban{Hands: p.hands}
	short, long := bans(1, time.Hour, "203.0.113.7/32", "203.0.113.9/32"), bans(2, 0, "203.0.113.7/32")
	p.do(d, short)
	p.do(d, long)
	if got := p.book().Bans; len(got) != 2 || !got[1].Until.IsZero() {
		t.Fatalf("got %+v", got)
	}
	p.undo(d, long)
	p.wants("203.0.113.7/32", "203.0.113.9/32")
	if got := p.book().Bans; len(got) != 2 || got[0].Until.IsZero() || got[1].Until.IsZero() || got[1].Run != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestWhoIsProtectedByNowStopsThePlan(t *testing.T) {
	p := newPost(t)
	d, s := Ban{Hands: p.hands}, bans(1, time.Hour, "203.0.113.0/24")
	p.protected = []block.Protected{{Prefix: netip.MustParsePrefix("203.0.113.9/32"), Why: block.SSHPeer}}
	err := d.Do(t.Context(), s, p.work())
	if !errors.Is(err, apply.ErrRefused) || hint.CodeOf(err) != "protected-now" {
		t.Errorf("got %v", err)
	}
	p.wants()
	if len(p.book().Bans) > 0 {
		t.Error("the book has them")
	}
}

// TestWhoLogsInIsCutOut bans a network from which somebody logs in afterwards.
func TestWhoLogsInIsCutOut(t *testing.T) {
	p := newPost(t)
	p.do(Ban{Hands: p.hands}, bans(1, time.Hour, "203.0.113.8/30"))
	p.protected = []block.Protected{{Prefix: netip.MustParsePrefix("203.0.113.9/32"), Why: block.SSHPeer}}
	if h, _, err := p.hands.Heal(t.Context()); err != nil || !h.Any() {
		t.Fatalf("%v, %v", h, err)
	}
	p.wants("203.0.113.8/32", "203.0.113.10/31")
	p.protected = nil
	if _, _, err := p.hands.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wants("203.0.113.8/30")
}

func TestOnTrial(t *testing.T) {
	step := func() remedy.BanPrefixes {
		s := bans(2, time.Hour, "203.0.113.0/24")
		s.Confirm = 30 * time.Second
		return s
	}
	t.Run("confirmed", func(t *testing.T) {
		p := newPost(t)
		asked := false
		d := Ban{Hands: p.hands, Confirm: func(_ context.Context, ends time.Time) bool {
			asked = true
			p.wants("203.0.113.0/24")
			all, _, _ := p.filter.Read(t.Context())
			if left := time.Until(ends); left > 30*time.Second || left < 20*time.Second || all[0].Left > 30*time.Second || all[0].Left == 0 {
				t.Errorf("asked for %v, the kernel holds it for %v", left, all[0].Left)
			}
			return true
		}}
		p.do(d, step())
		all, _, _ := p.filter.Read(t.Context())
		if b := p.book().Bans; !asked || len(b) != 1 || b[0].Trial || all[0].Left < 50*time.Minute {
			t.Errorf("asked %t, book %+v, kernel %+v", asked, b, all)
		}
	})
	t.Run("not confirmed, with a shorter ban before", func(t *testing.T) {
		p := newPost(t)
		p.do(Ban{Hands: p.hands}, bans(1, 10*time.Minute, "203.0.113.0/24"))
		d := Ban{Hands: p.hands, Confirm: func(context.Context, time.Time) bool { return false }}
		p.state = nil
		if err := d.Do(t.Context(), step(), p.work()); !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "taken back") {
			t.Errorf("got %v", err)
		}
		p.wants("203.0.113.0/24")
		if b := p.book().Bans; len(b) != 1 || b[0].Run != 1 {
			t.Errorf("the ban before is not as it was: %+v", b)
		}
	})
	t.Run("nobody is there", func(t *testing.T) {
		p := newPost(t)
		if err := (Ban{Hands: p.hands}).Do(t.Context(), step(), p.work()); !errors.Is(err, apply.ErrRefused) {
			t.Errorf("got %v", err)
		}
		p.wants()
	})
	t.Run("we die while asking", func(t *testing.T) {
		p := newPost(t)
		s := step()
		s.Confirm = 2 * time.Second
		d := Ban{Hands: p.hands, Confirm: func(context.Context, time.Time) bool { panic("killed") }}
		func() {
			defer func() { _ = recover() }()
			_ = d.Do(t.Context(), s, p.work())
		}()
		p.wants("203.0.113.0/24")
		for end := time.Now().Add(20 * time.Second); len(held(t, p.filter))+len(p.book().Bans) > 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it has not ended: the kernel %v, the book %+v", held(t, p.filter), p.book())
			}
		}
		if b := p.book(); len(b.Past) > 0 {
			t.Errorf("the book has %+v", b)
		}
	})
}

// TestASiteThatStopsAnsweringTakesTheBansBack asks a site that fails from the
// moment that somebody is banned.
func TestASiteThatStopsAnsweringTakesTheBansBack(t *testing.T) {
	p := newPost(t)
	broken := false
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "example.org" || r.UserAgent() != probeAgent {
			t.Errorf("asked for %q by %q", r.Host, r.UserAgent())
		}
		if broken {
			w.WriteHeader(http.StatusBadGateway)
		}
		broken = true
	}))
	defer site.Close()
	s := bans(1, time.Hour, "203.0.113.7/32")
	s.Probes = []remedy.Probe{{Method: "GET", URL: site.URL + "/", Host: "example.org"}}
	err := (Ban{Hands: p.hands}).Do(t.Context(), s, p.work())
	if err == nil || !strings.Contains(err.Error(), "answered 200 before the ban and 502 after it") {
		t.Errorf("got %v", err)
	}
	p.wants()
	if len(p.book().Bans) > 0 {
		t.Error("the book has them")
	}
}

func TestStepsOfOthersAreRefused(t *testing.T) {
	p := newPost(t)
	web := bans(1, time.Hour, "203.0.113.7/32")
	web.Layer = block.LayerWeb
	ssh := bans(1, time.Hour, "203.0.113.7/32")
	ssh.Ports = []int{22, 80}
	for name, s := range map[string]remedy.Step{"another layer": web, "log-in shells": ssh, "another kind": remedy.DropTable{}} {
		if err := (Ban{Hands: p.hands}).Do(t.Context(), s, p.work()); !errors.Is(err, apply.ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := (Lift{p.hands}).Do(t.Context(), remedy.LiftBans{Layer: block.LayerWeb}, p.work()); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("lifting at another layer: %v", err)
	}
	p.wants()
}

func TestLiftAndUndo(t *testing.T) {
	p := newPost(t)
	p.do(Ban{Hands: p.hands}, bans(1, time.Hour, "203.0.113.7/32", "203.0.113.8/32"))
	d, s := Lift{p.hands}, remedy.LiftBans{Layer: block.LayerFirewall, Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}}
	p.state = nil
	p.answer(d, s, apply.NotDone)
	p.do(d, s)
	p.wants("203.0.113.8/32")
	p.undo(d, s)
	p.wants("203.0.113.7/32", "203.0.113.8/32")
}

func TestAllowAndUndo(t *testing.T) {
	p := newPost(t)
	p.do(Ban{Hands: p.hands}, bans(1, time.Hour, "203.0.113.8/30"))
	d, s := Allow{p.hands}, remedy.AllowPrefixes{Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32")}, Note: "office"}
	p.state = nil
	p.answer(d, s, apply.NotDone)
	p.do(d, s)
	p.wants("203.0.113.8/32", "203.0.113.10/31")
	allowed := p.state
	remove := remedy.AllowPrefixes{Prefixes: s.Prefixes, Remove: true}
	p.do(d, remove)
	p.wants("203.0.113.8/30")
	p.undo(d, remove)
	p.wants("203.0.113.8/32", "203.0.113.10/31")
	p.state = allowed
	p.undo(d, s)
	p.wants("203.0.113.8/30")
	if len(p.book().Allowed) > 0 {
		t.Errorf("the list has %+v", p.book().Allowed)
	}
}
