package schedule

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
)

// onlyRoot returns an error unless the program is there, and it and all folders
// above it can be changed by root alone: a job of root's that others can change
// would make them root.
func onlyRoot(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("look at the program of the job: %w: %w", apply.ErrRefused, err)
	}
	st, err := os.Stat(real)
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("schedule a job: %w: %s is no program", apply.ErrRefused, path)
	}
	for _, way := range []string{path, real} {
		for p := filepath.Clean(way); ; p = filepath.Dir(p) {
			if err := rootAlone(p); err != nil {
				return err
			}
			if p == filepath.Dir(p) {
				break
			}
		}
	}
	return nil
}

func rootAlone(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look who can change %s: %w: %w", path, apply.ErrRefused, err)
	}
	own, ok := st.Sys().(*syscall.Stat_t)
	link := st.Mode()&os.ModeSymlink != 0
	sticky := st.IsDir() && st.Mode()&os.ModeSticky != 0 // as /tmp is: nobody moves what root has put there
	if ok && own.Uid == 0 && (link || sticky || st.Mode().Perm()&0o022 == 0) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("schedule a job of root's: %w: others than root can change %s", apply.ErrRefused, path),
		"not-root-alone", "put the program where only root writes: sudo install -m 0755 hirune /usr/local/bin/hirune")
}
