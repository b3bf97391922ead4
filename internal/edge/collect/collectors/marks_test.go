package collectors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

func openMarks(t *testing.T, path string) *Marks {
	t.Helper()
	m, err := OpenMarks(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func save(t *testing.T, m *Marks, sec int) {
	t.Helper()
	err, failed := m.Save(logNow.Add(time.Duration(sec)*time.Second), func() error { return nil })
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// rotations are what may happen to a log while nobody records.
var rotations = map[string]func(t *testing.T, path string){
	"none": func(*testing.T, string) {},
	"rename": func(t *testing.T, path string) {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, "")
	},
	"copytruncate": func(t *testing.T, path string) {
		text, err := os.ReadFile(path)
		if err == nil {
			err = errors.Join(os.WriteFile(path+".1", text, 0o600), os.Truncate(path, 0))
		}
		if err != nil {
			t.Fatal(err)
		}
	},
}

// TestAttacksAcrossARestart guesses passwords once a second, also while the
// recorder is off and the log is rotated: each attempt is told once.
func TestAttacksAcrossARestart(t *testing.T) {
	for name, rotate := range rotations {
		t.Run(name, func(t *testing.T) {
			path, file := filepath.Join(t.TempDir(), "access.log"), filepath.Join(t.TempDir(), "tape.marks")
			appendTo(t, path, "")
			guess := func(from, to int) {
				for sec := from; sec <= to; sec++ {
					appendTo(t, path, guessLine("192.0.2.1", sec))
				}
			}
			var attempts int64
			run := func(from, to int) {
				c := NewTraffic(webLogs(path, timedFormat))
				c.Marks = openMarks(t, file)
				for sec := from; sec <= to; sec++ {
					rs, err := beatOf(t, c, sec)
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range factsOf[evidence.Attack](rs) {
						attempts += f.Attempts
					}
					for _, u := range factsOf[evidence.Unseen](rs) {
						t.Errorf("at %d: %+v", sec, u)
					}
					save(t, c.Marks, sec)
					guess(sec+1, sec+1)
				}
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
			}
			run(0, 90) // the attempts after the first minute are not told yet
			guess(92, 120)
			rotate(t, path)
			guess(121, 150)
			run(151, 275)
			if attempts < 268 || attempts > 275 { // all but those after the last minute that was told
				t.Errorf("%d attempts are told", attempts)
			}
			told := attempts
			run(277, 340)
			if want := told + 340 - 271 - 60; attempts < want || attempts > 340 {
				t.Errorf("after another restart %d attempts are told, of 340", attempts)
			}
		})
	}
}

// TestErrorLinesAcrossARestart writes lines of one kind before, while and after
// the recorder is off.
func TestErrorLinesAcrossARestart(t *testing.T) {
	for name, rotate := range rotations {
		t.Run(name, func(t *testing.T) {
			dir, file := t.TempDir(), filepath.Join(t.TempDir(), "tape.marks")
			log := filepath.Join(dir, "fpm.log")
			full := func(sec, n int) {
				at := logNow.Add(time.Duration(sec) * time.Second).In(time.Local).Format("02-Jan-2006 15:04:05")
				appendTo(t, log, strings.Repeat("["+at+"] WARNING: [pool www] server reached pm.max_children setting (10), consider raising it\n", n))
			}
			count := func(rs []evidence.Record) (now, past int64) {
				for _, f := range factsOf[evidence.ErrorLine](rs) {
					if f.FromHist {
						past += f.Count
					} else {
						now += f.Count
					}
				}
				return now, past
			}
			beat := func(c *ErrorLogs, sec int, wantNow, wantPast int64) {
				t.Helper()
				rs, err := beatOf(t, c, sec)
				if err != nil {
					t.Fatal(err)
				}
				save(t, c.Marks, sec)
				if now, past := count(rs); now != wantNow || past != wantPast {
					t.Errorf("at %d: %d lines of now and %d of before, want %d and %d", sec, now, past, wantNow, wantPast)
				}
			}
			full(-60, 3)
			a := errorLogs(dir)
			a.Marks = openMarks(t, file)
			beat(a, 0, 0, 3)
			full(4, 2)
			beat(a, 5, 2, 0)
			_ = a.Close()

			full(30, 4)
			rotate(t, log)
			full(40, 5)
			b := errorLogs(dir)
			defer b.Close()
			b.Marks = openMarks(t, file)
			beat(b, 60, 0, 9)
			full(61, 1)
			beat(b, 65, 1, 0)
		})
	}
}

// TestAMarkThatDoesNotFit is told, and what the log holds of the time since counts.
func TestAMarkThatDoesNotFit(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "tape.marks")
	log := filepath.Join(dir, "fpm.log")
	line := func(sec int) string {
		at := logNow.Add(time.Duration(sec) * time.Second).In(time.Local).Format("02-Jan-2006 15:04:05")
		return "[" + at + "] WARNING: [pool www] server reached pm.max_children setting (10), consider raising it\n"
	}
	appendTo(t, log, line(-60))
	a := errorLogs(dir)
	a.Marks = openMarks(t, file)
	if _, err := beatOf(t, a, 0); err != nil {
		t.Fatal(err)
	}
	save(t, a.Marks, 0)
	_ = a.Close()
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	appendTo(t, log, line(-30)+line(20)+line(21))
	b := errorLogs(dir)
	defer b.Close()
	b.Marks = openMarks(t, file)
	rs, err := beatOf(t, b, 60)
	if err != nil {
		t.Fatal(err)
	}
	lost := slices.DeleteFunc(factsOf[evidence.Unseen](rs), func(u evidence.Unseen) bool { return u.Code == "log-missing" })
	if len(lost) != 1 || lost[0].Code != "log-mark-lost" || lost[0].Hint == "" {
		t.Errorf("got %+v", lost)
	}
	if f := factsOf[evidence.ErrorLine](rs); len(f) != 2 {
		t.Errorf("got %+v, want the two lines since", f)
	}
}

func TestMarksInTheirFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape.marks")
	log := filepath.Join(t.TempDir(), "access.log")
	appendTo(t, log, "line\n")
	c := NewTraffic(webLogs(log, ""))
	defer c.Close()
	c.Marks = openMarks(t, path)
	if _, err := beatOf(t, c, 0); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is full")
	if err, _ := c.Marks.Save(logNow, func() error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("marks were kept of what is not on the tape")
	}
	save(t, c.Marks, 1)
	if k, ok := openMarks(t, path).of("traffic", log); !ok || k.Offset != 5 || !k.At.Equal(logNow) {
		t.Errorf("got %+v, %v", k, ok)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", fi, err)
	}
	save(t, c.Marks, 2)
	if again, err := os.Stat(path); err != nil || !os.SameFile(fi, again) {
		t.Error("the file was written although nothing had changed")
	}
	c.Marks.Forget()
	save(t, c.Marks, 3)
	if _, ok := openMarks(t, path).of("traffic", log); ok {
		t.Error("the mark is still there")
	}
	for i, text := range []string{"", "{", "null", `{"schema":2,"logs":{"traffic ` + log + `":{"offset":5}}}`, "[]"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m, _ := OpenMarks(path)
		if _, ok := m.of("traffic", log); ok {
			t.Error(fmt.Sprint(i), "a mark was found")
		}
		m.set("traffic", c.logs[0].tail, logNow)
		save(t, m, 4)
	}
}
