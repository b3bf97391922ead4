package wordpress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/attack"
)

// Bounds of the walk over a site's files.
const (
	walkEntries = 400_000
	walkDepth   = 24
	walkChunk   = 256       // entries of a directory that are held at once
	phpBytes    = 256 << 10 // of a file's beginning that are understood
	phpAll      = 48 << 20  // of all files
	straysMost  = 20_000
	codeMost    = 100_000
	filesTold   = 400
	askedMost   = 200
	batchSpan   = 2 * time.Minute // an update writes its files within so long
)

// Look is what to look for among a site's files.
type Look struct {
	Since time.Time // files of plugins, themes and WordPress itself count that were changed after it
	Paths []string  // what the logs speak of, as it was requested and without the query
}

// Files finds files of PHP where none belongs, and those that were changed of
// late by themselves. It follows no symbolic link, opens nothing but regular
// files, executes nothing, and ends with ctx; what it left out is in unseen.
func Files(ctx context.Context, s Site, look Look) (found []attack.File, unseen []attack.Unseen) {
	w := &walker{ctx: ctx, left: walkEntries, bytes: phpAll, shapes: map[string]int{}, shape: map[string]string{}}
	defer w.close()
	w.open(&w.site, s.Dir)
	w.open(&w.content, s.Content())
	if w.site == nil || w.content == nil {
		return nil, w.unseen
	}
	w.strays("uploads", attack.WhyUploads)
	w.strays("cache", attack.WhyCache)
	w.strays("languages", attack.WhyLanguages)
	w.code()
	w.dropSiblings()
	w.changed(look.Since)
	w.asked(s, look.Paths)
	if w.linked > 0 {
		w.cannot(fmt.Errorf("%d symbolic links were not followed, such as %s", w.linked, w.links[0]))
	}
	for i := range w.found {
		w.found[i].Together = w.together(w.found[i].Changed)
	}
	slices.SortStableFunc(w.found, func(a, b attack.File) int {
		return cmp.Or(cmp.Compare(grave(b), grave(a)), b.Changed.Compare(a.Changed))
	})
	if len(w.found) > filesTold {
		w.cannot(fmt.Errorf("%d files are worth a look; %d are told", len(w.found), filesTold))
		w.found = w.found[:filesTold]
	}
	return w.found, w.unseen
}

// grave puts the files first that say most.
func grave(f attack.File) int {
	switch {
	case f.Why == attack.WhyAsked:
		return 3
	case f.Does == attack.DoesCommands:
		return 2
	case f.Does == attack.DoesSome:
		return 1
	}
	return 0
}

// walker walks a site's directories by handles, so that nothing that is swapped
// under it leads out of them.
type walker struct {
	ctx           context.Context
	site, content *os.Root
	left          int   // entries that may still be looked at
	bytes         int64 // of files that may still be read
	all           []phpFile
	found         []attack.File
	shapes        map[string]int // of code in a cache: how many files have it
	shape         map[string]string
	unseen        []attack.Unseen
	cutShort      bool
	links         []string // symbolic links, the first and the last
	linked        int
}

// phpFile is a file of code with when its inode was changed.
type phpFile struct {
	root  *os.Root
	rel   string // below the root
	shown string // as a visitor would ask for it
	core  bool
	at    time.Time
	bytes int64
}

func (w *walker) open(to **os.Root, dir string) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		w.cannot(fmt.Errorf("open the site's directory: %w", err))
		return
	}
	*to = root
}

func (w *walker) close() {
	for _, r := range []*os.Root{w.site, w.content} {
		if r != nil {
			_ = r.Close() // it was only read
		}
	}
}

func (w *walker) cannot(err error) {
	w.unseen = append(w.unseen, attack.Unseen{Source: srcFiles, Why: cut(err.Error(), 300)})
}

// isPHP reports whether web servers hand a file of that name to PHP.
func isPHP(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".php", ".phtml", ".phar", ".pht", ".php3", ".php4", ".php5", ".php7", ".php8":
		return true
	}
	return false
}

// walk calls each for the files of PHP below a directory.
func (w *walker) walk(root *os.Root, dir string, depth int, each func(rel string, fi fs.FileInfo)) {
	fi, err := root.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		w.cannot(fmt.Errorf("look into %s: %w", dir, err))
		return
	case fi.Mode()&fs.ModeSymlink != 0:
		w.cannot(fmt.Errorf("%s is a symbolic link: it is not followed", dir))
		return
	case !fi.IsDir():
		return
	case depth > walkDepth:
		w.cannot(fmt.Errorf("%s lies too deep", dir))
		return
	}
	d, err := root.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		w.cannot(fmt.Errorf("open %s: %w", dir, err))
		return
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(walkChunk)
		for _, e := range entries {
			if !w.step() {
				return
			}
			rel := path.Join(dir, e.Name())
			switch {
			case e.IsDir():
				w.walk(root, rel, depth+1, each)
			case e.Type()&fs.ModeSymlink != 0:
				w.links = append(w.links[:min(len(w.links), 1)], rel)
				w.linked++
			case e.Type().IsRegular() && isPHP(e.Name()):
				if fi, err := root.Lstat(rel); err == nil && fi.Mode().IsRegular() {
					each(rel, fi)
				}
			}
		}
		if err != nil {
			return // the end, or a directory that cannot be read further
		}
	}
}

// step counts an entry; false where it is enough.
func (w *walker) step() bool {
	w.left--
	if w.left > 0 && (w.left%64 != 0 || w.ctx.Err() == nil) {
		return true
	}
	if !w.cutShort {
		w.cutShort = true
		w.left = 0
		w.cannot(errors.New("there are more files than could be looked at in the time"))
	}
	return false
}

