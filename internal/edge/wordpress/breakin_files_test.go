package wordpress

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/attack"
)

// phpFiles are contents of files with what they do when they are requested.
var phpFiles = []struct{ name, src, want string }{
	{"empty", "", attack.DoesNothing},
	{"silence", "<?php\n// Silence is golden.\n", attack.DoesNothing},
	{"a page without code", "<!doctype html><html></html>", attack.DoesNothing},
	{"translations", "<?php\nreturn ['x-generator'=>'GlotPress/4.0.1','messages'=>['Post'=>'投稿','%s (%d)'=>'%s']];", attack.DoesNothing},
	{"old translations", "<?php return array('a' => array(1, -2.5, true, null, __DIR__), );", attack.DoesNothing},
	{"a page cache that ends at once", `<?php die(); ?>{"headers":["X"],"html":"<?php echo 1; ?>"}`, attack.DoesNothing},
	{"a page cache that ends without a semicolon", "<?php exit ?><html><?php echo 'x' ?></html>", attack.DoesNothing},
	{"a plugin's log", "<?php exit('Access denied'); __halt_compiler(); ?>\n*** eval($_POST[1]) in a blocked request", attack.DoesNothing},
	{"settings behind a guard", "<?php\ndefined('ABSPATH') || exit;\n$cookie = 'x'; $list = array('a','b');", attack.DoesNothing},
	{"settings behind a guard that answers", "<?php if ( ! defined( 'ABSPATH' ) ) { header('HTTP/1.0 403 Forbidden'); exit; }\nadd_action('x','y');", attack.DoesNothing},
	{"an object cache's entry", "<?php if (!defined('ABSPATH')) { return false; }\nreturn \\stdClass::__set_state(array('data' => array(1,2)));", attack.DoesNothing},
	{"a compiled template", "<?php\nuse Twig\\Environment;\nclass __TwigTemplate_1 extends Template { public function __construct(Environment $e) { parent::__construct($e); echo $this->x(); } }", attack.DoesNothing},
	{"functions alone", "<?php namespace A; interface B {} function c() { return d(); }", attack.DoesNothing},
	{"data in variables", "<?php $a = 'x'; $b = [1,2]; define('C', 5);", attack.DoesNothing},

	{"it says something", "<?php echo 'it runs: ', PHP_VERSION, str_repeat(' ', 300);", attack.DoesSome},
	{"short echo", "<?= 1 ?>", attack.DoesSome},
	{"a call", "<?php phpinfo();", attack.DoesSome},
	{"an upload form", "<?php if (isset($_FILES['f'])) move_uploaded_file($_FILES['f']['tmp_name'], $_FILES['f']['name']);", attack.DoesSome},
	{"it includes another", "<?php include 'x.jpg';", attack.DoesSome},
	{"a variable function", "<?php $f='ph'.'pinfo'; $f();", attack.DoesSome},
	{"exit with a call", "<?php exit(phpinfo());", attack.DoesSome},
	{"a guard that guards nothing", "<?php if (!defined('PHP_VERSION')) exit; phpinfo();", attack.DoesSome},
	{"a guard with a way round", "<?php if (!defined('ABSPATH') && !isset($_GET['x'])) exit; phpinfo();", attack.DoesSome},
	{"a cache that sends headers", "<?php header('Content-Type: text/html'); readfile(__FILE__.'.gz');", attack.DoesSome},

	{"eval of a parameter", "<?php @eval($_POST['x']);", attack.DoesCommands},
	{"eval of a parameter in a string", `<?php eval("$_POST[x];");`, attack.DoesCommands},
	{"behind a guard", "<?php defined('ABSPATH') or die; system($_GET['c']);", attack.DoesCommands},
	{"in an exit", "<?php exit(system($_GET['c']));", attack.DoesCommands},
	{"behind pictures", "GIF89a\x00\xff<?php SYSTEM ( $_REQUEST [ 'c' ] ) ; ?>", attack.DoesCommands},
	{"a function named by a parameter", "<?php $_GET['a']($_GET['b']);", attack.DoesCommands},
	{"an inclusion named by a parameter", "<?php include($_GET['p']);", attack.DoesCommands},
	{"backticks", "<?php echo `{$_COOKIE['c']}`;", attack.DoesCommands},
	{"in disguise", "<?php eval(gzinflate(base64_decode('c3lzdGVt')));", attack.DoesCommands},
	{"from the body", "<?php eval(file_get_contents('php://input'));", attack.DoesCommands},
	{"from a header", "<?php $h = getallheaders(); assert($h['X']);", attack.DoesCommands},
	{"in a class that is used", "<?php class A { function __destruct() { eval($_POST['x']); } } new A;", attack.DoesCommands},
	{"in a function", "<?php function a() { passthru($_POST['x']); }", attack.DoesCommands},
	{"a database is no shell", "<?php $pdo->exec('DELETE'); echo $_GET['x'];", attack.DoesSome},
	{"a comment is no shell", "<?php // eval($_POST['x'])\n", attack.DoesNothing},
}

