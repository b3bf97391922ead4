// Package load plays visitors and attackers as open-loop load: what is sent when is fixed before the run, latency counts from the
// intended start, and a client gives up after 30 s. A generator that waits for its victim (wrk, ab) hides an outage.
package load

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Kind is what one request does.
type Kind string

// The kinds of request.
const (
	Page   Kind = "page"   // a random post
	Static Kind = "static" // a file that needs no PHP
	Search Kind = "search" // ?s= two random words: no cache holds it
	XMLRPC Kind = "xmlrpc" // wp.getUsersBlogs with a wrong password
	Login  Kind = "login"  // wp-login.php with a wrong password
	Cron   Kind = "cron"   // wp-cron.php itself
	Visit  Kind = "visit"  // a path of the stream's own
)

// Kinds are all there are.
var Kinds = []Kind{Page, Static, Search, XMLRPC, Login, Cron, Visit}

// Stream is one kind of request at one rate for some time, from one group of clients.
type Stream struct {
	Kind    Kind    `toml:"kind"`
	Rate    float64 `toml:"rate"`    // a second; arrivals are random (Poisson) around it
	From    float64 `toml:"from"`    // seconds from the start of the run
	Until   float64 `toml:"until"`   // seconds; 0 is the end of the run
	Clients int     `toml:"clients"` // how many addresses take turns at random
	Net     byte    `toml:"net"`     // addresses are 198.18.NET.y and on
	visits
}

// visits are what a stream of visits asks for.
type visits struct {
	Path  string `toml:"path"`  // {n} is a random number, {post} the path of a random post, {word} a word
	Agent string `toml:"agent"` // empty: that of a browser
	Wants string `toml:"wants"` // what a good answer holds
	Local bool   `toml:"local"` // sent by the server itself
}

// Shot is one request to come.
type Shot struct {
	At   time.Duration // from the start of the run
	Kind Kind
	From netip.Addr
	Pick uint64 // chance of its own: which post, which words
	visits
}

// Schedule fixes every request of a run of the given length; the same seed gives the same one. Shots are in order of time.
func Schedule(streams []Stream, length time.Duration, seed uint64) []Shot {
	var out []Shot
	for i, s := range streams {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		until := length.Seconds()
		if s.Until > 0 {
			until = min(until, s.Until)
		}
		if s.Rate <= 0 {
			continue
		}
		for at := s.From + rng.ExpFloat64()/s.Rate; at < until; at += rng.ExpFloat64() / s.Rate {
			out = append(out, Shot{At: time.Duration(at * float64(time.Second)), Kind: s.Kind, From: s.client(rng), Pick: rng.Uint64(), visits: s.visits})
		}
	}
	slices.SortStableFunc(out, func(a, b Shot) int { return int(a.At - b.At) })
	return out
}

func (s Stream) client(rng *rand.Rand) netip.Addr {
	n := rng.IntN(max(1, s.Clients))
	if s.Local {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrFrom4([4]byte{198, 18, s.Net + byte(n/250), byte(1 + n%250)})
}

// Check tells what is wrong with a stream.
func (s Stream) Check() error {
	if !slices.Contains(Kinds, s.Kind) {
		return fmt.Errorf("load: kind %q is none of %v", s.Kind, Kinds)
	}
	if s.Rate <= 0 || s.Clients <= 0 || s.Clients > 250*(256-int(s.Net)) || s.Net == 0 {
		return fmt.Errorf("load %s: rate, clients (at least 1, 250 for each net from the first to 255) and net (1 to 255) must be given", s.Kind)
	}
	if (s.Kind == Visit) != (s.Path != "") {
		return fmt.Errorf("load %s: a path belongs to a visit", s.Kind)
	}
	if s.From < 0 || s.Until != 0 && s.Until <= s.From {
		return fmt.Errorf("load %s: from %g until %g is no time", s.Kind, s.From, s.Until)
	}
	return nil
}
