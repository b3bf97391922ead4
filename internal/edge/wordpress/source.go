package wordpress

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

const (
	sourceBytes  = 1 << 20 // larger files are data
	sourceFiles  = 4000    // of one plugin
	sourceTotal  = 30_000  // of one site
	sourceWords  = 400     // kept of one file
	sourceWeight = 20_000  // words kept of one site
)

// Sources knows which plugin's code names what. It reads a file again only
// after it was changed. It is not safe for concurrent use.
type Sources struct {
	files  map[string]*source
	words  int
	left   int64             // bytes of source that this scan may still read
	owners map[string]string // word: the plugin that owns it; nil until it is asked for
}

// source is what one file names.
type source struct {
	at     time.Time
	size   int64
	hooks  map[string]bool   // quoted in add_action, wp_schedule_event and the like
	tables map[string]int    // words that may be tables, with how sure that is
	consts map[string]string // constants that stand for such words
	names  map[string]bool   // constants that are used
	header string            // Version
	seen   bool
}

// How sure a word in the source is the name of a table.
const (
	sureWord   = 1  // it stands in a string
	surePrefix = 4  // behind the site's table prefix
	sureCreate = 20 // in a CREATE TABLE, or together with one
)

// Scan reads the plugins, must-use plugins and themes below dir, at most most
// bytes of what is new; complete says that nothing was left out, else another
// scan goes on. Links that lead out of dir are not followed.
func (s *Sources) Scan(ctx context.Context, dir string, most int64) (complete bool, err error) {
	root, err := openContent(dir)
	if err != nil {
		return false, err
	}
	defer func() { _ = root.Close() }()
	if s.files == nil {
		s.files = map[string]*source{}
	}
	for _, f := range s.files {
		f.seen = false
	}
	total, complete := 0, true
	s.left = most
	for _, kind := range []string{"mu-plugins", "plugins", "themes"} {
		count := map[string]int{}
		walk := func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || path.Ext(p) != ".php" {
				return nil // unreadable or no source: nothing to be learnt from it
			}
			if total++; total > sourceTotal || ctx.Err() != nil {
				complete = false
				return fs.SkipAll
			}
			if count[pluginOf(p)]++; count[pluginOf(p)] > sourceFiles {
				complete = false
				return nil
			}
			if s.file(root, p, d); s.left <= 0 {
				complete = false
				return fs.SkipAll
			}
			return nil
		}
		_ = fs.WalkDir(root.FS(), kind, walk)
	}
	for p, f := range s.files {
		if !f.seen && complete {
			s.words -= len(f.tables)
			delete(s.files, p)
			s.owners = nil
		}
	}
	return complete, nil
}

// pluginOf is the directory of a plugin, or the name of a plugin of one file.
func pluginOf(p string) string {
	parts := strings.SplitN(p, "/", 3)
	if len(parts) < 2 {
		return p
	}
	return printable(strings.TrimSuffix(parts[1], ".php"))
}

// below is the path of a file below the plugin's directory.
func below(p string) string {
	parts := strings.SplitN(p, "/", 3)
	return printable(parts[len(parts)-1])
}

func (s *Sources) file(root *os.Root, p string, d fs.DirEntry) {
	fi, err := d.Info()
	if err != nil || fi.Size() > sourceBytes {
		return
	}
	if old := s.files[p]; old != nil && old.at.Equal(fi.ModTime()) && old.size == fi.Size() {
		old.seen = true
		return
	}
	f, err := root.Open(p)
	if err != nil {
		return
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, sourceBytes))
	if err != nil {
		return
	}
	s.left -= int64(len(src))
	s.owners = nil
	if old := s.files[p]; old != nil {
		s.words -= len(old.tables)
	}
	found := &source{at: fi.ModTime(), size: fi.Size(), seen: true}
	if strings.Count(p, "/") <= 2 {
		found.header = header(src, "Version")
	}
	if interesting(src) && s.words < sourceWeight {
		found.read(src)
		s.words += len(found.tables)
	}
	s.files[p] = found
}

