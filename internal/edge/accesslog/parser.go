package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// sniffLines is how many lines may fail before an unknown format is given up
// for now; a log may begin with a burst of broken requests.
const sniffLines = 64

// Parser splits the lines of one log. Where the format is unknown it finds
// out among the variants of the combined format from the first lines.
// It is not safe for concurrent use.
type Parser struct {
	layout *Layout
	clock  clock
	failed int
	json   bool
	why    error // why the given format could not be used
}

// NewParser returns a parser for a format as Compile takes it, or for an
// unknown format if it is empty or cannot be used. Times without a zone are
// taken to be in loc.
func NewParser(format string, loc *time.Location) *Parser {
	p := &Parser{clock: clock{loc: loc}}
	if format == "" {
		return p
	}
	l, err := Compile(format)
	if err != nil {
		p.why = err
		return p
	}
	p.use(l)
	return p
}

func (p *Parser) use(l *Layout) { p.layout, p.clock.kind = l, l.when }

// Parse splits a line. It reports false where the line is not in the format.
func (p *Parser) Parse(line []byte, e *Entry) bool {
	if p.layout == nil && !p.sniff(line) {
		*e = Entry{TookUs: -1}
		return false
	}
	return p.layout.Parse(line, e)
}

// Unix returns when the request of the entry came, in seconds.
func (p *Parser) Unix(e *Entry) (int64, bool) { return p.clock.unix(e.Time) }

// Took reports whether durations are logged.
func (p *Parser) Took() bool { return p.layout != nil && p.layout.took }

// Err says that the format is unknown, with a hint, after enough lines were
// tried in vain. It wraps evidence.ErrAbsent.
func (p *Parser) Err() error {
	if p.layout != nil || p.failed < sniffLines && !p.json {
		return nil
	}
	if p.json {
		return hint.Wrap(fmt.Errorf("read the access log: %w: it is in JSON, its fields are unknown", evidence.ErrAbsent),
			"log-format", "name the log's format in hirune's configuration, or let the server write the combined format too")
	}
	return hint.Wrap(errors.Join(fmt.Errorf("read the access log: %w: its format is unknown", evidence.ErrAbsent), p.why),
		"log-format", "let the server write its access log in the combined format")
}

// sniff takes the first candidate that fits the line with its time and its
// client's address. Only a log without addresses is taken with names.
func (p *Parser) sniff(line []byte) bool {
	p.json = p.json || len(line) > 1 && line[0] == '{' && bytes.IndexByte(line, '"') > 0
	p.failed++
	var e Entry
	for _, l := range candidates {
		if p.surely(l, line, &e) {
			p.use(l)
			return true
		}
	}
	if last := candidates[len(candidates)-1]; p.failed > sniffLines/2 && p.fits(last, line, &e) {
		p.use(last)
		return true
	}
	return false
}
