package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Clean stops what labs that were killed have left below baseDir, and removes their directories. A stack whose lab still
// runs is left alone, and so is any process whose recorded start time no longer matches.
func Clean(baseDir string, progress io.Writer) error {
	or(&baseDir, os.Getenv("TMPDIR"))
	or(&baseDir, "/var/tmp")
	dirs, err := filepath.Glob(filepath.Join(baseDir, dirPrefix+"*", stateFile))
	if err != nil {
		return fmt.Errorf("look for stacks: %w", err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fmt.Errorf("read the boot's name: %w", err)
	}
	var errs []error
	for _, path := range dirs {
		errs = append(errs, cleanOne(path, strings.TrimSpace(string(boot)), progress))
	}
	return errors.Join(errs...)
}

func cleanOne(path, boot string, progress io.Writer) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read a pid file: %w", err)
	}
	var st state
	if err := json.Unmarshal(text, &st); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	dir := filepath.Dir(path)
	sameBoot := st.Boot == boot
	if pids, err := os.Readlink("/proc/self/ns/pid"); err != nil || sameBoot && st.PIDs != pids {
		fmt.Fprintf(progress, "%s: of another PID namespace, left alone\n", dir)
		return err
	}
	if sameBoot && st.Lab.runs() {
		fmt.Fprintf(progress, "%s: in use by PID %d\n", dir, st.Lab.PID)
		return nil
	}
	var errs []error
	for i := len(st.Daemons) - 1; sameBoot && i >= 0; i-- {
		errs = append(errs, st.Daemons[i].end(progress))
	}
	for _, g := range st.Cgroups {
		_ = os.Remove(g) // gone, or still in use by something that is not ours to stop
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s: removed\n", dir)
	return os.RemoveAll(dir)
}

func (id identity) runs() bool {
	st, err := readStat(id.PID)
	return err == nil && st.start == id.Start && st.state != 'Z'
}

// end stops a leader and its group, if they are still the recorded ones.
func (id identity) end(progress io.Writer) error {
	if st, err := readStat(id.PID); err == nil && st.start != id.Start {
		return nil // the number belongs to somebody else by now
	}
	if len(groupMembers(id.PID)) == 0 {
		return nil
	}
	fmt.Fprintf(progress, "stop %s, PID %d\n", id.Name, id.PID)
	if id.runs() {
		_ = syscall.Kill(id.PID, syscall.SIGTERM)
	}
	for deadline := time.Now().Add(stopGrace); id.runs() && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	return endGroup(id.PID, 10*time.Second)
}
