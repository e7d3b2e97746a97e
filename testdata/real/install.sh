#!/bin/sh
# Fetches the daemons that the tests of this folder talk to and unpacks them beside the
# system: the three mail servers exclude each other as packages, and a package that is only
# unpacked starts no service. Only system users and OpenSMTPD's fixed folders are made
# outside the cache. Debian 12, as root; does nothing when all is there.
set -eu

cache=${MXSEAL_REAL_CACHE:-/var/cache/mxseal-real}
daemons="postfix exim4-base exim4-config exim4-daemon-light opensmtpd nsd unbound nginx libnginx-mod-stream ldnsutils bind9 bind9-dnsutils bind9-libs bind9-utils knot knot-dnsutils pdns-server pdns-backend-sqlite3 sqlite3 caddy lego postgresql-15 pgbouncer"

stop() { echo "install.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || stop "run it as root: it makes system users, and the tests bind low-level daemons"
. /etc/os-release
[ "$ID-$VERSION_ID" = debian-12 ] || stop "the expected results are those of Debian 12's packages; this is $PRETTY_NAME"

# The tests make networks and certificates, get some, and open TLS with these.
for need in ip:iproute2 openssl:openssl gnutls-cli:gnutls-bin certbot:certbot pebble:pebble mta-sts-daemon:postfix-mta-sts-resolver opendkim-testmsg:opendkim-tools dkimsign:python3-dkim; do
	command -v "${need%:*}" >/dev/null || {
		apt-get update -q
		DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "${need#*:}"
	}
done

# The accounts are part of what the daemons were compiled with.
for user in postfix Debian-exim opensmtpd opensmtpq postgres; do
	getent passwd "$user" >/dev/null ||
		useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
done
getent group postdrop >/dev/null || groupadd --system postdrop
# So are the folder that OpenSMTPD locks itself into and the one of its queue.
install -d -m 755 -o root -g root /var/lib/opensmtpd /var/lib/opensmtpd/empty
install -d -m 711 -o root -g root /var/spool/smtpd

# The stamp names this script, so a changed list is fetched anew.
stamp=$(sha256sum "$0" | cut -c 1-64)
[ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
rm -rf "$cache/packages"
mkdir -p "$cache/packages"
cd "$cache/packages"
# Each daemon is asked for by itself, since no simulation would hold two mail servers.
libraries=$(for daemon in $daemons; do
	apt-get install -s -q --no-install-recommends "$daemon"
done | sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p' | sort -u)
# shellcheck disable=SC2086
apt-get download -q -o APT::Sandbox::User=root $daemons $libraries
for package in *.deb; do
	dpkg -x "$package" "$cache"
done
rm -rf "$cache/packages"
chmod 755 "$cache"
echo "$stamp" >"$cache/stamp"
echo "install.sh: $daemons are in $cache"
