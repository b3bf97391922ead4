#!/bin/sh
# Installs from Debian what the lab runs: nothing is started, and with all of it there nothing is done or said.
set -eu

packages="mariadb-server apache2 nginx-light cron php-fpm php-cli php-mysql php-xml php-mbstring php-gd wordpress wordpress-theme-twentytwentyone"

missing=""
for p in $packages; do
	case "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)" in
	"install ok installed") ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "lab/setup.sh: not root, and these packages are missing:$missing" >&2
	exit 1
fi

# Packages would start their services at once, on the standard ports; the lab starts its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

log=$(mktemp)
install() {
	# shellcheck disable=SC2086 # the list is words
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $missing >"$log" 2>&1
}
echo "lab/setup.sh: install$missing"
if ! install; then
	apt-get -o DPkg::Lock::Timeout=600 update >>"$log" 2>&1 || true
	if ! install; then
		tail -n 40 "$log" >&2
		rm -f "$log"
		exit 1
	fi
fi
rm -f "$log"
