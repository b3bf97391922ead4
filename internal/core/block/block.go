// Package block decides who may be blocked, where, for how long, and never the
// owner.
//
// It is pure: edges find the protected addresses and the bans in force, and
// carry out what Decide returns as a remedy.Plan. The book of bans is intent;
// the kernel and the web server only hold a copy of it.
package block

import (
	"net/netip"
	"time"
)

// Ban is one prefix that is refused for a while.
type Ban struct {
	Prefix netip.Prefix `json:"prefix"`
	Layer  string       `json:"layer"` // LayerFirewall or LayerWeb
	Since  time.Time    `json:"since"`
	Until  time.Time    `json:"until,omitzero"`  // zero: until it is taken back, only by hand
	Level  int          `json:"level"`           // how often it was banned before, of late: 0 for the first time
	Attack string       `json:"attack"`          // id of the attack, or "by-hand"
	Why    string       `json:"why"`             // the evidence in one line of English with its numbers, made printable
	Run    int          `json:"run,omitempty"`   // of the journal, that undo takes back
	By     string       `json:"by"`              // ByOwner or ByRecorder
	Of     netip.Prefix `json:"of,omitzero"`     // the candidate that it is a piece of, where that was cut around somebody
	Trial  bool         `json:"trial,omitempty"` // until it is confirmed; it counts for nothing afterwards
}

// Who bans.
const (
	ByOwner    = "owner"
	ByRecorder = "recorder"
)

// AttackByHand is the attack of who was named by the owner.
const AttackByHand = "by-hand"

// Whole is the candidate that the ban came of.
func (b Ban) Whole() netip.Prefix {
	if b.Of.IsValid() {
		return b.Of
	}
	return b.Prefix
}

// InForce reports whether the ban holds at that moment.
func (b Ban) InForce(now time.Time) bool { return b.Until.IsZero() || now.Before(b.Until) }

// Outlasts reports whether the ban ends no earlier than the other one.
func (b Ban) Outlasts(o Ban) bool {
	return b.Until.IsZero() || !o.Until.IsZero() && !b.Until.Before(o.Until)
}

// Layers.
const (
	LayerFirewall = "firewall"   // nftables
	LayerWeb      = "web-server" // behind a proxy, where the peer is not the client
)

// Protected is a prefix that is never blocked, not even inside a wider one.
type Protected struct {
	Prefix netip.Prefix `json:"prefix"`
	Why    string       `json:"why"` // one of the reasons below
	Note   string       `json:"note,omitempty"`
}

// Reasons to protect.
const (
	SSHPeer      = "ssh-peer"      // of an sshd that somebody is logged in to now
	SSHClient    = "ssh-client"    // from where this very session came
	Session      = "session"       // of the system's log-ins
	AdminSession = "admin-session" // of WordPress
	Own          = "own"
	Gateway      = "gateway"
	DNS          = "dns"
	DatabasePeer = "database-peer"
	Proxy        = "proxy"
	Private      = "private"
	VerifiedBot  = "verified-bot"
	Jetpack      = "jetpack"
	Allowed      = "allowed"
)

// Range is what is protected. A person's browser may well use another address of
// the same IPv6 network than the terminal does, so there it is the whole /64.
func (p Protected) Range() netip.Prefix {
	if p.person() {
		return widened(plain(p.Prefix))
	}
	return plain(p.Prefix)
}

// person reports whether it is somebody, and not a machine.
func (p Protected) person() bool {
	switch p.Why {
	case SSHPeer, SSHClient, Session, AdminSession, Allowed:
		return true
	}
	return false
}

// Candidate is who is to be blocked, with the reason.
type Candidate struct {
	Prefix   netip.Prefix
	Attack   string
	Attempts int64
	Last     time.Time     // of its last attempt
	Why      string        // one line with numbers
	For      time.Duration // asked for by the owner; 0: by escalation
	Forever  bool          // asked for by the owner
}

// State is what a decision is made from.
type State struct {
	Now       time.Time
	Bans      []Ban // in force
	Past      []Ban // that ended within the memory of escalation
	Protected []Protected
	Proxied   bool   // peers of the web server are proxies: the packet filter would hit the proxy, or nobody
	ProxyWhy  string // how that is known: "configured", "trusts", "loopback", "peers", "log", "translated" or "forwarded", and after a space its names or numbers
	Broad     bool   // the owner has agreed to more than the caps
	Web       bool   // the web server can refuse clients, where the packet filter must not
	By        string // ByOwner or ByRecorder
}

// Decision is what is to be done.
type Decision struct {
	Layer   string
	Bans    []Ban     // new or longer
	Split   []Split   // candidates that hold a protected address, cut around it
	Refused []Refused // candidates that are not banned, and why
	Broad   bool      // needs the dead-man's switch
}

// Split says around what a candidate was cut.
type Split struct {
	Candidate netip.Prefix
	Around    Protected
}

// Refused is a candidate that is not banned.
type Refused struct {
	Prefix netip.Prefix
	Why    string // one of the reasons below
	Around *Protected
}

// Reasons to refuse a candidate.
const (
	IsProtected  = "protected"
	BannedThere  = "banned-already"
	CapHour      = "cap-hour"
	CapSpace     = "cap-space"
	TooWide      = "too-wide"
	IsPrivate    = "private"
	IsProxied    = "proxied"
	NothingSince = "nothing-since" // its last attempt was before an earlier ban had ended: our own refusals are no attack
	NoAddress    = "no-address"
)
