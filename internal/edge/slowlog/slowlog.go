// Package slowlog reads the slow log that MariaDB and MySQL keep of statements
// that took long: what the database did before anybody watched.
//
// The text of a statement is handed on as it stands in the log, with its
// literals. Who keeps it keeps its digest only.
package slowlog

import (
	"bytes"
	"time"
)

// TextMost is the most of a statement's text that is kept, in bytes: its shape
// shows in its beginning.
const TextMost = 4096

// Entry is one statement of the log.
type Entry struct {
	Ended    time.Time // when it was over, to the second on MariaDB
	ConnID   uint64    // 0 unknown
	User     string
	Schema   string // empty unknown
	Took     time.Duration
	Locked   time.Duration // of it, spent in waiting for locks as the server counts them
	Sent     int64         // rows; -1 unknown
	Examined int64         // rows; -1 unknown
	Affected int64         // rows; -1 unknown
	Admin    bool          // a command of the protocol such as Quit; Text is its name
	Text     []byte        // valid until the next line; cut at TextMost
}

// Began is when the statement started.
func (e Entry) Began() time.Time { return e.Ended.Add(-e.Took) }

// Reader puts the lines of a log together to entries. The zero Reader is not
// usable: see NewReader.
type Reader struct {
	loc  *time.Location
	each func(Entry)

	now     Entry
	open    bool      // within an entry
	figures bool      // its figures were read: an entry without them is a torn one
	clock   time.Time // of the last "# Time:"
	exact   bool      // it names its zone
	stampS  int64     // SET timestamp; 0 without one
	text    []byte
	textLen int // of the whole statement
	quote   byte
	schema  map[uint64]string // by connection, where only "use" tells it
	skipped int
}

// NewReader returns a reader that hands each entry on when the next begins. loc
// is the zone of a time that names none.
func NewReader(loc *time.Location, each func(Entry)) *Reader {
	return &Reader{loc: loc, each: each, schema: map[uint64]string{}}
}

// Skipped is how many entries were torn: without the line that says how long
// they took, or at no time that is known.
func (r *Reader) Skipped() int { return r.skipped }

// Line takes the next line of the log, without its end.
func (r *Reader) Line(line []byte) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if r.inText() {
		// A literal may hold lines that look like the log's own.
		r.statement(line)
		return
	}
	switch {
	case bytes.HasPrefix(line, []byte("# Time: ")):
		r.End()
		r.clock, r.exact = parseClock(string(line[len("# Time: "):]), r.loc)
	case bytes.HasPrefix(line, []byte("# User@Host: ")):
		r.End()
		r.open = true
		r.now = Entry{Sent: -1, Examined: -1, Affected: -1}
		r.who(line[len("# User@Host: "):])
	case !r.open:
	case bytes.HasPrefix(line, []byte("# administrator command: ")):
		r.now.Admin = true
		r.statement(bytes.TrimSuffix(line[len("# administrator command: "):], []byte(";")))
	case r.textLen == 0 && bytes.HasPrefix(line, []byte("#")):
		r.numbers(line[1:])
	case r.textLen == 0 && bytes.HasPrefix(line, []byte("SET timestamp=")):
		r.stampS = number(bytes.TrimSuffix(line[len("SET timestamp="):], []byte(";")))
	case r.textLen == 0 && bytes.HasPrefix(line, []byte("use ")):
		r.use(line)
	case bytes.HasPrefix(line, []byte("Tcp port: ")) || bytes.HasSuffix(line, []byte(" started with:")) || bytes.HasPrefix(line, []byte("Time  ")) && bytes.Contains(line, []byte("Command")):
		r.End() // the head that a server writes when it opens the log
	default:
		r.statement(line)
	}
}

// End hands on what is open. It is called once more after the last line.
func (r *Reader) End() {
	if r.open {
		r.hand()
	}
	r.open, r.figures, r.stampS, r.quote = false, false, 0, 0
	r.text, r.textLen = r.text[:0], 0
}

func (r *Reader) hand() {
	ended, ok := r.ended()
	if !ok || !r.figures {
		r.skipped++
		return
	}
	e := r.now
	e.Ended = ended
	e.Text = bytes.TrimSuffix(bytes.TrimSpace(r.text), []byte(";"))
	if e.Schema == "" {
		e.Schema = r.schema[e.ConnID]
	}
	r.each(e)
}

// ended works out when the statement was over. MySQL's clock is that moment.
// MariaDB's is its beginning, as SET timestamp is on both, and is written only
// once a second.
func (r *Reader) ended() (time.Time, bool) {
	switch {
	case r.exact:
		return r.clock, true
	case r.stampS > 0:
		return time.Unix(r.stampS, 0).Add(r.now.Took), true
	}
	return r.clock.Add(r.now.Took), !r.clock.IsZero()
}

// inText reports whether the next line is within a literal of the statement. One
// that does not end hides no more than hideMost of the log.
func (r *Reader) inText() bool { return r.quote != 0 && r.textLen < hideMost }

const hideMost = 16 << 20

// statement takes a line of the statement's text.
func (r *Reader) statement(line []byte) {
	if r.textLen > 0 {
		r.keep([]byte{'\n'})
	}
	r.keep(line)
	if r.now.Admin {
		return
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case r.quote == 0 && (c == '\'' || c == '"' || c == '`'):
			r.quote = c
		case r.quote == 0 && (c == '#' || c == '-' && i+2 < len(line) && line[i+1] == '-' && line[i+2] == ' '):
			return // a comment to the end of the line: its quotes are none
		case r.quote != 0 && c == '\\' && r.quote != '`':
			i++
		case c == r.quote:
			r.quote = 0
		}
	}
}

func (r *Reader) keep(b []byte) {
	r.textLen += max(len(b), 1)
	if room := TextMost - len(r.text); room > 0 {
		r.text = append(r.text, b[:min(len(b), room)]...)
	}
}
