package accesslog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Rotated returns the files that the log was rotated to, the youngest first,
// without those last written before since. It knows the names that logrotate,
// rotatelogs and cronolog give: a number or a date, perhaps compressed.
func Rotated(path string, since time.Time) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("list the rotated logs of %s: %w", path, err)
	}
	type aged struct {
		path string
		at   time.Time
	}
	var found []aged
	for _, e := range entries {
		if !e.Type().IsRegular() || !rotatedName(filepath.Base(path), e.Name()) {
			continue
		}
		if fi, err := e.Info(); err == nil && !fi.ModTime().Before(since) {
			found = append(found, aged{filepath.Join(filepath.Dir(path), e.Name()), fi.ModTime()})
		}
	}
	slices.SortStableFunc(found, func(a, b aged) int { return b.at.Compare(a.at) })
	out := make([]string, len(found))
	for i, f := range found {
		out[i] = f.path
	}
	return out, nil
}

// rotatedName tells access.log.2.gz, access_log-20261122 and access-20261122.log
// from error.log and from a file of another site.
func rotatedName(base, name string) bool {
	name = strings.TrimSuffix(name, ".gz")
	if rest, ok := strings.CutPrefix(name, base); ok {
		return stampLike(rest)
	}
	ext := filepath.Ext(base)
	rest, ok1 := strings.CutPrefix(name, strings.TrimSuffix(base, ext))
	rest, ok2 := strings.CutSuffix(rest, ext)
	return ext != "" && ok1 && ok2 && stampLike(rest)
}

func stampLike(s string) bool {
	return len(s) > 1 && strings.Trim(s, "0123456789-_.T") == "" && strings.Trim(s, "-_.T") != ""
}
