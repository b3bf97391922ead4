package stack

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// writeOldLogs writes access.log of today so far and the rotated ones of the seven days before, as logrotate leaves them
// (.1 plain, older ones compressed). POST /xmlrpc.php lines are one for one the table's rows.
func (s *Stack) writeOldLogs(data cacheEntry, now time.Time) error {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	byDay := map[int64]day{}
	for _, d := range s.cfg.Seed.days(s.cfg.Plugin.RetentionDays, data.SeededAt) {
		byDay[d.From.Unix()] = d
	}
	for ago := range 8 {
		from := midnight.AddDate(0, 0, -ago)
		d := byDay[from.Unix()]
		d.From = from
		if d.Span == 0 {
			d.Span = min(24*time.Hour, max(time.Second, data.SeededAt.Sub(from)))
		}
		name := filepath.Join(s.LogDir(), "access.log")
		if ago > 0 {
			name += fmt.Sprintf(".%d", ago)
		}
		if ago > 1 {
			name += ".gz"
		}
		views := d.Span
		if ago == 0 {
			views = max(views, now.Sub(from)) // visitors have come since the rows were made, too
		}
		at := append(s.viewTimes(from, views), within(s.latelyTimes(now), from, from.AddDate(0, 0, 1))...)
		slices.SortFunc(at, time.Time.Compare)
		if err := s.writeDay(name, d, at, ago > 1); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.Chtimes(name, time.Time{}, from.Add(views)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) writeDay(name string, d day, views []time.Time, packed bool) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var w io.Writer = f
	if packed {
		z := gzip.NewWriter(f)
		defer func() { err = errors.Join(err, z.Close()) }()
		w = z
	}
	b := bufio.NewWriter(w)
	defer func() { err = errors.Join(err, b.Flush()) }()
	s.dayLines(b, d, views)
	return nil
}

// dayLines writes a day's attacks and its views in order of time.
func (s *Stack) dayLines(w io.Writer, d day, views []time.Time) {
	rng := rand.New(rand.NewPCG(uint64(d.From.Unix()), 1)) // the same day gets the same views
	for a, v := 0, 0; a < d.Rows || v < len(views); {
		if v == len(views) || a < d.Rows && d.at(a).Before(views[v]) {
			s.line(w, attackerIP(a), d.at(a), "POST /xmlrpc.php", 402, AttackerAgent, 16000+rng.IntN(4000))
			a++
			continue
		}
		ip := fmt.Sprintf("198.18.%d.%d", 20+rng.IntN(40), 1+rng.IntN(250))
		s.line(w, ip, views[v], "GET /"+PostSlug(1+rng.IntN(s.cfg.Seed.Posts))+"/", 30000+rng.IntN(5000), BrowserAgents[rng.IntN(len(BrowserAgents))], 20000+rng.IntN(9000))
		v++
	}
}

// viewTimes spreads a day's views evenly over a time from its beginning on.
func (s *Stack) viewTimes(from time.Time, over time.Duration) []time.Time {
	return evenly(from, over, int(float64(s.cfg.Seed.ViewsDaily)*over.Hours()/24))
}

// latelyTimes are the views of the last two hours before a moment, as many as the run has; most of them are yesterday's
// just after midnight.
func (s *Stack) latelyTimes(until time.Time) []time.Time {
	const over = 2 * time.Hour
	return evenly(until.Add(-over), over, int(s.cfg.Seed.ViewsLately*over.Seconds()))
}

func evenly(from time.Time, over time.Duration, n int) []time.Time {
	out := make([]time.Time, n)
	for i := range out {
		out[i] = from.Add(over * time.Duration(i) / time.Duration(n))
	}
	return out
}

// within keeps the moments from one to before another.
func within(at []time.Time, from, to time.Time) []time.Time {
	return slices.DeleteFunc(at, func(t time.Time) bool { return t.Before(from) || !t.Before(to) })
}

func (s *Stack) line(w io.Writer, ip string, at time.Time, request string, bytes int, agent string, micros int) {
	// WordPress answers a refused XML-RPC log-in by 200 too; the 403 is in the body.
	fmt.Fprintf(w, "%s - - [%s] \"%s HTTP/1.1\" 200 %d \"-\" \"%s\"", ip, at.Format("02/Jan/2006:15:04:05 -0700"), request, bytes, agent)
	if s.cfg.LogDuration {
		fmt.Fprintf(w, " %d", micros)
	}
	fmt.Fprintln(w)
}

// AttackerAgent is what the log-in attempts call themselves.
const AttackerAgent = "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:40.0) Gecko/20100101 Firefox/40.1"

// BrowserAgents are what visitors call themselves.
var BrowserAgents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
	"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
}
