package mysqltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Flavour is one server program that tests run on.
type Flavour struct {
	Name   string // of subtests: "mariadb-10.11", "mariadb-11.8", "mysql-9.7"
	MySQL  bool
	Root   string // of the chroot that holds it; "" : it belongs to this machine
	daemon string
}

// Debian is the MariaDB of this machine.
var Debian = Flavour{Name: "mariadb-10.11", daemon: "mariadbd"}

// serversDir is where .ci/servers puts the chroots, unless HIRUNE_TEST_SERVERS
// says otherwise.
const serversDir = "/var/tmp/hirune-servers"

// known lists the matrix, whether it is here or not.
func known() []Flavour {
	dir := os.Getenv("HIRUNE_TEST_SERVERS")
	if dir == "" {
		dir = serversDir
	}
	return []Flavour{
		Debian,
		{Name: "mariadb-11.8", Root: filepath.Join(dir, "mariadb-11.8"), daemon: "/usr/sbin/mariadbd"},
		{Name: "mysql-9.7", Root: filepath.Join(dir, "mysql-9.7"), daemon: "/usr/sbin/mysqld", MySQL: true},
	}
}

// missing says why the flavour cannot be run here; "" : it can.
func (f Flavour) missing() string {
	if os.Geteuid() != 0 {
		return "a private " + f.Name + " with log-in over the socket needs root"
	}
	if f.Root != "" {
		if _, err := os.Stat(f.Root + f.daemon); err == nil {
			return ""
		}
		if why := f.declared(); why != "" {
			return f.Name + " could not be had: " + why
		}
		return f.Root + f.daemon + " is not there: .ci/servers makes it"
	}
	for _, bin := range []string{f.daemon, "mariadb-install-db"} {
		if _, err := exec.LookPath(bin); err != nil {
			return bin + " is not installed: apt-get install mariadb-server"
		}
	}
	return ""
}

// declared is the reason that .ci/servers gave for the flavour's absence; ""
// where it gave none.
func (f Flavour) declared() string {
	text, err := os.ReadFile(filepath.Join(f.Root, "absent"))
	if f.Root == "" || err != nil {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return first
}

// temp is the directory for the data of servers, "" for the usual one. In a
// chroot the outer path leads to the same place, by a symbolic link to the root:
// so the server and the test use the same words for each file.
func (f Flavour) temp(t testing.TB) string {
	t.Helper()
	if f.Root == "" {
		return ""
	}
	link := f.Root + f.Root
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/", link); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	return f.Root + "/tmp"
}

// command is a command in the flavour's own root.
func (f Flavour) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if f.Root != "" {
		cmd.Dir, cmd.SysProcAttr.Chroot = "/", f.Root
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	}
	return cmd
}

// install makes the data directory dir/data. Its temporary files are there, too:
// a MariaDB that starts takes away those of others in the same place.
func (f Flavour) install(t testing.TB, dir string) {
	t.Helper()
	cmd := f.installer(dir)
	cmd.Env = append(cmd.Environ(), "TMPDIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(dir + "/log") // what there is of it
		t.Fatalf("make a data directory of %s: %v\n%s\n%s", f.Name, err, out, log)
	}
}

func (f Flavour) installer(dir string) *exec.Cmd {
	if f.MySQL {
		return f.command(f.daemon, "--no-defaults", "--initialize-insecure", "--user=root", "--datadir="+dir+"/data", "--log-error="+dir+"/log",
			"--innodb-redo-log-capacity=16M", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--sync-binlog=0", "--skip-log-bin")
	}
	args := []string{"--no-defaults", "--user=root", "--datadir=" + dir + "/data", "--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"}
	if f.Root == "" {
		return f.command("mariadb-install-db", args...)
	}
	return f.command("/usr/bin/mariadb-install-db", append(args, "--force")...) // the chroot cannot look its host's name up
}

// options is the server's command line: small, quick, of this test alone.
func (f Flavour) options(s *Server) []string {
	out := []string{"--no-defaults", "--user=root", "--datadir=" + s.Dir + "/data", "--socket=" + s.Socket, "--pid-file=" + s.Dir + "/pid",
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.Port), "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0",
		"--skip-name-resolve", "--tmpdir=" + s.Dir, "--lock-wait-timeout=20", "--innodb-lock-wait-timeout=20", "--log-error=" + s.Dir + "/log"}
	if f.MySQL {
		return append(out, "--mysqlx=OFF", "--secure-file-priv=NULL", "--sync-binlog=0", "--innodb-redo-log-capacity=64M",
			"--admin-address=127.0.0.1", fmt.Sprintf("--admin-port=%d", s.ExtraPort))
	}
	return append(out, fmt.Sprintf("--extra-port=%d", s.ExtraPort), "--extra-max-connections=2")
}
