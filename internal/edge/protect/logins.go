package protect

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/block"
)

// sshPort always counts as that of an sshd, also where its process cannot be seen.
const sshPort = 22

// sshPeers are who is connected to an sshd: by its listening port, by the process
// that has the connection, and at port 22. One that is still asked for a password
// is nobody yet: those who guess at passwords here do so at the site, too. The ports
// of ShellPorts are never refused to anybody, so that whoever logs in is protected
// from then on.
func (h Host) sshPeers() ([]block.Protected, error) {
	all, err := h.sockets()
	if err != nil {
		return nil, err
	}
	owners := h.daemons(isSSHD)
	ports := []uint16{sshPort}
	for _, s := range all {
		if s.state == listening && owners[s.inode] != nil {
			ports = append(ports, s.local.Port())
		}
	}
	var out []block.Protected
	for _, s := range all {
		who := owners[s.inode]
		if s.state != established || !slices.Contains(ports, s.local.Port()) && who == nil || slices.ContainsFunc(who, guessing) {
			continue
		}
		out = append(out, single(s.peer.Addr(), block.SSHPeer, "connected to port "+strconv.Itoa(int(s.local.Port()))))
	}
	return out, nil
}

// ShellPorts are the TCP ports at which somebody may log in to this server, sorted:
// 22, those of an sshd, and those at which systemd alone listens, except WebPorts: it
// starts an sshd when somebody comes (ssh.socket). No ban may close one of them.
// Other programs that pass log-ins on, such as sslh, are not known.
func (h Host) ShellPorts() ([]int, error) {
	all, err := h.sockets()
	if err != nil {
		return nil, seen(err)
	}
	sshd, systemd := h.daemons(isSSHD), h.daemons(isSystemd)
	out := []int{sshPort}
	for _, s := range all {
		port := int(s.local.Port())
		waiting := s.state == listening && systemd[s.inode] != nil && !slices.Contains(h.WebPorts, port)
		if sshd[s.inode] != nil || waiting {
			out = append(out, port)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// daemons are the titles of the processes of some names by the inodes of their
// sockets. Where open files cannot be read there is none.
func (h Host) daemons(named func(comm string) bool) map[string][]string {
	out := map[string][]string{}
	procs, _ := filepath.Glob(h.path("/proc/[0-9]*"))
	for _, dir := range procs {
		comm, err := os.ReadFile(dir + "/comm")
		if err != nil || !named(strings.TrimSpace(string(comm))) {
			continue
		}
		text, _ := os.ReadFile(dir + "/cmdline")
		title := strings.TrimSpace(string(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
		files, _ := filepath.Glob(dir + "/fd/*")
		for _, f := range files {
			target, err := os.Readlink(f)
			if inode, ok := strings.CutPrefix(target, "socket:["); err == nil && ok {
				inode = strings.TrimSuffix(inode, "]")
				out[inode] = append(out[inode], title)
			}
		}
	}
	return out
}

func isSSHD(comm string) bool {
	return strings.HasPrefix(comm, "sshd") || comm == "dropbear" || comm == "tinysshd"
}

func isSystemd(comm string) bool { return comm == "systemd" }

// guessing reports whether a process of OpenSSH serves somebody who has not
// logged in yet. Source: sshd's setproctitle, OpenSSH 5 to 10.
func guessing(title string) bool {
	return slices.ContainsFunc([]string{"[accepted]", "[preauth]", "[net]"}, func(s string) bool { return strings.Contains(title, s) })
}

// sessions are the remote log-ins that logind knows.
func (h Host) sessions() ([]block.Protected, error) {
	files, _ := filepath.Glob(h.path("/run/systemd/sessions/*"))
	var out []block.Protected
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // a pipe of a session, or one that has just ended
		}
		for line := range strings.Lines(string(text)) {
			if host, ok := strings.CutPrefix(strings.TrimSpace(line), "REMOTE_HOST="); ok {
				if a, err := netip.ParseAddr(strings.Trim(host, `"'`)); err == nil {
					out = append(out, single(a, block.Session, "logged in to this server"))
				}
			}
		}
	}
	return out, nil
}

// ancestorsMost bounds the way up: nothing is nested so deep.
const ancestorsMost = 64

// ancestors are the clients in SSH_CONNECTION and SSH_CLIENT of our environment
// and that of the processes above us: sudo takes ours away.
func (h Host) ancestors() ([]block.Protected, error) {
	var out []block.Protected
	pid := h.PID
	for range ancestorsMost {
		if pid <= 0 {
			break
		}
		dir := h.path("/proc/" + strconv.Itoa(pid))
		env, err := os.ReadFile(dir + "/environ")
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for v := range strings.SplitSeq(string(env), "\x00") {
			name, value, _ := strings.Cut(v, "=")
			if name != "SSH_CONNECTION" && name != "SSH_CLIENT" {
				continue
			}
			client, _, _ := strings.Cut(value, " ")
			if a, err := netip.ParseAddr(client); err == nil {
				out = append(out, single(a, block.SSHClient, "you"))
			}
		}
		pid = parent(dir)
	}
	return out, nil
}

// parent reads the fourth field of a process' stat; 0: none.
func parent(dir string) int {
	text, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(text[max(bytes.LastIndexByte(text, ')'), 0):]), " ")
	f := strings.Fields(rest)
	if !ok || len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}
