package remedies

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// moveEvent is what the user accepts by name to have the plugin's own job moved.
const moveEvent = "move-event"

// KeepItSmall sees to it that the rows which made the trouble do not pile up
// again: a job of our own at a quiet hour, the plugin's constant where it has
// one, and on wish the plugin's job at a quiet hour.
func KeepItSmall() remedy.Remedy {
	return remedy.Remedy{
		ID:     "keep-it-small",
		Title:  "keep the table small from now on",
		Source: "WordPress schedules a daily job again in its old phase, and before it runs: one that fails is tried a day later, in the visitors' hours. The plugins' constants: their public code",
		Needs:  remedy.Needs{Database: true, Host: true},
		Plan:   planKeepItSmall,
	}
}

func planKeepItSmall(f diagnose.Finding, w remedy.World, wish remedy.Wishes) remedy.Plan {
	p := begin("keep-it-small", f, w)
	k, no := keeping(f, w, wish)
	p.Refused = no
	if k.choice.entry.constant != "" {
		p.Advice = []remedy.Advice{k.constant(w, wish)}
	}
	if len(no) > 0 {
		return p
	}
	if path := jobDir + jobName(k.table); slices.Contains(w.Host.Jobs, path) && wish.Keep == 0 {
		p.Says = append(p.Says, say("small-there", "table", k.table.Name, "file", path))
		return p
	}
	k.says(&p)
	k.job(&p, w)
	k.move(&p, w, wish)
	return p
}

// small is what the table is kept small by.
type small struct {
	choice choice
	own    time.Duration // what the plugin keeps; 0 unknown
	keep   time.Duration // what the job keeps, whole hours
	at     timeOfDay     // of the job, on the machine's clock
	table  *remedy.Table
}

// keeping decides how long rows are kept and when the job runs, or says why no
// job may do that. A job that nobody watches asks for more than a purge that was
// agreed to: nothing that had to be accepted for that one is accepted here.
func keeping(f diagnose.Finding, w remedy.World, wish remedy.Wishes) (small, sentences) {
	k := small{table: w.Table}
	if no := unread(f, w, true); no != nil {
		return k, no
	}
	bareTable := bareName(w.Table.Name, prefixOf(w))
	if no := slices.Concat(server(w.Server), place(w.Table.Schema, w, wish), disposable(w.Table.Name, bareTable)); len(no) > 0 {
		return k, no
	}
	k.choice = decide(f, w, wish, bareTable)
	if len(k.choice.refused) > 0 {
		return k, k.choice.refused
	}
	if no := slices.Concat(logLike(k.choice, w, bareTable), notByName(structure(k.choice, w.Table, remedy.Wishes{}), w.Table.Name), unattended(k.choice, w)); len(no) > 0 {
		return k, no
	}
	k.own = plugins(f, k.choice, w.Table)
	k.keep = k.own
	switch {
	case wish.Keep > 0:
		k.keep = wholeHours(max(wish.Keep, youngest))
	case k.choice.entry.expires:
		k.keep = youngest
	}
	if k.keep <= 0 {
		return k, sentences{say("refused-no-cutoff", "table", w.Table.Name), say("instead-keep")}
	}
	if k.own > 0 && k.keep > k.own {
		return k, k.tooLong()
	}
	k.at = quietTime(f, w, wish)
	return k, nil
}

// unattended says what a job that runs by itself each day cannot be trusted with.
func unattended(c choice, w remedy.World) sentences {
	t := w.Table.Name
	switch {
	case !c.plain && !c.known:
		return sentences{say("refused-unattended", "table", t), say("instead-plugin", "table", t)}
	case len(c.which.Also) > 0: // the job knows an age, and no more
		return sentences{say("refused-job-condition", "table", t, "column", c.which.Also[0].Column), say("instead-plugin", "table", t)}
	case !plainName(t) || !plainName(w.Table.Schema) || !plainName(c.which.Column):
		return sentences{say("refused-job-name", "table", t), say("instead-plugin", "table", t)}
	case w.Binary == "" || !plainName(w.Binary) || !strings.HasPrefix(w.Binary, "/"):
		return sentences{say("refused-no-program"), say("instead-install")}
	case w.Host.NoCron:
		return sentences{say("refused-no-cron"), say("instead-cron")}
	}
	return nil
}

// notByName takes out the offer to accept a warning by name: for a job that
// nobody watches there is none.
func notByName(list sentences, table string) sentences {
	out := slices.DeleteFunc(list, func(s diagnose.Sentence) bool { return s.ID == "instead-accept" })
	if len(out) < len(list) {
		out = append(out, say("instead-plugin", "table", table))
	}
	return out
}

// plainName reports whether every cron takes the name: crons do not agree on
// backslashes, and no line holds a line end.
func plainName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || r == unicode.ReplacementChar || !unicode.IsPrint(r) })
}

