package tape

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

func TestEveryTextHasATreatment(t *testing.T) {
	have := map[string]bool{}
	for _, f := range oneOfEach(t) {
		texts(reflect.TypeOf(f), f.Kind(), have)
	}
	for name := range have {
		if _, ok := treatments[name]; !ok {
			t.Errorf("%s has no line in treatments (redact.go): what does an export do with it?", name)
		}
	}
	for name := range treatments {
		if !have[name] {
			t.Errorf("treatments has %s, but no fact does", name)
		}
	}
	if len(have) < 100 {
		t.Fatalf("found %d texts only", len(have))
	}
}

func texts(t reflect.Type, name string, have map[string]bool) {
	for field := range t.Fields() {
		f, path := field.Type, name+"."+field.Name
		if f.Kind() == reflect.Slice {
			f = f.Elem()
		}
		switch f.Kind() {
		case reflect.String:
			have[path] = true
		case reflect.Struct:
			texts(f, path, have)
		case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		default:
			panic("visitFields does not know a " + f.String() + ": " + path)
		}
	}
}

// oneOfEach returns an empty fact of each kind.
func oneOfEach(t *testing.T) []evidence.Fact {
	var out []evidence.Fact
	for _, k := range evidence.Kinds() {
		raw := append([]byte{0x84, 0x78, byte(len(k))}, k...)
		rs, _, err := evidence.Decode(bytes.NewReader(append(raw, 0x00, 0x60, 0xa0)))
		if err != nil || len(rs) != 1 {
			t.Fatalf("make a fact of kind %s: %v", k, err)
		}
		out = append(out, rs[0].Fact)
	}
	return out
}

// secrets are what must not be in an export, wherever it stood.
var secrets = []string{"kawasaki", "tanaka", "hunter2", "geheim", "10.77.66.55", "2a01:4f8:77", "4111111111111111", "PHPSESSID", "yamada"}

// personal makes facts with secrets in all places where they may stand.
func personal() []evidence.Record {
	host, root := "www.kawasaki-bakery.example.jp", "/home/tanaka/public_html"
	var out []evidence.Record
	add := func(fs ...evidence.Fact) {
		for _, f := range fs {
			out = append(out, evidence.Record{At: t0.Add(time.Duration(len(out)) * time.Second), Source: "test", Fact: f})
		}
	}
	add(evidence.Site{Name: host, Root: root, Platform: "wordpress", URL: "https://" + host + "/?token=hunter2", Schema: "tanaka_db", Prefix: "wp_", Plugins: []string{"audit-log"}},
		evidence.Site{Name: "/home/yamada/shop", Root: "/home/yamada/shop", Platform: "php"},
		evidence.Statement{ConnID: 7, User: "tanaka", Schema: "tanaka_db", Digest: "SELECT * FROM `tanaka_db` . `wp_users` WHERE name = 'yamada' AND pin=4111111111111111 /* hunter2 */ -- geheim", Table: "wp_users", Verb: "SELECT"},
		evidence.Statement{User: "tanaka@10.77.66.55", Digest: `UPDATE wp_2_posts SET a="gehe\"im yamada", b = 0x414243 WHERE c = ?`, Table: "wp_2_posts"},
		evidence.Transaction{User: "yamada", Digest: "DELETE FROM wp_audit_log WHERE created_on < ?"},
		evidence.LockWait{BlockerUser: "tanaka", Schema: "tanaka_db", WaiterDigest: "SELECT 'hunter2"},
		evidence.Traffic{Site: host + ":443", Class: evidence.ClassPage, Requests: 1},
		evidence.Traffic{Site: "/var/log/apache2/kawasaki-access.log", Class: evidence.ClassPage, Requests: 1},
		evidence.ClientUse{Site: host, Class: evidence.ClassPage, Client: "10.77.66.55", Path: "/author/tanaka/kawasaki.jpg?session=hunter2", Agent: "Mozilla/5.0 (tanaka's phone; PHPSESSID=geheim) https://kawasaki-bakery.example.jp yamada@kawasaki.example"},
		evidence.ClientUse{Client: "2a01:4f8:77:1::5", Path: "/xmlrpc.php", Agent: "WordPress/6.1; https://" + host},
		evidence.Probe{Site: host, URL: "http://" + host + ":8080/kawasaki/?q=geheim", Status: 200},
		evidence.Unseen{Source: "database", Code: "access-denied", Detail: "connect: access denied for user 'tanaka'@'10.77.66.55' (using password: hunter2)", Hint: "GRANT PROCESS ON *.* TO tanaka; see /home/tanaka/.my.cnf and tanaka_db.wp_posts"},
		evidence.ErrorLine{Service: "php-fpm", ID: "x", Message: "[pool tanaka] client 10.77.66.55 [2a01:4f8:77:1::5] asked https://www.kawasaki-bakery.example.jp/a?b=geheim with cookie=PHPSESSID in /home/tanaka/public_html/wp-content/plugins/audit-log/kawasaki.php for kawasaki.co.jp mail yamada@yamada.example"},
		evidence.WorkerPool{Service: evidence.ServicePHP, Instance: "php-fpm:/home/tanaka/fpm.conf", Pool: "tanaka"},
		evidence.Filesystem{Mount: "/home/tanaka"},
		evidence.Schedule{Origin: "crontab yamada", Spec: "30 15 * * *", Command: "/usr/bin/mysqldump -u tanaka -phunter2 --password=geheim tanaka_db > /home/yamada/backup-kawasaki.sql"},
		evidence.Schedule{Origin: "/etc/cron.d/kawasaki", Spec: "@daily", Command: "curl -s https://" + host + "/wp-cron.php?key=hunter2"},
		evidence.ServiceState{Service: "database", Detail: "connect to /home/tanaka/mysql.sock: refused", Start: "/home/tanaka/start.sh"},
		evidence.Plan{Digest: "SELECT ? FROM t WHERE a = 'hunter2'", Table: "t", Access: "ALL"},
		evidence.Cgroup{Path: "/sys/fs/cgroup/system.slice/kawasaki.service"})
	return out
}

