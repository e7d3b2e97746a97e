package remedy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// undelivered is what happens to mail that a broken promise keeps waiting.
const undelivered = "Until then senders that check keep the mail and return it after some days. Their TLS reports name the reason."

// base is the name at whose _25._tcp the host's TLSA records stand (RFC 7672 §2.2.3).
func base(h *report.Host) string {
	if plain(h.TLSA.Base) {
		return h.TLSA.Base
	}
	return h.Name
}

// digests lists the keys that the host serves to senders that check DANE, each once.
func digests(h *report.Host) []string {
	var list []string
	for _, a := range h.Addresses {
		for _, c := range a.ToDANE() {
			if c.SPKISHA256 != "" && !slices.Contains(list, c.SPKISHA256) {
				list = append(list, c.SPKISHA256)
			}
		}
	}
	return list
}

// twice is two times the TTL of the host's TLSA records, in words: after that no cache holds
// what was there before (RFC 7671 §8.1).
func twice(h *report.Host) string {
	switch seconds := 2 * int(h.TLSA.TTL); {
	case seconds == 0:
		return "two times the TTL of the records"
	case seconds < 120*60:
		return plural((seconds+59)/60, "minute") + ", two times the TTL"
	default:
		return plural((seconds+3599)/3600, "hour") + ", two times the TTL"
	}
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// digestCommand prints the digest of a key for a record 3 1 1 (RFC 6698 §2.1).
const digestCommand = "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum"

// publishKey are the steps to TLSA records for the key that is served and for the next one.
func publishKey(c the) []report.Step {
	h := c.host
	if h == nil {
		return c.asSaid()
	}
	if c.hosted() {
		return c.hostedSteps()
	}
	name := "_25._tcp." + base(h)
	var steps []report.Step
	if h.Base() == report.Insecure {
		steps = append(steps, report.Step{Who: "owner", Kind: "task", Text: "Sign " + c.zone() + " first: senders look for TLSA records only at signed names."})
	}
	file := certificateFile(h.Name)
	steps = append(steps, report.Step{Who: "server", Kind: "task", Where: "the mail server",
		Text: "First see that a renewal of the certificate keeps its key (certbot: --reuse-key): the record holds for as long as the key does.",
		Risk: "A key that changes without its digest being published first stops the mail of every sender that checks DANE."})
	lines := make([]string, 0, 1)
	for _, digest := range digests(h) {
		lines = append(lines, name+". IN TLSA 3 1 1 "+digest)
	}
	if len(lines) == 0 {
		steps = append(steps, report.Step{Who: "server", Kind: "command", Where: "a shell on {host}",
			Text: "No certificate was seen. Compute the digest of the key that the server is to use.", Code: fmt.Sprintf(digestCommand, file)})
		lines = append(lines, name+". IN TLSA 3 1 1 <digest>")
	} else {
		steps = append(steps, report.Step{Who: "server", Kind: "command", Where: "a shell on the mail server", Code: fmt.Sprintf(digestCommand, file),
			Text: "The digest below belongs to the key that was seen over the network, where an attacker may stand. Print that of the server's own certificate (the file is where certbot keeps it; use yours), and go on only if it is the same."})
	}
	publish := report.Step{Who: "owner", Kind: "dns", Do: "add", Where: "zone of " + base(h), Code: strings.Join(lines, "\n"),
		Text: "Publish the digest of the key that is being served.", Wait: twice(h) + ", until every cache has the record"}
	if published := stale(h); len(published) > 0 {
		publish.Text += " Leave the old records for now."
		publish.Wait = twice(h) + ", until nobody remembers the old records alone"
		publish.Risk = undelivered
		steps = append(steps, publish, report.Step{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of " + base(h), Code: strings.Join(published, "\n"),
			Text: "Then delete the records that fit nothing, unless one of them is for the next key."})
	} else {
		steps = append(steps, publish)
	}
	return append(steps, report.Step{Who: "server", Kind: "command", Where: "a shell on the mail server", Code: fmt.Sprintf(digestCommand, "next.pem"),
		Text: "Before every change of the key publish a second record with the digest of the next one.",
		Wait: twice(h) + ", before the server begins to use the new key",
		Risk: "A key that was not published first stops the mail of every sender that checks DANE."})
}

// stale are the published records that fit no certificate served.
func stale(h *report.Host) []string {
	var lines []string
	for _, t := range h.TLSA.Records {
		if len(t.Matches) == 0 {
			lines = append(lines, record(h, t))
		}
	}
	return lines
}

func record(h *report.Host, t report.TLSARecord) string {
	return fmt.Sprintf("_25._tcp.%s. IN TLSA %d %d %d %s", base(h), t.Usage, t.Selector, t.Matching, t.Data)
}

// dropUnfit deletes the records of every kind of which none fits: a sender that knows only
// that kind keeps the mail (RFC 7671 §8.4).
func dropUnfit(c the) []report.Step {
	if c.host == nil {
		return c.asSaid()
	}
	if c.hosted() {
		return c.hostedSteps()
	}
	type kind struct{ usage, selector, matching uint8 }
	fits := make(map[kind]bool)
	for _, t := range c.host.TLSA.Records {
		k := kind{t.Usage, t.Selector, t.Matching}
		fits[k] = fits[k] || len(t.Matches) > 0
	}
	var lines []string
	for _, t := range c.host.TLSA.Records {
		if t.Usable && !fits[kind{t.Usage, t.Selector, t.Matching}] {
			lines = append(lines, record(c.host, t))
		}
	}
	if len(lines) == 0 {
		return publishKey(c)
	}
	return []report.Step{{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of " + base(c.host), Code: strings.Join(lines, "\n"),
		Text: "Delete these records: no record of their kind fits the certificate in use, and the other records do.", Risk: "Nothing, as long as a record that fits stays."}}
}

// renewable publishes the key in place of a certificate that will be renewed: the record of the
// key first, and only when every cache has it the other goes.
func renewable(c the) []report.Step {
	if c.host == nil || c.hosted() {
		return publishKey(c)
	}
	steps := publishKey(c)
	var lines []string
	for _, t := range c.host.TLSA.Records {
		if t.Usage == 3 && t.Selector == 0 {
			lines = append(lines, record(c.host, t))
		}
	}
	if len(lines) == 0 {
		return steps
	}
	old := report.Step{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of " + base(c.host), Code: strings.Join(lines, "\n"),
		Text: "Then delete the records of the certificate. They have to be gone before it is renewed.", Risk: "Nothing, as long as the record 3 1 1 fits. Put them back if it does not."}
	last := len(steps) - 1 // what is said of the next key stays the last
	return append(steps[:last:last], old, steps[last])
}

// ownTLSA puts the record itself in the place of an alias that leads to none that counts.
func ownTLSA(c the) []report.Step {
	steps := publishKey(c)
	for i := range steps {
		if steps[i].Do == "add" {
			steps[i].Do = "replace"
			steps[i].Text += " It takes the place of the alias, which has to go: no record can stand beside a CNAME."
		}
	}
	return steps
}

// reports are the steps to a TLS reporting record. Addresses that work stay in it.
func reports(c the) []report.Step {
	uris := c.reportAddresses()
	text := "Publish where senders are to report failed deliveries, as the only record of this kind."
	if len(uris) > 0 {
		text += " The addresses that can be used stay."
	} else {
		uris = []string{"mailto:tlsrpt@" + c.r.Domain}
		text += " The mailbox must exist; a machine may read it. An address outside of {domain} still works when its own mail servers do not."
	}
	value := "v=TLSRPTv1; rua=" + strings.Join(uris, ",")
	var parts []string // a string in the DNS has 255 octets at most
	for len(value) > 255 {
		parts, value = append(parts, `"`+value[:255]+`"`), value[255:]
	}
	parts = append(parts, `"`+value+`"`)
	return []report.Step{{Who: "owner", Kind: "dns", Do: "replace", Where: "zone of " + c.r.Domain,
		Code: "_smtp._tls.{domain}. IN TXT " + strings.Join(parts, " "), Text: text, Risk: "Nothing: mail is delivered as before."}}
}

// reportAddress is an address that stands in a record as it is; a size at its end goes.
var reportAddress = regexp.MustCompile(`^(?:mailto:[A-Za-z0-9._%+=-]+@[A-Za-z0-9.-]+|https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~%/?=&+-]*)?)$`)

var sizeLimit = regexp.MustCompile(`![0-9]+[kmgtKMGT]?$`)

// reportAddresses are those of the records that are there, without those that cannot be used.
func (c the) reportAddresses() []string {
	t := c.r.TLSRPT
	if t == nil {
		return nil
	}
	var list []string
	for _, txt := range t.TXT {
		_, rua, found := strings.Cut(txt, "rua=")
		if !found || !strings.HasPrefix(strings.TrimSpace(txt), "v=TLSRPTv1") {
			continue
		}
		rua, _, _ = strings.Cut(rua, ";")
		for uri := range strings.SplitSeq(rua, ",") {
			uri = sizeLimit.ReplaceAllString(strings.TrimSpace(uri), "")
			useless := slices.ContainsFunc(t.Targets, func(known report.Target) bool {
				return known.URI == uri && (known.Mail == "no" || known.HTTPS == "unresolvable" || known.HTTPS == "forbidden")
			})
			if reportAddress.MatchString(uri) && !useless && !slices.Contains(list, uri) {
				list = append(list, uri)
			}
		}
	}
	return list
}

// exchanger deletes the MX record of the finding's host. Where no other host is left that takes
// mail, another comes in its place: without any record senders go to the domain's own address.
func exchanger(c the) []report.Step {
	lines := c.mxLines(c.finding.Host)
	if len(lines) == 0 {
		return c.asSaid()
	}
	useless := map[string]bool{}
	for _, f := range c.r.Findings {
		useless[f.Host] = useless[f.Host] || slices.Contains(toBeDeleted, f.Rule)
	}
	if !slices.ContainsFunc(c.r.MX.Records, func(m report.Record) bool {
		return m.Skipped == "" && m.Host != c.finding.Host && !useless[m.Host]
	}) {
		return []report.Step{{Who: "owner", Kind: "dns", Do: "replace", Where: "zone of " + c.r.Domain, Code: "{domain}. IN MX 10 <your mail server>.",
			Text: "Name a mail server of your own in place of " + c.finding.Host + ". If {domain} takes no mail, publish {domain}. IN MX 0 . instead: without any MX record mail goes to the address of {domain} itself."}}
	}
	return []report.Step{{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of " + c.r.Domain, Code: strings.Join(lines, "\n"),
		Text: "Delete the MX record of " + c.finding.Host + ", or correct its name. The other mail servers go on.",
		Risk: "Nothing, if the other mail servers take the mail."}}
}

// toBeDeleted are the rules about hosts that take no mail of the domain's.
var toBeDeleted = []string{"MX-14", "MX-16", "MX-17", "MX-36"}

func (c the) mxLines(host string) []string {
	var lines []string
	if c.r.MX != nil {
		for _, m := range c.r.MX.Records {
			if m.Host == host {
				lines = append(lines, fmt.Sprintf("%s. IN MX %d %s.", c.r.Domain, m.Preference, strings.TrimSuffix(m.Host, ".")))
			}
		}
	}
	return lines
}

// nullMX deletes the record that refuses all mail.
func nullMX(c the) []report.Step {
	return []report.Step{{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of " + c.r.Domain, Code: c.r.Domain + ". IN MX 0 .",
		Text: "Delete the record that refuses all mail. If no mail is wanted, delete the others instead."}}
}

// explicit publishes the MX record that senders had to guess.
func explicit(c the) []report.Step {
	if c.host != nil && (c.host.Canonical != "" || len(c.host.DNSSEC.Steps) > 0) {
		return []report.Step{{Who: "owner", Kind: "task", Where: "zone of " + c.r.Domain,
			Text: "{domain} is an alias, and no record can stand beside a CNAME. Put the MX record at the name to which it leads, or put addresses in the place of the alias and then the MX record beside them.",
			Risk: "To delete the alias before the addresses are there takes the domain off the net."}}
	}
	return []report.Step{{Who: "owner", Kind: "dns", Do: "add", Where: "zone of " + c.r.Domain, Code: "{domain}. IN MX 10 {domain}.",
		Text: "Say which host takes the mail.", Risk: "Nothing: senders go where they went before."}}
}

// realName puts the name behind an alias into the MX record.
func realName(c the) []report.Step {
	target := strings.TrimSuffix(c.param("target"), ".")
	if !plain(target) || !plain(c.param("preference")) {
		return c.asSaid()
	}
	if c.host != nil && c.host.Base() == report.Secure && c.host.DNSSEC.State == report.Insecure {
		return ownAddress(c)
	}
	steps := []report.Step{{Who: c.server(), Kind: "task", Text: "First the certificate: it has to hold " + target + ". TLSA records for DANE have to stand at _25._tcp." + target + "."}}
	if m := c.r.MTASTS; m != nil && m.Policy != nil && len(covered(c.r)) > 0 { // the policy before the name
		mode, age := "testing", int64(whileTesting)
		if m.Policy.Mode == "enforce" {
			mode, age = "enforce", m.Policy.MaxAge
		}
		id := c.policyID(c.r.CheckedAt, "Then change the id.")
		id.Wait = "the old TTL of the TXT record, and a day more, until senders have the new policy"
		steps = append(steps, c.policyFile(mode, age, "Let the MTA-STS policy hold both names, before the MX record does."), id)
	}
	add := report.Step{Who: "owner", Kind: "dns", Do: "add", Where: "zone of " + c.r.Domain,
		Code: fmt.Sprintf("%s. IN MX %s %s.", c.r.Domain, c.param("preference"), target),
		Text: "Then name the server itself.", Wait: "the TTL of the MX records, mostly a day or less",
		Risk: "A sender that checks MTA-STS skips a name that the policy does not hold. To take it back, delete this record."}
	steps = append(steps, add)
	if lines := c.mxLines(c.finding.Host); len(lines) > 0 {
		steps = append(steps, report.Step{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of " + c.r.Domain,
			Code: strings.Join(lines, "\n"), Text: "Then delete the record that names the alias. The old name may leave the policy a day later."})
	}
	return steps
}

// ownAddress puts address records in the place of a signed alias to unsigned ones: to name
// what is behind it would be the end of DANE.
func ownAddress(c the) []report.Step {
	if !plain(c.host.Name) {
		return c.asSaid()
	}
	var lines []string
	for _, a := range c.host.Addresses {
		kind := "A"
		if strings.Contains(a.IP, ":") {
			kind = "AAAA"
		}
		lines = append(lines, fmt.Sprintf("%s. IN %s %s", c.host.Name, kind, a.IP))
	}
	return []report.Step{{Who: "owner", Kind: "dns", Do: "replace", Where: "zone of " + c.host.Name, Code: strings.Join(lines, "\n"),
		Text: "Give the server address records of its own in place of the alias. They are signed with the zone, and its name, its certificate and its TLSA records stay as they are.",
		Risk: "Whoever runs " + c.param("target") + " may change its address; then these records have to follow."}}
}

// privateAddress deletes an address that nobody can reach.
func privateAddress(c the) []report.Step {
	kind := "A"
	if strings.Contains(c.finding.Address, ":") {
		kind = "AAAA"
	}
	return []report.Step{{Who: "owner", Kind: "dns", Do: "delete", Where: "zone of " + c.finding.Host, Code: "{host}. IN " + kind + " {address}",
		Text: "Delete the address that is not on the public internet."}}
}
