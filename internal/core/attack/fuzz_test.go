package attack

import (
	"bytes"
	"net/netip"
	"testing"
	"unicode/utf8"
)

// FuzzAdd gives a tally hostile requests: it must neither fail nor keep text
// that does not print.
func FuzzAdd(f *testing.F) {
	for _, k := range allCases() {
		s := newSite()
		k.add(s)
		for i := 0; i < len(s.hits); i += max(1, len(s.hits)/3) {
			h := &s.hits[i]
			f.Add(h.At, uint8(h.Method), uint8(h.Class), h.Status, h.Bytes, h.TookUs, h.Path, h.Query, h.Target, h.Agent, h.Referer, h.Client.AsSlice())
		}
	}
	f.Add(int64(start), uint8(3), uint8(6), 200, int64(-9e18), int64(1<<62), []byte("/\x00\xff.php%"), []byte("a=%&%2=\\x&s=%27%27\\"), []byte("\x16\x03"), []byte{0xff, 0x1b}, []byte("\u202e"), []byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, at int64, method, class uint8, status int, size, us int64, path, query, target, agent, referer, client []byte) {
		h := Hit{At: at, Method: Method(method % 4), Class: Class(class) % classes, Status: status, Bytes: size, TookUs: us, Path: path, Query: query, Target: target, Agent: agent, Referer: referer}
		h.Client, _ = netip.AddrFromSlice(client)
		h.Client = h.Client.Unmap()
		opt := Options{Seed: 1, Cost: map[Class]int64{ClassPage: 1 << 40}, Verified: func(string, netip.Addr) int { return int(at % 2) }}
		ta, later := newTally(opt, 16, 16), newTally(opt, 16, 16) // so small that most is dropped
		for i := range int64(60) {
			h.At = at + i
			if len(client) == 4 {
				h.Client = v4(uint32(i) * 77)
			}
			ta.Add(&h)
			later.Add(&h)
			h.Query = append(bytes.Clone(query), byte('0'+i%10))
		}
		ta.Merge(later)
		for _, a := range ta.Picture().Attacks {
			for _, p := range a.Paths {
				mustPrint(t, p.Path)
			}
			for _, x := range a.Actors {
				mustPrint(t, x.Agent)
			}
			if a.Attempts < 0 || a.Harm.WorkerTime > 1 || a.Harm.Requests > 1 {
				t.Errorf("%+v", a)
			}
		}
	})
}

func mustPrint(t *testing.T, s string) {
	if !utf8.ValidString(s) || bytes.ContainsAny([]byte(s), "\x00\x1b\n\u202e") {
		t.Errorf("%q is not printable", s)
	}
}
