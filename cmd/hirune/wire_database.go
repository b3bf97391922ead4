package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
)

// database adds what reads the databases.
func (e *eyes) database(a *app, named []mysql.Credential) {
	db := collectors.NewDatabase(func() ([]discover.Database, []mysql.Credential) {
		found := e.found()
		return found.Databases, a.tryAccounts(found, named)
	})
	e.databases = db
	e.add(db, collect.Timed{Every: everyBeat, Steady: true, Timeout: 15 * time.Second})
	e.closers = append(e.closers, db.Close)
}

// tryAccounts lists the accounts that an owner would expect to be tried, those
// that the configuration names first.
func (a *app) tryAccounts(found *discover.Found, named []mysql.Credential) []mysql.Credential {
	// Files that cannot be read are told by the log-in that fails without them.
	creds, _ := mysql.FindCredentials(mysql.Places{UID: a.euid, SudoUser: a.env("SUDO_USER"), WPConfigs: wpConfigs(found)})
	return append(slices.Clip(named), creds...)
}

// accounts reads those that the configuration names.
func accounts(cfg discover.Config) ([]mysql.Credential, error) {
	var out []mysql.Credential
	for _, d := range cfg.Databases {
		if d.User == "" {
			continue
		}
		c := mysql.Credential{User: d.User, From: discover.DefaultConfig}
		if d.PasswordFile != "" {
			p, err := firstLine(d.PasswordFile)
			if err != nil {
				return nil, hint.Wrap(fmt.Errorf("read the password of database user %s: %w", d.User, err), "password-file", "run it with sudo, or mend password_file in the configuration")
			}
			c.Password, c.From = p, d.PasswordFile
		}
		out = append(out, c)
	}
	return out, nil
}

func firstLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Scan()
	return strings.TrimRight(sc.Text(), "\r"), sc.Err()
}

// wpConfigs are the paths of the sites' wp-config.php.
func wpConfigs(found *discover.Found) []string {
	var out []string
	for _, r := range found.Roots {
		if r.WPConfig != "" {
			out = append(out, r.WPConfig)
		}
	}
	return out
}
