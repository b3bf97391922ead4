package wordpress

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const hashOf = "3f0a9b0c1d2e3f405162738495a6b7c8d9eaf0b1c2d3e4f5061728394a5b6c7d"

// phpValues has PHP write session tokens and application passwords as WordPress does.
func phpValues(t testing.TB) (tokens, keys string) {
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip("PHP is not installed")
	}
	text := `$t = array('` + hashOf + `' => array('expiration'=>1795361400,'ip'=>'203.0.113.66','ua'=>"Mozilla \"x\" \xff",'login'=>1795351400),
		'b` + hashOf[1:] + `' => array('expiration'=>1795361500,'ip'=>'2001:db8::1','ua'=>'','login'=>1795351500,'extra'=>new ArrayObject()), 'c` + hashOf[1:] + `' => 1795361400);
		$k = array(array('uuid'=>'u','app_id'=>'','name'=>'phone','password'=>'$P$BsecretSecretSecret','created'=>1795000000,'last_used'=>null,'last_ip'=>null),
		array('uuid'=>'v','app_id'=>'','name'=>'日本','password'=>'$P$BsecretSecretSecret','created'=>1795000001,'last_used'=>1795000002,'last_ip'=>'198.51.100.7'));
		echo serialize($t), "\n", serialize($k);`
	out, err := exec.CommandContext(t.Context(), php, "-n", "-r", text).Output()
	if err != nil {
		t.Fatal(err)
	}
	tokens, keys, _ = strings.Cut(string(out), "\n")
	return tokens, keys
}

func TestTokensThatPHPWrote(t *testing.T) {
	tokens, keys := phpValues(t)
	s, err := sessionsOf(tokens)
	if err != nil || len(s) != 2 || s[0].Client.String() != "2001:db8::1" || s[1].Client.String() != "203.0.113.66" || s[1].Agent != "Mozilla \"x\" \uFFFD" || !s[1].Since.Equal(time.Unix(1795351400, 0)) || !s[1].Until.Equal(time.Unix(1795361400, 0)) {
		t.Errorf("sessions: %+v, %v", s, err)
	}
	k, err := keysOf(keys)
	if err != nil || len(k) != 2 || k[0].Name != "phone" || !k[0].LastUsed.IsZero() || k[0].LastIP.IsValid() || k[1].Name != "日本" || k[1].LastIP.String() != "198.51.100.7" {
		t.Errorf("keys: %+v, %v", k, err)
	}
	if text := fmt.Sprintf("%+v %+v", s, k); strings.Contains(text, hashOf[1:]) || strings.Contains(text, "$P$") {
		t.Errorf("a secret is in %s", text)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	for _, v := range []string{
		"", "x", "i:5;", "b:0;", "a:0:{}x", `a:1:{s:3:"abc";a:1:{s:5:"login";i:5;}`, `a:1:{s:99:"abc";i:1;}`, `a:9:{s:3:"abc";i:1;}`, `a:1:{s:3:"abc";s:999999999:"x";}`, "a:2147483647:{}",
		strings.Repeat(`a:1:{i:0;`, 100000), `O:8:"stdClass":1:{s:1:"a";i:1;}` + "\n",
	} {
		s, err := sessionsOf(v)
		k, kerr := keysOf(v)
		if !errors.Is(err, ErrSerialized) || !errors.Is(kerr, ErrSerialized) || s != nil || k != nil {
			t.Errorf("%.40q: got %v, %v, %v, %v", v, s, err, k, kerr)
		}
	}
	// What is not as it should be is left out; the rest is read.
	s, err := sessionsOf(`a:4:{s:1:"a";i:5;s:1:"b";a:2:{s:5:"login";s:1:"5";s:2:"ip";i:5;}s:1:"c";a:1:{s:5:"login";i:-5;}s:1:"d";a:3:{s:5:"login";i:5;s:2:"ip";s:5:"local";s:2:"ua";a:0:{}}}`)
	if err != nil || len(s) != 1 || s[0].Client.IsValid() || s[0].Agent != "" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add(`a:1:{s:64:"` + hashOf + `";a:4:{s:10:"expiration";i:1795361400;s:2:"ip";s:12:"203.0.113.66";s:2:"ua";s:1:"x";s:5:"login";i:1795351400;}}`)
	f.Add(`a:1:{i:0;a:7:{s:4:"uuid";s:1:"u";s:6:"app_id";s:0:"";s:4:"name";s:5:"phone";s:8:"password";s:3:"$P$";s:7:"created";i:1795000000;s:9:"last_used";N;s:7:"last_ip";N;}}`)
	f.Add(`a:1:{s:13:"administrator";b:1;}`)
	f.Fuzz(func(t *testing.T, v string) {
		s, err := sessionsOf(v)
		if err != nil && s != nil || len(s) > sessionsMost {
			t.Fatalf("%d sessions, %v", len(s), err)
		}
		for _, x := range s {
			if x.Since.IsZero() || len([]rune(x.Agent)) > agentRunes+1 || x.Client.Zone() != "" || x.Client.Is4In6() {
				t.Fatalf("got %+v", x)
			}
		}
		k, _ := keysOf(v)
		for _, x := range k {
			if len([]rune(x.Name)) > nameRunes+1 {
				t.Fatalf("got %+v", x)
			}
		}
		_ = powerful(v, []string{"administrator"})
	})
}

func TestPowers(t *testing.T) {
	for value, want := range map[string]bool{
		`a:1:{s:13:"administrator";b:1;}`: true, `a:1:{s:13:"administrator";b:0;}`: true, `a:1:{s:15:"install_plugins";s:1:"1";}`: true, `a:1:{s:15:"install_plugins";i:0;}`: false, `a:1:{s:6:"editor";b:1;}`: false, `a:2:{s:6:"editor";b:1;s:15:"install_plugins";b:1;}`: true,
		`a:1:{s:4:"boss";b:1;}`: true, `a:0:{}`: false, ``: false, `a:1:{s:13:"administrator";s:1:"1";}`: true, `administrator`: false,
	} {
		if got := powerful(value, []string{"administrator", "boss"}); got != want {
			t.Errorf("%s: got %v", value, got)
		}
	}
	p := people{prefix: "wp_"}
	for key, want := range map[string]bool{"wp_capabilities": true, "wp_2_capabilities": false, "xwp_capabilities": false, "wp_capabilities2": false, "capabilities": false} {
		if got := p.isCapabilities(key); got != want {
			t.Errorf("%s: got %v", key, got)
		}
	}
	if p.multisite = true; !p.isCapabilities("wp_2_capabilities") || !p.isCapabilities("wp_capabilities") || p.isCapabilities("wp_x_capabilities") || p.isCapabilities("wp_2capabilities") {
		t.Error("a network's keys are not told apart")
	}
}
