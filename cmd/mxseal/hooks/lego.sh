# For lego: lego … run --run-hook FILE and lego … renew --renew-hook FILE. Let cron run it once a day
# too, so that a certificate that was held back is deployed as soon as it may be:
#   LEGO_CERT_PATH=/etc/lego/certificates/{host}.crt LEGO_CERT_KEY_PATH=/etc/lego/certificates/{host}.key FILE
certificate=$LEGO_CERT_PATH
key=$LEGO_CERT_KEY_PATH
