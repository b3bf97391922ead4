package evidence

// Site is one web site on this host.
// Source: wp-config.php and the site's own tables.
type Site struct {
	Name      string   `cbor:"n"`           // host name or directory
	Root      string   `cbor:"r"`           // directory
	Platform  string   `cbor:"k"`           // "wordpress" or "php"
	URL       string   `cbor:"u,omitempty"` // where it answers
	Version   string   `cbor:"v,omitempty"`
	Schema    string   `cbor:"s,omitempty"` // its database
	Prefix    string   `cbor:"p,omitempty"` // of its tables
	Plugins   []string `cbor:"g,omitempty"` // active, by directory name
	Multisite bool     `cbor:"m,omitempty"`
	NoWPCron  bool     `cbor:"c,omitempty"` // DISABLE_WP_CRON is set
	UTCOffset int64    `cbor:"z,omitempty"` // seconds, the site's own time zone
}

// Kind implements Fact.
func (Site) Kind() string { return "site" }

// CronEvent is one event of WordPress' own schedule.
// Source: the option "cron", decoded without making objects.
type CronEvent struct {
	Site      string `cbor:"s"`
	Hook      string `cbor:"h"`
	NextUnixS int64  `cbor:"n"`           // when it is due
	Schedule  string `cbor:"c,omitempty"` // "daily"; empty for a single event
	IntervalS int64  `cbor:"i,omitempty"`
	Owner     string `cbor:"o,omitempty"` // plugin directory; "core"; empty if unknown
	How       string `cbor:"w,omitempty"` // "source", "prefix"
}

// Kind implements Fact.
func (CronEvent) Kind() string { return "cron-event" }

// Owner says which plugin a table belongs to.
type Owner struct {
	Site    string `cbor:"s"`
	Table   string `cbor:"t"`
	Plugin  string `cbor:"p"`
	How     string `cbor:"w"`           // "source": its code names the table; "prefix"
	Version string `cbor:"v,omitempty"` // of the plugin
}

// Kind implements Fact.
func (Owner) Kind() string { return "owner" }

// HookTable links a hook and a table through the plugin file that names both.
type HookTable struct {
	Site   string `cbor:"s"`
	Hook   string `cbor:"h"`
	Table  string `cbor:"t"`
	Plugin string `cbor:"p"`
	File   string `cbor:"f"` // below the plugin's directory
}

// Kind implements Fact.
func (HookTable) Kind() string { return "hook-table" }

// Schedule is one job of the host's own schedules.
// Source: crontabs, /etc/cron.*, systemd timers, MySQL events.
type Schedule struct {
	Origin  string `cbor:"o"`           // "crontab root", "/etc/cron.d/x", "timer x", "mysql event"
	Spec    string `cbor:"s"`           // as written, e.g. "30 15 * * *"
	Command string `cbor:"c"`           // the program and what follows, secrets removed
	Next    int64  `cbor:"n,omitempty"` // unix seconds; 0 unknown
}

// Kind implements Fact.
func (Schedule) Kind() string { return "schedule" }

// OptionUse is what a site keeps in its options, all of which WordPress reads on
// every request where they are autoloaded.
type OptionUse struct {
	Site          string        `cbor:"s"`
	Table         string        `cbor:"t"`
	AutoloadBytes int64         `cbor:"a"`
	AutoloadCount int64         `cbor:"n"`
	CronBytes     int64         `cbor:"c,omitempty"` // of the option cron
	CronEvents    int64         `cbor:"e,omitempty"` // events in it
	Largest       []OptionBytes `cbor:"l,omitempty"` // the largest autoloaded ones, largest first
}

// Kind implements Fact.
func (OptionUse) Kind() string { return "options" }

// OptionBytes is the size of one option.
type OptionBytes struct {
	Name  string `cbor:"n"`
	Bytes int64  `cbor:"b"`
	Owner string `cbor:"o,omitempty"` // plugin directory; "core"; empty if unknown
}
