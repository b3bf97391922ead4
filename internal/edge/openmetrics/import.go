package openmetrics

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// Options are what the caller chooses.
type Options struct {
	// Instance chooses a host where the file has several: the label instance, or
	// the part of it before the port. Empty: there must be only one.
	Instance string
}

// Result is what became of a file.
type Result struct {
	From, To  time.Time
	Lines     int64
	Samples   int64    // that were understood
	Other     int64    // of metrics that are of no use here
	Broken    int64    // lines that are no samples
	First     []error  // the first broken lines, as *LineError
	Unknown   []string // some metrics of no use, by name
	Instances []string // whose samples were taken
	Records   int64    //
	Missing   []string // exporters of which nothing was found, by name
}

const (
	brokenShown  = 5
	unknownShown = 20
	targetsMost  = 1000
	keysMost     = 20_000
	byMost       = 1500 // bytes of a label that tells values apart, such as a digest
	// brokenMost is how many lines may be broken before it is no file of metrics.
	brokenMost = 1000
)

// Errors of Import, each with a hint.
var (
	ErrNoMetrics = errors.New("no metric that hirune understands")
	ErrSeveral   = errors.New("the file has several hosts")
)

// Import reads the text of r, compressed by gzip or not, and hands out the facts
// in the order of time. Its memory does not grow with the text.
func Import(ctx context.Context, r io.Reader, opt Options, emit func(evidence.Record) error) (res Result, err error) {
	in, err := plain(r)
	if err != nil {
		return Result{}, err
	}
	im := &importer{sorter: newSorter(runMost), targets: map[targetID]uint16{}, keys: map[keyID]uint32{}, unknown: map[string]bool{}}
	defer func() { err = errors.Join(err, im.sorter.close()) }()
	if err := im.read(ctx, in); err != nil {
		return im.res, err
	}
	im.missing()
	im.res.Unknown = slices.Sorted(maps.Keys(im.unknown))
	if im.res.Samples == 0 {
		return im.res, im.nothing()
	}
	if err := im.choose(opt); err != nil {
		return im.res, err
	}
	f := newFacts(im, func(rec evidence.Record) error { im.res.Records++; return emit(rec) })
	err = im.sorter.each(func(v value) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return f.take(v)
	})
	if err == nil {
		err = f.flush()
	}
	return im.res, err
}

func (im *importer) nothing() error {
	if im.res.Broken > 0 {
		return hint.Wrap(fmt.Errorf("%w: %w", ErrNoMetrics, errors.Join(im.res.First...)), "no-metrics",
			"OpenMetrics or Prometheus text with a timestamp on each line is needed, such as: promtool tsdb dump-openmetrics DIRECTORY")
	}
	return hint.Wrap(ErrNoMetrics, "no-metrics", "export the metrics of node_exporter and mysqld_exporter, with a timestamp on each line: promtool tsdb dump-openmetrics DIRECTORY")
}

// missing names the two exporters without which little can be said.
func (im *importer) missing() {
	found := map[exporter]bool{}
	for _, id := range im.ids {
		found[id.from] = true
	}
	for _, e := range []struct {
		from exporter
		name string
	}{{fromNode, "node_exporter (the machine)"}, {fromMySQL, "mysqld_exporter (the database)"}, {fromBlackbox, "blackbox_exporter (whether the site answers)"}} {
		if !found[e.from] {
			im.res.Missing = append(im.res.Missing, e.name)
		}
	}
}

// plain looks through gzip.
func plain(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, LineMost)
	if magic, err := b.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("unpack the metrics: %w", err)
		}
		return bufio.NewReaderSize(z, LineMost), nil
	}
	return b, nil
}

// importer is an import under way.
type importer struct {
	res     Result
	sorter  *sorter
	targets map[targetID]uint16
	ids     []targetID
	keys    map[keyID]uint32
	names   []keyID
	unknown map[string]bool
	chosen  map[uint16]bool
}

// targetID is one exporter of one host.
type targetID struct {
	from     exporter
	instance string
}

// keyID is one value of an exporter.
type keyID struct{ key, by, also string }

