# For certbot: put it into /etc/letsencrypt/renewal-hooks/deploy/, and let cron run it once a day with
# the folder of the certificate, so that one that was held back is deployed as soon as it may be:
#   RENEWED_LINEAGE=/etc/letsencrypt/live/{host} /etc/letsencrypt/renewal-hooks/deploy/mxseal
certificate=$RENEWED_LINEAGE/fullchain.pem
key=$RENEWED_LINEAGE/privkey.pem
