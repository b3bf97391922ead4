package openmetrics

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// series writes one series as a dump does: all of its moments together.
func series(b *strings.Builder, name string, everyS int, values ...float64) {
	for i, v := range values {
		fmt.Fprintf(b, "%s %g %d\n", name, v, 1_700_000_000+i*everyS)
	}
}

// host is a small host with two CPUs, scraped each 15 s; its database begins anew
// before the last scrape.
func host() string {
	var b strings.Builder
	for cpu := range 2 {
		for mode, per := range map[string]float64{"user": 3, "system": 1.5, "idle": 9, "iowait": 0.75, "steal": 0.75} {
			series(&b, fmt.Sprintf(`node_cpu_seconds_total{cpu="%d",instance="h:9100",job="node",mode="%s"}`, cpu, mode), 15, 100, 100+per, 100+2*per, 100+3*per)
		}
	}
	series(&b, `node_memory_MemTotal_bytes{instance="h:9100"}`, 15, 1<<30, 1<<30, 1<<30, 1<<30)
	series(&b, `node_memory_MemAvailable_bytes{instance="h:9100"}`, 15, 1<<29, 1<<29, 1<<28, 1<<28)
	series(&b, `node_disk_io_time_seconds_total{device="vda",instance="h:9100"}`, 15, 5, 8, 11, 11)
	series(&b, `node_disk_io_time_seconds_total{device="vda1",instance="h:9100"}`, 15, 0, 99, 99, 99)
	series(&b, `node_filesystem_size_bytes{device="/dev/vda1",fstype="ext4",instance="h:9100",mountpoint="/"}`, 15, 1e10, 1e10, 1e10, 1e10)
	series(&b, `node_filesystem_avail_bytes{device="/dev/vda1",fstype="ext4",instance="h:9100",mountpoint="/"}`, 15, 5e9, 5e9, 5e9, 5e9)
	series(&b, `mysql_up{instance="h:9104"}`, 15, 1, 1, 0, 1)
	series(&b, `mysql_global_status_uptime{instance="h:9104"}`, 15, 1000, 1015, 1030, 5)
	series(&b, `mysql_global_status_questions{instance="h:9104"}`, 15, 5000, 5600, 6200, 40)
	series(&b, `mysql_global_status_threads_running{instance="h:9104"}`, 15, 1, 1, 30, 2)
	series(&b, `mysql_global_status_commands_total{command="select",instance="h:9104"}`, 15, 10, 310, 610, 20)
	series(&b, `mysql_global_variables_max_connections{instance="h:9104"}`, 15, 151, 151, 151, 151)
	series(&b, `mysql_version_info{instance="h:9104",version="10.11.6-MariaDB"}`, 15, 1, 1, 1, 1)
	series(&b, `probe_success{instance="https://example.com/?secret=1"}`, 15, 1, 1, 0, 1)
	series(&b, `probe_duration_seconds{instance="https://example.com/?secret=1"}`, 15, 0.2, 0.2, 9.5, 0.2)
	series(&b, `go_goroutines{instance="h:9100"}`, 15, 8, 8, 8, 8)
	b.WriteString("this is no sample\n# EOF\n")
	return b.String()
}

func imported(t *testing.T, text string, opt Options) ([]evidence.Record, Result) {
	t.Helper()
	var out []evidence.Record
	res, err := Import(t.Context(), strings.NewReader(text), opt, func(r evidence.Record) error { out = append(out, r); return nil })
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	return out, res
}

func of[T evidence.Fact](rs []evidence.Record) (out []T) {
	for _, r := range rs {
		if f, ok := r.Fact.(T); ok {
			out = append(out, f)
		}
	}
	return out
}

func TestImportsASmallHost(t *testing.T) {
	rs, res := imported(t, host(), Options{})
	if !slices.IsSortedFunc(rs, func(a, b evidence.Record) int { return a.At.Compare(b.At) }) {
		t.Error("the facts are not in the order of time")
	}
	hs := of[evidence.Host](rs)
	if len(hs) != 3 {
		t.Fatalf("got %d facts of the machine, want 3", len(hs))
	}
	if h := hs[0]; h.OverMs != 15000 || h.CPUs != 2 || h.UserMs != 6000 || h.SystemMs != 3000 || h.IdleMs != 18000 || h.StealMs != 1500 || h.MemAvailKB != 1<<19 || h.DiskBusyMs != 3000 {
		t.Errorf("machine: got %+v", h)
	}
	ds := of[evidence.DBStatus](rs)
	if len(ds) != 3 || ds[0].Questions != 600 || ds[0].Selects != 300 || ds[1].ThreadsRunning != 30 || !ds[2].Restarted || ds[2].Questions != 40 || ds[0].HistoryLength != -1 {
		t.Errorf("database: got %+v", ds)
	}
	if up := of[evidence.ServiceState](rs); len(up) != 4 || !up[1].Up || up[2].Up {
		t.Errorf("service: got %+v", up)
	}
	if v := of[evidence.DBServer](rs); len(v) != 1 || v[0].Flavour != "mariadb" || v[0].MaxConnections != 151 {
		t.Errorf("server: got %+v", v)
	}
	if p := of[evidence.Probe](rs); len(p) != 4 || !p[2].Failed() || p[2].TookMs != 9500 || p[0].Failed() || strings.Contains(p[0].URL, "secret") {
		t.Errorf("probe: got %+v", p)
	}
	if f := of[evidence.Filesystem](rs); len(f) != 1 || f[0].FreeKB != 4882812 {
		t.Errorf("filesystem: got %+v", f)
	}
	if res.Broken != 1 || len(res.First) != 1 || !strings.HasPrefix(res.First[0].Error(), "line ") || !slices.Equal(res.Unknown, []string{"go_goroutines"}) {
		t.Errorf("got %+v", res)
	}
}

