package discover

import (
	"os"
	"path"
	"slices"

	"hirune/internal/edge/webconf"
)

// maxSubdirs bounds the search for sites below a document root.
const maxSubdirs = 200

// roots collects the directories that may hold a site: document roots, then
// those that the override file names, then where PHP works.
func (h *host) roots(c Config) {
	for _, w := range h.found.WebServers {
		for _, d := range w.DocRoots {
			h.addRoot(Root{Dir: d.Dir, Listen: d.Listen, Host: d.Site, TLS: d.TLS})
		}
	}
	for _, s := range c.Sites {
		h.addRoot(Root{Dir: s.Root, URL: s.URL})
		for i := range h.found.Roots {
			if h.found.Roots[i].Dir == s.Root {
				h.found.Roots[i].URL = s.URL
			}
		}
	}
	if len(h.found.Roots) == 0 {
		h.phpRoots()
	}
	h.found.Roots = slices.DeleteFunc(h.found.Roots, func(r Root) bool { return slices.Contains(c.Ignore.Sites, r.Dir) })
}

// phpRoots takes the working directories of PHP's workers: a worker goes to
// its script's directory.
func (h *host) phpRoots() {
	masters := map[int]bool{}
	for _, p := range h.found.Pools {
		masters[p.MasterPID] = true
	}
	for pid := range masters {
		for _, c := range h.children(pid) {
			cwd, err := os.Readlink(procPath(h.base, c.pid, "cwd"))
			if t := processTree(h.base, c.pid); err == nil && cwd != "/" {
				h.addRoot(Root{Dir: t.Host(cwd)})
			}
		}
	}
}

// addRoot adds a directory and, if there is none in it, the sites right below.
func (h *host) addRoot(r Root) {
	t := webconf.Tree{Base: h.base}
	if !t.IsDir(r.Dir) {
		return
	}
	if r.WPConfig = wpConfig(t, r.Dir); r.WPConfig == "" {
		for _, name := range t.List(r.Dir, maxSubdirs) {
			sub := r
			sub.Dir = path.Join(r.Dir, name)
			if sub.WPConfig = wpConfig(t, sub.Dir); sub.WPConfig != "" && t.IsDir(path.Join(sub.Dir, "wp-includes")) {
				h.keepRoot(sub)
			}
		}
	}
	h.keepRoot(r)
}

// keepRoot keeps one entry for each directory: the one with a name before one
// without, then TLS before plain, since that is what visitors get.
func (h *host) keepRoot(r Root) {
	i := slices.IndexFunc(h.found.Roots, func(o Root) bool { return o.Dir == r.Dir })
	if i < 0 {
		h.found.Roots = append(h.found.Roots, r)
		return
	}
	old := h.found.Roots[i]
	if (old.Host == "") == (r.Host == "") && r.TLS && !old.TLS || old.Host == "" && r.Host != "" {
		h.found.Roots[i] = r
	}
}

// wpConfig returns the configuration of the WordPress in dir: in it, or one
// directory up unless that is a WordPress of its own.
// Source: wp-load.php.
func wpConfig(t webconf.Tree, dir string) string {
	if f := path.Join(dir, "wp-config.php"); t.IsFile(f) {
		return f
	}
	up := path.Dir(dir)
	f := path.Join(up, "wp-config.php")
	if t.IsFile(path.Join(dir, "wp-load.php")) && t.IsFile(f) && !t.IsFile(path.Join(up, "wp-settings.php")) {
		return f
	}
	return ""
}
