#!/bin/sh
# Installs the programs that the examples of MONITORING.md are for: Nagios, Prometheus' promtool,
# the shells, man and mandoc, xmllint, jq and curl. Debian, as root; does nothing when all is there.
set -eu

stop() { echo "install.sh: $*" >&2; exit 1; }

missing=
command -v nagios4 >/dev/null || missing="$missing nagios4-core"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v zsh >/dev/null || missing="$missing zsh"
command -v fish >/dev/null || missing="$missing fish"
command -v mandoc >/dev/null || missing="$missing mandoc"
command -v man >/dev/null || missing="$missing man-db"
command -v xmllint >/dev/null || missing="$missing libxml2-utils"
command -v jq >/dev/null || missing="$missing jq"
command -v curl >/dev/null || missing="$missing curl"
[ -e /usr/share/bash-completion/bash_completion ] || missing="$missing bash-completion"
[ -n "$missing" ] || exit 0

[ "$(id -u)" = 0 ] || stop "run it as root: it installs$missing"
# Nothing that is installed here is to run as a service.
[ -e /usr/sbin/policy-rc.d ] || {
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod +x /usr/sbin/policy-rc.d
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends $missing
