package journal

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hirune/internal/core/apply"
)

// TestALineThatIsTooLongCostsItAlone: the rest is read, also what is written later.
func TestALineThatIsTooLongCostsItAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, Name)
	j := open(t, dir)
	write(t, j, planned(1))
	j.Close()
	for name, c := range map[string]struct {
		line string
		bad  int
	}{
		"long":               {strings.Repeat("x", lineMost+1) + "\n", 1},
		"long and torn":      {strings.Repeat("x", lineMost+1), 1},
		"long JSON":          {`{"run":7,"event":"ended","err":"` + strings.Repeat("x", lineMost) + "\"}\n", 1},
		"exactly the bound":  {strings.Repeat("x", lineMost-1) + "\n", 1},
		"as long as a chunk": {strings.Repeat("x", 64<<10) + "\n", 1},
		"spaces":             {strings.Repeat(" ", lineMost+1) + "\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer os.WriteFile(path, whole, 0o600)
			if err := os.WriteFile(path, append(bytes.Clone(whole), c.line...), 0o600); err != nil {
				t.Fatal(err)
			}
			j := open(t, dir)
			write(t, j, entry(1, apply.RunEnded))
			j.Close()
			es, bad, err := Read(dir)
			if err != nil || bad != c.bad || len(es) != 2 || es[1].Event != apply.RunEnded {
				t.Errorf("got %d entries, %d unread: %v", len(es), bad, err)
			}
		})
	}
}

// TestALineOfANewerHiruneStays: its bytes are kept, and its run keeps its number.
func TestALineOfANewerHiruneStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, Name)
	future := `{"run":41,"event":"planned","plan":{"remedy":"x","steps":[{"id":"1","kind":"of-the-future","step":{}}]}}` + "\n"
	if err := os.WriteFile(path, []byte(future+`{"run":-3}`+"\n"+`{"run":99999999999}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir)
	if j.Next() != 42 || j.Damaged() != 3 {
		t.Errorf("next run %d, %d unread", j.Next(), j.Damaged())
	}
	write(t, j, planned(j.Next()))
	text, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(text, []byte(future)) {
		t.Errorf("the line was changed: %.200q, %v", text, err)
	}
}

func TestALineThatIsTooLongIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	e := entry(1, apply.StepFailed)
	e.Err = strings.Repeat("x", lineMost)
	if err := j.Write(e); err == nil {
		t.Fatal("it was written")
	}
	write(t, j, planned(1))
	if es, bad, err := Read(dir); err != nil || len(es) != 1 || bad != 0 {
		t.Errorf("got %d entries, %d unread: %v", len(es), bad, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "\n\n", "{\"run\":1}\n", "{\"run\":1,\"event\":\"ended\"}\n{", "\x00\xff\n[]\nnull\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		es, left, err := parse(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")) + 1; len(es)+left.lines > n {
			t.Fatalf("%d entries and %d unread of %d lines", len(es), left.lines, n)
		}
		for _, e := range es {
			if _, err := json.Marshal(e); err != nil || e.Run == 0 {
				t.Fatalf("got %+v, %v", e, err)
			}
		}
	})
}
