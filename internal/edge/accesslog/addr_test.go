package accesslog

import (
	"net/netip"
	"testing"
)

var addresses = []string{
	"192.0.2.7", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", "1.2.3.", ".1.2.3", "", "-", "host.example",
	"::", "::1", "1::", "2001:db8::1", "2001:db8:1:2:3:4:5:6", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1", "1:", "12345::",
	"::ffff:192.0.2.7", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1.2.3.4::", "fe80::1%eth0", "fe80::1%", "::ffff:1.2.3.4%x", "%eth0", "1:2:3:4:5:6:7:8%z", ":::", "g::", "::0001", "::00001", "::0:%0", "fe80::%z",
}

func sameAddress(t *testing.T, s string) {
	t.Helper()
	want, err := netip.ParseAddr(s)
	want = want.Unmap().WithZone("")
	if got := address([]byte(s)); got != want || got.IsValid() != (err == nil) {
		t.Errorf("%q: got %v, netip says %v (%v)", s, got, want, err)
	}
}

func TestAddress(t *testing.T) {
	for _, s := range addresses {
		sameAddress(t, s)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range addresses {
		f.Add(s)
	}
	f.Fuzz(sameAddress)
}

func BenchmarkAddress(b *testing.B) {
	for _, s := range []string{"203.0.113.209", "2001:db8:12:34:5::9a"} {
		b.Run(s, func(b *testing.B) {
			in := []byte(s)
			b.ReportAllocs()
			for b.Loop() {
				address(in)
			}
		})
	}
}
