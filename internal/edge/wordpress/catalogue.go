package wordpress

import "strings"

// coreTables are WordPress' own, without the prefix.
var coreTables = map[string]bool{
	"posts": true, "postmeta": true, "comments": true, "commentmeta": true, "terms": true, "termmeta": true, "term_taxonomy": true,
	"term_relationships": true, "users": true, "usermeta": true, "options": true, "links": true, "blogs": true, "blogmeta": true,
	"blog_versions": true, "site": true, "sitemeta": true, "signups": true, "registration_log": true,
}

// coreHooks are events that WordPress itself schedules.
var coreHooks = map[string]bool{
	"wp_version_check": true, "wp_update_plugins": true, "wp_update_themes": true, "wp_scheduled_delete": true,
	"wp_scheduled_auto_draft_delete": true, "delete_expired_transients": true, "wp_privacy_delete_old_export_files": true,
	"recovery_mode_clean_expired_keys": true, "wp_site_health_scheduled_check": true, "wp_https_detection": true,
	"wp_update_user_counts": true, "wp_delete_temp_updater_backups": true, "wp_maybe_auto_update": true, "wp_split_shared_term_batch": true,
	"do_pings": true, "publish_future_post": true, "importer_scheduled_cleanup": true, "upgrader_scheduled_cleanup": true,
	"update_network_counts": true,
}

// prefixes name the plugin of a table or a hook by how it begins. They are the
// fallback where no code that names it was found: a plugin may be gone and its
// table still there. The longest that fits is taken.
var prefixes = map[string]string{
	"aiowps_": "all-in-one-wp-security-and-firewall", "aios_": "all-in-one-wp-security-and-firewall",
	"actionscheduler_": "woocommerce", "action_scheduler_": "woocommerce", "woocommerce_": "woocommerce", "wc_": "woocommerce",
	"wf": "wordfence", "wordfence_": "wordfence", "simple_history": "simple-history", "wsal_": "wp-security-audit-log",
	"aryo_activity_log": "aryo-activity-log", "stream": "stream", "redirection_": "redirection", "statistics_": "wp-statistics",
	"wp_statistics_": "wp-statistics", "itsec_": "better-wp-security", "wpml_mails": "wp-mail-logging", "wpmailsmtp_": "wp-mail-smtp",
	"wp_mail_smtp_": "wp-mail-smtp", "yoast_": "wordpress-seo", "wpseo_": "wordpress-seo", "rank_math_": "seo-by-rank-math",
	"icl_": "sitepress-multilingual-cms", "popularposts": "wordpress-popular-posts", "akismet_": "akismet", "jetpack_": "jetpack",
	"backwpup_": "backwpup", "updraft_": "updraftplus", "litespeed_": "litespeed-cache", "e_": "elementor", "elementor_": "elementor",
	"gf_": "gravityforms", "matomo_": "matomo", "ewwwio_": "ewww-image-optimizer", "bwps_": "better-wp-security",
	"limit_login_": "limit-login-attempts-reloaded", "snippets": "code-snippets", "nf3_": "ninja-forms", "db7_forms": "contact-form-cfdb7",
}

func byPrefix(name string) string {
	best, plugin := 0, ""
	for p, owner := range prefixes {
		if len(p) > best && strings.HasPrefix(name, p) {
			best, plugin = len(p), owner
		}
	}
	return plugin
}