func TestDoesPHP(t *testing.T) {
	for _, c := range phpFiles {
		if got, _ := doesPHP([]byte(c.src)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestSilentFilesAreSilentInPHP has PHP run those that are said to do nothing.
func TestSilentFilesAreSilentInPHP(t *testing.T) {
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip("PHP is not installed")
	}
	ran := 0
	for _, c := range phpFiles {
		if c.want != attack.DoesNothing || strings.Contains(c.name, "template") { // its parent is not there
			continue
		}
		out, err := exec.CommandContext(t.Context(), php, "-n", put(t, filepath.Join(t.TempDir(), "x.php"), c.src)).CombinedOutput()
		said := strings.TrimSpace(string(out))
		if ran++; err != nil || said != "" && !strings.Contains("Access denied<!doctype html><html></html>", said) {
			t.Errorf("%s: PHP says %q, %v", c.name, said, err)
		}
	}
	if ran < 10 {
		t.Errorf("only %d were run", ran)
	}
}

func TestShapes(t *testing.T) {
	shape := func(src string) string { _, s := doesPHP([]byte(src)); return s }
	page := "<?php header('X: %d'); if (time() > %d) { readfile('%s'); }"
	if a, b := shape(fmt.Sprintf(page, 1, 2, "a")), shape(fmt.Sprintf(page, 3, 4, "b")); a == "" || a != b {
		t.Errorf("two files of one template: %q and %q", a, b)
	}
	if shape("<?php phpinfo();") == shape("<?php phpversion();") {
		t.Error("two programs have one shape")
	}
}

func FuzzDoesPHP(f *testing.F) {
	for _, c := range phpFiles {
		f.Add([]byte(c.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		does, shape := doesPHP(src)
		if does == attack.DoesSome && shape == "" || does == attack.DoesUnknown {
			t.Fatalf("%q: %q, %q", src, does, shape)
		}
	})
}

// fileSite is a site's directory: WordPress and a plugin with many files.
func fileSite(t *testing.T) Site {
	t.Helper()
	dir := t.TempDir()
	for i := range 20 {
		put(t, filepath.Join(dir, "wp-includes", fmt.Sprintf("f%d.php", i)), "<?php f();")
		put(t, filepath.Join(dir, "wp-content/plugins/big", fmt.Sprintf("f%d.php", i)), "<?php eval($_POST['x']);")
	}
	put(t, filepath.Join(dir, "wp-includes/version.php"), "<?php $wp_version = '6.1.9';")
	put(t, filepath.Join(dir, "index.php"), "<?php require 'x';")
	put(t, filepath.Join(dir, "wp-content/uploads/index.php"), "<?php // Silence is golden.")
	put(t, filepath.Join(dir, "wp-content/languages/plugins/a-ja.l10n.php"), "<?php return ['a'=>'b'];")
	for i := range 5 {
		put(t, filepath.Join(dir, "wp-content/cache/pages", fmt.Sprint(i, ".php")), fmt.Sprintf("<?php header('X: %d'); echo '%d';", i, i))
		put(t, filepath.Join(dir, "wp-content/cache/meta", fmt.Sprint(i, ".php")), "<?php die(); ?>{}")
	}
	return Site{Name: "shop.example", Dir: dir}
}

func paths(files []attack.File) []string {
	var out []string
	for _, f := range files {
		out = append(out, f.Why+" "+f.Does+" "+f.Path)
	}
	slices.Sort(out)
	return out
}

func TestFilesOfAnHonestSite(t *testing.T) {
	s := fileSite(t)
	got, unseen := Files(t.Context(), s, Look{Since: time.Now().Add(-time.Hour)})
	if len(got) != 0 || len(unseen) != 0 {
		t.Errorf("got %v, %+v", paths(got), unseen)
	}
}

func TestFilesThatAnIntruderLeaves(t *testing.T) {
	s := fileSite(t)
	in := func(rel string) string { return filepath.Join(s.Dir, "wp-content", rel) }
	put(t, in("uploads/2026/11/a.php"), "<?php @eval($_POST['x']);")
	put(t, in("uploads/b.PHTML"), "<?php phpinfo();")
	put(t, in("uploads/c.jpg"), "<?php phpinfo();")
	put(t, in("languages/d.php"), "<?php phpinfo();")
	put(t, in("cache/pages/shell.php"), "<?php header('X: 1'); eval($_POST['x']);")
	put(t, in("cache/one.php"), "<?php phpinfo(); phpinfo();")
	outside := t.TempDir()
	put(t, filepath.Join(outside, "secret.php"), "<?php phpinfo();")
	for _, link := range []string{in("uploads/link"), in("uploads/link.php")} {
		if err := os.Symlink(filepath.Join(outside, strings.Repeat("secret.php", strings.Count(link, ".php"))), link); err != nil {
			t.Fatal(err)
		}
	}
	got, unseen := Files(t.Context(), s, Look{Since: time.Now().Add(-time.Hour), Paths: []string{
		"/wp-content/uploads/2026/11/a.php", "/wp-content/uploads/gone.php", "/wp-content/uploads/c.jpg", "/wp-content/../../../etc/passwd", "/index.php", "/wp-content/uploads/link.php", "/wp-content/uploads/link/secret.php",
	}})
	want := []string{
		"asked  /wp-content/uploads/c.jpg", "asked  /wp-content/uploads/link.php", "asked code /index.php", "asked commands /wp-content/uploads/2026/11/a.php",
		"asked gone /wp-content/../../../etc/passwd", "asked gone /wp-content/uploads/gone.php",
		"cache code /wp-content/cache/one.php", "cache commands /wp-content/cache/pages/shell.php", "languages code /wp-content/languages/d.php",
		"uploads code /wp-content/uploads/b.PHTML", "uploads commands /wp-content/uploads/2026/11/a.php",
	}
	have := slices.DeleteFunc(paths(got), func(p string) bool { return strings.HasSuffix(p, "/link/secret.php") })
	if !slices.Equal(have, want) {
		t.Errorf("got  %q\nwant %q", have, want)
	}
	for _, f := range got {
		if strings.HasSuffix(f.Path, "/link/secret.php") && f.Does != attack.DoesUnknown {
			t.Errorf("a link was followed: %+v", f)
		}
		if f.Does != attack.DoesGone && f.Does != attack.DoesUnknown && (time.Since(f.Changed) > time.Minute || f.Bytes == 0) {
			t.Errorf("%+v", f)
		}
	}
	if !slices.ContainsFunc(unseen, func(u attack.Unseen) bool { return strings.Contains(u.Why, "symbolic link") }) {
		t.Errorf("unseen: %+v", unseen)
	}
}

func TestUploadsThatAreALink(t *testing.T) {
	s, outside := fileSite(t), t.TempDir()
	put(t, filepath.Join(outside, "x.php"), "<?php phpinfo();")
	up := filepath.Join(s.Dir, "wp-content/uploads")
	if err := os.RemoveAll(up); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, up); err != nil {
		t.Fatal(err)
	}
	got, unseen := Files(t.Context(), s, Look{Since: time.Now()})
	if len(got) != 0 || len(unseen) != 1 || unseen[0].Source != srcFiles || !strings.Contains(unseen[0].Why, "uploads is a symbolic link") {
		t.Errorf("got %v, %+v", paths(got), unseen)
	}
}

func TestTheWalkIsBounded(t *testing.T) {
	s := fileSite(t)
	deep := filepath.Join(s.Dir, "wp-content/uploads", strings.Repeat("d/", walkDepth+2))
	put(t, filepath.Join(deep, "x.php"), "<?php phpinfo();")
	got, unseen := Files(t.Context(), s, Look{Since: time.Now()})
	if len(got) != 0 || len(unseen) != 1 || !strings.Contains(unseen[0].Why, "too deep") {
		t.Errorf("too deep: got %v, %+v", paths(got), unseen)
	}
	put(t, filepath.Join(s.Dir, "wp-content/uploads/x.php"), "<?php phpinfo();")
	for i := range 200 {
		put(t, filepath.Join(s.Dir, "wp-content/uploads", fmt.Sprint(i, ".jpg")), "x")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, unseen := Files(ended, s, Look{}); !slices.ContainsFunc(unseen, func(u attack.Unseen) bool { return strings.Contains(u.Why, "more files than") }) {
		t.Errorf("out of time: %+v", unseen)
	}
	if _, unseen := Files(t.Context(), Site{Dir: filepath.Join(s.Dir, "nowhere")}, Look{}); len(unseen) == 0 {
		t.Error("a site that is not there is seen")
	}
	pipe := filepath.Join(s.Dir, "wp-content/uploads/pipe.php")
	if out, err := exec.Command("mkfifo", pipe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	done := make(chan []attack.File)
	go func() {
		got, _ := Files(t.Context(), s, Look{Paths: []string{"/wp-content/uploads/pipe.php"}})
		done <- got
	}()
	select {
	case got := <-done:
		if slices.ContainsFunc(got, func(f attack.File) bool { return strings.Contains(f.Path, "pipe") && f.Why != attack.WhyAsked }) {
			t.Errorf("a pipe was read: %v", paths(got))
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a pipe holds the walk")
	}
}

// TestLoneChanges gives files the times that a test cannot give their inodes.
func TestLoneChanges(t *testing.T) {
	s := fileSite(t)
	now := time.Now()
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	w := &walker{ctx: t.Context(), bytes: phpAll}
	add := func(rel, src string, ago time.Duration, core bool) {
		put(t, filepath.Join(s.Dir, rel), src)
		w.all = append(w.all, phpFile{root: root, rel: rel, shown: "/" + rel, core: core, at: now.Add(-ago)})
	}
	const hour = time.Hour
	for i := range 30 { // a plugin's update, and files of long ago
		add(fmt.Sprintf("wp-content/plugins/new/%d.php", i), "<?php eval($_POST['x']);", 5*hour, false)
		add(fmt.Sprintf("wp-includes/old%d.php", i), "<?php f();", 900*hour, true)
	}
	add("wp-includes/version.php", "<?php $wp_version='6.2';", 9*hour, true)
	add("wp-includes/a.php", "<?php f();", 9*hour, true) // a small update of WordPress
	add("wp-includes/load.php", "<?php f();", 2*hour, true)
	add("wp-login.php", "<?php f();", 3*hour, true)
	add("wp-config.php", "<?php define('A', 1); require 'x';", 4*hour, true)
	add("info.php", "<?php phpinfo();", 6*hour, true)
	add("wp-content/themes/t/functions.php", "<?php f();", 7*hour, false)
	add("wp-content/plugins/p/p.php", "<?php eval($_POST['x']);", 8*hour, false)
	add("wp-content/plugins/q/index.php", "<?php // Silence is golden.", 10*hour, false)
	add("wp-includes/ancient.php", "<?php eval($_POST['x']);", 300*hour, true)
	slices.SortFunc(w.all, func(a, b phpFile) int { return a.at.Compare(b.at) })
	w.changed(now.Add(-14 * 24 * time.Hour / 2))
	want := []string{"core code /wp-includes/load.php", "core code /wp-login.php", "recent code /info.php", "recent code /wp-config.php",
		"recent code /wp-content/themes/t/functions.php", "recent commands /wp-content/plugins/p/p.php"}
	if got := paths(w.found); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n := w.together(now.Add(-5 * hour)); n != 30 {
		t.Errorf("%d files were changed together, want 30", n)
	}
}
