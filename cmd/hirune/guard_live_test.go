package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/core/evidence"
	"hirune/internal/edge/tape"
)

// guess sends a password to the log-in form over a new connection; it reports whether
// anything came back.
func (s *beset) guess(from string) bool {
	ns, to := way(from)
	c, err := s.dial(ns, from, to, 80)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patienceOfVisitor))
	const body = "log=admin&pwd=secret"
	fmt.Fprintf(c, "POST /wp-login.php HTTP/1.1\r\nHost: example.org\r\nUser-Agent: python-requests/2.31\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer, _ := io.ReadAll(c)
	return len(answer) > 0
}

// toldOf reports whether a recorder has told of an attack.
func (s *beset) toldOf(path, id string) bool {
	r, err := tape.OpenReader(path)
	if err != nil {
		return false
	}
	defer r.Close()
	span, err := r.Span()
	if err != nil {
		return false
	}
	records, _, err := r.Records(span.From, span.To)
	if err != nil {
		return false
	}
	for _, x := range records {
		if f, ok := x.Fact.(evidence.Attack); ok && f.ID == id && f.Attempts > 0 {
			return true
		}
	}
	return false
}

// soon is when a recorder has told of an attack and dealt with it: it does by the minute.
const soon = 100 * time.Second

// record starts a recorder; words is what it has said so far.
func (s *beset) record(more ...string) (words func() string, stop func()) {
	cmd := s.daemon(append([]string{filepath.Join(s.dir, "hirune"), "record", "--tape", filepath.Join(s.dir, "tape.hirune")}, more...)...)
	words = func() string {
		b, _ := os.ReadFile(filepath.Join(s.dir, "hirune.log"))
		return string(b)
	}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Log(words())
		}
	})
	return words, func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() }
}

// TestTheRecorderBlocksNobodyByItself where that is not turned on.
func TestTheRecorderBlocksNobodyByItself(t *testing.T) {
	t.Parallel() // beside the next: both take a minute, in which they do nothing
	s := besiege(t, "")
	words, stop := s.record()
	s.within(soon, "the recorder tells of the attack", func() bool {
		s.guess(attacker4)
		return s.toldOf(filepath.Join(s.dir, "tape.hirune"), "wp-login-brute-force")
	})
	stop() // what it began is done
	if d := s.blocks(); len(d.Blocks) > 0 || !strings.Contains(words(), "blocking by the recorder is off") {
		t.Errorf("got %+v, words %s", d.Blocks, words())
	}
	s.answers(map[string]int{attacker4: 200})
}

// TestTheRecorderBlocksWhoAttacks lets two addresses, and the one that the
// administrator is logged in from, guess passwords.
func TestTheRecorderBlocksWhoAttacks(t *testing.T) {
	t.Parallel()
	s := besiege(t, "")
	ssh := s.logIn()
	words, stop := s.record("--config", s.write("hirune.toml", "[block]\nauto = true\n"))
	s.within(soon, "the attackers are blocked", func() bool {
		s.guess(admin4)
		four, six := s.guess(attacker4), s.guess(attacker6)
		return !four && !six
	})
	s.answers(map[string]int{admin4: 200, other4: 200, other6: 200, attacker4: 0, attacker6: 0, next6: 0})
	if !ssh() {
		t.Error("the admin's session is dead")
	}
	d := s.blocks()
	if len(d.Blocks) != 2 {
		t.Fatalf("got %+v", d.Blocks)
	}
	for _, b := range d.Blocks {
		if b.By != block.ByRecorder || b.Attack != "wp-login-brute-force" || !strings.Contains(b.Why, "attempts at wp-login-brute-force") || b.Run == 0 {
			t.Errorf("got %+v", b)
		}
	}
	for _, want := range []string{"blocking by the recorder is on", "blocked: " + attacker4 + " for 10 min", "undo: hirune unblock " + attacker4, "not blocked: " + admin4 + " (protected: ssh-peer)"} {
		s.eventually(want, func() bool { return strings.Contains(words(), want) })
	}
	stop()
	s.does(0, "undo", fmt.Sprint(d.Blocks[0].Run), "--yes")
	s.answers(map[string]int{attacker4: 200, attacker6: 200})
}
