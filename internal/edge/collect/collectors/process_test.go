package collectors

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

// fakeProc is one process of a made-up /proc. CPU is in ticks of 10 ms.
type fakeProc struct {
	pid, ppid         int
	comm, state       string
	own, waited       int64
	started, rssPages int64
}

func (p fakeProc) write(t testing.TB, root string) {
	t.Helper()
	if p.state == "" {
		p.state = "S"
	}
	line := fmt.Sprintf("%d (%s) %s %d 1 1 0 -1 4194560 0 0 0 0 %d 0 %d 0 20 0 1 0 %d 1000 %d 18446744073709551615 0\n", p.pid, p.comm, p.state, p.ppid, p.own, p.waited, p.started, p.rssPages)
	fakeTree{fmt.Sprintf("proc/%d/stat", p.pid): line}.write(t, root)
}

func endProc(t testing.TB, root string, pid int) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(root, "proc", fmt.Sprint(pid))); err != nil {
		t.Fatal(err)
	}
}

// tableOf is a table of a made-up host with one database and one PHP-FPM.
func tableOf(root string) *Table {
	found := &discover.Found{
		Databases: []discover.Database{{Instance: "mariadbd:3306", PID: 100}},
		Pools:     []discover.Pool{{Instance: "php-fpm:8.2", Name: "www", MasterPID: 200, MaxChildren: 3}},
	}
	return &Table{Root: root, Found: func() *discover.Found { return found }}
}

func fakeHost(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	fakeTree{"proc/meminfo": "MemTotal: 1000000 kB\n", "proc/uptime": "1000.00 1\n"}.write(t, root)
	for _, p := range []fakeProc{
		{pid: 1, comm: "init"}, {pid: 100, ppid: 1, comm: "mariadbd", own: 50, started: 500, rssPages: 1000},
		{pid: 200, ppid: 1, comm: "php-fpm8.2", own: 1, started: 600, rssPages: 10},
		{pid: 201, ppid: 200, comm: "php-fpm8.2", own: 30, started: 700, rssPages: 20},
		{pid: 300, ppid: 1, comm: "back) up (", own: 5, started: 800, rssPages: 30},
	} {
		p.write(t, root)
	}
	return root
}

// serviceUseOf returns the facts of one service.
func serviceUseOf(facts []evidence.Fact, service string) evidence.ServiceUse {
	for _, f := range facts {
		if u, ok := f.(evidence.ServiceUse); ok && u.Service == service {
			return u
		}
	}
	return evidence.ServiceUse{}
}

func otherUses(facts []evidence.Fact) map[string]evidence.ProcessUse {
	out := map[string]evidence.ProcessUse{}
	for _, f := range facts {
		if u, ok := f.(evidence.ProcessUse); ok {
			out[u.Name] = u
		}
	}
	return out
}

func TestProcessGroups(t *testing.T) {
	root := fakeHost(t)
	c := &Processes{Table: tableOf(root), Self: 999}
	if got := mustProcBeat(t, c, procStart); len(got) != 0 {
		t.Fatalf("first beat: got %+v", got)
	}
	for _, p := range []fakeProc{
		{pid: 100, ppid: 1, comm: "mariadbd", state: "R", own: 140, started: 500, rssPages: 1000},
		{pid: 202, ppid: 200, comm: "php-fpm8.2", state: "D", own: 4, started: 900, rssPages: 20},
		{pid: 300, ppid: 1, comm: "back) up (", own: 125, started: 800, rssPages: 30},
		{pid: 999, ppid: 1, comm: "hirune", own: 90, started: 990},
	} {
		p.write(t, root)
	}
	var got []evidence.Fact
	for i := range idleEvery { // whatever its turn, a process that idled is read by now
		got = append(got, mustProcBeat(t, c, procStart.Add(time.Duration(i+1)*time.Second))...)
	}
	if u := serviceUseOf(got, evidence.ServiceDatabase); u.CPUMs != 900 || u.Running != 1 || u.OverMs != 1000 || u.RSSKB != 1000*pageKB || u.Instance != "mariadbd:3306" {
		t.Errorf("database: got %+v", u)
	}
	if u := serviceUseOf(got, evidence.ServicePHP); u.CPUMs != 40 || u.Processes != 3 || u.Started != 1 || u.Blocked != 1 {
		t.Errorf("php: got %+v", u)
	}
	o := otherUses(got)
	if u := o["back) up ("]; u.CPUMs != 1200 || u.Parent != "init" || u.PID != 300 || len(o) != 1 {
		t.Errorf("others: got %+v", o)
	}
}