// changedAt is when the inode was changed.
func changedAt(fi fs.FileInfo) time.Time {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctim.Sec, 0).UTC() //nolint:unconvert // 32 bits on some systems
	}
	return fi.ModTime()
}

// strays finds files of PHP in a directory of wp-content that is for data.
func (w *walker) strays(dir, why string) {
	w.walk(w.content, dir, 0, func(rel string, fi fs.FileInfo) {
		f := phpFile{root: w.content, rel: rel, shown: "/wp-content/" + rel, at: changedAt(fi), bytes: fi.Size()}
		does, shape := w.does(f)
		if does == attack.DoesNothing {
			return
		}
		if len(w.found) == straysMost {
			w.cannot(fmt.Errorf("there are more than %d files of PHP in %s", straysMost, dir))
			w.left = 0
			return
		}
		if why == attack.WhyCache && does == attack.DoesSome {
			w.shapes[shape]++
			w.shape[f.shown] = shape
		}
		w.found = append(w.found, attack.File{Path: f.shown, Changed: f.at, Bytes: f.bytes, Why: why, Does: does})
	})
}

// sameShape is how many files of a cache have to be of one make: a program
// writes them, and each page of the site has one.
const sameShape = 3

// dropSiblings leaves out the files that a cache writes by the dozen: code of the
// same make, with other data in it, that takes no commands.
func (w *walker) dropSiblings() {
	w.found = slices.DeleteFunc(w.found, func(f attack.File) bool {
		return f.Why == attack.WhyCache && f.Does == attack.DoesSome && w.shapes[w.shape[f.Path]] >= sameShape
	})
}

// code notes when each file of WordPress, its plugins and themes was changed.
func (w *walker) code() {
	add := func(root *os.Root, before string, core bool) func(string, fs.FileInfo) {
		return func(rel string, fi fs.FileInfo) {
			if len(w.all) == codeMost {
				w.left = 0
				return
			}
			w.all = append(w.all, phpFile{root: root, rel: rel, shown: before + rel, core: core, at: changedAt(fi), bytes: fi.Size()})
		}
	}
	for _, dir := range []string{"wp-admin", "wp-includes"} {
		w.walk(w.site, dir, 0, add(w.site, "/", true))
	}
	for _, dir := range []string{"plugins", "themes", "mu-plugins"} {
		w.walk(w.content, dir, 0, add(w.content, "/wp-content/", false))
	}
	w.top(w.site, add(w.site, "/", true))
	w.top(w.content, add(w.content, "/wp-content/", false))
	slices.SortFunc(w.all, func(a, b phpFile) int { return a.at.Compare(b.at) })
}

// topMost bounds the entries of a directory whose own files alone are looked at.
const topMost = 4000

// top calls each for the files right in a root.
func (w *walker) top(root *os.Root, each func(string, fs.FileInfo)) {
	d, err := root.Open(".")
	if err != nil {
		w.cannot(fmt.Errorf("open the site's directory: %w", err))
		return
	}
	defer d.Close()
	entries, err := d.ReadDir(topMost)
	if err != nil && !errors.Is(err, io.EOF) {
		w.cannot(fmt.Errorf("read the site's directory: %w", err))
	}
	for _, e := range entries {
		if fi, err := root.Lstat(e.Name()); err == nil && fi.Mode().IsRegular() && isPHP(e.Name()) {
			each(e.Name(), fi)
		}
	}
}

// together is how many files of code were changed about the same time.
func (w *walker) together(at time.Time) int {
	from, _ := slices.BinarySearchFunc(w.all, at.Add(-batchSpan), func(f phpFile, t time.Time) int { return f.at.Compare(t) })
	to, _ := slices.BinarySearchFunc(w.all, at.Add(batchSpan+time.Nanosecond), func(f phpFile, t time.Time) int { return f.at.Compare(t) })
	return to - from
}

// lone is how many files are changed together at most where no update did it.
const lone = 3

// changed tells the files that were changed after a moment by themselves. An
// update of WordPress always brings its version file; wp-config.php is the
// owner's.
func (w *walker) changed(since time.Time) {
	var updates []time.Time
	for _, f := range w.all {
		if f.core && f.rel == "wp-includes/version.php" {
			updates = append(updates, f.at)
		}
	}
	for _, f := range w.all {
		byUpdate := slices.ContainsFunc(updates, func(t time.Time) bool { return f.at.Sub(t).Abs() <= batchSpan })
		if f.at.Before(since) || byUpdate || w.together(f.at) > lone {
			continue
		}
		does, _ := w.does(f)
		why := attack.WhyRecent
		if f.core && isCore(f.rel) {
			why = attack.WhyCore
		}
		if does != attack.DoesNothing || why == attack.WhyCore {
			w.found = append(w.found, attack.File{Path: f.shown, Changed: f.at, Bytes: f.bytes, Why: why, Does: does})
		}
	}
}

// isCore reports whether a file is WordPress' own by its place. What lies beside
// them in the site's directory may be the owner's.
func isCore(rel string) bool {
	dir, name := path.Split(rel)
	if dir != "" {
		return true
	}
	switch name {
	case "index.php", "xmlrpc.php", "wp-activate.php", "wp-blog-header.php", "wp-comments-post.php", "wp-cron.php", "wp-links-opml.php", "wp-load.php",
		"wp-login.php", "wp-mail.php", "wp-settings.php", "wp-signup.php", "wp-trackback.php":
		return true
	}
	return false
}
