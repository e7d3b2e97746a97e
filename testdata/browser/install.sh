#!/bin/sh
# Installs what the browser tests drive: Debian's Chromium, a font, pdftotext, and axe-core
# at one version from npm, into a cache outside the tree. Debian, as root; does nothing when
# all is there.
set -eu

cache=${MXSEAL_BROWSER_CACHE:-/var/cache/mxseal-browser}
axe=4.11.4

stop() { echo "install.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || stop "run it as root: it installs Debian's packages"

# npm may be there without Debian's package, so programs are asked for, and not packages.
missing=
command -v chromium >/dev/null || missing="$missing chromium"
command -v pdftotext >/dev/null || missing="$missing poppler-utils"
command -v npm >/dev/null || missing="$missing npm"
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing="$missing fonts-dejavu-core"
if [ -n "$missing" ]; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	# shellcheck disable=SC2086
	apt-get install -y -q --no-install-recommends $missing
fi

[ "$(cat "$cache/version" 2>/dev/null)" = "$axe" ] && exit 0
rm -rf "$cache"
mkdir -p "$cache"
npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund --loglevel=error "axe-core@$axe"
[ -s "$cache/node_modules/axe-core/axe.min.js" ] || stop "npm brought no axe-core"
echo "$axe" >"$cache/version"
