package wordpress

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	cleanHook = "aiowps_clean_old_events"
	cleanDue  = 1795361400
)

// cronOptions are all samples of the option cron.
func cronOptions(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/php-8.2-cron*.txt")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d samples of a schedule, %v", len(files), err)
	}
	out := map[string]string{}
	for _, f := range files {
		out[f] = read(t, filepath.Base(f))
	}
	return out
}

func TestKeptIsByteIdentical(t *testing.T) {
	for name, option := range cronOptions(t) {
		v, err := readKept(option)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var b strings.Builder
		v.write(&b)
		if b.String() != option {
			t.Errorf("%s: written as\n%s\nwant\n%s", name, b.String(), option)
		}
	}
}

func TestMoveEvent(t *testing.T) {
	option := read(t, "php-8.2-cron.txt")
	got, err := MoveEvent(option, cleanHook, cleanDue, 1795351750)
	if err != nil {
		t.Fatal(err)
	}
	event := `a:1:{s:23:"aiowps_clean_old_events";a:1:{s:32:"40cd750bba9870f18aada2478b24840a";a:3:{s:8:"schedule";s:5:"daily";s:4:"args";a:0:{}s:8:"interval";i:86400;}}}`
	want := strings.Replace(option, "i:1795361400;"+event, "", 1)
	want = strings.Replace(want, "i:1795351800;", "i:1795351750;"+event+"i:1795351800;", 1)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	back, err := MoveEvent(got, cleanHook, 1795351750, cleanDue)
	if err != nil || back != option {
		t.Errorf("there and back is not the same: %v\n%s", err, back)
	}
	last, err := MoveEvent(option, "publish_future_post", 1795351700, 1999999999)
	if err != nil || !strings.HasSuffix(last, `i:7;}}}}s:7:"version";i:2;}`) {
		t.Errorf("to the end: %v\n%s", err, last)
	}
}

func TestMoveBesideOthers(t *testing.T) {
	option := read(t, "php-8.2-cron.txt")
	shared, err := MoveEvent(option, cleanHook, cleanDue, 1795351800)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(shared, "a:4:{") || !strings.Contains(shared, `i:1795351800;a:2:{s:16:"wp_version_check"`) {
		t.Errorf("got %s", shared)
	}
	back, err := MoveEvent(shared, cleanHook, 1795351800, cleanDue)
	if err != nil || back != option {
		t.Errorf("there and back is not the same: %v\n%s", err, back)
	}
}

func TestMoveRefuses(t *testing.T) {
	option := read(t, "php-8.2-cron.txt")
	same := read(t, "php-8.2-cron-odd.txt")
	for _, c := range []struct {
		name, option, hook string
		from, to           int64
		want               error
	}{
		{"not there", option, "nobody", cleanDue, 5, ErrNoEvent},
		{"at another time", option, cleanHook, cleanDue + 1, 5, ErrNoEvent},
		{"to no time", option, cleanHook, cleanDue, 0, ErrNoEvent},
		{"to the same", option, cleanHook, cleanDue, cleanDue, ErrNoEvent},
		{"same arguments there already", same, "twice", 1795351700, 1795361400, ErrTaken},
		{"an object", strings.Replace(option, "i:7;", `O:8:"stdClass":0:{}`, 1), cleanHook, cleanDue, 5, ErrSerialized},
		{"a reference", strings.Replace(option, "i:7;", `R:2;`, 1), cleanHook, cleanDue, 5, ErrSerialized},
		{"an enumeration", strings.Replace(option, "i:7;", `E:3:"A:B";`, 1), cleanHook, cleanDue, 5, ErrSerialized},
		{"an unknown tag", strings.Replace(option, "i:7;", `C:1:"X":0:{}`, 1), cleanHook, cleanDue, 5, ErrSerialized},
		{"something behind it", option + " ", cleanHook, cleanDue, 5, ErrSerialized},
		{"cut", option[:len(option)-1], cleanHook, cleanDue, 5, ErrSerialized},
		{"another version", strings.Replace(option, `"version";i:2;`, `"version";i:3;`, 1), cleanHook, cleanDue, 5, ErrSerialized},
		{"no version", "a:0:{}", cleanHook, cleanDue, 5, ErrSerialized},
		{"out of order", strings.Replace(option, "i:1795351700;", "i:1895351700;", 1), cleanHook, cleanDue, 5, ErrSerialized},
		{"a count with a zero", strings.Replace(option, "a:5:{", "a:05:{", 1), cleanHook, cleanDue, 5, ErrSerialized},
		{"nothing", "", cleanHook, cleanDue, 5, ErrSerialized},
	} {
		got, err := MoveEvent(c.option, c.hook, c.from, c.to)
		if !errors.Is(err, c.want) || got != "" {
			t.Errorf("%s: got %q, %v, want %v", c.name, got, err, c.want)
		}
	}
}

