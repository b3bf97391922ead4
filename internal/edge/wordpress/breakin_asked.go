package wordpress

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"
	"syscall"

	"hirune/internal/core/attack"
)

// asked looks at the files that the logs speak of.
func (w *walker) asked(s Site, paths []string) {
	home := ""
	if u, err := url.Parse(s.URL); err == nil {
		home = strings.TrimSuffix(u.Path, "/")
	}
	for _, p := range paths[:min(len(paths), askedMost)] {
		clean := path.Clean("/" + p)
		if strings.ContainsAny(clean, "\x00\\") || len(clean) > 1024 {
			continue
		}
		below, ok := strings.CutPrefix(clean, home+"/")
		if !ok {
			continue // of another site
		}
		f := phpFile{root: w.site, rel: below}
		if in, ok := strings.CutPrefix(below, "wp-content/"); ok {
			f.root, f.rel = w.content, in
		}
		out := attack.File{Path: p, Why: attack.WhyAsked, Does: attack.DoesGone}
		fi, err := f.root.Lstat(f.rel)
		switch {
		case err == nil && fi.Mode().IsRegular():
			f.at, f.bytes = changedAt(fi), fi.Size()
			out.Changed, out.Bytes, out.Does = f.at, f.bytes, attack.DoesUnknown
			if isPHP(f.rel) {
				out.Does, _ = w.does(f)
			}
		case err == nil:
			out.Does = attack.DoesUnknown
			if fi.Mode()&fs.ModeSymlink != 0 {
				w.cannot(fmt.Errorf("%s is a symbolic link: it is not followed", f.rel))
			}
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			out.Does = attack.DoesUnknown
			w.cannot(fmt.Errorf("look at %s: %w", f.rel, err))
		}
		w.found = append(w.found, out)
	}
}

// does reads a file's beginning and says what it does, and what it is made like.
func (w *walker) does(f phpFile) (does, shape string) {
	if w.bytes <= 0 {
		if w.bytes == 0 {
			w.cannot(errors.New("there is more code in odd places than could be read"))
		}
		w.bytes = -1
		return attack.DoesUnknown, ""
	}
	h, err := f.root.OpenFile(f.rel, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		w.cannot(fmt.Errorf("read %s: %w", f.rel, err))
		return attack.DoesUnknown, ""
	}
	defer h.Close()
	if fi, err := h.Stat(); err != nil || !fi.Mode().IsRegular() {
		return attack.DoesUnknown, ""
	}
	src, err := io.ReadAll(io.LimitReader(h, phpBytes))
	if err != nil {
		w.cannot(fmt.Errorf("read %s: %w", f.rel, err))
		return attack.DoesUnknown, ""
	}
	w.bytes = max(0, w.bytes-int64(len(src)))
	return doesPHP(src)
}
