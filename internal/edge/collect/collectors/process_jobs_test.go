package collectors

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

// A script compresses one small file after the other. No gzip lives long enough
// to be seen twice, many are never seen at all.
func TestShortProgramsInARow(t *testing.T) {
	root := fakeHost(t)
	c := &Processes{Table: tableOf(root), Self: 999}
	fakeProc{pid: 400, ppid: 1, comm: "cron", started: 100}.write(t, root)
	mustProcBeat(t, c, procStart)
	fakeProc{pid: 401, ppid: 400, comm: "sh", started: 90000}.write(t, root)
	var got []evidence.Fact
	for i := range int64(4) {
		at := procStart.Add(time.Duration(i+1) * time.Second)
		fakeProc{pid: 500 + int(i), ppid: 401, comm: "gzip", own: 10, started: 90000 + i*100}.write(t, root)
		if i > 0 {
			endProc(t, root, 499+int(i))
		}
		fakeProc{pid: 401, ppid: 400, comm: "sh", own: 2, waited: 80 * i, started: 90000}.write(t, root)
		got = mustProcBeat(t, c, at)
	}
	u := otherUses(got)["gzip"]
	if u.Parent != "sh" || u.Line != "cron/sh" || u.CPUMs < 700 || u.CPUMs > 900 {
		t.Errorf("got %+v of %+v, want about 800 ms of gzip below cron/sh", u, otherUses(got))
	}
	if sh := otherUses(got)["sh"]; sh.CPUMs > 50 {
		t.Errorf("its shell: got %+v", sh)
	}
}

func TestProcessesOfOneNameAreSummedUp(t *testing.T) {
	root := fakeHost(t)
	c := &Processes{Table: tableOf(root), Self: 999}
	mustProcBeat(t, c, procStart)
	fakeProc{pid: 400, ppid: 1, comm: "xargs", started: 70000}.write(t, root)
	for i := range 4 {
		fakeProc{pid: 500 + i, ppid: 400, comm: "convert", own: 3, started: int64(80000 + i*100), rssPages: 50}.write(t, root)
		fakeTree{fmt.Sprintf("proc/%d/io", 500+i): "rchar: 1\nwchar: 1\nsyscr: 1\nsyscw: 1\nread_bytes: 1048576\nwrite_bytes: 2097152\ncancelled_write_bytes: 0\n",
			fmt.Sprintf("proc/%d/cgroup", 500+i): "0::/system.slice/thumbs.service\n"}.write(t, root)
	}
	u := otherUses(mustProcBeat(t, c, procStart.Add(time.Second)))["convert"]
	if u.Count != 4 || u.CPUMs != 120 || u.RSSKB != 200*pageKB || u.ReadKB != 4<<10 || u.WriteKB != 8<<10 || u.Unit != "thumbs.service" || u.AgeS != 200 {
		t.Errorf("got %+v", u)
	}
}

// The real thing: a shell that compresses for two seconds, in one gzip after the
// other.
func TestRealShortPrograms(t *testing.T) {
	if _, err := exec.LookPath("gzip"); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c := &Processes{Table: &Table{}}
	if _, err := procBeat(c, time.Now()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", "i=0; while [ $i -lt 400 ]; do head -c 300000 /dev/zero | gzip -9 > /dev/null; i=$((i+1)); done; :")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	cpu := map[string]int64{}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		case <-tick.C:
		}
		facts, err := procBeat(c, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range facts {
			if u, ok := f.(evidence.ProcessUse); ok && (u.Name == "gzip" || u.Name == "head" || u.Name == "sh") {
				cpu[u.Name] += u.CPUMs
			}
		}
	}
	used := (cmd.ProcessState.SystemTime() + cmd.ProcessState.UserTime()).Milliseconds()
	if all := cpu["gzip"] + cpu["head"] + cpu["sh"]; all < used/2 {
		t.Errorf("got %v ms, the shell and its children used %d ms", cpu, used)
	}
}
