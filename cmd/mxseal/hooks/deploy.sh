# The mail server uses what stands here, never the client's own files: those change with every renewal,
# and a server may read them at any time.
to={to}

cmp -s "$certificate" "$to/fullchain.pem" && exit 0
mkdir -p "$to"
would=0
mxseal rehearse --certificate "$certificate"{domains} {hosts} || would=$?
if [ $would != 0 ]; then
	[ $would != 1 ] || touch "$to/waiting"
	echo "mxseal: the new certificate of {host} is held back; the one before stays" >&2
	exit $would
fi
# Records that were missing at the last run are published now. Caches may hold the answer from before:
# wait for two TTLs, which are less than two days for all that is usual.
if [ -e "$to/waiting" ]; then
	mv "$to/waiting" "$to/published"
	touch "$to/published"
fi
if [ -e "$to/published" ] && [ -n "$(find "$to/published" -mmin -"${MXSEAL_WAIT_MINUTES:-2880}")" ]; then
	echo "mxseal: the new certificate of {host} is held back until caches have the new TLSA records" >&2
	exit 1
fi
umask 077
for old in privkey fullchain; do
	[ ! -e "$to/$old.pem" ] || cp -p "$to/$old.pem" "$to/$old.pem.new" # for its owner and mode
done
cat "$key" >"$to/privkey.pem.new"
cat "$certificate" >"$to/fullchain.pem.new"
mv "$to/privkey.pem.new" "$to/privkey.pem"
mv "$to/fullchain.pem.new" "$to/fullchain.pem"
rm -f "$to/published"
{reload}
