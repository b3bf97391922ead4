package wordpress

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// TestAdministratorsOfANetwork reads the tables of a multisite: its super admins,
// the administrators of each of its sites, and no others.
func TestAdministratorsOfANetwork(t *testing.T) {
	s := mysqltest.Start(t)
	s.Exec(t, "CREATE DATABASE net",
		"CREATE TABLE net.wp_users (ID bigint PRIMARY KEY, user_login varchar(60), user_registered datetime, KEY user_login_key (user_login))",
		"CREATE TABLE net.wp_usermeta (umeta_id bigint AUTO_INCREMENT PRIMARY KEY, user_id bigint, meta_key varchar(255), meta_value longtext, KEY user_id (user_id), KEY meta_key (meta_key(191)))",
		"CREATE TABLE net.wp_sitemeta (meta_id bigint AUTO_INCREMENT PRIMARY KEY, site_id bigint, meta_key varchar(255), meta_value longtext, KEY meta_key (meta_key(191)))",
		"CREATE TABLE net.wp_options (option_id bigint AUTO_INCREMENT PRIMARY KEY, option_name varchar(191), option_value longtext, UNIQUE KEY option_name (option_name))",
		"CREATE TABLE net.wp_comments (comment_ID bigint PRIMARY KEY, comment_date_gmt datetime, comment_type varchar(20), comment_approved varchar(20))",
		"INSERT INTO net.wp_users VALUES (1,'chief','2020-01-01 00:00:00'),(2,'second','2020-01-01 00:00:00'),(3,'third','2020-01-01 00:00:00'),(4,'editor','2020-01-01 00:00:00'),(5,'fifth','0000-00-00 00:00:00')",
		`INSERT INTO net.wp_sitemeta (site_id,meta_key,meta_value) VALUES (1,'site_admins','a:1:{i:0;s:5:"chief";}')`,
		`INSERT INTO net.wp_usermeta (user_id,meta_key,meta_value) VALUES (2,'wp_capabilities','a:1:{s:13:"administrator";b:1;}'),(3,'wp_7_capabilities','a:1:{s:13:"administrator";b:1;}'),
			(4,'wp_7_capabilities','a:1:{s:6:"editor";b:1;}'),(4,'wp_x_capabilities','a:1:{s:13:"administrator";b:1;}'),(9,'wp_capabilities','a:1:{s:13:"administrator";b:1;}'),(5,'wp_capabilities','a:1:{s:14:"manage_options";s:1:"1";}')`)
	hand, err := mysql.OpenHand(t.Context(), mysql.Target{Socket: s.Socket}, []mysql.Credential{{User: "root", From: "test"}}, 20*time.Second, "SET SESSION TRANSACTION READ ONLY")
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close()
	got := Inside{Site: Site{Config: Config{DBName: "net", Prefix: "wp_", Multisite: true}}, DB: hand, Now: time.Now()}.Read(t.Context())
	var names []string
	for _, a := range got.Admins {
		names = append(names, a.User)
		if a.User == "fifth" && !a.Registered.IsZero() {
			t.Errorf("a date that is none was read: %v", a.Registered)
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"chief", "fifth", "second", "third"}) || len(got.Unseen) != 0 {
		t.Errorf("got %v, unseen %+v", names, got.Unseen)
	}
}