// exported writes the records to a tape and returns its export.
func exported(t *testing.T, records []evidence.Record) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tape")
	w, err := OpenWriter(path, Options{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Append(records)
	if err := errors.Join(w.Commit(t0), w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return export(t, r)
}

func export(t testing.TB, r *Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	done, err := Export(r, &b, t0.Add(-1000*time.Hour), t0.Add(1000*time.Hour), ExportOptions{Now: t0})
	if err != nil || len(done.Damaged) > 0 || done.Facts == 0 {
		t.Fatalf("export: %+v, %v", done, err)
	}
	return b.Bytes()
}

// dump is the whole content of a tape in clear: all facts, and all else that is in the file.
func dump(t *testing.T, b []byte) (string, []evidence.Record) {
	t.Helper()
	r, err := OpenBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rs, _, err := r.Records(t0.Add(-1000*time.Hour), t0.Add(1000*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	past, _, err := r.History()
	if err != nil {
		t.Fatal(err)
	}
	rs = append(past, rs...)
	var out strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&out, "%+v\n", r.Fact)
	}
	return out.String() + string(b), rs
}

func TestAnExportHoldsNoSecret(t *testing.T) {
	in := personal()
	text, rs := dump(t, exported(t, in))
	if len(rs) != len(in) {
		t.Fatalf("got %d facts, want %d", len(rs), len(in))
	}
	for _, s := range secrets {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(s)); i >= 0 {
			t.Errorf("the export holds %q: …%q…", s, text[max(0, i-80):min(len(text), i+80)])
		}
	}
	for _, keep := range []string{"wp_users", "wp_2_posts", "wp_audit_log", "created_on", "audit-log", "/xmlrpc.php", "WordPress/6.1", "mysqldump", "access-denied"} {
		if !strings.Contains(text, keep) {
			t.Errorf("the export has lost %q, which the diagnosis needs", keep)
		}
	}
}

func TestAnExportOfAnExportChangesNothing(t *testing.T) {
	once := exported(t, personal())
	r, err := OpenBytes(once)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, a := dump(t, once)
	_, b := dump(t, export(t, r))
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			t.Errorf("fact %d: once %+v, twice %+v", i, a[i], b[i])
		}
	}
}

