package webserver

import (
	"errors"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
)

// siteDir is the directory of the site's scripts.
func siteDir(in In) string {
	if in.Site != "" {
		return in.Site
	}
	return in.DocRoot
}

// pathOf is the path below which the site answers, "/" or "/blog/": by where
// its directory lies below the document root, else by its own address.
func pathOf(in In) (string, error) {
	dir, root := filepath.Clean(siteDir(in)), filepath.Clean(in.DocRoot)
	for _, r := range []string{root, real(root)} {
		if rel, err := filepath.Rel(r, dir); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return slashed(rel), nil
		}
	}
	if rel, err := filepath.Rel(real(root), real(dir)); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return slashed(rel), nil
	}
	if u, err := url.Parse(in.URL); err == nil && u.Host != "" {
		return slashed(u.Path), nil
	}
	return "", errors.New("the site's directory " + shown(dir) + " is not below the document root " + shown(root) + ", and its address is not known")
}

func slashed(p string) string {
	p = strings.Trim(path.Clean("/"+p), "/")
	if p == "" {
		return "/"
	}
	return "/" + p + "/"
}

// real is a path without symbolic links, or the path itself where it cannot be read.
func real(p string) string {
	if r, err := filepath.EvalSymlinks(p); err == nil {
		return r
	}
	return p
}

func isRegular(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

func isDir(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}

// layoutOf names the layout of a configuration by where its parts lie.
func layoutOf(config, file string) string {
	dir := filepath.Base(filepath.Dir(file))
	switch {
	case strings.Contains(config, "/bitnami/"):
		return LayoutBitnami
	case filepath.Base(config) == "apache2.conf", isDir(filepath.Join(filepath.Dir(config), "sites-enabled")):
		return LayoutDebian
	case dir == "conf.d", dir == "default.d", isDir(filepath.Join(filepath.Dir(config), "default.d")):
		return LayoutRHEL
	}
	return LayoutOther
}

// slug is what a site's name gives to a file's name: letters, digits, dots and
// hyphens, at most 60 of them. The rest tells sites without a name apart.
func slug(in In) string {
	name := in.Host
	if name == "" {
		name = strings.Trim(siteDir(in), "/")
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLower(r) || unicode.IsDigit(r) || r == '.' || r == '-'):
			return r
		case r < unicode.MaxASCII && unicode.IsUpper(r):
			return unicode.ToLower(r)
		}
		return '-'
	}, name)
	name = strings.Trim(name[:min(len(name), 60)], ".-")
	if sub := strings.Trim(mustPath(in), "/"); sub != "" {
		name += "-" + strings.ReplaceAll(sub, "/", "-")
	}
	return firstOf(strings.Trim(name, ".-"), "site")
}

func mustPath(in In) string {
	p, err := pathOf(in)
	if err != nil || strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-/") != "" {
		return ""
	}
	return p
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// shown makes a path or a line fit to be shown: no control characters, nothing
// that turns the direction of writing, at most 200 bytes.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
