package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Words are what the site's posts are made of; a search for one of them finds something.
var Words = strings.Fields(`coffee roast garden river lantern morning train ticket harbour window paper kettle autumn bicycle bread
market silver piano winter island letter mountain salt cedar harvest evening bridge festival temple rain noodle ceramic station journey`)

// PostSlug is the path of the n-th post, from 1.
func PostSlug(n int) string { return "notes-from-the-kissa-" + strconv.Itoa(n) }

// Posts is how many posts the site has.
func (s *Stack) Posts() int { return s.cfg.Seed.Posts }

func (s *Stack) copyWordPress(ctx context.Context) error {
	// Debian spreads the files over /usr/share and /var/lib by links; the copy is plain files, as from WordPress' own archive.
	out, err := exec.CommandContext(ctx, "cp", "-rL", "/usr/share/wordpress", s.Docroot()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return s.writePlugin()
}

func (s *Stack) writePlugin() error {
	p := s.cfg.Plugin
	dir, file := filepath.Join(s.Docroot(), "wp-content", "plugins", p.Slug), p.File
	if p.MustUse {
		dir, file = filepath.Join(s.Docroot(), "wp-content", "mu-plugins"), p.Slug+".php"
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the plugin's directory: %w", err)
	}
	return fill("plugin.php.tmpl", filepath.Join(dir, file), 0o644, struct {
		Plugin
		Func string
	}{p, p.function()})
}

// function is what the names of the plugin's PHP functions begin with.
func (p Plugin) function() string { return strings.ReplaceAll(p.Slug, "-", "_") }

// wp runs one verb of tool.php inside the site.
func (s *Stack) wp(ctx context.Context, verb string, args ...string) (string, error) {
	tool := filepath.Join(s.Dir, "conf", "tool.php")
	if _, err := os.Stat(tool); err != nil {
		text, err := files.ReadFile(path.Join("files", "tool.php"))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(tool, text, 0o644); err != nil {
			return "", fmt.Errorf("write the lab's PHP tool: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, "/usr/bin/php", append([]string{"-d", "display_errors=stderr", "-d", "error_reporting=E_ERROR", tool, verb, s.Docroot()}, args...)...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("WordPress: %s: %w: %s%s", verb, err, complaint.String(), out)
	}
	return strings.TrimSpace(string(out)), nil
}

// installSite makes the site once; copies of its data directory are then moved by prepareSite.
func (s *Stack) installSite(ctx context.Context) error {
	if _, err := s.wp(ctx, "install", secret()); err != nil {
		return err
	}
	if _, err := s.SQL(ctx, s.postsSQL()); err != nil {
		return fmt.Errorf("write the posts: %w", err)
	}
	target := s.cfg.Plugin.Slug + "/" + s.cfg.Plugin.File
	if s.cfg.Plugin.MustUse {
		target = s.cfg.Plugin.function() + "_install"
	}
	_, err := s.wp(ctx, "activate", target)
	return err
}

func (s *Stack) prepareSite(ctx context.Context, data cacheEntry) error {
	s.SeededAt = data.SeededAt
	_, err := s.wp(ctx, "prepare", s.URL)
	return err
}

// ScheduleHook plans the plugin's daily job for a moment; the first visitor after it makes WordPress run it.
func (s *Stack) ScheduleHook(ctx context.Context, at time.Time) error {
	_, err := s.wp(ctx, "schedule", s.cfg.Plugin.Hook, strconv.FormatInt(at.Unix(), 10))
	return err
}

// SetUser makes a user of the site, or gives one that is there another role and password.
func (s *Stack) SetUser(ctx context.Context, name, role, password string) error {
	_, err := s.wp(ctx, "user", name, role, password)
	return err
}

// ApplicationPassword makes one for a user and returns it.
func (s *Stack) ApplicationPassword(ctx context.Context, user, name string) (string, error) {
	return s.wp(ctx, "application-password", user, name)
}

// postsSQL writes the posts at once: by wp_insert_post three hundred of them take longer than everything else.
func (s *Stack) postsSQL() string {
	var words []string
	for i, w := range Words {
		words = append(words, fmt.Sprintf("WHEN %d THEN '%s'", i, w))
	}
	pick := func(a, b int) string {
		return fmt.Sprintf("CASE (seq*%d+%d) MOD %d %s END", a, b, len(Words), strings.Join(words, " "))
	}
	var sentence []string
	for i := range 12 {
		sentence = append(sentence, fmt.Sprintf("'The %s of the ', %s, ' and the ', %s, ' that came after it. '", Words[i], pick(2*i+1, i), pick(3*i+1, 2*i)))
	}
	return fmt.Sprintf(`USE %[1]s;
DELETE FROM %[2]sposts; DELETE FROM %[2]sterm_relationships; DELETE FROM %[2]scomments;
INSERT INTO %[2]sposts (post_author,post_date,post_date_gmt,post_content,post_title,post_excerpt,post_status,post_name,to_ping,pinged,post_modified,post_modified_gmt,post_content_filtered,guid,post_type)
 SELECT 1, UTC_TIMESTAMP() - INTERVAL (%[3]d-seq) DAY, UTC_TIMESTAMP() - INTERVAL (%[3]d-seq) DAY,
  CONCAT('<p>', REPEAT(CONCAT(%[4]s), 3), '</p>'), CONCAT('Notes on ', %[5]s, ' ', seq), '', 'publish', CONCAT('notes-from-the-kissa-', seq), '', '',
  UTC_TIMESTAMP(), UTC_TIMESTAMP(), '', CONCAT('urn:lab:', seq), 'post' FROM seq_1_to_%[3]d;
INSERT INTO %[2]sterm_relationships (object_id,term_taxonomy_id) SELECT ID, 1 FROM %[2]sposts;
UPDATE %[2]sterm_taxonomy SET count=%[3]d WHERE term_taxonomy_id=1;
ANALYZE TABLE %[2]sposts;`, s.DBName, s.cfg.Prefix, s.cfg.Seed.Posts, strings.Join(sentence, ", "), pick(5, 3))
}
