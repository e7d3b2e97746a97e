#!/bin/sh
# Installs the clients that the suite drives: Debian's nginx, librsvg, mandoc, promtool,
# xmllint, icalendar and Chromium; from npm two linters and two generators, and from Go's modules a
# third, each at one version, into a cache outside the tree. Debian, as root; does nothing
# when all is there.
set -eu

cache=${MXSEAL_CLIENTS_CACHE:-/var/cache/mxseal-clients}
packages="@redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 openapi-typescript@7.13.0 openapi-fetch@0.17.0 @hey-api/openapi-ts@0.95.0 zod@4.6.7 typescript@5.9.3 @types/node@20"
generator=github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2
runtime=github.com/oapi-codegen/runtime@v1.9.0

stop() { echo "install.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || stop "run it as root: it installs Debian's packages"

missing=
command -v nginx >/dev/null || missing="$missing nginx-light"
command -v openssl >/dev/null || missing="$missing openssl"
command -v rsvg-convert >/dev/null || missing="$missing librsvg2-bin"
command -v mandoc >/dev/null || missing="$missing mandoc"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v xmllint >/dev/null || missing="$missing libxml2-utils"
/usr/bin/python3 -c 'import icalendar' 2>/dev/null || missing="$missing python3-icalendar"
command -v curl >/dev/null || missing="$missing curl"
command -v npm >/dev/null || missing="$missing npm"
if [ -n "$missing" ]; then
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
fi
"$(dirname "$0")/../browser/install.sh"

wanted="$packages $generator $runtime"
[ "$(cat "$cache/version" 2>/dev/null)" = "$wanted" ] && exit 0
rm -rf "$cache"
mkdir -p "$cache/go"
# shellcheck disable=SC2086
npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund --loglevel=error $packages
GOFLAGS=-mod=mod GOBIN="$cache/bin" go install "$generator"
cd "$cache/go"
printf 'module client\n\ngo 1.26\n' >go.mod
printf 'package client\n\nimport _ "github.com/oapi-codegen/runtime"\n' >hold.go
GOFLAGS=-mod=mod go get "$runtime"
GOFLAGS=-mod=mod go mod tidy
rm hold.go
[ -x "$cache/bin/oapi-codegen" ] && [ -s "$cache/node_modules/zod/package.json" ] || stop "not all clients came"
echo "$wanted" >"$cache/version"
