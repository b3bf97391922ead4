package errorlog

import (
	"bytes"
	"slices"
)

// Trace is what one PHP worker was doing when its request had taken too long.
type Trace struct {
	ID   string // "fpm-slow-outbound", "fpm-slow-database" or "fpm-slow-trace", by the innermost function
	Call string // the innermost function, with its brackets
	File string // the innermost file of a plugin or theme, as File gives it; else the innermost of all
}

// Traces puts the lines of PHP-FPM's slow log together:
//
//	[22-Nov-2026 12:51:19]  [pool www] pid 7166
//	script_filename = /var/www/index.php
//	[0x00007f0d1a2140c0] curl_exec() /var/www/wp-includes/Requests/src/Transport/Curl.php:178
//	[0x00007f0d1a213f50] fetch() /var/www/wp-content/plugins/weather/weather.php:12
//
// The zero value with Each is ready for use.
type Traces struct {
	Each func(Trace)

	open        bool
	call        string
	file, other string
}

// callMost is the longest name of a function that is kept.
const callMost = 80

// Line takes the next line of the log.
func (t *Traces) Line(line []byte) {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0:
		t.Flush()
	case bytes.HasPrefix(line, []byte("[0x")):
		t.frame(line)
	case line[0] == '[' && bytes.Contains(line, []byte("[pool ")):
		t.Flush()
		t.open = true
	}
}

// frame takes one function with the place where it was called.
func (t *Traces) frame(line []byte) {
	f := bytes.SplitN(line, []byte{' '}, 3)
	if !t.open || len(f) < 3 {
		return
	}
	if t.call == "" {
		t.call = printable(f[1][:min(len(f[1]), callMost)])
	}
	name := phpFile(f[2])
	if name == "" {
		return
	}
	if inContent(name) && t.file == "" {
		t.file = short(name)
	}
	if t.other == "" {
		t.other = short(name)
	}
}

// inContent reports whether a file belongs to a plugin or a theme.
func inContent(name string) bool {
	return slices.ContainsFunc([]string{"/wp-content/plugins/", "/wp-content/mu-plugins/", "/wp-content/themes/"},
		func(dir string) bool { return bytes.Contains([]byte(name), []byte(dir)) })
}

// Flush hands on the entry that is open, at the end of what there is to read.
func (t *Traces) Flush() {
	if t.open && t.call != "" {
		out := Trace{ID: "fpm-slow-trace", Call: t.call, File: t.file}
		if out.File == "" {
			out.File = t.other
		}
		switch {
		case slices.Contains(outboundCalls, t.call):
			out.ID = "fpm-slow-outbound"
		case slices.Contains(databaseCalls, t.call):
			out.ID = "fpm-slow-database"
		}
		t.Each(out)
	}
	t.open, t.call, t.file, t.other = false, "", "", ""
}

// outboundCalls are functions of PHP that wait for another machine, and
// databaseCalls those that wait for the database.
var (
	outboundCalls = []string{"curl_exec()", "curl_multi_exec()", "curl_multi_select()", "fsockopen()", "pfsockopen()", "stream_socket_client()", "stream_select()",
		"stream_get_contents()", "file_get_contents()", "fopen()", "fread()", "fgets()", "feof()", "get_headers()", "getimagesize()", "gethostbyname()", "gethostbynamel()", "dns_get_record()",
		"checkdnsrr()", "socket_connect()", "socket_read()", "__doRequest()", "ftp_connect()", "imap_open()", "simplexml_load_file()"}
	databaseCalls = []string{"mysqli_query()", "mysqli_real_connect()", "mysqli_connect()", "mysqli_multi_query()", "mysqli_stmt_execute()"}
)
