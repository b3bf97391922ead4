package collectors

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
)

func guessLine(client string, sec int) string {
	at := logNow.Add(time.Duration(sec) * time.Second).Format("02/Jan/2006:15:04:05 -0700")
	return fmt.Sprintf("%s - - [%s] \"POST /xmlrpc.php HTTP/1.1\" 200 403 \"-\" \"python-requests/2.31\" 15000\n", client, at)
}

// followed is a collector whose log has been opened.
func followed(t *testing.T, path, format string) *Traffic {
	t.Helper()
	appendTo(t, path, "")
	c := NewTraffic(webLogs(path, format))
	t.Cleanup(func() { _ = c.Close() })
	if _, err := beatOf(t, c, 0); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAttacksByTheMinute guesses passwords for three minutes, one try a second:
// the facts add up to all of them, with their worker time.
func TestAttacksByTheMinute(t *testing.T) {
	for _, timed := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "access.log")
		format := timedFormat
		if !timed {
			format = strings.TrimSuffix(format, " %D")
		}
		c := followed(t, path, format)
		var sieges []Siege
		c.Besieged = func(s Siege) { sieges = append(sieges, s) }
		var got []evidence.Attack
		for sec := 1; sec <= 185; sec++ {
			line := guessLine("192.0.2.1", sec)
			if !timed {
				line = strings.TrimSuffix(line, " 15000\n") + "\n"
			}
			appendTo(t, path, line+logLine("203.0.113.5", "GET /a.css HTTP/1.1", "visitor"))
			rs, err := beatOf(t, c, sec)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, factsOf[evidence.Attack](rs)...)
		}
		var attempts, took int64
		for _, f := range got {
			if f.ID != "xmlrpc-brute-force" || f.Actors != 1 || f.OverMs < 59_000 || f.OverMs > 61_000 {
				t.Errorf("timed %v: got %+v", timed, f)
			}
			attempts, took = attempts+f.Attempts, took+f.TookMs
		}
		if timed && took != attempts*15 || !timed && took != -int64(len(got)) {
			t.Errorf("timed %v: %d attempts took %d ms", timed, attempts, took)
		}
		if len(got) != 3 || attempts < 180 || attempts > 182 || len(sieges) != 3 {
			t.Errorf("timed %v: got %d facts with %d attempts, %d sieges; want 3 with those of three minutes", timed, len(got), attempts, len(sieges))
			continue
		}
		if a := sieges[2].Picture.Attacks; len(a) != 1 || len(a[0].Actors) != 1 || !a[0].Actors[0].Fired || a[0].Actors[0].Prefix != netip.MustParsePrefix("192.0.2.1/32") {
			t.Errorf("got %+v", a)
		}
	}
}

// TestASlowAttackIsToldSinceItBegan is not known as an attack in its first minutes.
func TestASlowAttackIsToldSinceItBegan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	c := followed(t, path, timedFormat)
	var got []evidence.Attack
	sent := int64(0)
	for sec := 5; sec <= 1200 && len(got) == 0; sec += 5 {
		if sec%20 == 0 {
			appendTo(t, path, guessLine("192.0.2.1", sec))
			sent++
		}
		rs, err := beatOf(t, c, sec)
		if err != nil {
			t.Fatal(err)
		}
		got = factsOf[evidence.Attack](rs)
	}
	if len(got) != 1 || got[0].Attempts != sent || got[0].OverMs < 61_000 {
		t.Errorf("got %+v after %d attempts; want all of them, over the time since the first", got, sent)
	}
}

// TestOldLinesAreNoSiege reads what was written long ago: a log that was copied here.
func TestOldLinesAreNoSiege(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	c := followed(t, path, timedFormat)
	c.Besieged = func(s Siege) { t.Errorf("got %+v", s) }
	for sec := range 200 {
		appendTo(t, path, guessLine("192.0.2.1", sec-86400))
		rs, _ := beatOf(t, c, sec)
		if a := factsOf[evidence.Attack](rs); len(a) > 0 {
			t.Fatalf("got %+v", a)
		}
	}
}

// TestTheSmallTallyIsSmall counts attackers without end.
func TestTheSmallTallyIsSmall(t *testing.T) {
	const most = 1536 << 10
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	tally := attack.NewTally(attack.Options{Small: true})
	for i := range 200_000 {
		a := netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)})
		target := fmt.Appendf(nil, "/xmlrpc.php?n=%d", i)
		tally.Add(&attack.Hit{At: logNow.Unix() + int64(i/1000), Client: a, Method: attack.Post, Class: attack.ClassXMLRPC, Status: 200, Bytes: 403, TookUs: 1000, Path: target[:11], Target: target, Agent: target})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := int64(after.HeapAlloc) - int64(before.HeapAlloc); got > most {
		t.Errorf("a small tally takes %d KB, want at most %d", got>>10, most>>10)
	} else {
		t.Logf("%d KB", got>>10)
	}
	runtime.KeepAlive(tally)
}
