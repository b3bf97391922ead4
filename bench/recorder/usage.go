package main

import (
	"os"
	"path/filepath"
)

// sizeOf is the size of a recording with what lies beside it; 0 if there is none.
func sizeOf(path string) int64 {
	var n int64
	for _, ext := range []string{"", "-wal"} {
		if st, err := os.Stat(path + ext); err == nil {
			n += st.Size()
		}
	}
	return n
}

func processes() int {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0
	}
	return len(dirs)
}
