#!/bin/sh
# Installs Debian's packages, as apt does it, over this system without touching it: what each
# installation adds is kept as an image, from which the tests start a machine. Mail servers exclude each
# other, so each has an image of its own. Debian 12, as root; does nothing when all is there.
set -eu

cache=${MXSEAL_REAL_CACHE:-/var/cache/mxseal-real}/machines
stop() { echo "machines.sh: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || stop "run it as root: it mounts file systems"

stamp=$(sha256sum "$0" | cut -c 1-64)
[ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
rm -rf "$cache"
mkdir -p "$cache"

# install IMAGE PACKAGE…: in a root whose changes go to memory. What this system has of the packages
# goes first, with its configuration: the machine is to be as a new one.
install() {
	unshare -m -u sh -euc '
		image=$1
		shift
		mount -t tmpfs -o mode=755 none /mnt
		mkdir /mnt/upper /mnt/work /mnt/root
		mount -t overlay none -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
		cd /mnt/root
		mount -t proc none proc
		mount --rbind /dev dev
		mount -t tmpfs none tmp
		hostname mx.example.net
		echo mx.example.net >etc/mailname
		rm etc/hosts
		printf "127.0.0.1 localhost\n127.0.1.1 mx.example.net mx\n" >etc/hosts
		printf "#!/bin/sh\nexit 101\n" >usr/sbin/policy-rc.d
		chmod 755 usr/sbin/policy-rc.d
		export DEBIAN_FRONTEND=noninteractive
		configured="/etc/postfix /etc/exim4 /etc/mail /etc/nginx /etc/caddy /etc/apache2 /etc/bind /etc/knot /etc/nsd /etc/powerdns"
		owners=$(chroot . dpkg -S $configured 2>/dev/null | sed "s/:.*//; s/, /\n/g" | sort -u) || true
		[ -z "$owners" ] || chroot . apt-get purge -q -y $owners
		for folder in $configured; do rm -rf ".$folder"; done
		chroot . debconf-set-selections <<.
postfix postfix/main_mailer_type select Internet Site
postfix postfix/mailname string mx.example.net
exim4-config exim4/dc_eximconfig_configtype select internet site; mail is sent and received directly using SMTP
exim4-config exim4/dc_local_interfaces string
exim4-config exim4/mailname string mx.example.net
.
		chroot . apt-get install -q -y --no-install-recommends "$@"
		chroot . apt-get clean
		tar -C /mnt/upper --xattrs --xattrs-include="trusted.overlay.*" --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./tmp --exclude=./proc --exclude=./dev -cf "$image" .
	' install "$cache/$1.tar" $2 >"$cache/$1.log" 2>&1 || { tail -20 "$cache/$1.log" >&2; stop "$1 was not installed"; }
}

apt-get update -q
jobs=
while read -r name packages; do
	[ -n "$name" ] || continue
	install "$name" "$packages" </dev/null &
	jobs="$jobs $!"
done <<.
postfix postfix
exim exim4-daemon-light
opensmtpd opensmtpd
sendmail sendmail make
web nginx caddy apache2 certbot pebble
names bind9 bind9-dnsutils knot knot-dnsutils pdns-server pdns-backend-sqlite3 sqlite3 nsd ldnsutils
.
for job in $jobs; do
	wait "$job"
done
echo "$stamp" >"$cache/stamp"
echo "machines.sh: the images are in $cache"
