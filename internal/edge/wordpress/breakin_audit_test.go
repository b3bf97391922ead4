package wordpress

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// seqTo is a table of the numbers from 1, on both kinds of server.
func seqTo(n int) string {
	return fmt.Sprintf("(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n+1 FROM s WHERE n < %d) SELECT n FROM s)", n)
}

// auditSQL makes the logs of several plugins, as their own code makes them. In
// each the intruder fails 40 times and gets in; then others fail by the
// thousand; an office logs in and mistypes now and then.
var auditSQL = []string{
	"CREATE DATABASE audits", "USE audits",
	// All-In-One Security 5.
	"CREATE TABLE shop_aiowps_audit_log (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, network_id bigint NOT NULL DEFAULT 0, site_id bigint NOT NULL DEFAULT 0, username varchar(60) NOT NULL DEFAULT '', ip varchar(45) NOT NULL DEFAULT '', level varchar(25) NOT NULL DEFAULT '', event_type varchar(25) NOT NULL DEFAULT '', details text NOT NULL, stacktrace text NOT NULL, created int unsigned NULL, KEY username (username), KEY ip (ip), KEY level (level), KEY event_type (event_type))",
	"INSERT INTO shop_aiowps_audit_log (username,ip,event_type,details,stacktrace,created) SELECT 'owner','203.0.113.66','failed_login','','',1795000000+n FROM " + seqTo(40) + " q",
	"INSERT INTO shop_aiowps_audit_log (username,ip,event_type,details,stacktrace,created) VALUES ('owner','203.0.113.66','successful_login','','',1795000100)",
	"INSERT INTO shop_aiowps_audit_log (username,ip,event_type,details,stacktrace,created) SELECT 'hana','198.51.100.7',IF(n%9=0,'failed_login','successful_login'),'','',1795000200+n FROM " + seqTo(200) + " q",
	"INSERT INTO shop_aiowps_audit_log (username,ip,event_type,details,stacktrace,created) SELECT 'admin',CONCAT('192.0.2.',n%200),'failed_login','',REPEAT('x',3000),1795010000+n FROM " + seqTo(900) + " q",
	"INSERT INTO shop_aiowps_audit_log (username,ip,event_type,details,stacktrace,created) SELECT username,ip,event_type,details,stacktrace,created FROM shop_aiowps_audit_log WHERE username='admin'",
	"INSERT INTO shop_aiowps_audit_log (username,ip,event_type,details,stacktrace,created) SELECT username,ip,event_type,details,stacktrace,created FROM shop_aiowps_audit_log WHERE username='admin'",
	// Wordfence.
	"CREATE TABLE shop_wfLogins (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, hitID int, ctime double(17,6) unsigned NOT NULL, fail tinyint unsigned NOT NULL, action varchar(40) NOT NULL, username varchar(255) NOT NULL, userID int unsigned NOT NULL, IP binary(16) DEFAULT NULL, UA text, KEY k1 (IP,fail))",
	"INSERT INTO shop_wfLogins (ctime,fail,action,username,userID,IP) SELECT 1795000000.25+n,1,'loginFailValidUsername','owner',1,UNHEX('00000000000000000000ffffcb007142') FROM " + seqTo(40) + " q",
	"INSERT INTO shop_wfLogins (ctime,fail,action,username,userID,IP) VALUES (1795000100.5,0,'loginOK','owner',1,UNHEX('00000000000000000000ffffcb007142')),(1795000101,0,'logout','owner',1,UNHEX('00000000000000000000ffffcb007142'))",
	// WP Activity Log.
	"CREATE TABLE shop_wsal_occurrences (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, site_id bigint NOT NULL, alert_id bigint NOT NULL, created_on double NOT NULL, client_ip varchar(255) NOT NULL DEFAULT '', severity varchar(255), object varchar(255), event_type varchar(255), user_agent varchar(255), user_roles varchar(255), username varchar(255), user_id bigint, session_id varchar(255), KEY site_alert_created (site_id, alert_id, created_on), KEY wsal_users (user_id, username))",
	"INSERT INTO shop_wsal_occurrences (site_id,alert_id,created_on,client_ip,event_type,username) SELECT 1,1002,1795000000.25+n,'203.0.113.66','failed-login','owner' FROM " + seqTo(40) + " q",
	"INSERT INTO shop_wsal_occurrences (site_id,alert_id,created_on,client_ip,event_type,username) VALUES (1,1000,1795000100.5,'203.0.113.66','login','owner'),(1,5001,1795000101,'203.0.113.66','activated','owner')",
	// Simple History.
	"CREATE TABLE shop_simple_history (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, date datetime NOT NULL, logger varchar(30) DEFAULT NULL, level varchar(20) DEFAULT NULL, message varchar(255) DEFAULT NULL, occasionsID varchar(32) DEFAULT NULL, initiator varchar(16) DEFAULT NULL, KEY date (date), KEY loggerdate (logger, date))",
	"CREATE TABLE shop_simple_history_contexts (context_id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, history_id bigint NOT NULL, `key` varchar(255) DEFAULT NULL, value longtext, KEY history_id (history_id), KEY `key` (`key`))",
	"INSERT INTO shop_simple_history (id,date,logger) SELECT n, FROM_UNIXTIME(1795000000+n), IF(n=50,'SimplePluginLogger','SimpleUserLogger') FROM " + seqTo(60) + " q WHERE n <= 41 OR n = 50",
	"INSERT INTO shop_simple_history_contexts (history_id,`key`,value) SELECT n,'_message_key',IF(n=41,'user_logged_in','user_login_failed') FROM " + seqTo(41) + " q",
	"INSERT INTO shop_simple_history_contexts (history_id,`key`,value) SELECT n,'_server_remote_addr','203.0.113.66' FROM " + seqTo(41) + " q",
	"INSERT INTO shop_simple_history_contexts (history_id,`key`,value) SELECT n,IF(n=41,'user_login','login'),'owner' FROM " + seqTo(41) + " q",
	// A plugin that nobody knows, without indexes.
	"CREATE TABLE shop_mysec_login_log (log_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, user_ip varchar(64), action varchar(64), user_login varchar(64), created_at datetime)",
	"INSERT INTO shop_mysec_login_log (user_ip,action,user_login,created_at) SELECT '203.0.113.66','Login failed','owner',FROM_UNIXTIME(1795000000+n) FROM " + seqTo(40) + " q",
	"INSERT INTO shop_mysec_login_log (user_ip,action,user_login,created_at) VALUES ('203.0.113.66','Logged in','owner',FROM_UNIXTIME(1795000100)),('203.0.113.66','Logged out','owner',FROM_UNIXTIME(1795000101)),('not an address','Logged in','x',NULL)",
	"INSERT INTO shop_mysec_login_log (user_ip,action,user_login) SELECT '192.0.2.1','Viewed a page','x' FROM " + seqTo(990) + " q",
	"INSERT INTO shop_mysec_login_log (user_ip,action,user_login) SELECT a.user_ip,a.action,a.user_login FROM shop_mysec_login_log a, " + seqTo(5) + " q WHERE a.action='Viewed a page'",
	// What is none of it.
	"CREATE TABLE shop_redirection_logs (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, ip varchar(45), url text, created datetime)",
	"CREATE TABLE shop_wc_order_log (id int NOT NULL, ip varchar(45), status varchar(20))",
	"CREATE TABLE shop_actionscheduler_logs (log_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, action_id int, message text)",
}

