package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/report"
)

func (s *beset) blocks(args ...string) report.BlocksDocument {
	s.t.Helper()
	_, out, words := s.hirune(append([]string{"blocks", "--json"}, args...)...)
	var d report.BlocksDocument
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		s.t.Fatalf("blocks --json: %v: %s %s", err, out, words)
	}
	return d
}

// TestABanEndToEnd is the whole life of bans on a real nginx: who attacks gets
// nothing, everybody else a page, and all of it can be taken back.
func TestABanEndToEnd(t *testing.T) {
	s := besiege(t, "")
	open, err := s.dial("a", attacker4, server4, 80)
	if err != nil || ask(open) != 200 {
		t.Fatalf("a connection that stays open: %v", err)
	}
	defer open.Close()

	t.Run("the plan changes nothing", func(t *testing.T) {
		out, _ := s.does(1, "block", attacker4, "--plan")
		if !strings.Contains(out, "nft add element inet hirune banned4 { 198.51.100.66/32 timeout 600s }") {
			t.Errorf("got %s", out)
		}
		if text := s.nft("list", "ruleset"); text != "" {
			t.Errorf("the kernel has %s", text)
		}
	})
	t.Run("one address", func(t *testing.T) {
		s.does(0, "block", attacker4, "--yes")
		s.answers(map[string]int{attacker4: 0, other4: 200, admin4: 200, attacker6: 200})
		if got := ask(open); got != 0 {
			t.Errorf("the open connection still gets %d", got)
		}
		d := s.blocks()
		if len(d.Blocks) != 1 || d.Blocks[0].Held != "held" || d.Blocks[0].Packets == nil || *d.Blocks[0].Packets < 1 || d.Gap != "" || d.Blocks[0].Run != 1 {
			t.Errorf("blocks: %+v", d)
		}
		out, _ := s.does(1, "blocks")
		for _, want := range []string{attacker4, "named by the owner", "refused; ", "hirune unblock " + attacker4} {
			if !strings.Contains(out, want) {
				t.Errorf("blocks does not say %q:\n%s", want, out)
			}
		}
	})
	t.Run("undo", func(t *testing.T) {
		s.does(0, "undo", "1", "--yes")
		s.answers(map[string]int{attacker4: 200})
		if out, _ := s.does(1, "history"); !strings.Contains(out, "taken back") {
			t.Errorf("history: %s", out)
		}
		s.does(0, "blocks")
	})
	t.Run("an IPv6 address is its /64", func(t *testing.T) {
		s.does(0, "block", attacker6, "--yes")
		s.answers(map[string]int{attacker6: 0, next6: 0, other6: 200, attacker4: 200})
		s.does(0, "unblock", next6, "--yes")
		s.answers(map[string]int{attacker6: 200, next6: 200})
	})
	t.Run("it ends by itself", func(t *testing.T) {
		s.does(0, "block", attacker4, "--yes", "--for", "4s")
		s.answers(map[string]int{attacker4: 0})
		s.eventually("access again", func() bool { return s.get("a", attacker4, server4) == 200 })
		s.does(0, "blocks")
	})
	t.Run("unblock what was never blocked", func(t *testing.T) {
		if _, words := s.does(0, "unblock", "192.0.2.1", "--yes"); !strings.Contains(words, "nobody of them is blocked") {
			t.Errorf("got %s", words)
		}
	})
	t.Run("allowed inside a ban", func(t *testing.T) {
		s.does(0, "block", "198.51.100.64/26", "--yes")
		s.answers(map[string]int{attacker4: 0, admin4: 0})
		s.does(0, "allow", admin4, "--yes", "--note", "office")
		s.answers(map[string]int{attacker4: 0, admin4: 200})
		if out, _ := s.does(0, "allow", "--list"); !strings.Contains(out, admin4) || !strings.Contains(out, "(office)") {
			t.Errorf("the list: %s", out)
		}
		s.does(0, "allow", admin4, "--remove", "--yes")
		s.answers(map[string]int{admin4: 0})
		s.does(0, "unblock", "--all", "--yes")
		s.answers(map[string]int{attacker4: 200, admin4: 200})
	})
	t.Run("a crash leaves what the book says", func(t *testing.T) {
		s.does(0, "block", attacker4, "--yes")
		s.nft("flush", "ruleset")
		s.answers(map[string]int{attacker4: 200})
		if d := s.blocks(); d.Gap == "" || d.Blocks[0].Held != "missing" {
			t.Errorf("a flush is not seen: %+v", d)
		}
		s.does(2, "blocks")
		if out, _ := s.does(1, "blocks", "--check"); !strings.Contains(out, "put right") {
			t.Errorf("got %s", out)
		}
		s.answers(map[string]int{attacker4: 0})
		s.does(0, "unblock", attacker4, "--yes")
	})
}

