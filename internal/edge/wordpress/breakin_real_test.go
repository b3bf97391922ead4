package wordpress

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/attack"
)

const (
	officeIP   = "198.51.100.7"
	intruderIP = "203.0.113.66"
	phoneIP    = "2001:db8:7::1"
	guessed    = 25
)

// TestBreakInOfARealSite guesses the owner's password, gets in, and looks at
// what WordPress has kept of it.
func TestBreakInOfARealSite(t *testing.T) {
	r := startSite(t)
	r.run(t, `wp_insert_user(array('user_login'=>'hana','user_pass'=>'right','role'=>'editor','user_email'=>'h@example.test'));
		for ($i=0;$i<30;$i++) wp_insert_user(array('user_login'=>"reader$i",'user_pass'=>'x','role'=>'subscriber','user_email'=>"r$i@example.test"));
		add_role('boss', 'Boss', array('install_plugins'=>true)); wp_insert_user(array('user_login'=>'boss','user_pass'=>'x','role'=>'boss','user_email'=>'b@example.test'));
		$u = get_user_by('login','reader7'); $u->add_cap('manage_options');
		$GLOBALS['wpdb']->query("UPDATE shop_users SET user_registered = '2020-01-02 03:04:05'");`)
	key := r.run(t, `$m = WP_Application_Passwords::create_new_application_password(get_user_by('login','hana')->ID, array('name'=>'phone')); echo $m[0];`)
	office, bad := r.visitor(t, officeIP), r.visitor(t, intruderIP)
	if !r.logIn(office, "owner", "right") {
		t.Fatal("the owner does not get in")
	}
	began := time.Now().Add(-2 * time.Second)
	for i := range guessed {
		if r.logIn(bad, "owner", fmt.Sprint("guess-", i)) {
			t.Fatal("a wrong password gets in")
		}
	}
	if !r.logIn(bad, "owner", "right") {
		t.Fatal("the right password does not get in")
	}
	r.phone(t, key)
	r.run(t, `wp_insert_comment(array('comment_post_ID'=>1,'comment_type'=>'pingback','comment_author'=>'blog','comment_approved'=>1,'comment_content'=>'x'));
		wp_insert_comment(array('comment_post_ID'=>1,'comment_type'=>'pingback','comment_author'=>'spam','comment_approved'=>'spam','comment_content'=>'x'));
		wp_insert_comment(array('comment_post_ID'=>1,'comment_type'=>'comment','comment_author'=>'x','comment_approved'=>1,'comment_content'=>'x'));`)

	db := &noted{db: r.hand(t)}
	got := Inside{Site: r.Site, DB: db, Now: time.Now()}.Read(t.Context())
	if len(got.Unseen) != 0 {
		t.Errorf("unseen: %+v", got.Unseen)
	}
	wantSession(t, got, officeIP)
	wantSession(t, got, intruderIP)
	if len(got.Keys) != 1 || got.Keys[0].User != "hana" || got.Keys[0].Name != "phone" || got.Keys[0].LastIP.String() != phoneIP || time.Since(got.Keys[0].LastUsed) > time.Hour || got.Keys[0].IsAdmin {
		t.Errorf("keys: %+v", got.Keys)
	}
	var admins []string
	for _, a := range got.Admins {
		admins = append(admins, a.User)
	}
	if slices.Sort(admins); !slices.Equal(admins, []string{"boss", "owner", "reader7"}) {
		t.Errorf("administrators: got %v", admins)
	}
	if len(got.Pings) != 1 || got.Version != "6.1.9" {
		t.Errorf("got %d pingbacks, version %q", len(got.Pings), got.Version)
	}
	noSecrets(t, r, got, key)
	boundedStatements(t, db)

	p := attack.Picture{From: began.Unix() - 3600, To: time.Now().Unix(), Total: attack.Sums{Requests: 100}, Attacks: []attack.Attack{{ID: "wp-login-brute-force",
		Actors: []attack.Actor{{Prefix: netip.MustParsePrefix(intruderIP + "/32"), Attempts: guessed, From: began.Unix(), To: time.Now().Unix()}}}}}
	b := attack.Judge(p, []attack.Site{got}, time.Now())
	if b.Status != attack.Confirmed || b.Evidence[0].Client != intruderIP || b.Evidence[0].User != "owner" {
		t.Errorf("the judgement: %+v", b)
	}
	who := &p.Attacks[0].Actors[0]
	who.Prefix, who.From, who.To = netip.MustParsePrefix(officeIP+"/32"), time.Now().Add(10*time.Minute).Unix(), time.Now().Add(time.Hour).Unix()
	if b := attack.Judge(p, []attack.Site{got}, time.Now()); b.Status != attack.NothingFound {
		t.Errorf("the owner, who had come in before, is accused: %+v", b)
	}
	callers := Inside{Site: r.Site, DB: r.hand(t), Now: time.Now()}.Callers(t.Context())
	if len(callers.Keys) != 1 || len(callers.Pings) != 1 || len(callers.Sessions) != 0 || len(callers.Unseen) != 0 {
		t.Errorf("callers: %+v", callers)
	}
}