func TestTheOrderOfLinesDoesNotMatter(t *testing.T) {
	want, _ := imported(t, host(), Options{})
	lines := strings.SplitAfter(host(), "\n")
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	got, _ := imported(t, strings.Join(lines, ""), Options{})
	for _, rs := range [][]evidence.Record{got, want} { // at one moment any order is as good
		slices.SortStableFunc(rs, func(a, b evidence.Record) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Fact.Kind(), b.Fact.Kind()))
		})
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestReadsGzip(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(host()))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if rs, _ := imported(t, b.String(), Options{}); len(of[evidence.Host](rs)) != 3 {
		t.Errorf("got %d facts", len(rs))
	}
}

func TestSeveralHostsAreToBeChosenFrom(t *testing.T) {
	text := host() + strings.ReplaceAll(host(), `"h:`, `"other:`)
	_, err := Import(t.Context(), strings.NewReader(text), Options{}, func(evidence.Record) error { return nil })
	if !errors.Is(err, ErrSeveral) || !strings.Contains(err.Error(), "h, other") || !strings.Contains(hint.Of(err), "--instance h") {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"other", "other:9100"} {
		rs, res := imported(t, text, Options{Instance: name})
		if len(of[evidence.Host](rs)) != 3 || !strings.HasPrefix(res.Instances[0], "other") {
			t.Errorf("%s: got %d facts of %v", name, len(rs), res.Instances)
		}
	}
	if _, err := Import(t.Context(), strings.NewReader(text), Options{Instance: "third"}, nil); err == nil {
		t.Error("an unknown host was taken")
	}
}

func TestWhatIsNoMetricsIsRefused(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "no timestamps": "node_load1 0.5\n", "another exporter": "go_goroutines 3 1700000000\n", "no text": strings.Repeat("\x00\xff", 100_000)} {
		if _, err := Import(t.Context(), strings.NewReader(text), Options{}, nil); !errors.Is(err, ErrNoMetrics) || hint.Of(err) == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAnImportCanBeGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Import(ctx, strings.NewReader(strings.Repeat("node_load1 1 1700000000\n", 10_000)), Options{}, func(evidence.Record) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSortsMoreThanFitsIntoMemory(t *testing.T) {
	s := newSorter(100)
	defer s.close()
	rng := rand.New(rand.NewPCG(1, 2))
	var want []value
	for range 5000 {
		v := value{at: rng.Int64N(1000), target: uint16(rng.IntN(3)), key: rng.Uint32N(5), v: rng.Float64()}
		want = append(want, v)
		if err := s.add(v); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortStableFunc(want, value.compare)
	var got []value
	if err := s.each(func(v value) error { got = append(got, v); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || !slices.IsSortedFunc(got, value.compare) {
		t.Fatalf("got %d values of %d, sorted: %v", len(got), len(want), slices.IsSortedFunc(got, value.compare))
	}
	sum := func(vs []value) (n float64) {
		for _, v := range vs {
			n += v.v
		}
		return n
	}
	if d := sum(got) - sum(want); d > 1e-6 || d < -1e-6 {
		t.Errorf("values were changed: the sums differ by %g", d)
	}
}

// The dump is of the exporters and the server of Debian 12, asked each 5 s through
// the outage of case 0: promtool tsdb dump, without what is of no use here.
func TestImportsARealDump(t *testing.T) {
	text, err := os.ReadFile("testdata/prometheus-2.42-debian-12.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	rs, res := imported(t, string(text), Options{})
	if res.Broken > 0 || len(res.Missing) > 0 || !slices.Equal(res.Instances, []string{"127.0.0.1:9100", "127.0.0.1:9104"}) {
		t.Errorf("got %+v", res)
	}
	hs, ds, ps := of[evidence.Host](rs), of[evidence.DBStatus](rs), of[evidence.Probe](rs)
	if len(hs) < 15 || len(ds) < 15 || len(ps) < 15 {
		t.Fatalf("got %d facts of the machine, %d of the database, %d probes", len(hs), len(ds), len(ps))
	}
	for _, h := range hs {
		if sum := h.UserMs + h.SystemMs + h.IdleMs + h.IowaitMs + h.StealMs; h.CPUs != 2 || sum < h.CapacityMs()*9/10 || sum > h.CapacityMs()*11/10 {
			t.Errorf("the machine's time does not add up: %+v", h)
		}
	}
	deleted, slow := int64(0), int64(0)
	for _, d := range ds {
		deleted += d.RowsDeleted
	}
	for _, p := range ps {
		slow = max(slow, p.TookMs)
	}
	if deleted < 400_000 || slow < 1000 {
		t.Errorf("got %d rows deleted, want the purge's 480,000; slowest page %d ms", deleted, slow)
	}
	tables := of[evidence.Table](rs)
	if !slices.ContainsFunc(tables, func(t evidence.Table) bool {
		return t.Name == "wp_aiowps_audit_log" && t.Schema == "wordpress" && t.DataBytes > 1<<30 && t.Rows > 100_000
	}) {
		t.Errorf("tables: got %+v", tables)
	}
	if v := of[evidence.DBServer](rs); len(v) != 1 || v[0].Flavour != "mariadb" || v[0].BufferPoolBytes != 128<<20 {
		t.Errorf("server: got %+v", v)
	}
}
