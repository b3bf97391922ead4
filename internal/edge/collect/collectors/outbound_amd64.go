package collectors

import "golang.org/x/sys/unix"

// Calls that other machines know under newer names only.
const (
	sysPoll   = unix.SYS_POLL
	sysSelect = unix.SYS_SELECT
)
