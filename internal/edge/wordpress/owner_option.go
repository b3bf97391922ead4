package wordpress

import "strings"

// coreOptions are WordPress' own that can become large.
var coreOptions = map[string]bool{
	"cron": true, "rewrite_rules": true, "active_plugins": true, "sidebars_widgets": true, "uninstall_plugins": true, "recently_activated": true,
	"auto_core_update_notified": true, "update_core": true, "update_plugins": true, "update_themes": true, "theme_roots": true, "can_compress_scripts": true,
	"nav_menu_options": true, "site_icon": true, "wp_user_roles": true, "user_roles": true, "wp_theme_files_patterns": true, "available_translations": true,
}

// transients begin the names of options that keep something for a time.
var transients = []string{"_site_transient_timeout_", "_site_transient_", "_transient_timeout_", "_transient_"}

// optionWord is the shortest beginning of a name that still tells whose it is.
const optionWord = 8

// OptionOwner says which plugin an option belongs to, by the code that names it, by
// the beginning of its name that code names (a hash or a number often follows), or by
// its prefix; "core" for those of WordPress itself, "" where it is not known.
func (s *Sources) OptionOwner(name string) string {
	for _, t := range transients {
		if rest, ok := strings.CutPrefix(name, t); ok {
			name = rest
			break
		}
	}
	if coreOptions[name] || strings.HasPrefix(name, "widget_") || strings.HasPrefix(name, "theme_mods_") || strings.HasPrefix(name, "wp_theme_patterns_") {
		return "core"
	}
	for word := name; len(word) >= optionWord; {
		for _, w := range []string{word, word + "_"} {
			if p := s.ownerOf(w); p != "" {
				return p
			}
		}
		cut := strings.LastIndexByte(word, '_')
		if cut <= 0 {
			break
		}
		word = word[:cut]
	}
	return byPrefix(name)
}
