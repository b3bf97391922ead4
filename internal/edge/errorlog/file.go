package errorlog

import (
	"bytes"
	"path"
)

// fileMost is the longest name of a file that is kept, in bytes.
const fileMost = 160

// File returns the PHP file in which a line of PHP says that it failed, from the
// site's wp-content/ on without it ("plugins/x/y.php"), else from wp-includes/ or
// wp-admin/ on, else its name alone; "" where the line names none.
func File(line []byte) string {
	if i := bytes.Index(line, []byte("Stack trace:")); i >= 0 {
		line = line[:i]
	}
	for {
		i := bytes.LastIndex(line, []byte(" in /"))
		if i < 0 {
			return ""
		}
		if name := phpFile(line[i+len(" in "):]); name != "" {
			return short(name)
		}
		line = line[:i]
	}
}

// phpFile cuts a path off at the end of its .php, where a line number follows.
func phpFile(b []byte) string {
	i := bytes.Index(b, []byte(".php"))
	if i < 0 {
		return ""
	}
	end := i + len(".php")
	follows := end == len(b) || b[end] == ':' || b[end] == ' ' || b[end] == '(' || b[end] == '\\' || b[end] == '\n' || b[end] == '\''
	if !follows || bytes.ContainsAny(b[:end], " '\"<>\x00") {
		return ""
	}
	return string(b[:end])
}

// short leaves the directory of the site out.
func short(name string) string {
	for _, dir := range []string{"/wp-content/", "/wp-includes/", "/wp-admin/"} {
		if i := bytes.LastIndex([]byte(name), []byte(dir)); i >= 0 {
			if name = name[i+1:]; dir == "/wp-content/" {
				name = name[len("wp-content/"):]
			}
			return cutFile(name)
		}
	}
	return cutFile(path.Base(name))
}

func cutFile(name string) string {
	name = printable([]byte(name))
	if len(name) > fileMost {
		return ""
	}
	return name
}
