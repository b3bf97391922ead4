package cost

import (
	"os"
	"testing"
)

func TestReadOwnProcess(t *testing.T) {
	u, err := Read(os.Getpid())
	if err != nil || u.RSSKB < 500 || u.AnonKB <= 0 || u.AnonKB > u.RSSKB {
		t.Errorf("got %+v, %v; want some memory", u, err)
	}
	if _, err := Read(1 << 30); err == nil {
		t.Error("a process that is not there passes, want an error")
	}
}