// phone uses an application password by REST and by XML-RPC.
func (r *realSite) phone(t *testing.T, key string) {
	t.Helper()
	v := r.visitor(t, phoneIP)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", r.url+"/?rest_route=/wp/v2/users/me", nil)
	req.SetBasicAuth("hana", key)
	if status, body := v.do(req); status != 200 || !strings.Contains(body, `"slug":"hana"`) {
		t.Fatalf("REST with an application password: %d %.200s", status, body)
	}
	call := `<?xml version="1.0"?><methodCall><methodName>wp.getUsersBlogs</methodName><params><param><value><string>hana</string></value></param><param><value><string>` + key + `</string></value></param></params></methodCall>`
	req, _ = http.NewRequestWithContext(t.Context(), "POST", r.url+"/xmlrpc.php", strings.NewReader(call))
	req.Header.Set("Content-Type", "text/xml")
	if status, body := v.do(req); status != 200 || strings.Contains(body, "faultCode") || !strings.Contains(body, "blogid") {
		t.Fatalf("XML-RPC with an application password: %d %.300s", status, body)
	}
}

func wantSession(t *testing.T, got attack.Site, ip string) {
	t.Helper()
	for _, s := range got.Sessions {
		if s.Client.String() == ip {
			if s.User != "owner" || !s.IsAdmin || s.Agent != "Test/1.0 (seen)" || time.Since(s.Since) > time.Hour || !s.Until.After(time.Now()) {
				t.Errorf("session from %s: %+v", ip, s)
			}
			return
		}
	}
	t.Errorf("no session from %s in %+v", ip, got.Sessions)
}

// noSecrets holds what was returned against all that the database keeps secret.
func noSecrets(t *testing.T, r *realSite, got attack.Site, key string) {
	t.Helper()
	text := fmt.Sprintf("%+v", got)
	rows, err := r.hand(t).Named(t.Context(), "SELECT user_pass AS p FROM site.shop_users UNION ALL SELECT meta_value FROM site.shop_usermeta WHERE meta_key IN ('session_tokens','_application_passwords')")
	if err != nil || len(rows) < 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	secrets := []string{key, strings.ReplaceAll(key, " ", "")}
	for _, row := range rows {
		secrets = append(secrets, regexp.MustCompile(`\$P\$[^"]+|[0-9a-f]{64}`).FindAllString(row["p"], -1)...)
	}
	if len(secrets) < 5 {
		t.Fatalf("only %d secrets were found", len(secrets))
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Error("a hash, token or password is in what was returned")
		}
	}
}

// boundedStatements holds each statement: it reads, so many rows at most.
func boundedStatements(t *testing.T, n *noted) {
	t.Helper()
	if len(n.texts) < 6 {
		t.Errorf("only %d statements", len(n.texts))
	}
	for _, text := range n.texts {
		if !strings.HasPrefix(text, "SELECT ") || !strings.Contains(text, " LIMIT ") && !strings.Contains(text, " IN (?") {
			t.Errorf("not bounded: %s", text)
		}
	}
}

