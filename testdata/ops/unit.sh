#!/usr/bin/env bash
# The systemd unit in the README, held against systemd itself: it must verify without a
# word, and its exposure must stay low. Installs Debian's package systemd if that is missing;
# a running systemd is not needed.
set -euo pipefail
command -v systemd-analyze >/dev/null || {
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	apt-get install -y -q --no-install-recommends systemd
}
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The unit is the block of the README from [Unit] to its [Install].
sed -n '/^    \[Unit\]$/,/^    WantedBy=/p' README.md | sed 's/^    //' > "$dir/mxseal.service"
[ -s "$dir/mxseal.service" ] || { echo "README.md has no unit" >&2; exit 1; }

# Its program need not be installed here.
printf '#!/bin/sh\n' > "$dir/mxseal"
chmod +x "$dir/mxseal"
sed -i "s|^ExecStart=/usr/local/bin/mxseal |ExecStart=$dir/mxseal |" "$dir/mxseal.service"

complaints=$(systemd-analyze verify "$dir/mxseal.service" 2>&1)
[ -z "$complaints" ] || { echo "$complaints" >&2; exit 1; }

# 2.0 of 10, as a threshold in tenths. Below it systemd calls a service OK.
systemd-analyze security --no-pager --offline=true --threshold=20 "$dir/mxseal.service" | tail -1
