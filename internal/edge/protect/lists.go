package protect

import "net/netip"

// cloudflare are the addresses from which Cloudflare reaches the servers behind
// it. A ban of one would keep out everybody who comes through it.
// Source: www.cloudflare.com/ips.
var cloudflare = all(
	"173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18", "108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20",
	"197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22",
	"2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32",
)

// cloudflareDate is when the list was last changed by who publishes it.
const cloudflareDate = "2023-09"

// jetpack is WordPress.com's network, from which Jetpack talks to sites.
// Source: jetpack.com/support, "How to add Jetpack IPs to an allowlist".
var jetpack = all("192.0.64.0/18")

func all(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}