// plugins is how long the plugin itself keeps rows; 0 unknown. What its own
// statement says is later than its cutoff by the time until it was seen, and off
// by the zone where dates are compared, so days are taken there.
func plugins(f diagnose.Finding, c choice, t *remedy.Table) time.Duration {
	own := c.retention(f, shapeOf(f))
	col, _ := t.ColumnOf(c.which.Column)
	if own <= 0 || kindOf(col) == kindNumber {
		if late := own % time.Hour; late < 10*time.Minute {
			return own - late
		}
		return wholeHours(own)
	}
	if r := c.entry.retention; r > 0 && (own-r).Abs() <= widestZones {
		return r
	}
	return (own + day - 1) / day * day
}

func wholeHours(d time.Duration) time.Duration { return (d + time.Hour - 1) / time.Hour * time.Hour }

// tooLong says why rows are not kept longer than the plugin keeps them.
func (k small) tooLong() sentences {
	out := sentences{say("refused-keep-longer", "table", k.table.Name, "keep", k.keep, "own", k.own)}
	if k.choice.entry.constant != "" {
		return append(out, say("instead-constant", "constant", k.choice.entry.constant))
	}
	return append(out, say("instead-plugin", "table", k.table.Name))
}

// steadyShare is the share of today's rows from which a table that grows as it
// does now will not have become small.
const steadyShare = 0.5

// says tells what to expect of it.
func (k small) says(p *remedy.Plan) {
	p.Says = append(p.Says, say("small-why", "table", k.table.Name))
	perDay := rowsPerDay(k.table)
	if perDay < 0 {
		return
	}
	rows := int64(perDay * float64(k.keep) / float64(day))
	size := diagnose.Bytes(-1)
	if k.table.RowBytes > 0 {
		size = diagnose.Bytes(rows * k.table.RowBytes)
	}
	p.Says = append(p.Says, say("small-steady", "table", k.table.Name, "rows", diagnose.Count(rows), "bytes", size, "keep", k.keep))
	if float64(rows) >= steadyShare*float64(k.table.Rows) && k.table.Rows > 0 {
		p.Says = append(p.Says, say("small-still-large", "table", k.table.Name))
	}
}

// rowsPerDay is how many rows a day come of late, by the later half of the probes;
// -1 unknown.
func rowsPerDay(t *remedy.Table) float64 {
	g := t.Growth
	if !g.Ordered || len(g.Probes) < fewestProbes || t.Rows <= 0 {
		return -1
	}
	a, b := g.Probes[len(g.Probes)/2], g.Probes[len(g.Probes)-1]
	days := float64(b.UnixS-a.UnixS) / day.Seconds()
	if days < 0.5 || b.Key <= a.Key {
		return -1
	}
	density := max(float64(keys(t))/float64(t.Rows), 1)
	return float64(b.Key-a.Key) / density / days
}

// job adds the step that installs our own job.
func (k small) job(p *remedy.Plan, w remedy.World) {
	s := remedy.RetentionJob{
		On:   remedy.On{Instance: w.Server.Instance, Schema: k.table.Schema, Table: k.table.Name},
		Path: jobDir + jobName(k.table), Minute: k.at.minute(), Hour: k.at.hour(), Column: k.choice.which.Column, Keep: k.keep, Binary: w.Binary,
	}
	gone, risk := say("small-for-good"), remedy.RiskLow
	if k.keep < k.own || k.own <= 0 && !k.choice.entry.expires {
		gone, risk = say("small-for-good-sooner", "own", orUnknown(k.own)), remedy.RiskMedium
	}
	p.Steps = append(p.Steps, remedy.Planned{
		ID: "1", Step: s,
		Estimate: remedy.Estimate{Takes: time.Second, TakesCapped: time.Second, Rows: -1, Locks: say("small-locks-none"), Risk: risk},
		Says:     sentences{say("small-job", "table", k.table.Name, "keep", k.keep, "when", k.at.String()), gone},
		Undo:     say("small-undo-job", "file", s.Path),
	})
}

// jobDir is where cron reads the jobs of the system.
const jobDir = "/etc/cron.d/"

// nameMost bounds a file's name well below what any file system takes.
const nameMost = 80

// jobName is a file's name that every cron reads, one for each table.
func jobName(t *remedy.Table) string {
	const runes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	whole := t.Schema + "-" + t.Name
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(runes, r) {
			return r
		}
		return '-'
	}, whole)
	if name != whole || len(name) > nameMost {
		name = name[:min(len(name), nameMost)] + "-" + shortSum(whole)
	}
	return "hirune-keep-" + name
}

// constant is the plugin's own switch, with the line for wp-config.php.
func (k small) constant(w remedy.World, wish remedy.Wishes) remedy.Advice {
	e := k.choice.entry
	days := int64(k.own / day)
	switch {
	case wish.Keep > 0:
		days = int64((wish.Keep + day - 1) / day)
	case days > 30 || days <= 0: // a month shows an attack from its beginning
		days = 30
	}
	return remedy.Advice{
		ID: "small-constant", Say: say("small-constant", "constant", e.constant, "plugin", e.plugin, "days", diagnose.Count(days), "own", orUnknown(e.retention)),
		File: configFile(w), Lines: []string{define(e.constant, days)},
	}
}
