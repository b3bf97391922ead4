package webserver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
)

// limited plans a limit of the log-in.
func (r *rig) limited() remedy.Plan {
	r.t.Helper()
	web, err := Survey(context.Background(), r.in)
	if err != nil {
		r.t.Fatal(err)
	}
	return remedies.RateLimit().Plan(remedies.LimitFinding(remedies.LimitLogin, ""), remedy.World{Web: &web}, remedy.Wishes{})
}

// passes counts how many of n log-ins are let through, each from who(i).
func (r *rig) passes(n int, who func(int) string) int {
	r.t.Helper()
	ok := 0
	for i := range n {
		switch got := r.as(who(i), "/wp-login.php"); got {
		case 200:
			ok++
		case 429:
		default:
			r.t.Fatalf("log-in %d: got %d", i, got)
		}
	}
	return ok
}

func TestLimits(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	for name, http := range map[string]string{"by a pattern": "\tinclude {dir}/ngx/conf.d/*.conf;\n", "by a line": "\tset_real_ip_from 127.0.0.1;\n\treal_ip_header X-Test;\n"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, evidence.ServiceNginx)
			r.php()
			r.write("ngx/conf.d/real.conf", "set_real_ip_from 127.0.0.1;\nreal_ip_header X-Test;\n")
			r.nginx(http + serverBlock)
			before := r.tree()
			p := r.limited()
			if !p.Doable() {
				t.Fatalf("refused: %+v", p.Refused)
			}
			step := p.Steps[0].Step.(remedy.WriteInclude)
			h := &hand{t: t}
			h.want(step, apply.NotDone)
			if err := h.do(step); err != nil {
				t.Fatalf("%v\n%s", err, r.logs())
			}
			h.want(step, apply.IsDone)
			ran := r.ran()
			one := func(int) string { return "203.0.113.7" }
			if n := r.passes(60, one); n < 1 || n > 7 {
				t.Errorf("one address: %d of 60 log-ins came through, want about 5", n)
			}
			if n := r.ran() - ran; n > 7 {
				t.Errorf("PHP ran %d times for 60 log-ins", n)
			}
			if n := r.passes(3, func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }); n != 3 {
				t.Errorf("others: %d of 3 log-ins came through", n)
			}
			if n := r.passes(300, func(i int) string { return fmt.Sprintf("203.0.%d.%d", i/200, i%200) }); n > 60 {
				t.Errorf("300 addresses, once each: %d came through", n)
			}
			for _, path := range []string{"/", "/xmlrpc.php", "/blog/"} {
				if got := r.as("203.0.113.7", path); got != 200 {
					t.Errorf("%s: got %d", path, got)
				}
			}
			if a := r.get("GET", "/wp-login.php"); a.status != 200 {
				t.Errorf("the log-in page: got %d", a.status)
			}
			if again := r.limited(); len(again.Steps)+len(again.Refused) > 0 {
				t.Errorf("planned again: %+v", again)
			}
			if err := h.undo(step); err != nil {
				t.Fatal(err)
			}
			if n := r.passes(30, one); n != 30 {
				t.Errorf("undone: %d of 30 log-ins came through", n)
			}
			if r.tree() != before {
				t.Error("the configuration is not as before")
			}
		})
	}
}

func TestLimitsOfTheOwnerStay(t *testing.T) {
	need(t, "nginx", "apache2", "php-fpm8.2")
	r := newRig(t, evidence.ServiceNginx)
	r.php()
	r.nginx("\tlimit_req_zone $binary_remote_addr zone=mine:1m rate=9r/s;\n" + strings.Replace(serverBlock, "location / {", "location / { limit_req zone=mine burst=90;", 1))
	if p := r.limited(); p.Doable() || len(p.Advice) == 0 || !strings.Contains(fmt.Sprint(p.Refused), "has a limit of its own") {
		t.Errorf("got %+v", p)
	}
	r = r2(t, evidence.ServiceApache)
	if p := r.limited(); p.Doable() || !strings.Contains(fmt.Sprint(p.Refused), "limit-apache") {
		t.Errorf("Apache: got %+v", p)
	}
}