// TestTheRecorderKeepsBansInForce flushes the ruleset under a running recorder,
// and before one starts.
func TestTheRecorderKeepsBansInForce(t *testing.T) {
	s := besiege(t, "")
	s.does(0, "block", attacker4, "--yes")
	s.nft("flush", "ruleset")
	rec := s.daemon(filepath.Join(s.dir, "hirune"), "record", "--tape", filepath.Join(s.dir, "tape.hirune"))
	s.eventually("a recorder that starts heals", func() bool { return s.get("a", attacker4, server4) == 0 })
	s.nft("flush", "ruleset")
	s.within(time.Minute, "a running recorder heals", func() bool { return s.get("a", attacker4, server4) == 0 })
	s.answers(map[string]int{other4: 200, attacker4: 0})
	if err := rec.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = rec.Wait()
	s.answers(map[string]int{attacker4: 0}) // the kernel goes on without us
}

// TestTheAdminInTheAttackersNetworkIsUntouched bans the whole network that the
// admin is logged in from by a real sshd.
func TestTheAdminInTheAttackersNetworkIsUntouched(t *testing.T) {
	s := besiege(t, "")
	ssh := s.logIn()
	out, _ := s.does(1, "block", "198.51.100.0/24", "--plan")
	if !strings.Contains(strings.Join(strings.Fields(out), " "), admin4+" (an SSH log-in that is open now)") {
		t.Errorf("the plan: %s", out)
	}
	if _, words := s.does(2, "block", "198.51.100.0/24", "--yes"); !strings.Contains(words, "--accept broad") {
		t.Errorf("got %s", words)
	}
	s.answers(map[string]int{attacker4: 200})
	s.does(0, "block", "198.51.100.0/24", "--yes", "--accept", "broad")
	s.answers(map[string]int{attacker4: 0, admin4: 200, other4: 200})
	if !ssh() {
		t.Error("the admin's session is dead")
	}
	if c, err := s.dial("a", attacker4, server4, 22); err != nil {
		t.Errorf("log-in by SSH is refused: %v", err)
	} else {
		c.Close()
	}
	// Who guesses at passwords is connected as well, and is nobody.
	c, err := s.dial("a", attacker4, server4, 22)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.does(1, "blocks", "--check")
	s.answers(map[string]int{attacker4: 0})
	if _, words := s.does(2, "block", admin4, "--yes"); !strings.Contains(words, "is not refused: "+admin4) {
		t.Errorf("got %s", words)
	}
}