// TestEndedChildren takes what a child used after it was last seen, and what a
// child used that was never seen, from its parent.
func TestEndedChildren(t *testing.T) {
	root := fakeHost(t)
	c := &Processes{Table: tableOf(root), Self: 999}
	mustProcBeat(t, c, procStart)
	endProc(t, root, 201) // it had 300 ms, and 500 ms at its end
	fakeProc{pid: 200, ppid: 1, comm: "php-fpm8.2", own: 1, waited: 50 + 7, started: 600}.write(t, root)
	got := mustProcBeat(t, c, procStart.Add(time.Second))
	if u := serviceUseOf(got, evidence.ServicePHP); u.CPUMs != 200+70 || u.Ended != 1 || u.Processes != 1 {
		t.Errorf("got %+v, want 270 ms", u)
	}
	if u := serviceUseOf(mustProcBeat(t, c, procStart.Add(2*time.Second)), evidence.ServicePHP); u.CPUMs != 0 || u.Ended != 0 {
		t.Errorf("a beat later: got %+v", u)
	}
}

func TestPIDGivenToAnother(t *testing.T) {
	root := fakeHost(t)
	c := &Processes{Table: tableOf(root), Self: 999}
	mustProcBeat(t, c, procStart)
	fakeProc{pid: 201, ppid: 1, comm: "other", own: 20, started: 5000}.write(t, root)
	got := mustProcBeat(t, c, procStart.Add(time.Second))
	if u := serviceUseOf(got, evidence.ServicePHP); u.CPUMs != 0 || u.Ended != 1 || u.Processes != 1 {
		t.Errorf("php: got %+v", u)
	}
	if u := otherUses(got)["other"]; u.CPUMs != 200 {
		t.Errorf("got %+v", u)
	}
}

func TestMemoryHog(t *testing.T) {
	root := fakeHost(t)
	c := &Processes{Table: tableOf(root), Self: 999}
	mustProcBeat(t, c, procStart)
	fakeProc{pid: 400, ppid: 300, comm: "hog", started: 9, rssPages: 200000 / pageKB}.write(t, root)
	if u := otherUses(mustProcBeat(t, c, procStart.Add(time.Second)))["hog"]; u.RSSKB != 200000/pageKB*pageKB || u.Parent != "back) up (" {
		t.Errorf("got %+v", u)
	}
}

// TestFoundLater groups the processes anew when discovery has found a service.
func TestFoundLater(t *testing.T) {
	root := fakeHost(t)
	table := tableOf(root)
	found := table.Found()
	now := &discover.Found{}
	table.Found = func() *discover.Found { return now }
	c := &Processes{Table: table, Self: 999}
	mustProcBeat(t, c, procStart)
	now = found
	fakeProc{pid: 201, ppid: 200, comm: "php-fpm8.2", own: 60, started: 700}.write(t, root)
	if u := serviceUseOf(mustProcBeat(t, c, procStart.Add(time.Second)), evidence.ServicePHP); u.CPUMs != 300 || u.Processes != 2 {
		t.Errorf("got %+v", u)
	}
}

