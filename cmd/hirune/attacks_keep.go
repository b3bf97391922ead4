package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hirune/internal/core/hint"
	"hirune/internal/core/report"
)

// attacksName is the file in the state folder that holds the last answers of
// `hirune attacks` on this machine, for `hirune block`.
const attacksName = "attacks.json"

// errNotKept says that hirune block has nothing to go by.
var errNotKept = errors.New("the answers could not be kept for hirune block")

// keepAttacks keeps the answers, with all actors that are known, and returns
// the file. It holds addresses: only its owner may read it.
func (a *app) keepAttacks(v report.Attacks, state string) (string, error) {
	v.Top = 0
	var text bytes.Buffer
	if err := report.AttacksJSON(&text, v); err != nil {
		return "", err
	}
	path := filepath.Join(a.stateDir(state), attacksName)
	if err := writeOwn(path, text.Bytes()); err != nil {
		return "", hint.Wrap(fmt.Errorf("%w: %w", errNotKept, err), "state-folder", "run it with sudo")
	}
	return path, nil
}

// writeOwn writes a file of the owner alone, whole or not at all.
func writeOwn(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".attacks-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// stateArg repeats --state in a command to type next.
func stateArg(dir string) string {
	if dir == "" {
		return ""
	}
	return " --state " + quoted(dir)
}