// TestAnSshdAtAWebPortStaysOpen has a real sshd at ports that bans refuse where
// there is none.
func TestAnSshdAtAWebPortStaysOpen(t *testing.T) {
	s := besiege(t, "")
	greets := func(from string, port int) bool {
		c, err := s.dial("a", from, server4, port)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patienceOfVisitor))
		b := make([]byte, 4)
		_, err = io.ReadFull(c, b)
		return err == nil && string(b) == "SSH-"
	}
	s.does(0, "block", attacker4, "--yes")
	s.sshd(443)
	if greets(attacker4, 443) {
		t.Fatal("a port that was closed before there was an sshd is open")
	}
	if out, _ := s.does(1, "blocks", "--check"); !strings.Contains(out, "put right") {
		t.Errorf("got %s", out)
	}
	if !greets(attacker4, 443) {
		t.Errorf("log-in by SSH is refused to who is banned\n%s", s.nft("list", "ruleset"))
	}
	s.answers(map[string]int{attacker4: 0, other4: 200})
	s.does(0, "unblock", attacker4, "--yes")

	out, _ := s.does(1, "block", attacker4, "--plan")
	if !strings.Contains(out, "web's ports (80)") {
		t.Errorf("the plan: %s", out)
	}
	s.does(0, "block", attacker4, "--yes")
	s.answers(map[string]int{attacker4: 0, other4: 200})
	if !greets(attacker4, 443) {
		t.Errorf("log-in by SSH is refused to who is banned\n%s", s.nft("list", "ruleset"))
	}

	// Where an sshd has all of them, nothing is refused, and that is said.
	if out, err := s.on("nginx", "-c", filepath.Join(s.dir, "nginx.conf"), "-p", s.dir, "-s", "stop").CombinedOutput(); err != nil {
		t.Fatalf("stop nginx: %v: %s", err, out)
	}
	s.eventually("nginx ends", func() bool { return s.get("a", other4, front4) == 0 && s.get("a", admin4, server4) == 0 })
	s.sshd(80)
	if out, _ := s.does(2, "blocks", "--check"); !strings.Contains(out, "every port of the web") {
		t.Errorf("got %s", out)
	}
	if !greets(attacker4, 80) {
		t.Errorf("log-in by SSH is refused to who is banned\n%s", s.nft("list", "ruleset"))
	}
	if _, words := s.does(2, "block", "198.51.100.67", "--yes"); !strings.Contains(words, "every port of the web") {
		t.Errorf("got %s", words)
	}
	s.does(0, "unblock", "--all", "--yes")
	s.does(0, "blocks")
}

