package tape

import "strings"

// The words below are shared by all hosts and say nothing about one.

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

var (
	systemUsers = func() map[string]bool {
		m := set("root mysql mariadb www-data apache nginx nobody daemon bitnami event_scheduler hirune mariadb.sys mysql.sys mysql.session mysql.infoschema")
		m[""], m["system user"], m["unauthenticated user"] = true, true, true
		return m
	}()
	systemSchemas = func() map[string]bool {
		m := set("mysql sys information_schema performance_schema wordpress wp bitnami_wordpress")
		m[""] = true
		return m
	}()
	systemPools = set("www wordpress phpfpm php-fpm default")

	fileEndings = set(".php .log .conf .cnf .ini .sock .pid .service .timer .socket .sh .py .pl .so .gz .xz .zip .txt .xml .json .html .htm .js .css .png .jpg .jpeg .gif .webp .svg .ico .woff .woff2 .map .err .env .sql .phar .cgi .target .slice .scope .ibd .frm")

	systemWords = set(`etc usr var lib run log logs opt srv home root tmp bin sbin local share proc sys dev fd cgroup fs
		mysql mysqld mysqld.sock mysql.sock mysqld1 mariadb mariadb.cnf mariadbd my.cnf .my.cnf conf.d mysql.conf.d mariadb.conf.d data error.log slow.log mysql-slow.log
		mariadb-slow.log error_log access_log access.log other_vhosts_access.log mysqld.log mariadb.log php php-fpm php-fpm.sock www.sock www.conf pool.d fpm
		php-fpm.conf php.ini php8.2-fpm.sock php8.2-fpm.log php7.4-fpm.sock php8.1-fpm.sock php8.3-fpm.sock php8.4-fpm.sock
		apache apache2 httpd nginx nginx.conf apache2.conf httpd.conf sites-enabled sites-available mods-enabled conf-enabled vhosts vhosts.d
		www html htdocs public_html public web wordpress wp wp-config.php wp-content wp-admin wp-includes plugins themes uploads mu-plugins
		bitnami stack ctlscript.sh apps system.slice user.slice machine.slice docker lxc kubepods apache2.service nginx.service mariadb.service mysql.service
		php-fpm.service php8.2-fpm.service cron cron.d cron.daily cron.hourly cron.weekly cron.monthly crontab crontabs crontab.txt anacron systemd system
		wp-cron.php wp-cli.phar php8.2 curl wget mysqldump mariadb-dump mysqlcheck bash sh env python3 perl nice ionice timeout flock
		sysstat e2scrub_all popularity-contest logrotate certbot snap mnt media boot efi null`)

	webWords = set(`index.php xmlrpc.php wp-login.php wp-cron.php wp-comments-post.php wp-signup.php wp-activate.php wp-trackback.php wp-config.php wp-links-opml.php
		wp-admin admin-ajax.php admin.php admin-post.php post.php post-new.php edit.php users.php plugins.php options.php upload.php load-scripts.php load-styles.php
		wp-content wp-includes plugins themes uploads cache js css wp-json wp posts pages users media comments categories tags settings search oembed embed batch
		wc wc-api store products orders cart checkout my-account shop product product-category category tag author page feed rss atom rss2 rdf comment-page
		robots.txt favicon.ico sitemap.xml wp-sitemap.xml ads.txt .env .git .well-known server-status status ping`)

	agentWords = set(`mozilla applewebkit chrome chromium safari firefox edg edge opr opera gecko khtml like windows nt x linux macintosh intel mac os iphone ipad
		android mobile tablet compatible msie trident rv wow win64 win32 x64 x86_64 i686 arm aarch64 ubuntu debian fedora cros version build u en us ja jp cpu
		wordpress jetpack go-http-client okhttp java libwww-perl perl php ruby node axios postmanruntime apache-httpclient apachebench ab wrk siege k6 vegeta hey
		googlebot bingbot ahrefsbot semrushbot mj12bot dotbot yandexbot baiduspider facebookexternalhit twitterbot gptbot claudebot bytespider petalbot applebot
		uptimerobot pingdom statuscake monitor headlesschrome phantomjs wpscan hirune`)

	commandWords = set(`wp cron event run due list --due-now php php-cli curl wget mysqldump mysqlcheck mariadb-dump mysql bash sh env nice ionice timeout flock test -x
		&& || ; | > >> 2>&1 < & ! [ ] /dev/null >/dev/null >>/dev/null 2>/dev/null cd command -v root www-data exec if then fi else true . artisan schedule:run logrotate certbot renew rsync tar gzip find run-parts`)
)