// TestMoveReadsInPHP has PHP read what was written, and do the same move with
// its own arrays.
func TestMoveReadsInPHP(t *testing.T) {
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip("PHP is not installed")
	}
	const script = `<?php
$in = json_decode(file_get_contents('php://stdin'), true);
$c = unserialize(base64_decode($in['option']), ['allowed_classes' => false]);
$m = unserialize(base64_decode($in['moved']), ['allowed_classes' => false]);
if ($c === false || $m === false) { echo "unreadable"; exit; }
if (serialize($m) !== base64_decode($in['moved'])) { echo "PHP writes it in another way"; exit; }
$from = (int)$in['from']; $to = (int)$in['to']; $h = $in['hook'];
foreach ($c[$from][$h] as $k => $v) { $c[$to][$h][$k] = $v; }
unset($c[$from][$h]);
if (!$c[$from]) { unset($c[$from]); }
uksort($c, 'strnatcasecmp');
echo $c === $m ? 'same' : 'differs';`
	file := put(t, filepath.Join(t.TempDir(), "compare.php"), script)
	moves := 0
	for name, option := range cronOptions(t) {
		for hook, due := range hooksOf(t, option) {
			for _, to := range []int64{1795351750, 1, 1999999999, 1795351800} {
				moved, err := MoveEvent(option, hook, due, to)
				if to == due {
					continue
				}
				if err != nil {
					t.Errorf("%s: %s to %d: %v", name, hook, to, err)
					continue
				}
				in, _ := json.Marshal(map[string]any{"option": []byte(option), "moved": []byte(moved), "from": due, "to": to, "hook": hook})
				cmd := exec.CommandContext(t.Context(), php, "-n", file)
				cmd.Stdin = strings.NewReader(string(in))
				out, err := cmd.CombinedOutput()
				if err != nil || string(out) != "same" {
					t.Errorf("%s: %s to %d: PHP says %s, %v", name, hook, to, out, err)
				}
				moves++
			}
		}
	}
	if moves < 8 {
		t.Errorf("only %d moves were tried", moves)
	}
}

// hooksOf are the hooks of a schedule with their first due time.
func hooksOf(t *testing.T, option string) map[string]int64 {
	t.Helper()
	v, err := readKept(option)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, at := range v.items {
		due, _ := strconv.ParseInt(at.key, 10, 64)
		for _, h := range at.value.items {
			if out[h.key] == 0 {
				out[h.key] = due
			}
		}
	}
	return out
}

func FuzzMoveEvent(f *testing.F) {
	for _, option := range cronOptions(f) {
		f.Add(option, cleanHook, int64(cleanDue), int64(1795351750))
	}
	f.Fuzz(func(t *testing.T, option, hook string, from, to int64) {
		if v, err := readKept(option); err == nil {
			var b strings.Builder
			if v.write(&b); b.String() != option {
				t.Fatalf("%q was written as %q", option, b.String())
			}
		}
		moved, err := MoveEvent(option, hook, from, to)
		if err != nil {
			return
		}
		a, n, err := CronEvents(option)
		if err != nil {
			t.Fatal(err)
		}
		b, m, err := CronEvents(moved)
		if err != nil || n != m || len(a) != len(b) || len(option)+100 < len(moved) {
			t.Fatalf("%d events became %d, %v", n, m, err)
		}
		if _, err := MoveEvent(moved, hook, to, from); err != nil && from > 0 {
			t.Fatalf("it cannot be moved back: %v", err)
		}
	})
}
