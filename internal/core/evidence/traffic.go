package evidence

// Endpoint classes of requests: what a request makes the server do.
const (
	ClassPage    = "page"    // a page that PHP builds
	ClassSearch  = "search"  // the site's own search
	ClassXMLRPC  = "xmlrpc"  // /xmlrpc.php
	ClassLogin   = "login"   // /wp-login.php
	ClassCron    = "cron"    // /wp-cron.php
	ClassAjax    = "ajax"    // admin-ajax.php and wc-ajax
	ClassREST    = "rest"    // /wp-json
	ClassAdmin   = "admin"   // the rest of /wp-admin
	ClassFeed    = "feed"    // RSS and Atom
	ClassComment = "comment" // wp-comments-post.php
	ClassPHP     = "php"     // any other .php
	ClassQuery   = "query"   // a page with a query string of unknown meaning
	ClassStatic  = "static"  // files that cost no PHP
	ClassBroken  = "broken"  // not a request at all
	ClassAll     = "all"     // not told apart: counted by the server, not read from its log
)

// Traffic is the completed requests of one class over the interval.
// Source: the access log; OverMs is 1 s while recording and an hour when it
// was read from rotated logs.
type Traffic struct {
	Site     string `cbor:"v,omitempty"` // log or virtual host
	OverMs   int64  `cbor:"o"`
	Class    string `cbor:"c"`
	Requests int64  `cbor:"n"`
	Posts    int64  `cbor:"p,omitempty"`
	S2xx     int64  `cbor:"2,omitempty"`
	S3xx     int64  `cbor:"3,omitempty"`
	S4xx     int64  `cbor:"4,omitempty"`
	S5xx     int64  `cbor:"5,omitempty"`
	TookMs   int64  `cbor:"d"` // sum of the durations; -1 if not logged
	MaxMs    int64  `cbor:"m"` // -1 if not logged
	Bytes    int64  `cbor:"b,omitempty"`
	Clients  int64  `cbor:"k,omitempty"` // distinct addresses in the interval
	Self     int64  `cbor:"s,omitempty"` // sent by the server itself
	Fault    int64  `cbor:"f,omitempty"` // xmlrpc and login: answers of the usual failure size
	FromHist bool   `cbor:"h,omitempty"` // read from what the log held before recording began
	Distinct int64  `cbor:"u,omitempty"` // distinct URLs in the interval
}

// Kind implements Fact.
func (Traffic) Kind() string { return "traffic" }

// Dynamic reports whether requests of the class cost a PHP worker.
func (t Traffic) Dynamic() bool { return t.Class != ClassStatic && t.Class != ClassBroken }

// ClientUse is what one of the busiest clients of a class asked in the interval.
type ClientUse struct {
	Site     string `cbor:"v,omitempty"`
	OverMs   int64  `cbor:"o"`
	Class    string `cbor:"c"`
	Client   string `cbor:"k"` // address; replaced consistently on export
	Agent    string `cbor:"a,omitempty"`
	Requests int64  `cbor:"n"`
	Distinct int64  `cbor:"u,omitempty"` // distinct URLs
	TookMs   int64  `cbor:"d"`           // -1 if not logged
	Errors   int64  `cbor:"e,omitempty"` // answers 4xx and 5xx
	Path     string `cbor:"p,omitempty"` // its most frequent path, without the query string
	FromHist bool   `cbor:"h,omitempty"`
}

// Kind implements Fact.
func (ClientUse) Kind() string { return "client" }

// PathUse is one pattern of addresses that was asked for often in an interval.
type PathUse struct {
	Site   string `cbor:"v,omitempty"`
	OverMs int64  `cbor:"o"`
	Class  string `cbor:"c"`
	// Pattern is the path with each number as N and, of the query string, only the
	// names in their order: "/calendar/?day=&view=". Addresses that nothing answers
	// (404) are one pattern, "/*", or "/*.php" for scripts.
	Pattern  string `cbor:"p"`
	Requests int64  `cbor:"n"`
	Clients  int64  `cbor:"k"` // distinct addresses; estimated where they are very many
	Distinct int64  `cbor:"u"` // distinct addresses of pages, query strings included
	TookMs   int64  `cbor:"d"` // -1 if not logged
	Errors   int64  `cbor:"e,omitempty"`
	Self     int64  `cbor:"s,omitempty"` // sent by the server itself
	FromHist bool   `cbor:"h,omitempty"`
	Robot    string `cbor:"r,omitempty"` // the crawler or search engine that most of them say they are of
}

// Kind implements Fact.
func (PathUse) Kind() string { return "path" }

// Attack is what one kind of attack did to the web servers of the host in the
// interval. Who attacks is not told: that is in the logs.
// Source: the access logs, as package attack judges them.
type Attack struct {
	OverMs   int64  `cbor:"o"` // longer than the beat where an attack is known only after a while: then since it began
	ID       string `cbor:"i"` // the detector's, e.g. "xmlrpc-brute-force"
	Attempts int64  `cbor:"n"`
	Actors   int64  `cbor:"k"` // clients that take part so far; estimated where they are very many
	TookMs   int64  `cbor:"d"` // worker time of the attempts; -1 if durations are not logged
}

// Kind implements Fact.
func (Attack) Kind() string { return "attack" }

// Probe is hirune's own request to a site: what a visitor sees.
type Probe struct {
	Site   string `cbor:"v"`
	URL    string `cbor:"u"` // without query string
	Status int    `cbor:"s"` // 0: no answer
	TookMs int64  `cbor:"t"`
	Bytes  int64  `cbor:"b"`
	Error  string `cbor:"e,omitempty"` // "timeout", "refused", "reset", "tls", "dns", "other"
}

// Kind implements Fact.
func (Probe) Kind() string { return "probe" }

// Failed reports whether a visitor got no page.
func (p Probe) Failed() bool { return p.Status == 0 || p.Status >= 500 }

// ErrorLine is a line of an error log that matters, told by its pattern.
type ErrorLine struct {
	Service  string `cbor:"s"`
	Instance string `cbor:"i,omitempty"`
	ID       string `cbor:"d"`           // pattern, e.g. "fpm-max-children", "db-lock-table-full"
	Count    int64  `cbor:"n"`           // equal lines in the interval
	Message  string `cbor:"m,omitempty"` // one of them, shortened and redacted
	FromHist bool   `cbor:"h,omitempty"` // written before recording began
	// File is the PHP file that failed, from wp-content/ on without it ("plugins/x/y.php"), else
	// from wp-includes/ or wp-admin/ on, else its name alone; empty where the line names none.
	File string `cbor:"f,omitempty"`
}

// Kind implements Fact.
func (ErrorLine) Kind() string { return "error-line" }
