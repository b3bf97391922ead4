package siege

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hirune/lab/load"
	"hirune/lab/stack"
)

const (
	xmlrpcPath = "/xmlrpc.php"
	loginPath  = "/wp-login.php"
	shellName  = "wp-conf1g.php"

	manyClients = 300
	guesses     = 40 // of the intruder before the right one
)

// Networks of the lab's clients; those of the many take two.
const (
	netXMLRPCOne, netXMLRPCMany = 66, 100
	netLoginOne, netLoginMany   = 67, 110
)

var (
	xmlrpcOne = netip.AddrFrom4([4]byte{198, 18, netXMLRPCOne, 1})
	loginOne  = netip.AddrFrom4([4]byte{198, 18, netLoginOne, 1})
	intruder  = netip.MustParseAddr("198.18.90.7")
)

// attack floods both log-ins, each by one address and by 300 beside it.
func (s *siege) attack(ctx context.Context, a *Act) error {
	const length = 60 * time.Second
	streams := []load.Stream{
		{Kind: load.XMLRPC, Rate: 3, Clients: 1, Net: netXMLRPCOne},
		{Kind: load.XMLRPC, Rate: 8, Clients: manyClients, Net: netXMLRPCMany},
		{Kind: load.Login, Rate: 3, Clients: 1, Net: netLoginOne},
		{Kind: load.Login, Rate: 8, Clients: manyClients, Net: netLoginMany},
		{Kind: load.Page, Rate: 3, Clients: 40, Net: netVisitors},
	}
	shots := load.Schedule(streams, length, s.opt.Seed+7)
	takeTurns(shots)
	if _, err := load.Run(ctx, s.target(), shots, time.Now()); err != nil {
		return err
	}
	return errors.Join(ctx.Err(), s.count(a))
}

// takeTurns gives the attempts of the many to each of them in turn: by chance some would have none.
func takeTurns(shots []load.Shot) {
	turn := map[byte]int{}
	for i := range shots {
		from := shots[i].From.As4()
		net := from[2] - from[2]%10 // the second net of the many counts as the first
		if net != netXMLRPCMany && net != netLoginMany {
			continue
		}
		n := turn[net] % manyClients
		turn[net]++
		shots[i].From = netip.AddrFrom4([4]byte{from[0], from[1], net + byte(n/250), byte(1 + n%250)})
	}
}

// count takes from the log itself how many attempts reached the site: who gave up waiting has been logged all the same.
func (s *siege) count(a *Act) error {
	text, err := os.ReadFile(filepath.Join(s.site.LogDir(), "access.log"))
	if err != nil {
		return fmt.Errorf("read the access log: %w", err)
	}
	many := map[string]map[string]bool{xmlrpcPath: {}, loginPath: {}}
	for line := range strings.Lines(string(text)) {
		who, rest, _ := strings.Cut(line, " ")
		for endpoint, one := range map[string]netip.Addr{xmlrpcPath: xmlrpcOne, loginPath: loginOne} {
			net := netXMLRPCMany
			if endpoint == loginPath {
				net = netLoginMany
			}
			switch from, err := netip.ParseAddr(who); {
			case err != nil || !strings.Contains(rest, `"POST `+endpoint+" "):
			case from == one:
				a.Sent[endpoint+byOne]++
			case from.Is4() && from.As4()[1] == 18 && int(from.As4()[2])-net >= 0 && int(from.As4()[2])-net < 2:
				a.Sent[endpoint+byMany]++
				many[endpoint][who] = true
			}
		}
	}
	for endpoint, who := range many {
		a.Sent[endpoint+addresses] = len(who)
	}
	return nil
}

// What Act.Sent counts of an endpoint.
const (
	byOne     = " by one"
	byMany    = " by many"
	addresses = " addresses of many"
)

func (s *siege) target() load.Site {
	return load.Site{URL: s.site.URL, Posts: s.site.Posts(), PostSlug: stack.PostSlug, Words: stack.Words, FailedLogin: stack.FailedLogin,
		BrowserAgents: stack.BrowserAgents, AttackerAgent: stack.AttackerAgent}
}

// getIn guesses until the password is right, and looks round.
func (s *siege) getIn(ctx context.Context, a *Act) error {
	b := s.browser(intruder, stack.AttackerAgent)
	for i := range guesses {
		if _, err := b.logIn(ctx, owner, fmt.Sprintf("guess-%d", i)); err != nil {
			return err
		}
		a.Sent[loginPath+" by intruder"]++
	}
	in, err := b.logIn(ctx, owner, s.people.password)
	if err != nil {
		return err
	}
	if !in {
		return fmt.Errorf("the right password does not log %s in", owner)
	}
	for _, path := range []string{"/wp-admin/", "/wp-admin/users.php", "/wp-admin/plugin-install.php"} {
		status, _, err := b.get(ctx, path)
		if err := answered(path+" after the log-in", status, http.StatusOK, err); err != nil {
			return err
		}
	}
	return nil
}

// dropShell leaves a file as an upload that was not checked does, and uses it.
func (s *siege) dropShell(ctx context.Context, a *Act) error {
	dir := filepath.Join(s.site.Docroot(), "wp-content", "uploads", time.Now().UTC().Format("2006/01"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the uploads' directory: %w", err)
	}
	// It only tells that it ran: a file that runs what it is sent has no place on a developer's machine.
	if err := os.WriteFile(filepath.Join(dir, shellName), []byte("<?php echo 'it runs: ', PHP_VERSION, str_repeat(' ', 300);\n"), 0o644); err != nil {
		return fmt.Errorf("leave the file: %w", err)
	}
	b := s.browser(intruder, stack.AttackerAgent)
	path := "/wp-content/uploads/" + time.Now().UTC().Format("2006/01") + "/" + shellName
	for range 3 {
		status, _, err := b.post(ctx, path, url.Values{"cmd": {"id"}})
		if err := answered(path, status, http.StatusOK, err); err != nil {
			return err
		}
		a.Sent[path]++
	}
	return nil
}
