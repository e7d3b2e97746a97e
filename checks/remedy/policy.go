package remedy

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
)

const (
	whileTesting = 86400   // seconds; short, so that a mistake is soon forgotten
	fourWeeks    = 2419200 // RFC 8461 §3.2: weeks or greater
	quiet        = 14 * 24 * time.Hour
	aWeek        = 604800
)

// policy are the steps to a policy in mode enforce that covers every mail server: first the
// file, then the id that makes senders fetch it, first as a test, then as a promise.
func policy(c the) []report.Step {
	var steps []report.Step
	if len(covered(c.r)) == 0 { // a policy without a server is none (RFC 8461 §3.2)
		return []report.Step{{Who: "owner", Kind: "task", Text: "First publish MX records with the names of mail servers that have an address. The policy has to name them, so it can be written only then."}}
	}
	m := c.r.MTASTS
	state, age := "absent", int64(fourWeeks)
	if m != nil {
		state = m.State
		if m.Policy != nil && m.Policy.MaxAge >= aWeek && m.Policy.MaxAge <= 31557600 {
			age = m.Policy.MaxAge
		}
	}
	if state != "enforce" && state != "testing" {
		steps = append(steps, c.policyHost()...)
		file := c.policyFile("testing", whileTesting, "Serve this file. In mode testing senders deliver as before and report what would have failed.")
		if state == "invalid" {
			file.Risk = "If the domain has promised mode enforce before, mode testing takes that back until the last steps: senders deliver without TLS meanwhile, if they must. The file with mode enforce restores the promise."
		}
		steps = append(steps, file,
			c.policyID(c.r.CheckedAt, "Then tell senders of it, by the only TXT record at this name."))
		last := &steps[len(steps)-1]
		last.Wait = "two weeks of TLS reports without failures; they need a TLS reporting record"
		last.Risk = "Nothing while testing."
	}
	if list := unfit(c.r); len(list) > 0 {
		steps = append(steps, report.Step{Who: "server", Kind: "task", Text: "Before the promise: see that " + strings.Join(list, ", ") +
			" can keep it. Each mail server needs TLS and a public certificate for its own name; as it is, senders would not deliver to it."})
	}
	promise := c.policyFile("enforce", age, "Once nothing fails any more, change the file to mode enforce. Senders now insist on a valid certificate of one of these hosts.")
	if state == "enforce" {
		promise.Text = "Serve this file."
	}
	promise.Risk = "A mail server that the file does not name, or whose certificate ends, gets no more mail from senders that check, Gmail and Exchange Online among them; TLS reports name it the next day. Mode testing, with another id, takes the promise back."
	at := c.r.CheckedAt
	if state != "enforce" && state != "testing" {
		at = at.Add(quiet)
	}
	return append(steps, promise, c.policyID(at, "Then change the id: senders fetch the file anew only when they see another one."))
}

// unfit names the mail servers that could not keep the promise of a policy.
func unfit(r *report.Report) []string {
	var list []string
	for _, h := range r.Hosts {
		if plain(h.Name) && slices.ContainsFunc(h.Addresses, func(a *report.Address) bool {
			return a.Reachable && (len(a.Certificates) == 0 || slices.ContainsFunc(a.Certificates, func(c *report.Certificate) bool {
				return c.Via != "no-sni" && c.PKIX != "ok" && c.PKIX != "untested"
			}))
		}) {
			list = append(list, h.Name)
		}
	}
	return list
}

// policyFile is the file for the mail servers of the domain.
func (c the) policyFile(mode string, age int64, text string) report.Step {
	lines := []string{"version: STSv1", "mode: " + mode}
	for _, name := range covered(c.r) {
		lines = append(lines, "mx: "+name)
	}
	lines = append(lines, fmt.Sprintf("max_age: %d", age))
	return report.Step{Who: "owner", Kind: "file", Where: "https://mta-sts.{domain}/.well-known/mta-sts.txt", Text: text, Code: strings.Join(lines, "\n")}
}

