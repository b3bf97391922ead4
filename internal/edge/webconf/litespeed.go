package webconf

import (
	"fmt"
	"strings"
)

// ReadLiteSpeed reads a configuration of OpenLiteSpeed in its plain text form:
// names in lower case, each with the rest of its line as the one argument.
// The error is of the main file, and what came before it is returned, too.
// Source: the configuration files that OpenLiteSpeed 1.7 installs.
func ReadLiteSpeed(t Tree, file string) (Config, error) { return readMain(t, file, parseLiteSpeed) }

// parseLiteSpeed parses one file's text. On a fault it returns what came before.
func parseLiteSpeed(file, text string) ([]Directive, error) {
	open := []Directive{{}}
	end, n := "", 0 // of a text over several lines
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		inner := len(open) - 1
		switch {
		case end != "":
			if line == end {
				end = ""
			}
		case line == "" || line[0] == '#':
		case line == "}" && inner == 0:
			return open[0].Block, fmt.Errorf("read %s: line %d: unexpected }", file, n)
		case line == "}":
			open[inner-1].Block = append(open[inner-1].Block, open[inner])
			open = open[:inner]
		default:
			d := liteSpeedLine(line)
			d.File, d.Line, d.First = file, n, true
			if _, tag, ok := strings.Cut(d.Arg(0), "<<<"); ok {
				end = tag
			}
			if d.Open && inner < maxNested {
				open = append(open, d)
			} else {
				open[inner].Block = append(open[inner].Block, d)
			}
		}
	}
	if len(open) > 1 {
		return open[0].Block, fmt.Errorf("read %s: line %d: unexpected end", file, n)
	}
	return open[0].Block, nil
}

// liteSpeedLine takes "name value", "name value {" or "name{".
func liteSpeedLine(line string) Directive {
	var d Directive
	line, d.Open = strings.CutSuffix(line, "{")
	line = strings.TrimSpace(line)
	name, value := line, ""
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		name, value = line[:i], strings.TrimSpace(line[i:])
	}
	d.Name = strings.ToLower(name)
	if value != "" {
		d.Args = []string{value}
	}
	return d
}
