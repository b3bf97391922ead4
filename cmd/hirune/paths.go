package main

import (
	"os"
	"path/filepath"

	"hirune/internal/edge/tape"
)

// tapeName is the file's name wherever the default tape lives.
const tapeName = "tape.hirune"

// systemDir is where root's recorder keeps its tape. Source: FHS, "variable
// state information".
const systemDir = "/var/lib/hirune"

// machineDir is systemDir, or where a unit's StateDirectory= has it.
// Source: systemd.exec(5), $STATE_DIRECTORY.
func (a *app) machineDir() string {
	if dir := a.env("STATE_DIRECTORY"); filepath.IsAbs(dir) {
		return dir
	}
	return systemDir
}

// ownTape is the tape that this user's recorder writes to by default.
func (a *app) ownTape() string {
	if a.euid == 0 {
		return filepath.Join(a.machineDir(), tapeName)
	}
	dir := a.env("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // the XDG specification: relative ones are to be ignored
		dir = filepath.Join(a.env("HOME"), ".local", "state")
	}
	return filepath.Join(dir, "hirune", tapeName)
}

// tapeToRead opens the tape that a flag names, or the one that this user's
// questions are about, and says which it is.
func (a *app) tapeToRead(flag string) (*tape.Reader, string, error) {
	path := flag
	if path == "" {
		path = a.readTape()
	}
	r, err := tape.OpenReader(path)
	return r, path, err
}

// readTape is the tape that this user's questions are about by default: the
// own one, or the machine's where there is no own one and it may be read.
func (a *app) readTape() string {
	own := a.ownTape()
	if exists(own) {
		return own
	}
	system := filepath.Join(a.machineDir(), tapeName)
	if f, err := os.Open(system); err == nil {
		f.Close()
		return system
	}
	return own
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
