package collectors

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestCronNext(t *testing.T) {
	for _, c := range []struct{ spec, zone, now, want string }{
		{"30 15 * * *", "UTC", "2026-06-01T15:29:59Z", "2026-06-01T15:30:00Z"},
		{"30 15 * * *", "UTC", "2026-06-01T15:30:00Z", "2026-06-02T15:30:00Z"},
		{"30 15 * * *", "Asia/Tokyo", "2026-06-01T00:00:00Z", "2026-06-01T06:30:00Z"},
		{"*/15 * * * *", "UTC", "2026-06-01T15:31:00Z", "2026-06-01T15:45:00Z"},
		{"5-59/20 8-18/5 * * *", "UTC", "2026-06-01T13:26:00Z", "2026-06-01T13:45:00Z"},
		{"0 0 13 * 5", "UTC", "2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z"},  // the 13th or a Friday
		{"0 0 */2 * 5", "UTC", "2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z"}, // * makes it and
		{"0 0 29 feb *", "UTC", "2026-06-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"0 4 * * sun", "UTC", "2026-06-01T00:00:00Z", "2026-06-07T04:00:00Z"},
		{"0 4 * * 7", "UTC", "2026-06-01T00:00:00Z", "2026-06-07T04:00:00Z"},
		{"0 4 1 JAN,Jul *", "UTC", "2026-06-01T00:00:00Z", "2026-07-01T04:00:00Z"},
		{"@daily", "UTC", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"},
		{"@hourly", "UTC", "2026-06-01T00:00:00Z", "2026-06-01T01:00:00Z"},
		// 02:30 does not exist on 2026-03-08: it runs after the gap.
		{"30 2 * * *", "America/New_York", "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z"},
		// 01:30 comes twice on 2026-11-01: it runs once.
		{"30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"},
		{"30 * * * *", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"},
	} {
		spec, err := parseCron(c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := spec.next(now, zone(t, c.zone))
		if !ok || got.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%s in %s after %s: got %v, want %s", c.spec, c.zone, c.now, got.UTC(), c.want)
		}
	}
}

func TestCronFaults(t *testing.T) {
	for _, s := range []string{"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "x * * * *", "@often", "1,, * * * *"} {
		if c, err := parseCron(s); err == nil {
			t.Errorf("%q: got %+v, want an error", s, c)
		}
	}
	never, err := parseCron("0 0 31 2 *")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := never.next(procStart, time.UTC); ok {
		t.Errorf("February 31st: got %v", got)
	}
	if boot, err := parseCron("@reboot"); err != nil || !boot.reboot {
		t.Errorf("@reboot: got %+v, %v", boot, err)
	}
}

func TestCommandsLoseSecrets(t *testing.T) {
	const secret = "s3cr3t"
	for _, s := range []string{
		"mysqldump -u root -ps3cr3t wp > /b.sql",
		"mysqldump -uroot -p's3cr3t x' wp",
		"mysql --password=s3cr3t wp",
		"mysql --password s3cr3t wp",
		"MYSQL_PWD=s3cr3t mysqldump wp",
		"curl https://user:s3cr3t@example.com/x",
		"curl -s 'https://example.com/wp-cron.php?key=s3cr3t&x=1'",
		"curl -u admin:s3cr3t https://example.com/",
		`curl -H "Authorization: Bearer s3cr3t" https://example.com/`,
		"curl -H 'X-Api-Key: s3cr3t' https://example.com/",
		"AWS_SECRET_ACCESS_KEY=s3cr3t aws s3 sync",
		"restic --repo x --access-key s3cr3t",
		"env TOKEN=\"s3cr3t\" run",
		"redis-cli -a x --pass-token=s3cr3t",
	} {
		if got := redactCommand(s); strings.Contains(got, secret) {
			t.Errorf("%s: got %s", s, got)
		}
	}
	for _, s := range []string{"php /var/www/wp-cron.php", "mkdir -p /backup && tar -czf /backup/x.tgz /srv", "cd / && run-parts --report /etc/cron.hourly"} {
		if got := redactCommand(s); got != s {
			t.Errorf("%s: got %s", s, got)
		}
	}
	if got := redactCommand("a\x1b[31m\u202eb\n" + strings.Repeat("x", 1000)); strings.ContainsAny(got, "\x1b\u202e\n") || len(got) > maxCommand+8 {
		t.Errorf("got %q", got)
	}
}

func TestSchedulesOnFixture(t *testing.T) {
	dirs, err := filepath.Glob("testdata/schedule-*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	got := map[string]evidence.Schedule{}
	for _, f := range mustProcBeat(t, &Schedules{Root: "testdata/schedule-debian-12", Zone: time.UTC}, now) {
		s := f.(evidence.Schedule)
		got[s.Origin+" "+s.Command] = s
	}
	for key, want := range map[string][2]string{
		"/etc/crontab cd / && run-parts --report /etc/cron.hourly":         {"17 * * * *", "2026-06-01T12:17:00Z"},
		"/etc/cron.d/php [ -x /usr/lib/php/sessionclean ] && sessionclean": {"09,39 * * * *", "2026-06-01T12:09:00Z"},
		"crontab www-data mysqldump -u*** -p*** wp":                        {"30 15 * * *", "2026-06-01T15:30:00Z"},
		"crontab www-data php /srv/wp/wp-cron.php":                         {"@hourly", "2026-06-01T13:00:00Z"},
		"crontab www-data /srv/boot.sh":                                    {"@reboot", ""},
		"/etc/cron.daily /etc/cron.daily/logrotate":                        {"25 6 * * *", "2026-06-02T06:25:00Z"},
		"timer certbot /usr/bin/certbot -q renew":                          {"*-*-* 00,12:00:00", ""},
		"timer backup backup.service":                                      {"*-*-* 03:10", "2026-06-02T03:10:00Z"},
		"timer logrotate /usr/sbin/logrotate /etc/logrotate.conf":          {"daily", "2026-06-02T00:00:00Z"},
	} {
		s, ok := got[key]
		next := ""
		if s.Next != 0 {
			next = time.Unix(s.Next, 0).UTC().Format(time.RFC3339)
		}
		if !ok || s.Spec != want[0] || next != want[1] {
			t.Errorf("%s: got %+v (%s), want %v", key, s, next, want)
		}
	}
	if len(got) != 10 {
		t.Errorf("got %d jobs, want 10: %+v", len(got), got)
	}
}

func FuzzCron(f *testing.F) {
	f.Add("*/5 1-3 * jan mon")
	f.Add("@daily")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCron(s)
		if err != nil {
			return
		}
		if next, ok := c.next(procStart, time.UTC); ok && !next.After(procStart) {
			t.Errorf("%q: the next run %v is not after %v", s, next, procStart)
		}
	})
}

func FuzzCronLine(f *testing.F) {
	f.Add("1 2 3 4 5 root x -psecret")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.TrimSpace(s)
		if s == "" {
			return
		}
		if _, command, ok := splitCronLine(s, true); ok {
			redactCommand(command)
		}
	})
}
