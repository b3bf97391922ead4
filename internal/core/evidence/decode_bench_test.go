package evidence

import (
	"bytes"
	"testing"
	"time"
)

// busy returns n records such as a busy second has.
func busy(n int) []Record {
	at := time.UnixMilli(1770000000000).UTC()
	out := make([]Record, 0, n)
	for i := 0; len(out) < n; i++ {
		at = at.Add(time.Second)
		v := int64(i)
		for _, f := range []Fact{
			Host{OverMs: 1000, CPUs: 2, UserMs: 900 + v%100, SystemMs: 100 + v%7, IdleMs: 3, Load1: 4.25, Runnable: 5, MemTotalKB: 2000000, MemAvailKB: 300000 + v},
			DBStatus{OverMs: 1000, UptimeS: v, Questions: 120 + v%30, Selects: 80, ThreadsRunning: 4, Connected: 20, MaxUsed: 40, RowsRead: 100000 + v, HistoryLength: 12},
			Statement{ConnID: uint64(100 + v%9), User: "wordpress", Schema: "wp", Command: "Query", State: "Sending data", RunningMs: v, Digest: "SELECT * FROM `wp_posts` WHERE `post_type` = ? AND `post_status` = ? LIMIT ?", Verb: "SELECT", Table: "wp_posts", RowsRead: v * 100},
			ServiceUse{OverMs: 1000, Service: ServicePHP, Instance: "8.2", Processes: 12, CPUMs: 400 + v%50, RSSKB: 400000 + v},
			Traffic{Site: "site", OverMs: 1000, Class: ClassPage, Requests: v % 10, S2xx: v % 10, TookMs: 3000, MaxMs: 900},
		} {
			out = append(out, Record{At: at, Source: "test", Fact: f})
		}
	}
	return out[:n]
}

func BenchmarkDecode100k(b *testing.B) {
	var buf bytes.Buffer
	if err := Encode(&buf, busy(100_000)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(buf.Len()))
	for b.Loop() {
		if got, _, err := Decode(bytes.NewReader(buf.Bytes())); err != nil || len(got) != 100_000 {
			b.Fatalf("got %d records, err %v", len(got), err)
		}
	}
}
