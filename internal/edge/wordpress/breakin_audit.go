package wordpress

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/attack"
)

// Bounds of what is read of the logs of security plugins, which have as many
// rows as there were attempts.
const (
	auditTables  = 12
	auditNewest  = 2000 // rows of a table that are read whatever they say, at a time
	auditPages   = 10   // so many times where no index leads to the others
	auditEntries = 500  // log-ins that are looked for
	auditClients = 60   // of them that are looked into
	auditBefore  = 1000 // rows before a log-in, of the same client
	auditTold    = 1000
)

// event is one row of such a log.
type event struct {
	id     int64
	client netip.Addr
	user   string
	at     time.Time
	ok     bool // a log-in; else a failed one
}

// audits reads the logs of log-ins that plugins keep.
func (p *people) audits(ctx context.Context) {
	tables, err := p.auditTables(ctx)
	if err != nil {
		p.unseen(srcAudit, wrap("look for the logs of security plugins", err))
		return
	}
	for _, t := range tables {
		events, err := t.read(ctx, p)
		p.unseen(srcAudit, wrap("read "+t.name, err))
		p.out.Audits = append(p.out.Audits, sums(t.plugin, events)...)
	}
}

// sums adds events up by client: those who got in first, then who failed most.
func sums(plugin string, events []event) []attack.Audit {
	by := map[netip.Addr]*attack.Audit{}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.id, b.id) })
	events = slices.CompactFunc(events, func(a, b event) bool { return a.id == b.id })
	for _, e := range events {
		if !e.client.IsValid() {
			continue
		}
		a := by[e.client]
		if a == nil {
			a = &attack.Audit{Plugin: plugin, Client: e.client}
			by[e.client] = a
		}
		switch {
		case !e.ok:
			if a.Failed++; a.Failed == 1 {
				a.FirstFail = e.at
			}
			a.LastFail = e.at
			if a.Succeeded == 0 {
				a.Before++
			}
		default:
			if a.Succeeded++; a.Succeeded == 1 {
				a.First = e.at
			}
			a.At, a.User = e.at, e.user
		}
	}
	out := make([]attack.Audit, 0, len(by))
	for _, a := range by {
		if a.Succeeded == 0 {
			a.Before = 0 // before nothing
		}
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b attack.Audit) int {
		return cmp.Or(cmp.Compare(b.Succeeded, a.Succeeded), cmp.Compare(b.Failed, a.Failed), a.Client.Compare(b.Client))
	})
	return out[:min(len(out), auditTold)]
}

// read reads the newest rows, the log-ins wherever they are in the table, and
// what came before each of them from the same client.
func (t auditTable) read(ctx context.Context, p *people) ([]event, error) {
	if t.split != "" {
		return t.readSplit(ctx, p)
	}
	indexed := t.index[t.event] != "" && t.index[t.ip] != ""
	words := map[string]bool{}
	for _, w := range t.ins {
		words[w] = true
	}
	out, all, err := t.newest(ctx, p, words, indexed)
	switch {
	case err != nil || all:
		return out, err
	case !indexed:
		return out, errNoIndex
	}
	for _, w := range slices.Sorted(maps.Keys(words)) {
		rows, err := p.db.Named(ctx, t.text(p)+" FORCE INDEX ("+ident(t.index[t.event])+") WHERE "+ident(t.event)+" = ? ORDER BY "+ident(t.id)+" DESC LIMIT "+strconv.Itoa(auditEntries), w)
		if err != nil {
			return out, err
		}
		for _, row := range rows {
			out = t.add(out, row)
		}
	}
	before, err := t.before(ctx, p, out)
	return append(out, before...), err
}

var errNoIndex = fmt.Errorf("only its newest %d rows were read: without an index on client and event, more would be a burden to the database", auditNewest*auditPages)

// newest reads the newest rows, more of them where no index leads to the others,
// and notes the words that mean a log-in. all says that there are no more.
func (t auditTable) newest(ctx context.Context, p *people, words map[string]bool, indexed bool) (out []event, all bool, err error) {
	pages, where, last := auditPages, "", []any(nil)
	if indexed {
		pages = 1
	}
	for range pages {
		rows, err := p.db.Named(ctx, t.text(p)+where+" ORDER BY "+ident(t.id)+" DESC LIMIT "+strconv.Itoa(auditNewest), last...)
		if err != nil {
			return out, false, err
		}
		for _, row := range rows {
			out = t.add(out, row)
			if ok, is := t.says(row["e"]); is && ok {
				words[row["e"]] = true
			}
		}
		if len(rows) < auditNewest {
			return out, true, nil
		}
		where, last = " WHERE "+ident(t.id)+" < ?", []any{rows[len(rows)-1]["id"]}
	}
	return out, false, nil
}

