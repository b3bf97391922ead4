package wordpress

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/evidence"
)

const (
	partFiles  = 200  // of one plugin or theme that are looked at
	partsFiles = 5000 // of one site
	partsMost  = 300  // plugins and themes of one site
	headBytes  = 8 << 10
)

// Part is a plugin, a theme, or WordPress itself, as its files tell it.
type Part struct {
	What    string    // evidence.ChangePlugin, ChangeTheme or ChangeCore
	Name    string    // directory, or the name of a plugin of one file
	Version string    // empty: unknown
	Written time.Time // when the youngest of its files was written, as the file says
	Changed time.Time // when the youngest of its files came to be as it is; nobody can set that
	Sum     uint64    // of the names, sizes and times of its files
}

// Parts knows what a site is made of, by the times and sizes of its PHP files; it
// reads no more than the head of a file, and that only after a change. It is not
// safe for concurrent use.
type Parts struct {
	known map[string]Part
	left  int // files that this look may still look at
}

// quietDirs are where plugins write themselves, and where no code is.
var quietDirs = map[string]bool{"cache": true, "caches": true, "tmp": true, "temp": true, "log": true, "logs": true, "upload": true, "uploads": true,
	"backup": true, "backups": true, "languages": true, "lang": true, "node_modules": true, "assets": true, "images": true, "css": true, "js": true}

// Look returns the parts of the site by kind and name. It looks at each PHP file in
// a plugin's directory and in the directories right below it, within bounds: a
// file that is edited deeper down is not seen until its version changes. The error
// is that of a directory that cannot be read; what was seen comes with it.
func (p *Parts) Look(ctx context.Context, s Site) (map[string]Part, error) {
	p.left = partsFiles
	out := map[string]Part{}
	root, err := openContent(s.Content())
	if err == nil {
		defer func() { _ = root.Close() }()
		for _, in := range []struct{ dir, what string }{{"plugins", evidence.ChangePlugin}, {"mu-plugins", evidence.ChangePlugin}, {"themes", evidence.ChangeTheme}} {
			p.folder(ctx, root.FS(), in.dir, in.what, out)
		}
	}
	p.core(s, out)
	p.known = out
	if err != nil {
		return out, fmt.Errorf("look at the plugins of %s: %w", s.Name, err)
	}
	return out, ctx.Err()
}

// folder looks at each plugin or theme of a folder. A folder that is not there has none.
func (p *Parts) folder(ctx context.Context, in fs.FS, dir, what string, out map[string]Part) {
	list, err := fs.ReadDir(in, dir)
	if err != nil {
		return
	}
	for _, d := range list {
		single := d.Type().IsRegular() && path.Ext(d.Name()) == ".php"
		if !d.IsDir() && !single || strings.HasPrefix(d.Name(), ".") || d.Name() == "index.php" || len(out) >= partsMost || ctx.Err() != nil {
			continue
		}
		part := Part{What: what, Name: printable(strings.TrimSuffix(d.Name(), ".php"))}
		look := partLook{part: &part, left: min(partFiles, p.left), sum: fnv.New64a()}
		at := dir + "/" + d.Name()
		if single {
			look.file(d, at)
		} else {
			look.tree(in, at)
		}
		p.left -= min(partFiles, p.left) - look.left
		part.Sum = look.sum.Sum64()
		if part.Written.IsZero() {
			continue // no PHP in it
		}
		key := what + "/" + dir + "/" + part.Name
		if old, ok := p.known[key]; ok && old.Sum == part.Sum {
			part.Version = old.Version
		} else {
			part.Version = versionOf(in, what, at, look.top)
		}
		out[key] = part
	}
}

// partLook is the look at one plugin or theme.
type partLook struct {
	part *Part
	left int
	sum  interface {
		io.Writer
		Sum64() uint64
	}
	top []string // PHP files right in its directory
}

func (l *partLook) tree(in fs.FS, dir string) {
	list, err := fs.ReadDir(in, dir)
	if err != nil {
		return
	}
	for _, d := range list {
		switch at := dir + "/" + d.Name(); {
		case d.IsDir() && !quietDirs[strings.ToLower(d.Name())] && l.left > 0:
			below, err := fs.ReadDir(in, at)
			if err != nil {
				continue
			}
			for _, b := range below {
				l.file(b, at+"/"+b.Name())
			}
		case d.Type().IsRegular():
			if l.file(d, at) {
				l.top = append(l.top, at)
			}
		}
	}
}

// file takes a PHP file, or the style sheet that says what a theme is, into the look.
func (l *partLook) file(d fs.DirEntry, at string) bool {
	if l.left <= 0 || !d.Type().IsRegular() || path.Ext(d.Name()) != ".php" && (d.Name() != "style.css" || l.part.What != evidence.ChangeTheme) {
		return false
	}
	fi, err := d.Info()
	if err != nil {
		return false
	}
	l.left--
	fmt.Fprintf(l.sum, "%s\x00%d\x00%d\n", at, fi.Size(), fi.ModTime().UnixNano())
	l.part.see(fi)
	return true
}

// see keeps the youngest times.
func (p *Part) see(fi fs.FileInfo) {
	if fi.ModTime().After(p.Written) {
		p.Written = fi.ModTime()
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		if at := time.Unix(int64(st.Ctim.Sec), int64(st.Ctim.Nsec)); at.After(p.Changed) {
			p.Changed = at
		}
	}
}

// versionOf reads the version that the main file of a plugin or a theme states.
func versionOf(in fs.FS, what, at string, top []string) string {
	if what == evidence.ChangeTheme {
		return header(head(in, at+"/style.css"), "Version")
	}
	main := at + "/" + path.Base(at) + ".php"
	if path.Ext(at) == ".php" {
		main = at
	}
	for i, name := range append([]string{main}, top[:min(len(top), 20)]...) {
		src := head(in, name)
		if v := header(src, "Version"); v != "" && (i == 0 || header(src, "Plugin Name") != "") {
			return v
		}
	}
	return ""
}

// head reads the beginning of a file.
func head(in fs.FS, name string) []byte {
	f, err := in.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	src, _ := io.ReadAll(io.LimitReader(f, headBytes)) // a half is better than nothing
	return src
}

// core looks at WordPress itself, by the file that states its version.
func (p *Parts) core(s Site, out map[string]Part) {
	fi, err := os.Lstat(filepath.Join(s.Dir, "wp-includes", "version.php"))
	if err != nil || !fi.Mode().IsRegular() {
		return
	}
	part := Part{What: evidence.ChangeCore, Name: "wordpress"}
	part.see(fi)
	part.Sum = uint64(fi.ModTime().UnixNano()) ^ uint64(fi.Size())
	if old, ok := p.known[evidence.ChangeCore]; ok && old.Sum == part.Sum {
		part.Version = old.Version
	} else {
		part.Version = version(s.Dir)
	}
	out[evidence.ChangeCore] = part
}
