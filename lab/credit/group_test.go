package credit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// needRoot skips where no control group can be made, but never in CI.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	const why = "a control group needs root"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func TestGroupHoldsWhatItWrapsAndPlaysThePlan(t *testing.T) {
	needRoot(t)
	g, err := NewGroup(fmt.Sprintf("hirune-lab-test-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Remove()
	argv := g.Wrap([]string{"/bin/sh", "-c", "while :; do :; done"})
	busy := exec.Command(argv[0], argv[1:]...)
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- busy.Wait() }()
	// Play ends once the busy loop has spent the little credit, or at the bound.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		defer cancel()
		for ctx.Err() == nil && g.ThrottledMs() == 0 {
			time.Sleep(50 * time.Millisecond)
		}
	}()
	if _, err := Play(ctx, g, Plan{VCPUs: 2, Baseline: 0.05, Credit: 0.2}, time.Now()); err != nil {
		t.Error(err)
	}
	if g.ThrottledMs() == 0 {
		t.Error("a busy loop was not held back after its credit was spent")
	}
	if used, err := g.Used(); err != nil || used < 0.1 {
		t.Errorf("use %v, %v; want some", used, err)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	<-ended
	for _, dir := range g.Dirs() {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is still there", dir)
		}
	}
}

func TestAGroupsMemoryIsLimited(t *testing.T) {
	needRoot(t)
	g, err := NewGroup(fmt.Sprintf("hirune-lab-test-memory-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Remove()
	if err := g.LimitMemory("40M"); err != nil {
		t.Fatal(err)
	}
	argv := g.Wrap([]string{"/bin/sh", "-c", "head -c 200000000 /dev/zero | tail -c 1 | wc -c"})
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("a small program within the limit: %v: %s", err, out)
	}
	argv = g.Wrap([]string{"/bin/sh", "-c", "exec tail /dev/zero"}) // keeps all that it reads: there is no line in it
	if err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).Run(); err == nil {
		t.Error("a program that takes all memory was not killed")
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}
