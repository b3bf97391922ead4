package main

import (
	"bytes"
	"os"
	"testing"
)

// terminal is one end of a pseudo-terminal: it counts as a terminal.
func terminal(t *testing.T) *os.File {
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("open a pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestColoursAreForTerminalsThatWantThem(t *testing.T) {
	cases := []struct {
		name     string
		env      map[string]string
		terminal bool
		want     bool
	}{
		{"a terminal", map[string]string{"TERM": "xterm"}, true, true},
		{"NO_COLOR", map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, true, false},
		{"an empty NO_COLOR does not count", map[string]string{"TERM": "xterm", "NO_COLOR": ""}, true, true},
		{"a dumb terminal", map[string]string{"TERM": "dumb"}, true, false},
		{"a pipe", map[string]string{"TERM": "xterm"}, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := &app{env: func(k string) string { return c.env[k] }, out: &bytes.Buffer{}}
			if c.terminal {
				a.out = terminal(t)
			}
			if got := a.colours(a.out); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestLanguageOfTheTerminal(t *testing.T) {
	cases := []struct {
		env  map[string]string
		want string
	}{
		{nil, "en"},
		{map[string]string{"LANG": "ja_JP.UTF-8"}, "ja"},
		{map[string]string{"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"},
		{map[string]string{"LANG": "C", "LC_MESSAGES": "ja"}, "ja"},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "en"},
	}
	for _, c := range cases {
		a := &app{env: func(k string) string { return c.env[k] }}
		if got := a.terminalLang(); got != c.want {
			t.Errorf("%v: got %q, want %q", c.env, got, c.want)
		}
	}
}

func TestBlockCharactersNeedUTF8(t *testing.T) {
	cases := []struct {
		env  map[string]string
		lang string
		want bool
	}{
		{nil, "en", false},
		{map[string]string{"LANG": "en_US.UTF-8"}, "en", false},
		{map[string]string{"LANG": "en_US.utf8"}, "en", false},
		{map[string]string{"LANG": "en_US.ISO-8859-1"}, "en", true},
		{map[string]string{"LC_ALL": "C"}, "en", true},
		{map[string]string{"LC_ALL": "C"}, "ja", false},
	}
	for _, c := range cases {
		a := &app{env: func(k string) string { return c.env[k] }, out: terminal(t)}
		if got := a.plain(c.lang); got != c.want {
			t.Errorf("%v in %s: got %v, want %v", c.env, c.lang, got, c.want)
		}
	}
}
