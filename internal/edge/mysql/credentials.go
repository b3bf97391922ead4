package mysql

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Places says where to look for accounts.
type Places struct {
	Root      string   // prefix of all paths; empty for the real system
	UID       int      // of this process: 0 may use the UNIX socket as root
	SudoUser  string   // the user who called sudo; may be empty
	WPConfigs []string // paths of wp-config.php, below Root
}

// FindCredentials lists the accounts that an owner would expect to be tried,
// best first: root over the socket, ~/.my.cnf of root and of who called sudo,
// Bitnami's, Debian's, and the sites' own. notes are the files that are there
// but cannot be read. A caller puts an account from the configuration before them.
func FindCredentials(p Places) (creds []Credential, notes []error) {
	if p.UID == 0 {
		creds = append(creds, Credential{User: "root", From: "UNIX socket"})
	}
	for _, src := range p.sources() {
		c, err := src.read(filepath.Join(p.Root, src.path))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			continue
		}
		if err != nil {
			notes = append(notes, fmt.Errorf("read the database account in %s: %w", src.path, err))
			continue
		}
		if c.User != "" {
			c.From = src.path
			creds = append(creds, c)
		}
	}
	return unique(creds), notes
}

type source struct {
	path string
	read func(path string) (Credential, error)
}

func (p Places) sources() []source {
	client := func(path string) (Credential, error) { return fromFile(path, optionCredential) }
	out := []source{{"/root/.my.cnf", client}}
	if home := p.home(p.SudoUser); home != "" && home != "/root" {
		out = append(out, source{home + "/.my.cnf", client})
	}
	bitnami := func(path string) (Credential, error) { return fromFile(path, bitnamiCredential) }
	password := func(path string) (Credential, error) { return fromFile(path, passwordCredential) }
	out = append(out,
		source{"/home/bitnami/bitnami_credentials", bitnami},
		source{"/opt/bitnami/mariadb/conf/my.cnf", client},
		source{"/opt/bitnami/mysql/conf/my.cnf", client},
		source{"/home/bitnami/bitnami_application_password", password},
		source{"/etc/mysql/debian.cnf", client},
	)
	for _, w := range p.WPConfigs {
		out = append(out, source{w, func(path string) (Credential, error) {
			return fromFile(path, readWPConfig)
		}})
	}
	return out
}

func fromFile(path string, parse func(io.Reader) Credential) (Credential, error) {
	f, err := os.Open(path)
	if err != nil {
		return Credential{}, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return Credential{}, fs.ErrInvalid
	}
	return parse(f), nil
}

func optionCredential(r io.Reader) Credential {
	user, password := readOptions(r, "client", "mysql", "mariadb", "client-server", "client-mariadb")
	if user == "" && password != "" {
		user = "root"
	}
	return Credential{User: user, Password: password}
}

// bitnamiCredential reads "The default username and password is 'user' and
// 'secret'", which is root's of the database too.
func bitnamiCredential(r io.Reader) Credential {
	sc := bufio.NewScanner(io.LimitReader(r, maxFile))
	for sc.Scan() {
		if parts := strings.Split(sc.Text(), "'"); len(parts) == 5 && strings.Contains(parts[0], "password") {
			return Credential{User: "root", Password: parts[3]}
		}
	}
	return Credential{}
}

// passwordCredential reads a file that holds a password alone.
func passwordCredential(r io.Reader) Credential {
	sc := bufio.NewScanner(io.LimitReader(r, 1024))
	if sc.Scan() {
		if s := strings.TrimSpace(sc.Text()); s != "" {
			return Credential{User: "root", Password: s}
		}
	}
	return Credential{}
}

// home reads a user's home directory from /etc/passwd.
func (p Places) home(user string) string {
	if user == "" || user == "root" {
		return ""
	}
	f, err := os.Open(filepath.Join(p.Root, "/etc/passwd"))
	if err != nil {
		return ""
	}
	defer f.Close()
	sc := bufio.NewScanner(io.LimitReader(f, maxFile))
	for sc.Scan() {
		if parts := strings.Split(sc.Text(), ":"); len(parts) > 5 && parts[0] == user {
			return parts[5]
		}
	}
	return ""
}

// unique keeps the first of equal accounts; a later one may add its schema.
func unique(in []Credential) []Credential {
	var out []Credential
next:
	for _, c := range in {
		for i, o := range out {
			if o.User == c.User && o.Password == c.Password && (o.Schema == c.Schema || c.Schema == "") {
				continue next
			} else if o.User == c.User && o.Password == c.Password && o.Schema == "" && i > 0 {
				out[i].Schema = c.Schema
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}
