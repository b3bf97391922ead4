package main

import (
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/block"
)

// holdJournal has another hirune hold the journal until release: it waits for an
// answer.
func (s *beset) holdJournal(address string) (release func()) {
	s.t.Helper()
	cmd, person := s.onTerminal("block", address)
	if !person.until("do it? [y/N]") {
		s.t.Fatalf("not asked: %s", person.text.String())
	}
	return func() {
		s.t.Helper()
		person.types("n")
		_ = cmd.Wait()
	}
}

// TestWhoIsLockedOutIsLetInAtOnce lets addresses in while another hirune holds the
// journal, and takes it back by the command that was said.
func TestWhoIsLockedOutIsLetInAtOnce(t *testing.T) {
	s := besiege(t, "")
	s.does(0, "block", attacker4, "--yes", "--for", "5h")
	s.does(0, "block", "198.51.100.64/27", attacker6, "--yes", "--accept", "broad") // .64 to .95: both of them
	s.answers(map[string]int{attacker4: 0, admin4: 0, attacker6: 0, other4: 200})
	release := s.holdJournal("192.0.2.9")

	_, words := s.does(0, "allow", admin4, "--yes")
	s.answers(map[string]int{admin4: 200, attacker4: 0, attacker6: 0})
	allowBack := s.saysBack(words)
	_, words = s.does(0, "unblock", attacker6, "--yes")
	s.answers(map[string]int{attacker6: 200, next6: 200, attacker4: 0})
	s.saysBack(words)
	out, words := s.does(0, "unblock", attacker4, "--yes", "--json", "--lang", "ja")
	s.answers(map[string]int{attacker4: 200, admin4: 200, attacker6: 200, other4: 200})
	if !strings.Contains(out, `"runs": []`) || !strings.Contains(words, "履歴には記録できません") {
		t.Errorf("got %s\n%s", out, words)
	}
	blockBack := s.backs(words)
	if len(blockBack) != 2 { // the address for what is left of 5 hours, its network for what was its own
		t.Fatalf("to take it back: %q, want two commands", blockBack)
	}
	s.does(0, "blocks") // nobody is

	// Nothing else goes without the journal.
	for _, args := range [][]string{{"block", "192.0.2.7"}, {"allow", admin4, "--remove"}, {"undo", "1"}} {
		if _, words := s.does(2, append(args, "--yes")...); !strings.Contains(words, "another hirune changes this server") {
			t.Errorf("%v: got %s", args, words)
		}
	}
	release()

	if out, _ := s.does(1, "history"); strings.Contains(out, "Let blocked addresses through") || strings.Contains(out, "never blocked") {
		t.Errorf("the history has it: %s", out)
	}
	s.does(0, append(allowBack, "--yes")...)
	for _, c := range blockBack {
		s.does(0, append(c, "--yes", "--accept", "broad")...)
	}
	s.answers(map[string]int{attacker4: 0, admin4: 0, attacker6: 200})
}

// saysBack wants the words to say that there is no history of it, and returns the
// command that takes it back.
func (s *beset) saysBack(words string) []string {
	s.t.Helper()
	flat := strings.Join(strings.Fields(words), " ")
	backs := s.backs(words)
	if !strings.Contains(flat, "hirune history will not show it") || strings.Contains(flat, "hirune undo --all") || len(backs) != 1 {
		s.t.Fatalf("got %s", words)
	}
	return backs[0]
}

var takesBack = regexp.MustCompile(`(?m)^ +(?:sudo )?hirune ([^\n]*?) +take it back; it is not in hirune history$`)

// backs are the commands that take it back, as arguments.
func (s *beset) backs(words string) (out [][]string) {
	for _, m := range takesBack.FindAllStringSubmatch(words, -1) {
		out = append(out, strings.Fields(m[1]))
	}
	return out
}

// TestTheWebServerLetsInAtOnce is the same where the web server refuses.
func TestTheWebServerLetsInAtOnce(t *testing.T) {
	s := fronted(t, behindProxy["nginx"])
	before := s.configuration()
	s.does(0, "block", client4, client6, "--yes")
	s.served(map[string]int{client4: 403, client6: 403, stranger4: 200})
	release := s.holdJournal(stranger4)
	s.does(0, "allow", client4, "--yes")
	s.served(map[string]int{client4: 200, client6: 403})
	s.does(0, "unblock", "--all", "--yes")
	s.served(map[string]int{client4: 200, client6: 200, stranger4: 200})
	if after := s.configuration(); after != before {
		t.Errorf("the configuration is not as before:\n%s\nwant\n%s", after, before)
	}
	release()
}

// TestWhatALayerDoesNotTakeIsSaid has the web server's configuration broken: the
// packet filter lets in all the same.
func TestWhatALayerDoesNotTakeIsSaid(t *testing.T) {
	s := fronted(t, behindProxy["nginx"])
	s.does(0, "block", client4, "--yes")
	release := s.holdJournal(stranger4)
	defer release()
	broken := s.file("etc/conf.d/zz.conf", "Nonsense on;\n")
	_, words := s.does(1, "unblock", client4, "--yes")
	if !strings.Contains(words, "onsense") || !strings.Contains(words, "hirune blocks --check") {
		t.Errorf("got %s", words)
	}
	s.served(map[string]int{client4: 403})
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	s.does(0, "blocks", "--check")
	s.served(map[string]int{client4: 200})
}

func TestBlockAgain(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	ban := func(prefix string, left time.Duration) block.Ban {
		b := block.Ban{Prefix: netip.MustParsePrefix(prefix), Since: now.Add(-time.Hour)}
		if left > 0 {
			b.Until = now.Add(left)
		}
		return b
	}
	piece := ban("203.0.113.0/25", time.Hour)
	piece.Of = netip.MustParsePrefix("203.0.113.0/24")
	other := piece
	other.Prefix = netip.MustParsePrefix("203.0.113.192/26")
	trial := ban("198.51.100.9/32", time.Second)
	trial.Trial = true
	for _, c := range []struct {
		name string
		bans []block.Ban
		want []string
	}{
		{"for what is left", []block.Ban{ban("198.51.100.7/32", 90*time.Minute+time.Second)}, []string{"hirune block 198.51.100.7 --for 1h31m"}},
		{"not shorter than a minute", []block.Ban{ban("198.51.100.7/32", time.Second)}, []string{"hirune block 198.51.100.7 --for 1m"}},
		{"for ever", []block.Ban{ban("2001:db8::/64", 0)}, []string{"hirune block 2001:db8::/64 --forever"}},
		{"pieces are one, and those that end together", []block.Ban{piece, ban("198.51.100.7/32", time.Hour), other, ban("198.51.100.8/32", 0)},
			[]string{"hirune block 203.0.113.0/24 198.51.100.7 --for 1h0m", "hirune block 198.51.100.8 --forever"}},
		{"on trial", []block.Ban{trial}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := blockAgain(c.bans, now)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for _, command := range got {
				args := strings.Fields(command)
				if last := args[len(args)-1]; args[len(args)-2] == "--for" {
					if _, err := parseSpan(last); err != nil {
						t.Errorf("%q is no time: %v", last, err)
					}
				}
			}
		})
	}
}
