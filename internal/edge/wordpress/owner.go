package wordpress

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"hirune/internal/core/evidence"
)

// pairsMost bounds the pairs of hook and table of one plugin.
const pairsMost = 64

// Owners says which plugin each of the site's tables belongs to. Tables of
// WordPress itself are left out.
func (s *Sources) Owners(site string, prefix string, tables []string) []evidence.Owner {
	var out []evidence.Owner
	for _, table := range tables {
		word := bare(table, prefix)
		if word == "" || coreTables[word] {
			continue
		}
		o := evidence.Owner{Site: site, Table: table, Plugin: s.ownerOf(word), How: "source"}
		if o.Plugin == "" {
			o.Plugin, o.How = byPrefix(word), "prefix"
		}
		if o.Plugin == "" {
			continue
		}
		o.Version = s.Version(o.Plugin)
		out = append(out, o)
	}
	return out
}

// bare takes the prefix off a table, that of a blog of a multisite too.
func bare(table, prefix string) string {
	word, ok := strings.CutPrefix(table, prefix)
	if !ok {
		return ""
	}
	if blog, rest, ok := strings.Cut(word, "_"); ok && strings.Trim(blog, "0123456789") == "" && blog != "" {
		return rest
	}
	return word
}

// ownerOf finds the plugin whose code is the surest to name the table. Of two
// equally sure the one is taken that names it in more files: the other only
// speaks of it.
func (s *Sources) ownerOf(word string) string {
	if s.owners == nil {
		s.index()
	}
	return s.owners[word]
}

func (s *Sources) index() {
	type claim struct{ sure, files int }
	claims := map[string]map[string]claim{} // word, plugin
	for p, f := range s.files {
		for w, sure := range f.tables {
			if claims[w] == nil {
				claims[w] = map[string]claim{}
			}
			c := claims[w][pluginOf(p)]
			claims[w][pluginOf(p)] = claim{max(c.sure, sure), c.files + 1}
		}
	}
	s.owners = make(map[string]string, len(claims))
	for w, byPlugin := range claims {
		best := ""
		for _, name := range slices.Sorted(maps.Keys(byPlugin)) {
			c, b := byPlugin[name], byPlugin[best]
			if best == "" || cmp.Or(cmp.Compare(c.sure, b.sure), cmp.Compare(c.files, b.files)) > 0 {
				best = name
			}
		}
		s.owners[w] = best
	}
}

// HookOwner says which plugin a hook belongs to, and how that is known: "source",
// "prefix" or "" where it is not.
func (s *Sources) HookOwner(hook string) (plugin, how string) {
	if coreHooks[hook] {
		return "core", "source"
	}
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		if s.files[p].hooks[hook] {
			return pluginOf(p), "source"
		}
	}
	if plugin = byPrefix(hook); plugin != "" {
		return plugin, "prefix"
	}
	return "", ""
}

// Version returns the version that a plugin's main file states.
func (s *Sources) Version(plugin string) string {
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		if f := s.files[p]; f.header != "" && pluginOf(p) == plugin {
			return f.header
		}
	}
	return ""
}

// HookTables links the hooks of the schedule with the tables that exist,
// through the plugin that names both: through the file that does so, or, where
// the hook stands in a file without tables, through the plugin as a whole.
func (s *Sources) HookTables(site, prefix string, tables, hooks []string) []evidence.HookTable {
	full := map[string][]string{}
	for _, t := range tables {
		if w := bare(t, prefix); w != "" && !coreTables[w] {
			full[w] = append(full[w], t)
		}
	}
	byPlugin := map[string][]string{}
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		byPlugin[pluginOf(p)] = append(byPlugin[pluginOf(p)], p)
	}
	var out []evidence.HookTable
	for _, plugin := range slices.Sorted(maps.Keys(byPlugin)) {
		out = append(out, s.pairs(site, plugin, byPlugin[plugin], full, hooks)...)
	}
	return out
}

func (s *Sources) pairs(site, plugin string, files []string, full map[string][]string, hooks []string) []evidence.HookTable {
	named := s.named(plugin, files, full)
	var out []evidence.HookTable
	for _, hook := range slices.Compact(slices.Sorted(slices.Values(hooks))) {
		at, tables := "", map[string]string{} // table: file
		for _, p := range files {
			if !s.files[p].hooks[hook] {
				continue
			}
			at = p
			for t := range named[p] {
				tables[t] = p
			}
		}
		if at != "" && len(tables) == 0 {
			for _, p := range files {
				for t := range named[p] {
					tables[t] = at
				}
			}
		}
		for _, t := range slices.Sorted(maps.Keys(tables)) {
			if len(out) < pairsMost {
				out = append(out, evidence.HookTable{Site: site, Hook: printable(hook), Table: t, Plugin: plugin, File: below(tables[t])})
			}
		}
	}
	return out
}

// named returns the tables that each file names, itself or by a constant, of
// those that the plugin owns.
func (s *Sources) named(plugin string, files []string, full map[string][]string) map[string]map[string]bool {
	consts, mine := map[string]string{}, map[string]bool{}
	for w := range full {
		mine[w] = s.ownerOf(w) == plugin
	}
	for _, p := range files {
		maps.Copy(consts, s.files[p].consts)
	}
	out := map[string]map[string]bool{}
	for _, p := range files {
		out[p] = map[string]bool{}
		add := func(word string) {
			if mine[word] {
				for _, t := range full[word] {
					out[p][t] = true
				}
			}
		}
		for w := range s.files[p].tables {
			add(w)
		}
		for c := range s.files[p].names {
			add(consts[c])
		}
	}
	return out
}
