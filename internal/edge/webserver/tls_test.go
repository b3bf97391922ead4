package webserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

// certificate writes a certificate that ran out long ago: that is not what a
// probe is about.
func (r *rig) certificate() {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "old.example"}, NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(1.1e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	r.write("cert", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	r.write("key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})))
}

// TestOverTLS has the site on TLS, and its plain address only redirect, as most
// sites are.
func TestOverTLS(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for _, server := range []string{evidence.ServiceApache, evidence.ServiceNginx} {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.php()
			r.certificate()
			if server == evidence.ServiceNginx {
				site := strings.Replace(serverBlock, "{port}", "{tls} ssl", 1)
				site = strings.Replace(site, "index index.php;", "ssl_certificate {dir}/cert;\n\tssl_certificate_key {dir}/key;", 1)
				r.write("ngx/nginx.conf", "daemon off;\nuser www-data;\npid {dir}/pid;\nerror_log {dir}/logs/nginx.log;\nevents {}\nhttp {\n\taccess_log off;\n"+
					"server {\n\tlisten 127.0.0.1:{port};\n\tserver_name site.example;\n\troot {dir}/www;\n\treturn 301 https://site.example$request_uri;\n}\n"+site+"}\n")
				r.write("ngx/fpm.conf", "include /etc/nginx/fastcgi_params;\nfastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\nfastcgi_pass unix:{dir}/fpm;\n")
				r.in.Config = r.path("ngx/nginx.conf")
				r.pid = r.start(nil, "nginx", "-c", r.in.Config)
			} else {
				config, _ := r.rhel()
				r.write("httpd/conf/httpd.conf", strings.Replace(r.read("httpd/conf/httpd.conf"), vhostOf(r), redirecting(r), 1))
				r.write("httpd/conf.modules.d/ssl.conf", "LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so\nLoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n")
				r.in.Config = config
				r.pid = r.start(nil, "apache2", "-f", config, "-DFOREGROUND")
			}
			r.in.PID, r.in.TLS, r.in.Listen = r.pid, true, fmt.Sprint("127.0.0.1:", r.tls)
			page := remedy.Probe{Method: "GET", URL: fmt.Sprintf("https://127.0.0.1:%d/wp-login.php", r.tls), Host: "site.example"}
			r.until("the site answers", func() bool { return request(context.Background(), page).status == 200 })
			step := r.plan(remedy.Wishes{})
			for _, p := range step.Probes {
				if !strings.HasPrefix(p.URL, "https://") {
					t.Errorf("the address that redirects is asked: %+v", p)
				}
			}
			h := &hand{t: t}
			if err := h.do(step); err != nil {
				t.Fatalf("%v\n%s", err, r.logs())
			}
			h.want(step, apply.IsDone)
			before := r.ran()
			if a := request(context.Background(), step.Probes[0]); a.status != 403 || !strings.Contains(a.body, remedy.Marker) || r.ran() != before {
				t.Errorf("got %d %q", a.status, a.body)
			}
			if a := r.get("GET", "/wp-login.php"); a.status != 301 {
				t.Errorf("the plain address: got %d, want its redirect", a.status)
			}
			if err := h.undo(step); err != nil {
				t.Fatal(err)
			}
			if a := request(context.Background(), step.Probes[0]); a.status != 200 {
				t.Errorf("undone: got %d", a.status)
			}
		})
	}
}

func vhostOf(r *rig) string {
	return strings.NewReplacer("{dir}", r.dir, "{port}", fmt.Sprint(r.port)).Replace(vhost)
}

// redirecting is the plain host that redirects, and the site on TLS.
func redirecting(r *rig) string {
	return fmt.Sprintf(`Listen 127.0.0.1:%d
<VirtualHost *:%d>
	ServerName site.example
	DocumentRoot %s/www/
	Redirect permanent / https://site.example/
</VirtualHost>
<VirtualHost *:%d>
	ServerName site.example
	DocumentRoot %s/www/
	SSLEngine on
	SSLCertificateFile %s/cert
	SSLCertificateKeyFile %s/key
	<Directory %s/www>
		Require all granted
	</Directory>
</VirtualHost>
`, r.tls, r.port, r.dir, r.tls, r.dir, r.dir, r.dir, r.dir)
}

// TestClosesWhilePHPIsDown is the hour in which it is needed most: no page
// comes, before or after, and the endpoint is closed all the same.
func TestClosesWhilePHPIsDown(t *testing.T) {
	need(t, "apache2", "nginx")
	for _, server := range []string{evidence.ServiceApache, evidence.ServiceNginx} {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.down = true
			if server == evidence.ServiceNginx {
				r.nginx(serverBlock)
			} else {
				r.apache(r.rhel)
			}
			step := r.plan(remedy.Wishes{})
			h := &hand{t: t}
			if err := h.do(step); err != nil {
				t.Fatalf("%v\n%s", err, r.logs())
			}
			if a := r.get("POST", "/xmlrpc.php"); a.status != 403 || !strings.Contains(a.body, remedy.Marker) {
				t.Errorf("got %d %q", a.status, a.body)
			}
			if err := h.undo(step); err != nil {
				t.Fatal(err)
			}
			if a := r.get("POST", "/xmlrpc.php"); a.status < 500 {
				t.Errorf("undone: got %d, want PHP's absence", a.status)
			}
		})
	}
}