// interesting spares most files the splitting into tokens.
func interesting(src []byte) bool {
	for _, w := range []string{"prefix", "add_action", "wp_schedule", "wpdb", "CREATE TABLE"} {
		if bytes.Contains(src, []byte(w)) {
			return true
		}
	}
	return false
}

var hookCalls = map[string]int{ // which argument is the hook
	"add_action": 0, "wp_next_scheduled": 0, "wp_clear_scheduled_hook": 0, "wp_schedule_event": 2, "wp_schedule_single_event": 1, "wp_unschedule_hook": 0,
}

func (f *source) read(src []byte) {
	f.hooks, f.tables, f.consts, f.names = map[string]bool{}, map[string]int{}, map[string]string{}, map[string]bool{}
	toks := tokens(src)
	creates := bytes.Contains(src, []byte("CREATE TABLE"))
	for i, t := range toks {
		switch t.kind {
		case kString:
			f.text(toks, i, creates)
		case kName:
			if arg, ok := hookCalls[t.text]; ok && at(toks, i+1).is("(") {
				if h := argument(toks[i+2:], arg); h != "" && len(f.hooks) < sourceWords {
					f.hooks[h] = true
				}
			} else if t.text == "define" && at(toks, i+1).is("(") && at(toks, i+2).kind == kString {
				f.constant(toks[i+2:])
			} else if strings.ToUpper(t.text) == t.text && strings.Contains(t.text, "_") && len(f.names) < sourceWords {
				f.names[t.text] = true
			}
		default:
		}
	}
}

// argument returns the n-th argument of a call, if it is a plain string.
func argument(toks []token, n int) string {
	depth, arg := 0, 0
	for i, t := range toks {
		if depth == 0 && arg == n {
			next := at(toks, i+1)
			if t.kind == kString && !t.mixed && (next.is(",") || next.is(")")) {
				return t.text
			}
			return ""
		}
		switch {
		case t.is("(") || t.is("["):
			depth++
		case t.is(")") || t.is("]"):
			depth--
		case t.is(",") && depth == 0:
			arg++
		case t.is(";"):
			return ""
		}
		if depth < 0 {
			return ""
		}
	}
	return ""
}

// text keeps the words of a string that may be names of tables.
func (f *source) text(toks []token, i int, creates bool) {
	t := toks[i]
	joined := i > 1 && toks[i-1].is(".") && strings.HasSuffix(toks[i-2].text, "prefix")
	for n, rest := 0, t.text; rest != ""; n++ {
		start := strings.IndexFunc(rest, isWord)
		if start < 0 {
			return
		}
		before := rest[:start]
		rest = rest[start:]
		end := strings.IndexFunc(rest, func(r rune) bool { return !isWord(r) })
		if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		rest = rest[end:]
		prefixed := n == 0 && joined && before == "" || strings.HasSuffix(t.text[:len(t.text)-len(rest)-len(word)], "prefix}")
		if len(word) > 64 || !prefixed && (!strings.Contains(word, "_") || len(word) < 6) {
			continue
		}
		f.note(word, prefixed, creates)
	}
}

func isWord(r rune) bool { return r == '_' || r < 0x80 && nameByte(byte(r)) }

func (f *source) note(word string, prefixed, creates bool) {
	if f.tables[word] == 0 && len(f.tables) >= sourceWords {
		return
	}
	sure := sureWord
	if prefixed {
		if sure = surePrefix; creates {
			sure = sureCreate
		}
	}
	f.tables[word] = max(f.tables[word], sure)
}

// constant notes define('X', $wpdb->prefix . 'table').
func (f *source) constant(toks []token) {
	name := toks[0].text
	for i := 1; i < min(len(toks), 12) && !toks[i].is(")") && !toks[i].is(";"); i++ {
		if t := toks[i]; t.kind == kString && i > 1 {
			word := t.text[strings.LastIndexAny(t.text, "}")+1:]
			if word != "" && strings.IndexFunc(word, func(r rune) bool { return !isWord(r) }) < 0 {
				f.consts[name] = word
			}
		}
	}
}