func TestAuditLogs(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, s *mysqltest.Server) {
		conn := s.Session(t, "")
		for _, text := range append([]string{"SET SESSION time_zone='+00:00'"}, auditSQL...) {
			if _, err := conn.ExecContext(t.Context(), text); err != nil {
				t.Fatalf("%.100s: %v", text, err)
			}
		}
		hand, err := mysql.OpenHand(t.Context(), mysql.Target{Socket: s.Socket}, []mysql.Credential{{User: "root", From: "test"}}, 20*time.Second, "SET SESSION TRANSACTION READ ONLY", "SET SESSION time_zone='+00:00'")
		if err != nil {
			t.Fatal(err)
		}
		defer hand.Close()
		in := Inside{Site: Site{Config: Config{DBName: "audits", Prefix: "shop_"}}, DB: hand, Now: time.Now()}
		p := in.people(t.Context())
		p.audits(t.Context())
		if len(p.out.Unseen) != 0 {
			t.Errorf("unseen: %+v", p.out.Unseen)
		}
		for _, plugin := range []string{"all-in-one-wp-security-and-firewall", "wordfence", "wp-security-audit-log", "simple-history", "mysec_login_log"} {
			wantIntruder(t, p.out.Audits, plugin)
		}
		office := auditOf(p.out.Audits, "all-in-one-wp-security-and-firewall", "198.51.100.7")
		if office.Succeeded != 178 || office.Before != 0 {
			t.Errorf("the office: %+v", office)
		}
		others := slices.DeleteFunc(p.out.Audits, func(a attack.Audit) bool {
			return a.Client == netip.MustParseAddr("203.0.113.66") || a.Plugin == "all-in-one-wp-security-and-firewall"
		})
		if len(others) != 0 {
			t.Errorf("what is no log-in was counted: %+v", others)
		}
	})
}

func auditOf(all []attack.Audit, plugin, ip string) attack.Audit {
	for _, a := range all {
		if a.Plugin == plugin && a.Client == netip.MustParseAddr(ip) {
			return a
		}
	}
	return attack.Audit{}
}

func wantIntruder(t *testing.T, all []attack.Audit, plugin string) {
	t.Helper()
	a := auditOf(all, plugin, "203.0.113.66")
	off := a.First.Sub(time.Unix(1795000100, 0)).Abs()
	if a.Failed != 40 || a.Before != 40 || a.Succeeded != 1 || a.User != "owner" || off > time.Minute || !a.At.Equal(a.First) || !a.FirstFail.Before(a.LastFail) {
		t.Errorf("%s: got %+v", plugin, a)
	}
}

func TestLogInWord(t *testing.T) {
	for word, want := range map[string]string{
		"successful_login": "in", "User logged in": "in", "login": "in", "loginOK": "in", "signed_in": "in",
		"failed_login": "out", "login_failed": "out", "Login failed": "out", "invalid login": "out", "wrong password at login": "out", "unsuccessful_login": "out",
		"logout": "", "Logged out": "", "login_url_changed": "", "plugin_activated": "", "": "", "login_blocked": "", "login_lockout": "", "lost password login": "",
		"the user opened the login page and something else happened there": "",
	} {
		ok, is := logInWord(word)
		if got := map[[2]bool]string{{true, true}: "in", {false, true}: "out"}[[2]bool{ok, is}]; got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestMomentsOfAuditLogs(t *testing.T) {
	want := time.Unix(1795000000, 0)
	for _, s := range []string{"1795000000", "1795000000.250000", "1795000000123", "2026-11-18 11:06:40", "2026-11-18T11:06:40Z"} {
		if got := moment(s); !got.Equal(want) {
			t.Errorf("%q: got %v, want %v", s, got, want.UTC())
		}
	}
	for _, s := range []string{"", "0", "-5", "x", "0000-00-00 00:00:00", "1e300", "NaN", strings.Repeat("9", 400)} {
		if got := moment(s); !got.IsZero() {
			t.Errorf("%q: got %v, want none", s, got)
		}
	}
}
