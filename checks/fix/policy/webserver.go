package policy

import (
	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// host is a web server for the file, where none serves it yet.
func host(p place.Place) []report.Step {
	m := p.Report.MTASTS
	if m != nil && m.Policy != nil {
		return nil
	}
	var steps []report.Step
	if m == nil || m.Fetch == nil || m.Fetch.Address == "" {
		steps = append(steps, report.Step{Who: report.Owner, Kind: report.StepDNS, Do: report.Add, Where: "zone of {domain}", Code: "mta-sts.{domain}. IN CNAME <your web server>.",
			Text: "Give the policy host a name: an alias of a web server of yours, or its addresses."})
	}
	const folder = " Put the policy file below its root, in .well-known."
	return append(steps, certify(),
		report.Step{Who: report.Owner, Kind: report.StepConfig, Where: "nginx: /etc/nginx/conf.d/mta-sts.conf", Code: nginx,
			Text: "Then let it answer with that certificate, and without a redirect." + folder},
		report.Step{Who: report.Owner, Kind: report.StepCommand, Where: "nginx: a shell on the web server", Code: "nginx -t && systemctl reload nginx",
			Text: "Test, and then reload: nginx does not start with a certificate that is not there."},
		report.Step{Who: report.Owner, Kind: report.StepConfig, Where: "Caddy: /etc/caddy/Caddyfile", Code: caddy,
			Text: "With Caddy in place of nginx this is all: it gets the certificate by itself, once the name leads to it." + folder},
		report.Step{Who: report.Owner, Kind: report.StepCommand, Where: "Caddy: a shell on the web server", Code: "caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy",
			Text: "Test, and then reload."})
}

// certify comes before the server block that names it. Port 80 answers as nginx of Debian does by default.
func certify() report.Step {
	return report.Step{Who: report.Owner, Kind: report.StepCommand, Where: "nginx: a shell on the web server",
		Code: "certbot certonly --webroot -w /var/www/html -d mta-sts.{domain} --deploy-hook 'systemctl reload nginx'",
		Text: "Get a certificate for exactly this name. The folder is the one from which port 80 is served for it."}
}

const nginx = `server {
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name mta-sts.{domain};
    ssl_certificate /etc/letsencrypt/live/mta-sts.{domain}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/mta-sts.{domain}/privkey.pem;
    root /var/www/mta-sts.{domain};
    default_type text/plain;
}`

const caddy = `mta-sts.{domain} {
	root * /var/www/mta-sts.{domain}
	file_server
}`

// PlainText has the web server name the right type.
func PlainText(place.Place) []report.Step {
	return []report.Step{
		{Who: report.Owner, Kind: report.StepConfig, Where: "nginx: the server block of mta-sts.{domain}", Text: "Serve the policy file as text/plain.", Code: "location = /.well-known/mta-sts.txt { default_type text/plain; types { } }"},
		{Who: report.Owner, Kind: report.StepCommand, Where: "nginx: a shell on the web server", Text: "Test, and then reload.", Code: "nginx -t && systemctl reload nginx"},
		{Who: report.Owner, Kind: report.StepConfig, Where: "Apache: the virtual host of mta-sts.{domain}", Text: "With Apache in place of nginx it is this.", Code: "AddType text/plain .txt"},
		{Who: report.Owner, Kind: report.StepCommand, Where: "Apache: a shell on the web server", Text: "Test, and then reload.", Code: "apachectl configtest && systemctl reload apache2"},
	}
}
