package attack

import (
	"net/netip"
	"time"
)

// Site is what the site itself knows of who came in. Names of users are kept
// because the owner has to recognise them; nothing secret is.
type Site struct {
	Name     string
	Sessions []Session
	Keys     []Key // application passwords
	Admins   []Admin
	Audits   []Audit
	Files    []File   // PHP files where none belongs, changed of late, or asked for
	Unseen   []Unseen // what could not be read, and why
	Version  string   // of WordPress
	// Pings are the moments of pingbacks that the site took in, newest first.
	Pings []time.Time
}

// Session is a log-in that the site has not forgotten: it is valid, or it ran
// out and nobody has cleared it away. Source: usermeta session_tokens.
type Session struct {
	User    string
	Client  netip.Addr // as PHP saw it; invalid where that was no address
	Agent   string
	Since   time.Time
	Until   time.Time
	IsAdmin bool
}

// Key is an application password. Source: usermeta _application_passwords.
type Key struct {
	User     string
	Name     string
	Created  time.Time
	LastUsed time.Time // zero: never; WordPress notes it once a day at most
	LastIP   netip.Addr
	IsAdmin  bool
}

// Admin is a user that may do everything, or give himself the right to.
type Admin struct {
	User       string
	Registered time.Time
}

// Audit sums the rows of a security plugin's log for one client, of those rows
// that were read.
type Audit struct {
	Plugin    string
	Client    netip.Addr
	Failed    int64
	Succeeded int64
	Before    int64     // failures before the first success that was read
	User      string    // of the last success
	First     time.Time // of the first success; zero: none, or the table has no times
	At        time.Time // of the last success; likewise
	FirstFail time.Time
	LastFail  time.Time
}

// File is a file of PHP that is worth a look.
type File struct {
	Path    string    // of the site, as a visitor would ask for it: "/wp-content/uploads/x.php"
	Changed time.Time // its inode: unlike the time that tools set, this one cannot be forged by the site
	Bytes   int64
	Why     string // one of WhyUploads, …
	Does    string // one of DoesNothing, …
	// Together is how many PHP files of the site were changed within minutes of
	// this one, itself included: an update changes many, an intruder a few.
	Together int
}

// Why a file is worth a look.
const (
	WhyUploads   = "uploads"
	WhyCache     = "cache"
	WhyLanguages = "languages"
	WhyCore      = "core"   // a file of WordPress itself that was changed of late, and not by an update
	WhyRecent    = "recent" // a plugin's or theme's file that was changed of late, and not by an update
	WhyAsked     = "asked"  // the logs speak of it
)

// What a file does when it is requested, by its content.
const (
	DoesUnknown  = ""         // it could not be read, or is no PHP
	DoesNothing  = "nothing"  // it is empty, ends at once, or holds data or declarations alone
	DoesSome     = "code"     // it runs
	DoesCommands = "commands" // it runs what it is sent, or what it has hidden in itself
	DoesGone     = "gone"     // it is not there
)

// Unseen is a source that could not be read.
type Unseen struct {
	Source string // "sessions", "application-passwords", "admins", "audit-log", "files", "log"
	Why    string // in English, without secrets
}

// BreakInStatus says how sure it is that somebody got in.
type BreakInStatus string

// Statuses of a break-in, from the strongest.
const (
	Confirmed    BreakInStatus = "confirmed"
	LikelyIn     BreakInStatus = "likely"
	LookAtThis   BreakInStatus = "look"
	NothingFound BreakInStatus = "nothing_found"
)
