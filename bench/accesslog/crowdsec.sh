#!/bin/bash
# Unpacks Debian's crowdsec without installing it (its postinst registers with a server on the internet and leaves dpkg half configured where
# there is none) and gives it what a one-shot run over a file needs: the hub of the package, the collections for web servers and WordPress, and
# a local API of its own on loopback.
#   crowdsec.sh DIR        prepare DIR; then: DIR/run LOG
set -euo pipefail
dir=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$dir"
if [ ! -x root/usr/bin/crowdsec ]; then
	apt-get -o DPkg::Lock::Timeout=600 download crowdsec
	dpkg -x crowdsec_*.deb root
fi
hub=$dir/root/usr/share/crowdsec/hub
rm -rf etc data && mkdir -p etc data
cp -r root/etc/crowdsec/. etc/
cp -r root/usr/share/crowdsec/data/. data/
cp data/path_traversal.txt data/http_path_traversal.txt # as the scenario calls it; without it each line is an error
enable() { # parsers/s01-parse crowdsecurity/nginx-logs.yaml
	mkdir -p "etc/$1"
	ln -sf "$hub/$1/$2" "etc/$1/"
}
for f in parsers/s00-raw/syslog-logs parsers/s01-parse/nginx-logs parsers/s01-parse/apache2-logs parsers/s02-enrich/dateparse-enrich parsers/s02-enrich/http-logs; do
	enable "${f%/*}" "crowdsecurity/${f##*/}.yaml"
done
for f in http-backdoors-attempts http-bad-user-agent http-crawl-non_statics http-generic-bf http-open-proxy http-path-traversal-probing http-probing http-sensitive-files http-sqli-probing http-xss-probing \
	http-bf-wordpress_bf http-bf-wordpress_bf_xmlrpc http-wordpress_user-enum http-wordpress_wpconfig http-wordpress-scan; do
	[ -e "$hub/scenarios/crowdsecurity/$f.yaml" ] && enable scenarios "crowdsecurity/$f.yaml"
done
sed -e "s|/etc/crowdsec|$dir/etc|g; s|/var/lib/crowdsec/data|$dir/data|g; s|/var/lib/crowdsec/hub|$hub|g; s|/var/log/|$dir/|; s|/usr/lib/crowdsec|$dir/root/usr/lib/crowdsec|; s|:8080|:18080|; s|listen_port: 6060|listen_port: 16060|; s|daemonize: true|daemonize: false|" \
	-e '/online_client/,+1d' -e 's|type: sqlite|&\n  use_wal: true|' root/etc/crowdsec/config.yaml >etc/config.yaml
printf 'url: http://127.0.0.1:18080\n' >etc/local_api_credentials.yaml
touch etc/local_api_credentials.yaml
root/usr/bin/cscli -c etc/config.yaml machines add bench --auto --force --url http://127.0.0.1:18080 --file etc/local_api_credentials.yaml
cat >run <<RUN
#!/bin/bash
rm -f $dir/data/crowdsec.db*
$dir/root/usr/bin/cscli -c $dir/etc/config.yaml machines add bench --auto --force --url http://127.0.0.1:18080 --file $dir/etc/local_api_credentials.yaml >/dev/null 2>&1
exec $dir/root/usr/bin/crowdsec -c $dir/etc/config.yaml -dsn "file://\$1" -type nginx >$dir/run.log 2>&1
RUN
chmod +x run
