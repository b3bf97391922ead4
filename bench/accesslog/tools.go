package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"hirune/lab/weblog"
)

// Parts of the log for tools that would take hours for all of it.
const (
	partFail2ban = 100_000
	partCrowdSec = 20_000
)

// hiruneOK: something was found, or could not be told.
var hiruneOK = []int{1, 2}

// beside runs all tools on the same log.
func (b *bed) beside(ctx context.Context, r *results) error {
	log, err := b.log(ctx, "access.log", weblog.Options{Lines: b.opt.lines})
	if err != nil {
		return err
	}
	packed, err := b.pack(log.path)
	if err != nil {
		return err
	}
	tools, err := b.others(log)
	if err != nil {
		return err
	}
	n := log.truth.Lines
	for _, name := range []string{log.path, packed} {
		as := ""
		if name == packed {
			as = " (.gz)"
		}
		tools = append(tools,
			tool{name: "hirune attacks" + as, log: name, lines: n, argv: []string{b.opt.hirune, "attacks", "--log", name, "--json"}, ok: hiruneOK},
			tool{name: "the same reading only" + as, log: name, lines: n, argv: []string{b.self, "scan", "--detect=false", name}})
	}
	r.Beside, err = b.turns(ctx, tools)
	return err
}

// others are the tools to compare with; those that are not there are named and left out.
func (b *bed) others(log file) ([]tool, error) {
	n := log.truth.Lines
	all := []tool{
		{name: "wc -l", log: log.path, lines: n, argv: []string{"wc", "-l", log.path}},
		{name: "mawk counting by client", log: log.path, lines: n, argv: []string{"mawk", `{c[$1]++} END {for (k in c) n++; print n}`, log.path}},
		{name: "goaccess to json", log: log.path, lines: n, argv: []string{"goaccess", log.path, "--log-format=COMBINED", "--no-progress", "-o", filepath.Join(b.opt.out, "goaccess.json")}},
	}
	part, err := b.head(log, min(n, partFail2ban))
	if err != nil {
		return nil, err
	}
	all = append(all, tool{name: "fail2ban-regex (one pattern)", log: part, lines: min(n, partFail2ban), argv: []string{"fail2ban-regex", part, `^<HOST> .*"POST /(?:wp-login|xmlrpc)\.php`}})
	if b.opt.crowdsec != "" {
		part, err := b.head(log, min(n, partCrowdSec))
		if err != nil {
			return nil, err
		}
		all = append(all, tool{name: "crowdsec (15 scenarios)", log: part, lines: min(n, partCrowdSec), argv: []string{filepath.Join(b.opt.crowdsec, "run"), part}})
	}
	return slices.DeleteFunc(all, func(t tool) bool {
		_, err := exec.LookPath(t.argv[0])
		if err != nil {
			fmt.Fprintf(b.stderr, "left out: %s is not there\n", t.argv[0])
		}
		return err != nil
	}), nil
}

// pack compresses a log as logrotate does.
func (b *bed) pack(path string) (packed string, err error) {
	packed = path + ".gz"
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	was, err1 := from.Stat()
	if fi, err2 := os.Stat(packed); err1 == nil && err2 == nil && fi.ModTime().After(was.ModTime()) {
		return packed, nil
	}
	to, err := os.Create(packed)
	if err != nil {
		return "", err
	}
	z := gzip.NewWriter(to)
	_, err = io.Copy(z, from)
	return packed, errors.Join(err, z.Close(), to.Close())
}

// linear reads logs of growing size.
func (b *bed) linear(ctx context.Context, r *results) error {
	var tools []tool
	for _, n := range []int64{b.opt.lines / 5, b.opt.lines, 2 * b.opt.lines} {
		name := fmt.Sprintf("access-%d.log", n)
		if n == b.opt.lines {
			name = "access.log"
		}
		log, err := b.log(ctx, name, weblog.Options{Lines: n})
		if err != nil {
			return err
		}
		tools = append(tools, tool{name: "hirune attacks", log: log.path, lines: n, argv: []string{b.opt.hirune, "attacks", "--log", log.path, "--json"}, ok: hiruneOK})
	}
	var err error
	r.Linear, err = b.turns(ctx, tools)
	return err
}

// distinct reads a log in which nearly every visitor comes once.
func (b *bed) distinct(ctx context.Context, r *results) error {
	if b.opt.distinct == 0 {
		return nil
	}
	log, err := b.log(ctx, "distinct.log", weblog.Options{Lines: b.opt.distinct * 8 / 5, Clients: int(b.opt.distinct)})
	if err != nil {
		return err
	}
	r.Distinct, err = b.turns(ctx, []tool{{name: "hirune attacks", log: log.path, lines: log.truth.Lines, argv: []string{b.opt.hirune, "attacks", "--log", log.path, "--json"}, ok: hiruneOK}})
	for i := range r.Distinct {
		r.Distinct[i].Clients = log.truth.Clients
	}
	return err
}

// compare is what the log held of an attack, and what hirune says of it.
type compare struct {
	ID   string `json:"id"`
	Held int64  `json:"held"`
	Told int64  `json:"told"`
}

// compare asks hirune what the log held.
func (b *bed) compare(ctx context.Context, r *results) error {
	if !b.opt.wants("hirune attacks") {
		return nil
	}
	log, err := b.log(ctx, "access.log", weblog.Options{Lines: b.opt.lines})
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, b.opt.hirune, "attacks", "--log", log.path, "--json").Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("ask hirune: %w", err)
	}
	var said struct {
		Attacks []struct {
			ID       string
			Attempts int64
		}
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return fmt.Errorf("read what hirune says: %w: %.200s", err, out)
	}
	told := map[string]int64{}
	for _, a := range said.Attacks {
		told[a.ID] += a.Attempts
	}
	for _, a := range log.truth.Attacks {
		r.Told = append(r.Told, compare{a.ID, a.Lines, told[a.ID]})
		delete(told, a.ID)
	}
	for id, n := range told {
		r.Told = append(r.Told, compare{ID: id, Told: n})
	}
	slices.SortStableFunc(r.Told, func(x, y compare) int { return int(y.Held - x.Held) })
	return nil
}
