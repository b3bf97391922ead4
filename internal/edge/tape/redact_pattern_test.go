package tape

import (
	"strings"
	"testing"

	"hirune/internal/core/evidence"
)

// A pattern of addresses keeps its shape and what WordPress itself names, and no more.
func TestPatternsKeepTheirShape(t *testing.T) {
	d := newRedactor([]byte("salt"))
	for pattern, want := range map[string]string{
		"/xmlrpc.php": "/xmlrpc.php", "/wp-login.php": "/wp-login.php", "/*.php": "/*.php", "/*": "/*", "/N/N/": "/N/N/", "/?s=": "/?s=",
		"/klinik-dr-muster/N-N/": "/‹›/N-N/", "/termin/?patient=&s=": "/‹›/?‹›=&s=",
	} {
		got := d.record(evidence.Record{Fact: evidence.PathUse{Pattern: pattern, Class: evidence.ClassQuery}}).Fact.(evidence.PathUse).Pattern
		shape := strings.Split(want, "‹›")
		rest := got
		for i, part := range shape {
			at := strings.Index(rest, part)
			if at < 0 || i == 0 && at > 0 || i == len(shape)-1 && !strings.HasSuffix(got, part) {
				t.Errorf("%s became %s, want %s", pattern, got, want)
				break
			}
			rest = rest[at+len(part):]
		}
		for _, word := range []string{"klinik", "muster", "termin", "patient"} {
			if strings.Contains(got, word) {
				t.Errorf("%s became %s", pattern, got)
			}
		}
	}
}
