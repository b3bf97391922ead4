package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hirune/internal/core/attack"
	"hirune/internal/core/hint"
	"hirune/internal/edge/accesslog"
)

// seed makes hashes that who is counted cannot foresee.
func seed() uint64 { return maphash.Bytes(maphash.MakeSeed(), nil) }

// named takes the files that the user names, each once. What cannot be read is
// told and left out; it is an error only where nothing is left.
func (q *siege) named(names []string) error {
	var seen []os.FileInfo
	for _, name := range names {
		paths, err := expand(name)
		if err != nil {
			q.failed = append(q.failed, err)
			continue
		}
		for _, path := range paths {
			fi, err := logFile(path)
			if err != nil {
				q.failed = append(q.failed, err)
				continue
			}
			if fi != nil && slices.ContainsFunc(seen, func(o os.FileInfo) bool { return os.SameFile(o, fi) }) {
				continue // named twice: its lines count once
			}
			if fi != nil {
				seen = append(seen, fi)
			}
			q.logs = append(q.logs, accesslog.ScanLog{Path: path, Format: q.flags.format, Named: true})
		}
	}
	if len(q.logs) == 0 {
		return joinHints(q.failed)
	}
	return nil
}

// joinHints is all errors as one, with the advice of the first.
func joinHints(all []error) error {
	return hint.Wrap(errors.Join(all...), hint.CodeOf(all[0]), hint.Of(all[0]))
}

// expand resolves a pattern that the shell has left as it is.
func expand(name string) ([]string, error) {
	if name == "-" || exists(name) || !strings.ContainsAny(name, "*?[") {
		return []string{name}, nil
	}
	paths, err := filepath.Glob(name)
	if err != nil || len(paths) == 0 {
		return nil, hint.Wrap(fmt.Errorf("read the log %s: no file matches", name), "log-missing", "list what is there: ls -l "+quoted(filepath.Dir(name)))
	}
	return paths, nil
}

// sniffBytes is how much of a file is looked at before it is read.
const sniffBytes = 4096

// logFile reports why a file cannot be an access log. It returns nil for
// standard input.
func logFile(path string) (os.FileInfo, error) {
	if path == "-" {
		return nil, nil
	}
	fail := func(why, code, advice string) (os.FileInfo, error) {
		return nil, hint.Wrap(fmt.Errorf("read the log %s: %s", path, why), code, advice)
	}
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("it does not exist", "log-missing", "list what is there: ls -l "+quoted(filepath.Dir(path)))
	case errors.Is(err, fs.ErrPermission):
		return fail("permission denied", "log-unreadable", "run it with sudo")
	case err != nil:
		return nil, fmt.Errorf("read the log: %w", err)
	case fi.IsDir():
		return fail("it is a folder", "log-not-a-file", "name the files in it: --log "+quoted(path)+"/access*")
	case !fi.Mode().IsRegular():
		return fi, nil // the reader says what it is
	case fi.Size() == 0:
		return fail("it is empty", "log-empty", "was it rotated just now? name the rotated one: ls -l "+quoted(filepath.Dir(path)))
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return fail("permission denied", "log-unreadable", "run it with sudo")
	} else if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	defer f.Close()
	head := make([]byte, sniffBytes)
	n, _ := io.ReadFull(f, head) // a short file is no fault
	if binaryData(head[:n]) {
		return fail("it is no text", "log-not-text", "is it compressed in another way than gzip? unpack it first: … | hirune attacks --log -")
	}
	return fi, nil
}

// binaryData reports whether the beginning of a file is of no log: more than a
// few bytes of it are such as a web server never writes.
func binaryData(head []byte) bool {
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(head))
		if err != nil {
			return false // the reader says it better
		}
		plain := make([]byte, sniffBytes)
		n, _ := io.ReadFull(z, plain)
		head = plain[:n]
	}
	odd := 0
	for _, c := range head {
		if c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			odd++
		}
	}
	return len(head) > 0 && odd*10 > len(head)
}

// ofThisHost takes the logs of the web servers that run here, and all that the
// site and the last recording know.
func (a *app) ofThisHost(ctx context.Context, q *siege) error {
	cfg, err := a.config(q.flags.config)
	if err != nil {
		return err
	}
	accounts, err := accounts(cfg)
	if err != nil {
		return err
	}
	if q.eyes, err = a.open(ctx, cfg); err != nil {
		return err
	}
	found := q.eyes.found()
	for _, w := range found.WebServers {
		if w.Behind != "" {
			a.leftOut(w)
			continue
		}
		for _, l := range w.AccessLogs {
			if slices.ContainsFunc(q.logs, func(o accesslog.ScanLog) bool { return o.Path == l.Path }) {
				continue
			}
			q.logs = append(q.logs, accesslog.ScanLog{Path: l.Path, Format: l.Format, Formats: l.Formats, Rotated: true})
			if l.Proxy != nil {
				q.proxied, q.anyone = true, q.anyone || l.Proxy.Anyone
				q.proxies = append(q.proxies, l.Proxy.Trusted...)
			}
			if l.Partly {
				q.unseen = append(q.unseen, attack.Unseen{Source: "log", Why: "a condition in the web server's configuration leaves requests out of " + l.Path})
			}
		}
	}
	if len(q.logs) == 0 {
		return noLogs()
	}
	for _, p := range found.Pools {
		q.options.Workers += max(p.MaxChildren, 0)
	}
	for _, n := range found.Notes {
		q.unseen = append(q.unseen, attack.Unseen{Source: n.What, Why: n.Why})
	}
	q.own = ownAddresses()
	q.options.Verified = searchBots(ctx, a.now)
	q.options.Cost, q.costs = a.costs(ctx, q)
	q.sites = func(p attack.Picture) []attack.Site { return a.sitesForBreakIn(ctx, q.eyes, accounts, p) }
	return nil
}