// TestStatementsOfALargeSite holds that no statement on a site of many users
// reads a table from end to end.
func TestStatementsOfALargeSite(t *testing.T) {
	r := startSite(t)
	const users = 40_000
	r.server.Exec(t,
		fmt.Sprintf("INSERT INTO site.shop_users (ID,user_login,user_registered) SELECT seq, CONCAT('u',seq), NOW() FROM site.seq_100_to_%d", users),
		"INSERT INTO site.shop_usermeta (user_id,meta_key,meta_value) SELECT ID,'shop_capabilities','a:1:{s:8:\"customer\";b:1;}' FROM site.shop_users WHERE ID>=100",
		"INSERT INTO site.shop_usermeta (user_id,meta_key,meta_value) SELECT ID,'nickname',REPEAT('x',100) FROM site.shop_users WHERE ID>=100",
		`INSERT INTO site.shop_usermeta (user_id,meta_key,meta_value) SELECT ID,'session_tokens','a:1:{s:64:"0000000000000000000000000000000000000000000000000000000000000000";a:4:{s:10:"expiration";i:1795361400;s:2:"ip";s:9:"192.0.2.1";s:2:"ua";s:1:"x";s:5:"login";i:1795351400;}}' FROM site.shop_users WHERE ID BETWEEN 100 AND 20000`,
		"ANALYZE TABLE site.shop_usermeta, site.shop_users")
	r.logIn(r.visitor(t, officeIP), "owner", "right")
	hand := r.hand(t)
	db := &noted{db: hand}
	got := Inside{Site: r.Site, DB: db, Now: time.Now()}.Read(t.Context())
	wantSession(t, got, officeIP)
	if !slices.ContainsFunc(got.Unseen, func(u attack.Unseen) bool { return u.Source == srcSessions }) || len(got.Sessions) < metaMost {
		t.Errorf("%d sessions, unseen %+v", len(got.Sessions), got.Unseen)
	}
	if len(got.Admins) != 1 || got.Admins[0].User != "owner" {
		t.Errorf("administrators: %+v", got.Admins)
	}
	for i, text := range db.texts {
		if strings.Contains(text, "information_schema") {
			continue
		}
		rows, err := hand.Named(t.Context(), "EXPLAIN "+text, db.args[i]...)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row["type"] == "ALL" && atoi(row["rows"]) > 5000 {
				t.Errorf("reads all of %s: %.120s", row["table"], text)
			}
		}
	}
}

// slowRows gives no answer to one kind of statement.
type slowRows struct {
	db   Rows
	part string
}

func (s slowRows) Named(ctx context.Context, text string, args ...any) ([]map[string]string, error) {
	if strings.Contains(text, s.part) {
		return nil, fmt.Errorf("database answers too late")
	}
	return s.db.Named(ctx, text, args...)
}

// TestWhatCannotBeReadIsTold takes away one table or statement after the other.
func TestWhatCannotBeReadIsTold(t *testing.T) {
	r := startSite(t)
	r.logIn(r.visitor(t, officeIP), "owner", "right")
	for _, c := range []struct{ part, source string }{
		{"NOT IN (", srcAdmins}, {"LENGTH(meta_value)", srcSessions}, {"umeta_id IN", srcSessions}, {"user_login AS login", srcAdmins}, {"information_schema.TABLES", srcAudit}, {"comments", srcPings},
	} {
		got := Inside{Site: r.Site, DB: slowRows{r.hand(t), c.part}, Now: time.Now()}.Read(t.Context())
		if !slices.ContainsFunc(got.Unseen, func(u attack.Unseen) bool { return u.Source == c.source && strings.Contains(u.Why, "too late") }) {
			t.Errorf("without %q: unseen %+v", c.part, got.Unseen)
		}
		if c.source != srcSessions && len(got.Sessions) == 0 || len(got.Admins) != 1 {
			t.Errorf("without %q: %d sessions, %d administrators", c.part, len(got.Sessions), len(got.Admins))
		}
	}
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if got := (Inside{Site: r.Site, DB: r.hand(t), Now: time.Now()}).Read(cut); len(got.Unseen) < 3 {
		t.Errorf("cut short: unseen %+v", got.Unseen)
	}
}