// sshd starts one at a port. It returns the key of who may log in.
func (s *beset) sshd(port int) (key string) {
	s.t.Helper()
	for _, p := range []string{"/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"} {
		if _, err := os.Stat(p); err != nil {
			s.t.Skipf("%s is not installed (apt install openssh-server openssh-client)", p)
		}
	}
	key = filepath.Join(s.dir, "key")
	host := filepath.Join(s.dir, "hostkey")
	for _, k := range []string{key, host} {
		if exists(k) {
			continue
		}
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", k).CombinedOutput(); err != nil {
			s.t.Fatalf("make a key: %v: %s", err, out)
		}
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		s.t.Fatal(err)
	}
	conf := filepath.Join(s.dir, fmt.Sprintf("sshd_config%d", port))
	text := fmt.Sprintf("Port %d\n", port) + "HostKey " + host + "\nAuthorizedKeysFile " + key + ".pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.daemon("/usr/sbin/sshd", "-D", "-e", "-f", conf)
	s.eventually("sshd", func() bool {
		c, err := s.dial("a", admin4, server4, port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return key
}

// logIn starts an sshd and logs in from the admin's address; it returns whether
// the session is alive.
func (s *beset) logIn() func() bool {
	s.t.Helper()
	key := s.sshd(22)
	client := exec.Command("ip", "netns", "exec", s.name+"a", "ssh", "-F", "none", "-b", admin4, "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "BatchMode=yes", "root@"+server4, "cat")
	in, err := client.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := client.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { in.Close(); _ = client.Process.Kill(); _ = client.Wait() })
	echo := make(chan byte, 64)
	go func() {
		defer close(echo)
		for b := make([]byte, 1); ; {
			if n, err := out.Read(b); err != nil {
				return
			} else if n > 0 {
				echo <- b[0]
			}
		}
	}()
	alive := func() bool {
		if _, err := in.Write([]byte("x")); err != nil {
			return false
		}
		select {
		case _, ok := <-echo:
			return ok
		case <-time.After(patience):
			return false
		}
	}
	if !alive() {
		log, _ := os.ReadFile(filepath.Join(s.dir, "sshd.log"))
		s.t.Fatalf("the admin cannot log in: %s", log)
	}
	return alive
}

// TestABroadBanTakesItselfBack asks on a terminal, and gets yes, something else,
// and nothing any more.
func TestABroadBanTakesItselfBack(t *testing.T) {
	s := besiege(t, "")
	begin := func(t *testing.T) (*exec.Cmd, *tty) {
		t.Helper()
		cmd, person := s.onTerminal("block", "198.51.100.0/23")
		if !person.until("do it? [y/N]") {
			t.Fatalf("not asked: %s", person.text.String())
		}
		person.types("y")
		if !person.until("type yes within") {
			t.Fatalf("not asked to confirm: %s", person.text.String())
		}
		s.answers(map[string]int{attacker4: 0, other4: 200})
		return cmd, person
	}
	t.Run("no", func(t *testing.T) {
		cmd, person := begin(t)
		person.types("no")
		if person.until("what to type next"); !strings.Contains(person.text.String(), "taken back") {
			t.Errorf("got %s", person.text.String())
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitUnclear {
			t.Errorf("exit code %d", code)
		}
		s.answers(map[string]int{attacker4: 200})
		s.does(0, "blocks")
	})
	t.Run("the session is lost", func(t *testing.T) {
		cmd, _ := begin(t)
		if err := exec.Command("kill", "-HUP", s.program(cmd.Process.Pid)).Run(); err != nil {
			t.Fatal(err)
		}
		s.eventually("taken back", func() bool { return s.get("a", attacker4, server4) == 200 })
		_ = cmd.Wait()
		s.does(0, "blocks")
	})
	t.Run("killed", func(t *testing.T) {
		cmd, _ := begin(t)
		if err := exec.Command("kill", "-KILL", s.program(cmd.Process.Pid)).Run(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		d := s.blocks()
		if len(d.Blocks) != 1 || !d.Blocks[0].Trial || d.Blocks[0].Until == nil || time.Until(*d.Blocks[0].Until) > time.Minute {
			t.Fatalf("blocks: %+v", d)
		}
		if text := s.nft("list", "set", "inet", "hirune", "banned4"); !strings.Contains(text, "expires") || strings.Contains(text, "expires 1h") {
			t.Errorf("the kernel does not end it soon: %s", text)
		}
		s.does(0, "unblock", "--all", "--yes")
		s.answers(map[string]int{attacker4: 200})
	})
	t.Run("yes", func(t *testing.T) {
		cmd, person := begin(t)
		person.types("yes")
		if !person.until("take it back") {
			t.Errorf("got %s", person.text.String())
		}
		_ = cmd.Wait()
		d := s.blocks()
		if len(d.Blocks) == 0 || time.Until(*d.Blocks[0].Until) < 5*time.Minute {
			t.Fatalf("blocks: %+v", d)
		}
		s.answers(map[string]int{attacker4: 0, other4: 200})
	})
}

// program is the pid of hirune below nsenter, which waits for it.
func (s *beset) program(parent int) string {
	s.t.Helper()
	pid := ""
	s.eventually("the program", func() bool {
		text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(parent), "task", strconv.Itoa(parent), "children"))
		pid = strings.TrimSpace(string(text))
		return pid != ""
	})
	return pid
}

// TestBehindAProxyThePacketFilterIsRefused has an nginx that takes the client's
// address from a proxy: one that it names, or anybody.
func TestBehindAProxyThePacketFilterIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		conf string
		exit int
	}{
		"a proxy that it names": {"set_real_ip_from 198.51.100.0/24; real_ip_header X-Forwarded-For;", exitHealthy}, // the web server refuses the client itself
		"anybody's word":        {"set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For;", exitUnclear},
	} {
		t.Run(name, func(t *testing.T) {
			s := besiege(t, c.conf)
			_, words := s.does(c.exit, "block", "192.0.2.66", "--yes")
			words = strings.Join(strings.Fields(words), " ")
			if !strings.Contains(words, "visitors come through a proxy") || !strings.Contains(words, "X-Forwarded-For") {
				t.Errorf("got %s", words)
			}
			if text := s.nft("list", "ruleset"); text != "" {
				t.Errorf("the kernel has %s", text)
			}
			s.answers(map[string]int{attacker4: 200, other4: 200}) // the proxy, and others
		})
	}
}

