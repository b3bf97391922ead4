package errorlog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

func TestKmsgRecord(t *testing.T) {
	at, msg, ok := kmsgRecord([]byte("3,1234,5678901,-;Out of memory: Killed process 812 (mariadbd)\n SUBSYSTEM=x\n"))
	if !ok || at != 5678901*time.Microsecond || string(msg) != "Out of memory: Killed process 812 (mariadbd)" {
		t.Errorf("got %s, %q, %v", at, msg, ok)
	}
	for _, s := range []string{"", ";", "a,b,c;d", "12,1,2,-;a user wrote: Out of memory: Killed process 1 (x)"} {
		if _, msg, ok := kmsgRecord([]byte(s)); ok {
			t.Errorf("%q was read as %q", s, msg)
		}
	}
	k := NewKmsg(filepath.Join(t.TempDir(), "kmsg"))
	if err := k.Read(10, nil); !errors.Is(err, evidence.ErrAbsent) || hint.Of(err) == "" {
		t.Errorf("missing: got %v", err)
	}
}

func FuzzKmsgRecord(f *testing.F) {
	f.Add([]byte("3,1234,5678901,-;Out of memory\n SUBSYSTEM=x\n"))
	f.Fuzz(func(t *testing.T, b []byte) { kmsgRecord(b) })
}

func TestJournal(t *testing.T) {
	answer := `{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1795351878123456","_COMM":"mariadbd","MESSAGE":"2026-11-22 12:51:18 0 [Note] mariadbd: ready for connections."}
not json
{"__CURSOR":"s=2","__REALTIME_TIMESTAMP":"1795351879000000","_COMM":"mariadbd","MESSAGE":[104,105,255]}
{"__CURSOR":"s=3","__REALTIME_TIMESTAMP":"x","_COMM":"mariadbd","MESSAGE":null}
`
	path := filepath.Join(t.TempDir(), "answer")
	if err := os.WriteFile(path, []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	j := &Journal{Command: []string{"sh", "-c", "cat " + path}, Names: []string{"mariadbd"}}
	var got []JournalLine
	if err := j.Read(context.Background(), func(l JournalLine) { got = append(got, l) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].At.UnixMicro() != 1795351878123456 || string(got[1].Message) != "hi\xff" || j.cursor != "s=3" {
		t.Errorf("got %+v, cursor %q", got, j.cursor)
	}
	for _, command := range []string{"false", "/nowhere/journalctl"} {
		j := &Journal{Command: []string{command}}
		if err := j.Read(context.Background(), nil); !errors.Is(err, evidence.ErrAbsent) || hint.Of(err) == "" {
			t.Errorf("%s: got %v", command, err)
		}
	}
}
