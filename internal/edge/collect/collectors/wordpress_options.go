package collectors

import (
	"context"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/wordpress"
)

const (
	// Reading the options takes the database at most one part in optionsRest of the
	// time: a small site's are read every minute, because they can grow within one, a
	// large one's every ten.
	optionsRest  = 2000
	optionsSoon  = time.Minute
	optionsEvery = 10 * time.Minute
)

// optionSizer is a way to a site's database that can measure its options.
type optionSizer interface {
	Options(ctx context.Context, schema, prefix string) (evidence.OptionUse, error)
}

var _ optionSizer = (*mysql.Conn)(nil)

// options tells what the site keeps in its options. A database that answers too
// late is asked again in ten minutes: it has enough to do.
func (s *wpSite) options(ctx context.Context, b *collect.Beat, db wordpress.Querier) {
	sizer, ok := db.(optionSizer)
	if !ok || !wpDue(&s.optionsAt, b.Now, max(s.optionsPause, optionsSoon)) {
		return
	}
	began := time.Now()
	u, err := sizer.Options(ctx, s.site.Config.DBName, s.site.Config.Prefix)
	s.optionsPause = min(optionsRest*time.Since(began), optionsEvery)
	if err != nil {
		s.optionsPause = optionsEvery
	}
	s.optionsUnseen(b, err)
	if err != nil {
		return
	}
	u.Site, u.CronEvents = s.site.Name, s.events
	for i, l := range u.Largest {
		u.Largest[i].Owner = s.sources.OptionOwner(l.Name)
		u.Largest[i].Name = printableName(l.Name)
	}
	b.Emit(u)
}

// optionsUnseen tells, once, that the options are too large to be measured; what
// else can fail here is told with the site's schedule.
func (s *wpSite) optionsUnseen(b *collect.Beat, err error) {
	large := hint.CodeOf(err) == mysql.CodeOptionsLarge
	if large == s.optionsLarge || err != nil && !large {
		return
	}
	s.optionsLarge = large
	f := evidence.Unseen{Source: "wordpress", Code: mysql.CodeOptionsLarge, What: "which settings (autoloaded options) of the site " + s.site.Name + " are large", Seen: !large}
	if large {
		f.Detail, f.Hint = err.Error(), hint.Of(err)
	}
	b.Emit(f)
}

// eventMark stands once in each event of the option cron.
const eventMark = `s:8:"schedule"`

// planned counts the events of a schedule that could not be read to its end.
func planned(text string) int64 { return int64(strings.Count(text, eventMark)) }

// printableName takes control characters out of an option's name.
func printableName(name string) string {
	out := []rune(name)
	for i, r := range out {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			out[i] = '?'
		}
	}
	return string(out)
}
