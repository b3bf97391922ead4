package main

import (
	"context"
	"net"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/wordpress"
)

const (
	expectSites   = 10                     // whose configuration is read
	expectTimeout = 200 * time.Millisecond // for a socket on this host to answer
)

// expect returns what should run here because a site needs it: a database that
// was stopped before we came leaves no process to miss. It is worked out anew
// when what runs here has changed.
func (e *eyes) expect() func() []collectors.ServiceHint {
	var of *discover.Found
	var hints []collectors.ServiceHint
	return func() []collectors.ServiceHint {
		if now := e.found(); now != of {
			of, hints = now, missingDatabases(now)
		}
		return hints
	}
}

// missingDatabases are those on this host that a site's configuration names and
// that do not answer.
func missingDatabases(found *discover.Found) []collectors.ServiceHint {
	var out []collectors.ServiceHint
	told := map[string]bool{}
	for _, r := range found.Roots[:min(len(found.Roots), expectSites)] {
		if r.WPConfig == "" {
			continue
		}
		c, err := wordpress.ReadConfig(r.WPConfig, r.Host)
		if err != nil {
			continue // the collector of sites tells it
		}
		network, addr := whereOf(c)
		if network == "" || told[addr] {
			continue
		}
		told[addr] = true
		if err := answers(network, addr); err != nil {
			out = append(out, collectors.ServiceHint{Service: evidence.ServiceDatabase, Instance: addr, Detail: r.WPConfig + " names it: " + err.Error()})
		}
	}
	return out
}

// whereOf is where on this host a site's database listens; empty if it is on
// another host.
func whereOf(c wordpress.Config) (network, addr string) {
	switch {
	case c.Socket != "":
		return "unix", c.Socket
	case c.Host == "":
		return "unix", defaultSocket
	case isHere(c.Host):
		return "tcp", net.JoinHostPort(c.Host, portOf(c))
	}
	return "", ""
}

func answers(network, addr string) error {
	d := net.Dialer{Timeout: expectTimeout}
	conn, err := d.DialContext(context.Background(), network, addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