// TestTheExportIsWhatProgramsTake has each program read its list.
func TestTheExportIsWhatProgramsTake(t *testing.T) {
	s := besiege(t, "")
	s.does(0, "block", attacker4, "198.51.100.128/25", "2001:db8:3::66", "--yes")
	for format, check := range map[string]func(t *testing.T, text string) *exec.Cmd{
		"nginx": func(t *testing.T, text string) *exec.Cmd {
			conf := s.write("deny.conf", "pid "+s.dir+"/x.pid; events {} http { server { listen 8081; \n"+text+" } }\n")
			return s.on("nginx", "-t", "-c", conf)
		},
		"apache": func(t *testing.T, text string) *exec.Cmd {
			if _, err := exec.LookPath("apache2"); err != nil {
				t.Skip("apache2 is not installed (apt install apache2)")
			}
			mods := "/usr/lib/apache2/modules/"
			conf := s.write("apache.conf", "ServerRoot /etc/apache2\nServerName x\nPidFile "+s.dir+"/a.pid\nErrorLog "+s.dir+"/a.err\nListen 8082\n"+
				"LoadModule mpm_event_module "+mods+"mod_mpm_event.so\nLoadModule authz_core_module "+mods+"mod_authz_core.so\nLoadModule authz_host_module "+mods+"mod_authz_host.so\n<Location />\n"+text+"</Location>\n")
			return s.on("apache2", "-t", "-f", conf)
		},
		"nft": func(_ *testing.T, text string) *exec.Cmd { return s.on("nft", "-c", "-f", s.write("export.nft", text)) },
		"plain": func(t *testing.T, text string) *exec.Cmd {
			if text != "198.51.100.66\n198.51.100.128/25\n2001:db8:3::/64\n" {
				t.Errorf("got %q", text)
			}
			return s.on("true")
		},
	} {
		t.Run(format, func(t *testing.T) {
			out, _ := s.does(0, "blocks", "--export", format)
			if out == "" {
				t.Fatal("nothing was written")
			}
			if said, err := check(t, out).CombinedOutput(); err != nil {
				t.Errorf("%v: %s\n%s", err, said, out)
			}
		})
	}
}

func (s *beset) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// TestAContainerBehindThisHostIsClosedToo has a second server to which the first
// one passes its port 443 on, as Docker does.
func TestAContainerBehindThisHostIsClosedToo(t *testing.T) {
	s := besiege(t, "")
	if out, err := exec.Command("ip", "netns", "add", s.name+"c").CombinedOutput(); err != nil {
		t.Skipf("no network namespace can be made: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", s.name+"c").Run() })
	s.link("c", []string{"172.31.0.1/24"}, "172.31.0.2/24")
	s.ip("c", "route", "add", "default", "via", "172.31.0.1")
	if out, err := s.on("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward").CombinedOutput(); err != nil {
		t.Fatalf("pass packets on: %v: %s", err, out)
	}
	s.nft("-f", s.write("published.nft", "table ip published {\n chain prerouting {\n type nat hook prerouting priority -100;\n tcp dport 443 dnat to 172.31.0.2:9000\n }\n}\n"))
	s.serve("c", 9000)
	s.ip("a", "route", "add", "172.31.0.0/24", "via", server4)
	s.serve("a", 80)
	reach := func(ns, from, to string) bool {
		c, err := s.dial(ns, from, to, 443)
		if err != nil {
			return false
		}
		defer c.Close()
		return ask(c) == 200
	}
	s.eventually("the container answers", func() bool { return reach("a", attacker4, server4) })
	s.does(0, "block", attacker4, "--yes")
	if reach("a", attacker4, server4) {
		t.Errorf("who is banned reaches the container\n%s", s.nft("list", "ruleset"))
	}
	if !reach("o", other4, front4) || !reach("a", admin4, server4) {
		t.Error("others do not reach the container any more")
	}
	c, err := s.dial("c", "172.31.0.2", attacker4, 80)
	if err != nil || ask(c) != 200 {
		t.Errorf("what the container itself asks of who is banned gets no answer: %v\n%s", err, s.nft("list", "ruleset"))
	}
	s.does(0, "unblock", "--all", "--yes")
	if !reach("a", attacker4, server4) {
		t.Error("the container stays closed")
	}
}
