# For acme.sh: acme.sh --install-cert -d {host} --reloadcmd FILE. Let cron run it once a day too, so
# that a certificate that was held back is deployed as soon as it may be:
#   CERT_FULLCHAIN_PATH=~/.acme.sh/{host}/fullchain.cer CERT_KEY_PATH=~/.acme.sh/{host}/{host}.key FILE
certificate=$CERT_FULLCHAIN_PATH
key=$CERT_KEY_PATH
