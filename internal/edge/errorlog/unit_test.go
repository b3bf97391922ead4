package errorlog

import "testing"

func TestUnitService(t *testing.T) {
	for line, want := range map[string]string{
		"mariadb.service: Main process exited, code=killed, status=9/KILL":     "database",
		"Stopping php8.2-fpm.service - The PHP 8.2 FastCGI Process Manager...": "php-fpm",
		"apache2.service: Scheduled restart job, restart counter is at 5.":     "apache",
		"nginx.service: Start request repeated too quickly.":                   "nginx",
		"mysql@two.service: Failed with result 'oom-kill'.":                    "database",
		"Stopping phpsessionclean.service - Clean php session files...":        "",
		"Stopping A high performance web server and a reverse proxy server...": "",
		"Stopped target multi-user.target - Multi-User System.":                "",
	} {
		if got := UnitService(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}
