package webconf

import "strings"

// Flag returns the value of a program's argument "-f value" or "-fvalue", "" where
// it was not given.
func Flag(args []string, name string) string {
	for i, a := range args {
		if a == name && i+1 < len(args) {
			return args[i+1]
		}
		if v, ok := strings.CutPrefix(a, name); ok && v != "" && i > 0 {
			return v
		}
	}
	return ""
}

// Defines returns the names, or name=value, that Apache was given by -D.
func Defines(args []string) []string {
	var out []string
	for i, a := range args {
		if a == "-D" && i+1 < len(args) {
			out = append(out, args[i+1])
		} else if v, ok := strings.CutPrefix(a, "-D"); ok && v != "" {
			out = append(out, v)
		}
	}
	return out
}

// NginxArgs returns the arguments of an nginx, which writes them into its title:
// "nginx: master process nginx -c …". A worker's title has none.
func NginxArgs(args []string) []string {
	if len(args) != 1 {
		return args
	}
	if cmd, ok := strings.CutPrefix(args[0], "nginx: master process "); ok {
		return strings.Fields(cmd)
	}
	return nil
}
