// Package attack finds in a stream of requests who attacks and how, whether it
// matters, and whether somebody got in.
//
// It is pure: an edge reads logs and the site, and hands in Hits and a Site; a
// Tally keeps them in bounded memory, whatever the number of clients, and
// Picture says what they amount to. Requests are hostile text: nothing here
// keeps more of them than its bounds, uses a regular expression, or allocates
// per hit.
package attack

import (
	"net/netip"
	"time"

	"hirune/internal/core/diagnose"
)

// Method of a request, as far as detectors tell them apart.
type Method uint8

// Methods.
const (
	OtherMethod Method = iota
	Get
	Head
	Post
)

// Class is what a request makes the server do: evidence's classes as numbers,
// for tables on the hot path.
type Class uint8

// Classes, in the order of ClassNames.
const (
	ClassPage Class = iota
	ClassSearch
	ClassXMLRPC
	ClassLogin
	ClassCron
	ClassAjax
	ClassREST
	ClassAdmin
	ClassFeed
	ClassComment
	ClassPHP
	ClassQuery
	ClassStatic
	ClassBroken
	classes
)

// Dynamic reports whether a request of the class costs a PHP worker.
func (c Class) Dynamic() bool { return c != ClassStatic && c != ClassBroken }

// Hit is one request. Its slices are the reader's and valid only during Add.
type Hit struct {
	At      int64      // unix seconds
	Client  netip.Addr // unmapped, without zone; invalid where the log has a name or nothing
	Method  Method
	Class   Class
	Status  int
	Bytes   int64  // of the answer, as logged
	TookUs  int64  // -1 if not logged
	Path    []byte // decoded once, doubled slashes folded, without the query string
	Query   []byte // as sent, still encoded
	Target  []byte // as logged, still escaped
	Agent   []byte // as logged
	Referer []byte // as logged
	Self    bool   // sent by the server itself, as WordPress does for its schedule
	Own     bool   // sent by hirune
}

// Verdict says whether an attack matters.
type Verdict string

// Verdicts of an attack.
const (
	Harmless Verdict = "harmless" // noise: the numbers are in Harm
	Hurts    Verdict = "hurts"
	Unknown  Verdict = "unknown" // nothing says what it costs, or it took a little of workers that were full
)

// Picture is what a stream of requests amounts to.
type Picture struct {
	From, To int64 // unix seconds of the first and the last hit; 0: none
	Total    Sums  // of all hits but hirune's own
	// Shared are addresses behind which many are, such as those of a CDN: what
	// comes from them comes from anybody. An edge sets them from Peers.
	Shared   []netip.Addr
	Clients  int64 // distinct units (an address, an IPv6 /64), estimated
	Timed    bool  // durations are logged
	Attacks  []Attack
	Benign   []Benign
	Clues    []Clue  // traces of a break-in that the log itself holds
	Logins   []Login // clients that guessed and then got in, by the look of the log
	Forgot   int64   // actors that were dropped to stay within bounds; counts are then at least
	Outside  int64   // hits that were not counted: their time lies out of the bounds
	Nameless int64   // hits whose client the log does not give as an address: nobody is accused of them
}

// Sums are requests and what they cost.
type Sums struct {
	Requests int64
	Dynamic  int64 // of them, those that cost a PHP worker
	TookUs   int64 // worker time of the dynamic ones: measured, or estimated by class where Timed is false and costs are given
}

// Attack is one kind of attack, with all who took part.
type Attack struct {
	ID          string  // the detector's id, e.g. "xmlrpc-brute-force"; stable for ever
	Actors      []Actor // most attempts first, at most ActorsTold
	ActorsTotal int64   // estimated where there are very many
	Attempts    int64
	Answers     Answers
	Paths       []PathCount // most frequent first, at most PathsTold
	From, To    int64       // unix seconds of the first and last attempt
	Cluster     *Cluster    // what all have in common, where many act as one
	Harm        Harm
	Verdict     Verdict
	Says        []diagnose.Sentence // what is claimed, with the numbers that bear it
	Severity    Severity
	PeakMinute  int64 // most attempts in one minute
}

// ActorsTold and PathsTold bound what a picture lists.
const (
	ActorsTold = 100
	PathsTold  = 10
)

// Severity orders attacks.
type Severity uint8

// Severities.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical // something of the site may be lost: a shell, a leaked file
)

// Actor is one unit that attacks: an address, an IPv6 /64, or wider by evidence.
type Actor struct {
	Prefix   netip.Prefix
	Attempts int64 // at least; see Picture.Forgot
	From, To int64
	Agent    string // of its first attempt, cut and made printable
	TookUs   int64  // of worker time; -1 unknown
	Fired    bool   // it passed the detector's threshold by itself
	Views    int64  // pages that it read like a visitor
	Bot      string // name of the search engine it says to be; "" none. Whether it is, an edge verifies
}

// PathCount is a path with its number of attempts; made printable, without query.
type PathCount struct {
	Path  string
	Count int64
}

// Answers counts what the attempts were answered.
type Answers struct{ S2xx, S3xx, S4xx, S5xx int64 }

// Cluster is what the requests of many actors have in common.
type Cluster struct {
	Agent    string // "" where it varies
	Path     string
	Size     int64 // modal size of the answers; 0 where it varies
	Prefixes []netip.Prefix
}

// Harm is what an attack costs, each as a share of all in the time of the
// attack, 0 to 1; -1 unknown.
type Harm struct {
	WorkerTime float64 // of PHP workers' time
	Requests   float64 // of requests
	Busy       float64 // workers that it keeps busy on average in its worst minute; a number, not a share
	Measured   bool    // by durations in the log; otherwise by costs that were sampled
}

// Benign is traffic that looks odd and is not an attack.
type Benign struct {
	ID       string // "own-cron", "verified-bot", "feed-reader", "monitor", "jetpack", "cache-preload", "link-checker", "app", "search-bot" (not verified), "own-requests", "tls-on-http"
	Requests int64
	Name     string // such as the bot's
}

// Clue is something in the log that may be a trace of a break-in.
type Clue struct {
	ID     string // "new-php", "php-in-uploads", "leaked-file", "shell-answered"
	Path   string // made printable
	Client netip.Addr
	At     int64
	Count  int64
	Bytes  int64
	Posts  int64
}

// Login is a client that guessed, and then got in, by the look of the log.
type Login struct {
	Client   netip.Addr
	Way      string // "wp-login", "xmlrpc", or the renamed path
	Failures int64  // before
	At       int64
	Admin    bool // it then read pages of wp-admin
	AdminAt  int64
	Uploads  int64 // posts afterwards to where code is installed or edited
}

// Options of a tally. Seeds make hashes unpredictable to who is counted.
type Options struct {
	Seed  uint64
	Since int64 // unix seconds: older hits are not counted
	Until int64 // unix seconds: later hits lie in the future and are not counted; 0: no bound
	// Cost is the worker time of one request by class in microseconds, sampled
	// elsewhere, for logs without durations; nil: unknown.
	Cost map[Class]int64
	// Workers is how many PHP requests can run at once; 0 unknown.
	Workers int
	// Verified says whether an address is the bot that it says to be: 1 yes, -1
	// no, 0 unknown. nil: unknown. It is asked only for what a picture tells.
	Verified func(bot string, a netip.Addr) int
	// Small bounds the tally to some 1 MB, for who runs all the time: of the
	// clients and actors it remembers a sixteenth.
	Small bool
}

// Span returns the time that the picture covers.
func (p Picture) Span() diagnose.Span {
	return diagnose.Span{From: time.Unix(p.From, 0), To: time.Unix(p.To, 0)}
}
