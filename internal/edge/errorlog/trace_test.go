package errorlog

import (
	"reflect"
	"strings"
	"testing"
)

const slowLog = `
[22-Nov-2026 12:51:19]  [pool www] pid 7166
script_filename = /var/www/site/index.php
[0x00007f0d1a2140c0] curl_exec() /var/www/site/wp-includes/Requests/src/Transport/Curl.php:178
[0x00007f0d1a213f50] request() /var/www/site/wp-includes/class-wp-http.php:394
[0x00007f0d1a213e50] fetch_now() /var/www/site/wp-content/plugins/weather/inc/fetch.php:12
[0x00007f0d1a213d50] apply_filters() /var/www/site/wp-content/themes/plain/footer.php:3

[22-Nov-2026 12:51:20]  [pool www] pid 7167
script_filename = /var/www/site/wp-cron.php
[0x00007f0d1a2140c0] mysqli_query() /var/www/site/wp-includes/class-wpdb.php:2349
[22-Nov-2026 12:51:21]  [pool www] pid 7168
script_filename = /var/www/site/index.php
[0x00007f0d1a2140c0] sleep() /var/www/site/wp-content/mu-plugins/slow.php:3`

func TestTraces(t *testing.T) {
	var got []Trace
	r := Traces{Each: func(x Trace) { got = append(got, x) }}
	for line := range strings.Lines(slowLog) {
		r.Line([]byte(line))
	}
	r.Flush()
	r.Flush()
	want := []Trace{
		{ID: "fpm-slow-outbound", Call: "curl_exec()", File: "plugins/weather/inc/fetch.php"},
		{ID: "fpm-slow-database", Call: "mysqli_query()", File: "wp-includes/class-wpdb.php"},
		{ID: "fpm-slow-trace", Call: "sleep()", File: "mu-plugins/slow.php"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func FuzzTraces(f *testing.F) {
	f.Add(slowLog)
	f.Fuzz(func(t *testing.T, text string) {
		r := Traces{Each: func(x Trace) {
			if x.Call == "" || len(x.Call) > 4*callMost+8 || strings.ContainsAny(x.Call+x.File, "\n\x00\x1b") {
				t.Errorf("got %+v", x)
			}
		}}
		for line := range strings.Lines(text) {
			r.Line([]byte(line))
		}
		r.Flush()
	})
}
