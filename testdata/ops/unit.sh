#!/usr/bin/env bash
# The systemd units in OPERATING.md, held against systemd itself: they must verify without a
# word, the exposure of the service must stay low, and the socket that systemd passes is the
# one that answers. Installs Debian's package systemd if that is missing; a running systemd is
# not needed. Go builds the program.
set -euo pipefail
command -v systemd-socket-activate >/dev/null || {
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	apt-get install -y -q --no-install-recommends systemd
}
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; exit 1; }

# The units are blocks of OPERATING.md: from [Unit] and from [Socket] to their [Install].
block() { sed -n "/^    \\[$1\\]\$/,/^    WantedBy=/p" .github/OPERATING.md | sed 's/^    //'; }
block Unit > "$dir/mxseal.service"
block Socket > "$dir/mxseal.socket"
[ -s "$dir/mxseal.service" ] || fail "OPERATING.md has no unit"
[ -s "$dir/mxseal.socket" ] || fail "OPERATING.md has no socket"
# The one of the test of senders stands in a list.
sed -n '/^       \[Socket\]$/,/^       WantedBy=/p' .github/OPERATING.md | sed 's/^       //' > "$dir/mxseal-sender.socket"
[ -s "$dir/mxseal-sender.socket" ] || fail "OPERATING.md has no socket for the test of senders"

go build -o "$dir/mxseal" ./cmd/mxseal
sed -i "s|^ExecStart=/usr/local/bin/mxseal |ExecStart=$dir/mxseal |" "$dir/mxseal.service"

for units in "$dir/mxseal.service" "$dir/mxseal.service $dir/mxseal.socket" "$dir/mxseal.service $dir/mxseal-sender.socket"; do
	# shellcheck disable=SC2086
	complaints=$(systemd-analyze verify $units 2>&1) || true
	[ -z "$complaints" ] || fail "$complaints"
done

# 2.0 of 10, as a threshold in tenths. Below it systemd calls a service OK.
systemd-analyze security --no-pager --offline=true --threshold=20 "$dir/mxseal.service" | tail -1

# Flags of the unit are flags of the program, and its exit codes are those that the unit knows:
# a port that is taken is tried again, flags that cannot work are not.
grep -q '^RestartPreventExitStatus=64 78$' "$dir/mxseal.service" || fail "the unit does not know exits 64 and 78"
port=$((20000 + RANDOM % 10000))
systemd-socket-activate -l "127.0.0.1:$port" "$dir/mxseal" serve --lab --listen 127.0.0.1:1 --admin-listen= --data "$dir/data" --resolver 127.0.0.1:9 2>"$dir/log" &
server=$!
for _ in $(seq 100); do
	[ "$(curl -s "http://127.0.0.1:$port/healthz")" != ok ] || break
	sleep 0.1
done
[ "$(curl -s "http://127.0.0.1:$port/healthz")" = ok ] || fail "the socket of systemd does not answer: $(cat "$dir/log")"
code=0; "$dir/mxseal" serve --lab --listen "127.0.0.1:$port" --admin-listen= --data "$dir/other" --resolver 127.0.0.1:9 2>/dev/null || code=$?
[ $code = 70 ] || fail "a port that is taken: exit $code, want 70"
code=0; "$dir/mxseal" serve --base-url 'https://x?q' 2>/dev/null || code=$?
[ $code = 64 ] || fail "flags that cannot work: exit $code, want 64"
echo "the socket of systemd answers"