func (im *importer) read(ctx context.Context, in *bufio.Reader) error {
	var s Sample
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			im.res.Lines++
			im.broken(errors.New("it is too long"))
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			line = nil
		}
		if len(line) > 0 {
			im.res.Lines++
			if err := im.line(string(line), &s); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the metrics: line %d: %w", im.res.Lines+1, err)
		case im.res.Lines&0xfff == 0 && ctx.Err() != nil:
			return ctx.Err()
		case im.res.Broken >= brokenMost && im.res.Samples == 0:
			return im.nothing()
		}
	}
}

func (im *importer) broken(err error) {
	if im.res.Broken++; im.res.Broken <= brokenShown {
		im.res.First = append(im.res.First, &LineError{int(im.res.Lines), err})
	}
}

// line takes one line.
func (im *importer) line(line string, s *Sample) error {
	ok, err := parseLine(line, s)
	if err != nil {
		im.broken(err)
		return nil
	}
	if !ok {
		return nil
	}
	w, ok := lookUp(s)
	if !ok {
		im.res.Other++
		if _, known := metrics[strings.TrimSuffix(s.Name, "_total")]; !known && len(im.unknown) < unknownShown {
			im.unknown[clean(s.Name, 100)] = true
		}
		return nil
	}
	t, ok := im.target(targetID{w.from, s.Get("instance")})
	if !ok {
		im.res.Other++
		return nil
	}
	k, ok := im.key(w, s)
	if !ok {
		im.res.Other++
		return nil
	}
	im.res.Samples++
	at := time.UnixMilli(s.AtMs).UTC()
	if im.res.From.IsZero() || at.Before(im.res.From) {
		im.res.From = at
	}
	if at.After(im.res.To) {
		im.res.To = at
	}
	return im.sorter.add(value{at: s.AtMs, target: t, key: k, v: s.Value})
}

func (im *importer) target(id targetID) (uint16, bool) {
	id.instance = clean(id.instance, 200)
	t, ok := im.targets[id]
	if !ok {
		if len(im.ids) >= targetsMost {
			return 0, false
		}
		t = uint16(len(im.ids))
		im.targets[id] = t
		im.ids = append(im.ids, id)
	}
	return t, true
}

func (im *importer) key(w what, s *Sample) (uint32, bool) {
	id := keyID{key: w.key}
	if w.by != "" {
		id.by = clean(s.Get(w.by), byMost)
	}
	switch w.key {
	case "trows", "tsize", "dcount", "dtime", "dsent", "ddone", "derrors":
		id.also = clean(s.Get("schema"), 64)
	case "dread":
		if w.from == fromMySQL {
			id.also = clean(s.Get("schema"), 64)
		}
	}
	if w.key == "tsize" {
		id.key += "-" + clean(s.Get("component"), 20)
	}
	k, ok := im.keys[id]
	if !ok {
		if len(im.names) >= keysMost {
			return 0, false
		}
		k = uint32(len(im.names))
		im.keys[id] = k
		im.names = append(im.names, id)
	}
	return k, true
}

// choose finds the host whose samples are taken.
func (im *importer) choose(opt Options) error {
	im.chosen = map[uint16]bool{}
	hosts := map[string]bool{}
	for i, id := range im.ids {
		if id.from == fromBlackbox { // it stands anywhere: its instance is what it asks
			im.chosen[uint16(i)] = true
			continue
		}
		host := hostOf(id.instance)
		hosts[host] = true
		if opt.Instance == "" || opt.Instance == host || opt.Instance == id.instance {
			im.chosen[uint16(i)] = true
			im.res.Instances = append(im.res.Instances, id.instance)
		}
	}
	slices.Sort(im.res.Instances)
	im.res.Instances = slices.Compact(im.res.Instances)
	names := slices.Sorted(maps.Keys(hosts))
	switch {
	case opt.Instance != "" && len(im.res.Instances) == 0:
		return hint.Wrap(fmt.Errorf("no host %q is in the file", opt.Instance), "no-such-instance", "it has: "+strings.Join(names, ", "))
	case opt.Instance == "" && len(hosts) > 1:
		return hint.Wrap(fmt.Errorf("%w: %s", ErrSeveral, strings.Join(names, ", ")), "several-instances", "choose one: --instance "+names[0])
	}
	return nil
}

// hostOf is an instance without its port. Those on loopback are one host.
func hostOf(instance string) string {
	host, _, err := net.SplitHostPort(instance)
	if err != nil {
		host = instance
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return "localhost"
	}
	return host
}
