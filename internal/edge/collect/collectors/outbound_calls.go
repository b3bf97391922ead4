//go:build !amd64

package collectors

// Calls that this machine knows under newer names only.
const (
	sysPoll   = -1
	sysSelect = -1
)
