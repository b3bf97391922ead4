package main

import "testing"

func TestOwnTape(t *testing.T) {
	cases := []struct {
		name string
		euid int
		env  map[string]string
		want string
	}{
		{"root", 0, nil, "/var/lib/hirune/tape.hirune"},
		{"a unit with a state directory", 0, map[string]string{"STATE_DIRECTORY": "/srv/hirune"}, "/srv/hirune/tape.hirune"},
		{"a relative state directory counts for nothing", 0, map[string]string{"STATE_DIRECTORY": "hirune"}, "/var/lib/hirune/tape.hirune"},
		{"a user", 1000, map[string]string{"HOME": "/home/u", "STATE_DIRECTORY": "/srv/hirune"}, "/home/u/.local/state/hirune/tape.hirune"},
		{"a user who says where", 1000, map[string]string{"HOME": "/home/u", "XDG_STATE_HOME": "/s"}, "/s/hirune/tape.hirune"},
		{"a relative place counts for nothing", 1000, map[string]string{"HOME": "/home/u", "XDG_STATE_HOME": "s"}, "/home/u/.local/state/hirune/tape.hirune"},
	}
	for _, c := range cases {
		a := &app{euid: c.euid, env: func(k string) string { return c.env[k] }}
		if got := a.ownTape(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