func TestServiceStates(t *testing.T) {
	root := fakeHost(t)
	fakeTree{
		"proc/100/cgroup": "0::/system.slice/mariadb.service\n",
		"etc/systemd/system/multi-user.target.wants/nginx.service":   "",
		"etc/systemd/system/multi-user.target.wants/mariadb.service": "",
		"etc/systemd/system/multi-user.target.wants/cron.service":    "",
	}.write(t, root)
	table := tableOf(root)
	table.Found().Manager = "systemd"
	c := &Services{Table: table, Root: root}
	got := serviceStates(mustProcBeat(t, c, procStart))
	if s := got["database"]; !s.Up || s.PID != 100 || s.UptimeS != 995 || s.How != "process" || s.Start != "sudo systemctl start mariadb" {
		t.Errorf("got %+v", s)
	}
	if s := got["nginx"]; s.Up || s.How != "systemd" || s.Start != "sudo systemctl start nginx" || len(got) != 3 {
		t.Errorf("got %+v", got)
	}
	if got := serviceStates(mustProcBeat(t, c, procStart.Add(time.Second))); len(got) != 0 {
		t.Errorf("nothing changed: got %+v", got)
	}
	endProc(t, root, 100)
	if s := serviceStates(mustProcBeat(t, c, procStart.Add(2*time.Second)))["database"]; s.Up || s.Start != "sudo systemctl start mariadb" || s.Service == "" {
		t.Errorf("gone: got %+v", s)
	}
	if got := serviceStates(mustProcBeat(t, c, procStart.Add(3*time.Second))); len(got) != 0 {
		t.Errorf("a second later: got %+v", got)
	}
	if s, ok := serviceStates(mustProcBeat(t, c, procStart.Add(13*time.Second)))["database"]; !ok || s.Up {
		t.Errorf("still down: got %+v", s)
	}
}

func TestServiceRestarts(t *testing.T) {
	root := fakeHost(t)
	table := tableOf(root)
	found := *table.Found()
	now := &found
	table.Found = func() *discover.Found { return now }
	c := &Services{Table: table, Root: root}
	mustProcBeat(t, c, procStart)
	var last evidence.ServiceState
	for i := range 3 {
		endProc(t, root, 100+i)
		fakeProc{pid: 101 + i, ppid: 1, comm: "mariadbd", started: 2000}.write(t, root)
		next := found
		next.Databases = []discover.Database{{Instance: "mariadbd:3306", PID: 101 + i}}
		now = &next
		for j := range listEvery { // until the new process is listed
			at := procStart.Add(time.Duration(20*i+j+1) * time.Second)
			if s, ok := serviceStates(mustProcBeat(t, c, at))["database"]; ok {
				last = s
			}
		}
	}
	if !last.Up || !strings.Contains(last.Detail, "restarted 3 times") {
		t.Errorf("got %+v", last)
	}
}

func TestServiceExpected(t *testing.T) {
	root := fakeHost(t)
	endProc(t, root, 100)
	fakeTree{"opt/bitnami/ctlscript.sh": "", "opt/bitnami/mariadb/conf/my.cnf": "", "opt/bitnami/mysql/bin/mysql": ""}.write(t, root)
	found := &discover.Found{Manager: "bitnami", Bitnami: "/opt/bitnami/ctlscript.sh"}
	table := &Table{Root: root, Found: func() *discover.Found { return found }}
	c := &Services{Table: table, Root: root}
	got := serviceStates(mustProcBeat(t, c, procStart))
	if s := got["database"]; s.Up || s.How != "ctlscript" || s.Start != "sudo /opt/bitnami/ctlscript.sh start mariadb" || len(got) != 1 {
		t.Errorf("got %+v", got)
	}
	*found = discover.Found{}
	plain := &Services{Table: &Table{Root: root, Found: table.Found}, Root: root, Expect: func() []ServiceHint {
		return []ServiceHint{{Service: evidence.ServiceDatabase, Instance: "/run/x.sock", Detail: "no such file"}}
	}}
	if s := serviceStates(mustProcBeat(t, plain, procStart))["database"]; s.Up || s.How != "socket" || s.Detail != "no such file" || s.Start != "" {
		t.Errorf("got %+v", s)
	}
}

func serviceStates(facts []evidence.Fact) map[string]evidence.ServiceState {
	out := map[string]evidence.ServiceState{}
	for _, f := range facts {
		s := f.(evidence.ServiceState)
		out[s.Service] = s
	}
	return out
}
