package mysql

import (
	"errors"
	"fmt"
	"testing"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/mysqltest"
)

// TestOptions measures the options of a site on each server there is.
func TestOptions(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, s *mysqltest.Server) {
		s.Exec(t, "CREATE DATABASE IF NOT EXISTS site", "CREATE TABLE site.shop_options (option_id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, option_name VARCHAR(191) NOT NULL UNIQUE, option_value LONGTEXT NOT NULL, autoload VARCHAR(20) NOT NULL DEFAULT 'yes', KEY autoload (autoload))",
			"INSERT INTO site.shop_options (option_name, option_value, autoload) VALUES ('trace_log', REPEAT('x', 3000000), 'yes'), ('home', 'http://shop/', 'on'), ('archive', REPEAT('y', 900000), 'no'), ('_transient_a', 'z', 'off')")
		for i := range 30 {
			s.Exec(t, fmt.Sprintf("INSERT INTO site.shop_options (option_name, option_value) VALUES ('small_%d', REPEAT('s', %d))", i, 10+i))
		}
		c := open(t, target(s), root)
		u, err := c.Options(t.Context(), "site", "shop_")
		if err != nil {
			t.Fatal(err)
		}
		if u.Table != "shop_options" || u.AutoloadCount != 32 || u.AutoloadBytes != 3_000_000+12+30*10+29*15 || u.CronBytes != 0 || u.CronEvents != 0 {
			t.Errorf("got %+v", u)
		}
		if len(u.Largest) != 10 || u.Largest[0] != (evidence.OptionBytes{Name: "trace_log", Bytes: 3_000_000}) || u.Largest[1] != (evidence.OptionBytes{Name: "small_29", Bytes: 39}) {
			t.Errorf("the largest: got %+v", u.Largest)
		}
		event := `i:1795361400;a:1:{s:4:"tidy";a:1:{s:1:"x";a:2:{s:8:"schedule";b:0;s:4:"args";a:0:{}}}}`
		s.Exec(t, fmt.Sprintf("INSERT INTO site.shop_options (option_name, option_value) VALUES ('cron', CONCAT('a:5000:{', REPEAT('%s', 5000), '}'))", event))
		if u, err = c.Options(t.Context(), "site", "shop_"); err != nil || u.CronBytes != int64(5000*len(event)+9) || u.Largest[1].Name != "cron" {
			t.Errorf("a schedule that has run away: got %d bytes, %v, %v", u.CronBytes, u.Largest, err)
		}
		if _, err = c.Options(t.Context(), "site", "none_"); !errors.Is(err, evidence.ErrAbsent) || c.Lost() {
			t.Errorf("no such table: got %v", err)
		}
	})
}
