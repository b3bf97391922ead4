package collectors

import (
	"context"
	"slices"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/wordpress"
)

// switched tells which plugins were activated or deactivated since they were read
// last: a minute ago, as the schedule is.
func (s *wpSite) switched(ctx context.Context, b *collect.Beat, db wordpress.Querier) error {
	text, err := db.Option(ctx, s.site.Config.DBName, s.site.Config.Prefix, "active_plugins")
	if err != nil || text == "" {
		return err
	}
	list, err := wordpress.ActivePlugins(text)
	if err != nil {
		return nil //nolint:nilerr // what tells of the site says so
	}
	now := make([]string, 0, len(list))
	for _, p := range list {
		now = append(now, strings.TrimSuffix(firstPart(p), ".php"))
	}
	was := s.active
	s.active = now
	if was == nil {
		return nil
	}
	tell := func(of, in []string, verb string) {
		for _, p := range of {
			if !slices.Contains(in, p) {
				b.Emit(evidence.Change{What: evidence.ChangePlugin, Name: p, Site: s.site.Name, To: versionIn(s, p, verb), Verb: verb, How: "option"})
			}
		}
	}
	tell(now, was, "activated")
	tell(was, now, "deactivated")
	return nil
}

func versionIn(s *wpSite, plugin, verb string) string {
	if verb != "activated" {
		return ""
	}
	return s.sources.Version(plugin)
}