// covered are the names that a policy has to hold: of every mail server the one in the MX
// record, and the one that is to take its place where that is an alias.
func covered(r *report.Report) []string {
	var list []string
	add := func(name string) {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if _, err := netip.ParseAddr(name); err != nil && hostName.MatchString(name) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, h := range r.Hosts {
		if h.NotTested == "no-address" {
			continue
		}
		for _, name := range names(h, r.Domain) {
			add(name)
		}
		for _, f := range r.Findings {
			if f.Rule == "MX-12" && f.Host == h.Name {
				add(f.Params["target"])
			}
		}
	}
	return list
}

// hostName is what may stand behind mx: (RFC 8461 §3.2): no underscore, no address.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// policyID is the TXT record with an id that follows from the time.
func (c the) policyID(at time.Time, text string) report.Step {
	id := at.UTC().Format("20060102T1504")
	if c.r.MTASTS != nil && c.r.MTASTS.ID == id {
		id += "b"
	}
	return report.Step{Who: "owner", Kind: "dns", Do: "replace", Where: "zone of {domain}", Text: text,
		Code: `_mta-sts.{domain}. IN TXT "v=STSv1; id=` + id + `"`}
}

// policyHost is a web server for the file, where none serves it yet.
func (c the) policyHost() []report.Step {
	m := c.r.MTASTS
	if m != nil && m.Policy != nil {
		return nil
	}
	var steps []report.Step
	if m == nil || m.Fetch == nil || m.Fetch.Address == "" {
		steps = append(steps, report.Step{Who: "owner", Kind: "dns", Do: "add", Where: "zone of {domain}", Code: "mta-sts.{domain}. IN CNAME <your web server>.",
			Text: "Give the policy host a name: an alias of a web server of yours, or its addresses."})
	}
	const folder = " Put the policy file below its root, in .well-known."
	return append(steps, c.policyCertificate(),
		report.Step{Who: "owner", Kind: "config", Where: "nginx: /etc/nginx/conf.d/mta-sts.conf", Code: nginx,
			Text: "Then let it answer with that certificate, and without a redirect." + folder},
		report.Step{Who: "owner", Kind: "command", Where: "nginx: a shell on the web server", Code: "nginx -t && systemctl reload nginx",
			Text: "Test, and then reload: nginx does not start with a certificate that is not there."},
		report.Step{Who: "owner", Kind: "config", Where: "Caddy: /etc/caddy/Caddyfile", Code: caddy,
			Text: "With Caddy in place of nginx this is all: it gets the certificate by itself, once the name leads to it." + folder},
		report.Step{Who: "owner", Kind: "command", Where: "Caddy: a shell on the web server", Code: "caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy",
			Text: "Test, and then reload."})
}

// policyCertificate comes before the server block that names it. Port 80 answers as nginx of Debian does by default.
func (c the) policyCertificate() report.Step {
	return report.Step{Who: "owner", Kind: "command", Where: "nginx: a shell on the web server",
		Code: "certbot certonly --webroot -w /var/www/html -d mta-sts.{domain} --deploy-hook 'systemctl reload nginx'",
		Text: "Get a certificate for exactly this name. The folder is the one from which port 80 is served for it."}
}

// servedAgain is for a file that cannot be fetched: the web server is at fault, and the file,
// with its mode, stays as it is.
func servedAgain(c the) []report.Step {
	steps := []report.Step{{Who: "owner", Kind: "task", Where: "the web server of mta-sts.{domain}", Text: c.finding.Remedy + " The policy file stays as it is, with its mode.",
		Risk: "Senders that hold the policy in memory go by it until its max_age ends; the others deliver without one."}}
	if c.finding.Rule == "STS-13" {
		steps = append(steps, c.policyCertificate())
	}
	lost := policy(c)
	if len(lost) > 0 {
		lost[0].Text = "Only if there is no such file any more, begin anew. " + lost[0].Text
	}
	return append(steps, lost...)
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

// policyRecord mends the TXT record alone; the file, if there is one, is good.
func policyRecord(c the) []report.Step {
	if c.r.MTASTS == nil || c.r.MTASTS.Policy == nil {
		return policy(c)
	}
	step := c.policyID(c.r.CheckedAt, "Publish this as the only TXT record at this name. The policy file stays as it is.")
	if c.r.MTASTS.Policy.Mode == "enforce" {
		step.Risk = "Senders begin to insist on the policy, which says enforce: every mail server has to keep it."
	}
	return []report.Step{step}
}

// plainText has the web server name the right type.
func plainText(c the) []report.Step {
	return []report.Step{
		{Who: "owner", Kind: "config", Where: "nginx: the server block of mta-sts.{domain}", Text: "Serve the policy file as text/plain.", Code: "location = /.well-known/mta-sts.txt { default_type text/plain; types { } }"},
		{Who: "owner", Kind: "command", Where: "nginx: a shell on the web server", Text: "Test, and then reload.", Code: "nginx -t && systemctl reload nginx"},
		{Who: "owner", Kind: "config", Where: "Apache: the virtual host of mta-sts.{domain}", Text: "With Apache in place of nginx it is this.", Code: "AddType text/plain .txt"},
		{Who: "owner", Kind: "command", Where: "Apache: a shell on the web server", Text: "Test, and then reload.", Code: "apachectl configtest && systemctl reload apache2"},
	}
}

// addServer adds the mail server to the policy, or takes it out of the MX records.
func addServer(c the) []report.Step {
	steps := policy(c)
	if lines := c.mxLines(c.finding.Host); c.hosted() && len(lines) > 0 {
		steps[0].Text += " If {host} is none of your servers, delete its MX record instead."
	}
	return steps
}