func TestTheSameStaysTheSame(t *testing.T) {
	_, rs := dump(t, exported(t, personal()))
	site, ok := rs[0].Fact.(evidence.Site)
	client, ok2 := rs[8].Fact.(evidence.ClientUse)
	stm, ok3 := rs[2].Fact.(evidence.Statement)
	if !ok || !ok2 || !ok3 || site.Name != client.Site || site.Schema != stm.Schema || !strings.Contains(stm.Digest, "`"+site.Schema+"` . `wp_users`") {
		t.Errorf("names differ:\n%+v\n%+v\n%+v", site, client, stm)
	}
	if site.Root != "/srv/site-1" || !strings.HasSuffix(site.Name, "site-1.example") {
		t.Errorf("got root %s of %s, want /srv/site-1 of www.site-1.example", site.Root, site.Name)
	}
}

func TestAddressesStayComparable(t *testing.T) {
	a := newAddresses([]byte("salt"))
	seen := map[string]string{}
	for i := range 3000 {
		for _, ip := range []string{fmt.Sprintf("81.%d.%d.7", i/256, i%256), fmt.Sprintf("81.1.2.%d", i%256), fmt.Sprintf("2a01:%x::%x", i%40, i)} {
			to := a.replace(ip)
			if from, ok := seen[to]; ok && from != ip {
				t.Fatalf("%s and %s both became %s", from, ip, to)
			}
			seen[to] = ip
			if a.replace(to) != to {
				t.Fatalf("%s changed again", to)
			}
		}
	}
	near, far := a.replace("81.1.2.9"), a.replace("81.1.3.9")
	in24 := func(s string) netip.Prefix { return netip.PrefixFrom(netip.MustParseAddr(s), 24).Masked() }
	if in24(near) != in24(a.replace("81.1.2.200")) || in24(near) == in24(far) {
		t.Errorf("got %s, %s: neighbours are not neighbours", near, far)
	}
	in64 := func(s string) netip.Prefix { return netip.PrefixFrom(netip.MustParseAddr(s), 64).Masked() }
	if x, y := a.replace("2a01:1::1"), a.replace("2a01:1::2"); in64(x) != in64(y) || x == y {
		t.Errorf("got %s, %s", x, y)
	}
	if b := newAddresses([]byte("other")); b.replace("81.1.2.9") == near {
		t.Error("the replacement does not depend on the salt")
	}
	for _, ip := range []string{"127.0.0.1", "::1"} {
		if a.replace(ip) != ip {
			t.Errorf("%s was replaced", ip)
		}
	}
}

func TestAnExportIsSmallAndCanBeImported(t *testing.T) {
	path := newTape(t, 1800)
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b := export(t, r)
	st, err := os.Stat(path)
	if err != nil || int64(len(b)) > st.Size() {
		t.Errorf("got %d bytes from a tape of %d", len(b), st.Size())
	}
	to := filepath.Join(t.TempDir(), "imported")
	if err := Import(bytes.NewReader(b), to); err != nil {
		t.Fatal(err)
	}
	want, _ := all(t, path)
	if got, st := all(t, to); len(got) != len(want) || len(st.Damaged) > 0 {
		t.Errorf("got %d facts, want %d; %+v", len(got), len(want), st)
	}
	if err := Import(bytes.NewReader(b), to); err == nil {
		t.Error("an import overwrote a file")
	}
	if err := Import(strings.NewReader("hello"), to+"2"); !errors.Is(err, ErrForeign) && !errors.Is(err, ErrDamaged) {
		t.Errorf("import of a foreign file: got %v", err)
	}
	if _, err := OpenBytes([]byte("hello")); err == nil {
		t.Error("five bytes were opened as a tape")
	}
}

// FuzzRedact: whatever stands in a text, redaction returns, keeps no quoted
// literal of SQL, and changes nothing the second time.
func FuzzRedact(f *testing.F) {
	for _, r := range personal() {
		visit(r.Fact, func(_ treatment, s string) string { f.Add(s); return s })
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := newRedactor([]byte("salt"))
		d.learn(personal())
		d.settle()
		for tr := asText; tr <= asCommand; tr++ {
			once := d.replace(tr, s)
			if tr == asDigest && strings.ContainsAny(once, `'"`) && !strings.Contains(s, "`") {
				t.Errorf("%q became %q, with a literal", s, once)
			}
			if twice := d.replace(tr, once); tr == asDigest && twice != once {
				t.Errorf("treatment %d: %q became %q and then %q", tr, s, once, twice)
			}
		}
	})
}