// before reads what came from each client before its first log-in, the newest
// clients first.
func (t auditTable) before(ctx context.Context, p *people, events []event) ([]event, error) {
	first := map[netip.Addr]event{}
	for _, e := range events {
		if f, seen := first[e.client]; e.ok && e.client.IsValid() && (!seen || e.id < f.id) {
			first[e.client] = e
		}
	}
	who := slices.SortedFunc(maps.Values(first), func(a, b event) int { return cmp.Compare(b.id, a.id) })
	var out []event
	for _, f := range who[:min(len(who), auditClients)] {
		rows, err := p.db.Named(ctx, t.text(p)+" FORCE INDEX ("+ident(t.index[t.ip])+") WHERE "+ident(t.ip)+" = ? AND "+ident(t.id)+" < ? ORDER BY "+ident(t.id)+" DESC LIMIT "+strconv.Itoa(auditBefore), t.stored(f.client), f.id)
		if err != nil {
			return out, err
		}
		for _, row := range rows {
			out = t.add(out, row)
		}
	}
	if len(who) > auditClients {
		return out, fmt.Errorf("%w: %d clients logged in, %d were looked into", errCrowd, len(who), auditClients)
	}
	return out, nil
}

// add takes a row in, if it is a log-in or a failed one.
func (t auditTable) add(out []event, row map[string]string) []event {
	ok, is := t.says(row["e"])
	if !is {
		return out
	}
	return append(out, event{id: number(row["id"]), client: t.client(row["ip"]), user: cut(row["u"], nameRunes), at: moment(row["at"]), ok: ok})
}

// says reads what a row tells: ok is a log-in; is false where it is about
// something else.
func (t auditTable) says(e string) (ok, is bool) {
	if len(t.ins)+len(t.outs) > 0 {
		return slices.Contains(t.ins, e), slices.Contains(t.ins, e) || slices.Contains(t.outs, e)
	}
	return logInWord(e)
}

// text selects what is needed of a row: never the rest, which may be long.
func (t auditTable) text(p *people) string {
	col := func(name, as string) string {
		if name == "" {
			return "'' AS " + as
		}
		return ident(name) + " AS " + as
	}
	ip := ident(t.ip)
	if t.binary {
		ip = "HEX(" + ip + ")"
	}
	return "SELECT " + ident(t.id) + " AS id, " + ip + " AS ip, " + col(t.event, "e") + ", " + col(t.user, "u") + ", " + col(t.at, "at") + " FROM " + ident(p.schema) + "." + ident(t.name)
}

func (t auditTable) client(s string) netip.Addr {
	if !t.binary {
		return address(s)
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(b) // of another length: invalid
	return a.Unmap()
}

// stored is a client as the table has it.
func (t auditTable) stored(a netip.Addr) any {
	if !t.binary {
		return a.String()
	}
	b := a.As16() // an IPv4 address as ::ffff:192.0.2.1, as Wordfence keeps it
	return b[:]
}

// moment reads seconds or milliseconds since 1970, or a time that is taken for
// UTC.
func moment(s string) time.Time {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if f > 1e11 {
			f /= 1000
		}
		return unix(int64(f))
	}
	return utc(strings.TrimSuffix(strings.Replace(s, "T", " ", 1), "Z"))
}

// readSplit reads a log that keeps what a row is about in a table beside it.
// Source: Simple History, tables simple_history and simple_history_contexts.
func (t auditTable) readSplit(ctx context.Context, p *people) ([]event, error) {
	rows, err := p.db.Named(ctx, "SELECT id AS id, date AS at FROM "+ident(p.schema)+"."+ident(t.name)+" WHERE logger = 'SimpleUserLogger' ORDER BY id DESC LIMIT "+strconv.Itoa(auditNewest))
	if err != nil {
		return nil, err
	}
	by := map[string]map[string]string{}
	var errs []error
	for some := range slices.Chunk(rows, batchRows) {
		ids := make([]any, len(some))
		for i, row := range some {
			ids[i] = row["id"]
			by[row["id"]] = row
		}
		more, err := p.db.Named(ctx, "SELECT history_id AS id, `key` AS k, LEFT(value, 256) AS v FROM "+ident(p.schema)+"."+ident(t.split)+
			" WHERE history_id IN ("+marks(len(ids))+") AND `key` IN ('_message_key','_server_remote_addr','user_login','login')", ids...)
		errs = append(errs, err)
		for _, m := range more {
			if row := by[m["id"]]; row != nil {
				row[map[string]string{"_message_key": "e", "_server_remote_addr": "ip", "user_login": "u", "login": "u"}[m["k"]]] = m["v"]
			}
		}
	}
	var out []event
	for _, row := range rows {
		out = t.add(out, row)
	}
	return out, errors.Join(errs...)
}
