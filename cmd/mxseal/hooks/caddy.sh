# For Caddy, which calls nobody as Debian builds it: let cron run it every hour. The folder is that of
# the authority below its storage; CADDY_CERTIFICATE names another one.
folder=${CADDY_CERTIFICATE:-/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/{host}}
certificate=$folder/{host}.crt
key=$folder/{host}.key
